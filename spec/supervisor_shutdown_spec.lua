-- SPDX-License-Identifier: MIT
--- Supervisors: how they end, and how they end their children.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- The reasons with which these children end when `stop` is called, by id.
local function ends_of(list, options, stop)
  local sup = trees.start(list, options)
  local refs = {}
  for id, pid in pairs(trees.pids(sup)) do refs[id] = pierrot.monitor(pid) end
  stop(sup)
  local reasons = {}
  for id, ref in pairs(refs) do reasons[id] = await_down(ref) end
  return reasons
end

describe("the end of a supervisor", function()
  trees.quiet(setup, teardown)

  it("SUP-050 by its parent stops the children in reverse order", alone(function()
    local sup = trees.start(trees.children({ "a", "b", "c" }, nil, { traps = true }))
    trees.told(3)

    pierrot.exit(sup, "shutdown")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    assert.same({ "down c", "down b", "down a" }, trees.told(3))
  end))

  it("SUP-050 does not come of an exit of somebody else", alone(function()
    local sup = trees.start { trees.child "a" }

    local _, ref = pierrot.spawn_monitor(function() pierrot.exit(sup, "shutdown") end)

    await_down(ref)
    assert.equal(1, supervisor.count_children(sup).active)
  end))

  it("SUP-050 comes with the end of its parent, whatever its reason", alone(function()
    for _, reason in ipairs { "normal", "sour" } do
      local test = pierrot.self()
      local parent = pierrot.spawn(function()
        local children = { { id = "a", start = function()
          return gen_server.start_link(trees.Worker, { test = test, id = "a", traps = true })
        end } }
        pierrot.send(test, { "sup", supervisor.start_link(children, { strategy = "one_for_one" }) })
        pierrot.receive("end")
        pierrot.exit(reason)
      end)
      local ref = pierrot.monitor(expect({ "sup" })[2])
      trees.up "a"

      pierrot.send(parent, "end")

      assert.equal(reason, await_down(ref))
      assert.same({ "down", "a", "shutdown" }, expect { "down" })
    end
  end))

  it("SUP-060 by stop stops the children in reverse order, and is waited for", alone(function()
    local sup = trees.start(trees.children({ "a", "b" }, nil, { traps = true }))

    assert.is_true(supervisor.stop(sup))

    assert.is_false(pierrot.is_alive(sup))
    assert.equal("normal", expect({ "EXIT", sup })[3])
    assert.same({ "up a", "up b", "down b", "down a" }, trees.told(4))
  end))

  it("SUP-060 by stop has the reason that is given", alone(function()
    local sup = trees.start(trees.children { "a" })

    assert.is_true(supervisor.stop(sup, "shutdown"))

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    assert.equal("noproc", support.exit_reason(supervisor.stop, sup)[1])
  end))

  it("stops nested supervisors with their children, in order", alone(function()
    local test = pierrot.self()
    local function inner(name)
      return { id = name, type = "supervisor", start = function()
        local children = {}
        for i = 1, 2 do
          children[i] = { id = i, start = function()
            local arg = { test = test, id = name .. i, traps = true }
            return gen_server.start_link(trees.Worker, arg)
          end }
        end
        return supervisor.start_link(children, { strategy = "one_for_one" })
      end }
    end
    local sup = trees.start { inner "a", inner "b" }
    assert.same({ "up a1", "up a2", "up b1", "up b2" }, trees.told(4))

    supervisor.stop(sup)

    assert.same({ "down b2", "down b1", "down a2", "down a1" }, trees.told(4))
  end))
end)

describe("a child that is shut down", function()
  trees.quiet(setup, teardown)

  it("SUP-052 runs its terminate and ends with shutdown", alone(function()
    local reasons = ends_of({ trees.child("a", nil, { traps = true }) }, nil, supervisor.stop)

    assert.equal("shutdown", reasons.a)
    assert.same({ "down", "a", "shutdown" }, expect { "down" })
  end))

  it("SUP-053 is killed when its time is up, and the others go on", alone(function()
    local reasons = ends_of({
      trees.child("a", nil, { traps = true }),
      trees.child("late", { shutdown = 5 }, { traps = true, lingers = true }),
    }, nil, supervisor.stop)

    assert.same({ a = "shutdown", late = "killed" }, reasons)
  end))

  it("SUP-054 by brutal_kill ends with killed, without its terminate", alone(function()
    local reasons = ends_of({ trees.child("a", { shutdown = "brutal_kill" }, { traps = true }) },
      nil, supervisor.stop)

    assert.equal("killed", reasons.a)
    assert.is_nil((pierrot.receive({ "down" }, 0)))
  end))

  for _, shutdown in ipairs { "infinity", math.huge } do
    it("SUP-055 may have all the time there is: " .. tostring(shutdown), alone(function()
      local test = pierrot.self()
      local sup = trees.start { { id = "a", shutdown = shutdown, start = function()
        return pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.send(test, { "up", "a", pierrot.self() })
          pierrot.receive { "EXIT" }
          pierrot.send(test, { "ending", pierrot.self() })
          pierrot.receive "end"
        end)
      end } }
      trees.up "a"
      pierrot.spawn_link(function()
        supervisor.stop(sup)
        pierrot.send(test, "stopped")
      end)

      local pid = expect({ "ending" })[2]
      assert.is_nil((pierrot.receive("stopped", 0)))
      pierrot.send(pid, "end")

      expect "stopped"
    end))
  end

  it("is stopped even if it has unlinked itself", alone(function()
    local test = pierrot.self()
    local sup = trees.start { { id = "a", start = function()
      local parent = pierrot.self()
      return pierrot.spawn_link(function()
        pierrot.unlink(parent)
        pierrot.send(test, { "up", "a", pierrot.self() })
        pierrot.receive("never sent")
      end)
    end } }
    local ref = pierrot.monitor(trees.up "a")

    supervisor.stop(sup)

    assert.equal("shutdown", await_down(ref))
  end))

  it("may have ended already", alone(function()
    local sup = trees.start(trees.children { "a", "b" }, { max_restarts = 0 })
    local a, b = trees.up "a", trees.up "b"

    pierrot.exit(b, "kill")
    pierrot.exit(a, "kill")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
  end))

  it("leaves nothing in the supervisor's mailbox", alone(function()
    local sup = trees.start(trees.children { "a", "b", "c" })

    for _, id in ipairs { "b", "c", "a" } do supervisor.terminate_child(sup, id) end

    trees.settle(sup)
    assert.same({}, pierrot.info(sup, "messages"))
    assert.same({ {}, { pierrot.self() } },
      { pierrot.info(sup, "monitors"), pierrot.info(sup, "links") })
  end))
end)

describe("automatic shutdown", function()
  trees.quiet(setup, teardown)

  local function start(auto_shutdown, ...)
    local list = {}
    for i, overrides in ipairs { ... } do list[i] = trees.child(("abcd"):sub(i, i), overrides) end
    local sup = trees.start(list, { auto_shutdown = auto_shutdown })
    return sup, trees.pids(sup)
  end

  local transient <const> = { restart = "transient", significant = true }
  local temporary <const> = { restart = "temporary", significant = true }
  local plain <const> = { restart = "temporary" }

  -- kind, reason, whether the supervisor ends
  local cases = {
    { "temporary", "normal", true }, { "temporary", "sour", true }, { "temporary", "kill", true },
    { "transient", "normal", true }, { "transient", "shutdown", true },
    { "transient", { "shutdown", 1 }, true },
    { "transient", "sour", false }, { "transient", "kill", false },
  }
  for _, case in ipairs(cases) do
    local kind, reason, ends = table.unpack(case)
    local id, outcome = ends and "SUP-061" or "SUP-062", ends and "the end" or "no end"
    it(("%s any_significant, a %s one ends with %s: %s"):format(id, kind, pierrot.inspect(reason),
      outcome), alone(function()
      local sup, pids = start("any_significant", plain,
        kind == "temporary" and temporary or transient, temporary)
      local ref = pierrot.monitor(pids.a)

      trees.finish(pids.b, reason)

      if ends then
        assert.equal("shutdown", expect({ "EXIT", sup })[3])
        assert.equal("shutdown", await_down(ref))
      else
        assert.equal(3, trees.settle(sup).active)
      end
    end))
  end

  it("SUP-063 all_significant waits for the last one", alone(function()
    local sup, pids = start("all_significant", plain, transient, temporary)

    trees.finish(pids.b, "normal")
    assert.equal(2, trees.settle(sup).active)
    trees.finish(pids.c, "sour")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
  end))

  for _, auto in ipairs { "never", "any_significant", "all_significant" } do
    it("SUP-065 " .. auto .. " does not care for others", alone(function()
      local sup, pids = start(auto, plain, { restart = "transient" }, {})

      for _, id in ipairs { "a", "b" } do trees.finish(pids[id], "normal") end

      assert.equal(1, trees.settle(sup).active)
    end))
  end

  it("is not set off by terminate_child", alone(function()
    local sup = start("any_significant", temporary, plain)

    supervisor.terminate_child(sup, "a")

    assert.equal(1, supervisor.count_children(sup).active)
  end))

  it("SUP-066 wants significant children to be able to end", alone(function()
    local list = { trees.child("a", { significant = true, restart = "permanent" }) }

    local text = support.error_text(supervisor.start_link, list,
      { strategy = "one_for_one", auto_shutdown = "any_significant" })

    assert.is_truthy(text:find("'significant'", 1, true))
  end))
end)
