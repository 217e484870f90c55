-- SPDX-License-Identifier: MIT
--- Dynamic supervisors: children of any number, started one by one.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local alone, await_down, expect = support.alone, support.await_down, support.expect
local start_child <const> = dynamic_supervisor.start_child

local function start(options)
  pierrot.trap_exit(true)
  return assert(dynamic_supervisor.start_link(options))
end

-- A pattern's worth of the list: how many entries there are, and their pids.
local function pids_of(sup)
  local pids = {}
  for i, entry in ipairs(dynamic_supervisor.which_children(sup)) do pids[i] = entry.pid end
  return pids
end

describe("a dynamic supervisor", function()
  trees.quiet(setup, teardown)

  it("DSUP-001 needs no options", alone(function()
    local sup = start()

    assert.same({ specs = 0, active = 0, supervisors = 0, workers = 0 },
      dynamic_supervisor.count_children(sup))
  end))

  it("DSUP-002 refuses bad options in the caller", alone(function()
    local text = support.error_text(dynamic_supervisor.start_link, { max_children = -1 })

    assert.is_truthy(text:find("bad option 'max_children'", 1, true))
    assert.is_truthy(text:find("got -1", 1, true))
    for option, value in pairs { scheduler = 0, max_queue = -1, max_heap = 0, name = 42 } do
      text = support.error_text(function()
        dynamic_supervisor.start_link { [option] = value }
      end)
      assert.is_truthy(text:find("^[^\n]*dynamic_supervisor_spec%.lua:%d+: bad option"), text)
      assert.is_truthy(text:find(option, 1, true), text)
    end
  end))

  it("may have a name", alone(function()
    local sup = start { name = "a dynamic supervisor" }

    assert(start_child("a dynamic supervisor", trees.child "a"))

    assert.equal(1, dynamic_supervisor.count_children(sup).active)
  end))

  it("DSUP-003 runs many children of one spec and id", alone(function()
    local sup, spec = start(), trees.child "a"

    local first, second = start_child(sup, spec), start_child(sup, spec)

    assert.is_true(first ~= second)
    local list = dynamic_supervisor.which_children(sup)
    table.sort(list, function(x) return x.pid == first end)
    assert.same({
      { pid = first, type = "worker", modules = {} },
      { pid = second, type = "worker", modules = {} },
    }, list)
  end))

  it("lists its children in the order of their first start, whoever goes or starts again",
    alone(function()
      local sup, pids = start { max_restarts = 10 }, {}
      local spec = { start = support.idle }
      for i = 1, 40 do pids[i] = start_child(sup, spec) end

      dynamic_supervisor.terminate_child(sup, table.remove(pids, 40))
      dynamic_supervisor.terminate_child(sup, table.remove(pids, 20))
      dynamic_supervisor.terminate_child(sup, table.remove(pids, 1))
      local watch = pierrot.monitor(pids[10])
      pierrot.exit(pids[10], "kill")
      await_down(watch)
      pids[38] = start_child(sup, spec)

      local listed = pids_of(sup)
      assert.is_false(listed[10] == pids[10])
      pids[10] = listed[10]
      assert.same(pids, listed)
    end))

  it("forgets a child whose pid the start of another one gives", alone(function()
    local sup = start()
    local pid = support.idle()
    local spec = { start = function() return pid end }

    assert.equal(pid, start_child(sup, spec))
    assert.equal(pid, start_child(sup, spec))

    assert.same({ pid }, pids_of(sup))
    assert.equal(1, dynamic_supervisor.count_children(sup).specs)
    assert.is_true(dynamic_supervisor.terminate_child(sup, pid))
    assert.same({}, pids_of(sup))
  end))

  it("takes specs of any form, C actors among them", alone(function()
    local sup = start()

    local pid = start_child(sup, { "pierrot.bucket", { name = "a dynamic bucket" } })

    assert.equal(pid, pierrot.whereis "a dynamic bucket")
    bucket.put(pid, "milk", 3)
    assert.equal(3, bucket.get("a dynamic bucket", "milk"))
  end))

  local faults = {
    { "start", { id = 1 } }, { "start", { id = 1, start = "junk" } },
    { "shutdown", { start = print, shutdown = -1 } },
    { "significant", { start = print, restart = "temporary", significant = true } },
  }
  for _, fault in ipairs(faults) do
    local field, spec = table.unpack(fault)
    it("DSUP-004 is not asked with a bad " .. field, alone(function()
      local text = support.error_text(start_child, "nobody", spec)

      assert.is_truthy(text:find("bad field '" .. field .. "'", 1, true), text)
    end))
  end

  local outcomes = {
    { "ignore", function() return nil, "ignore" end, "ignore" },
    { "an error", function() return nil, { "sold", "out" } end, { "sold", "out" } },
    { "junk", function() return "junk" end, "junk" },
    { "an exit", function() pierrot.exit("sour") end, "sour" },
  }
  for _, outcome in ipairs(outcomes) do
    local title, fn, reason = table.unpack(outcome)
    it("DSUP-005 keeps no child of a start that gives " .. title, alone(function()
      local sup = start()

      assert.same({ nil, reason }, { start_child(sup, { start = fn }) })
      assert.equal(0, dynamic_supervisor.count_children(sup).specs)
    end))
  end

  it("DSUP-005 hands back what a start gave besides", alone(function()
    local pid, extra = start_child(start(), { start = function()
      return bucket.start_link(), { "extra" }
    end })

    assert.is_true(pierrot.is_pid(pid))
    assert.same({ "extra" }, extra)
  end))

  it("DSUP-007 puts its own arguments first, at each start", alone(function()
    local sup, test = start { extra_arguments = { pierrot.self(), "extra" } }, pierrot.self()
    local pid = start_child(sup, { start = function(asker, word)
      pierrot.send(asker, { "started", word })
      return bucket.start_link()
    end })
    assert.equal("extra", expect({ "started" })[2])

    pierrot.exit(pid, "kill")

    assert.equal("extra", expect({ "started" })[2])
    assert.is_true(test == pierrot.self())
  end))

  it("DSUP-007 puts them before those of a spec", alone(function()
    local Module = { start_link = function(...)
      local arg = table.pack(...)
      return gen_server.start_link({ init = function() return "ok", arg end,
        handle_call = { get = function(state) return "reply", state end } })
    end }
    local sup = start { extra_arguments = { 1, 2 } }

    local pid = start_child(sup, { start = { Module, "start_link", 3, nil, 5 } })

    assert.same({ 1, 2, 3, nil, 5, n = 5 }, gen_server.call(pid, { "get" }))
  end))

  it("DSUP-008 starts no more than max_children", alone(function()
    local sup = start { max_children = 1 }
    local pid = start_child(sup, trees.child("a", { restart = "temporary" }))

    assert.same({ nil, "max_children" }, { start_child(sup, trees.child "b") })

    trees.finish(pid, "normal")
    assert.is_true(pierrot.is_pid(start_child(sup, trees.child "b")))
  end))

  it("may run on another scheduler, with its children", alone(function()
    if not support.has_two_schedulers then return end
    local there = support.elsewhere()
    local sup = start { scheduler = there }

    local pid = start_child(sup, { start = function()
      return require("pierrot.bucket").start_link()
    end })

    assert.equal(there, pierrot.info(pid, "scheduler"))
    pierrot.exit(sup, "shutdown")
    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    assert.is_false(pierrot.is_alive(pid))
  end))

  it("is not harmed by nonsense", alone(function()
    local sup = start()
    local pid = start_child(sup, trees.child "a")

    pierrot.send(sup, { "EXIT", "nonsense" })
    pierrot.send(sup, { "EXIT", pid, "a lie" })
    gen_server.cast(sup, { "try_again", "nonsense" })
    gen_server.cast(sup, { "try_again", pid })
    gen_server.call(sup, { "terminate_child", "nonsense" })
    gen_server.call(sup, "nonsense")

    assert.same({ pid }, pids_of(sup))
  end))

  it("DSUP-020 can be supervised, several of them too", alone(function()
    local sup = trees.start {
      "pierrot.dynamic_supervisor",
      supervisor.child_spec({ "pierrot.dynamic_supervisor", { name = "more" } }, { id = "more" }),
    }

    assert.same({ "pierrot.dynamic_supervisor", "more" }, trees.ids(sup))
    assert.same({ specs = 2, active = 2, supervisors = 2, workers = 0 },
      supervisor.count_children(sup))
    assert.is_true(pierrot.is_pid(start_child("more", "pierrot.bucket")))
  end))
end)

describe("a child of a dynamic supervisor", function()
  trees.quiet(setup, teardown)

  -- restart, reason, whether it is there again
  local cases = {
    { "permanent", "normal", true }, { "permanent", "shutdown", true },
    { "permanent", "sour", true },
    { "transient", "normal", false }, { "transient", "shutdown", false },
    { "transient", { "shutdown", 1 }, false }, { "transient", "sour", true },
    { "transient", "kill", true },
    { "temporary", "normal", false }, { "temporary", "sour", false },
  }
  for _, case in ipairs(cases) do
    local restart, reason, returns = table.unpack(case)
    it(("DSUP-010 that is %s and ends with %s is %s"):format(restart, pierrot.inspect(reason),
      returns and "restarted" or "removed"), alone(function()
      local sup = start()
      local pid = start_child(sup, trees.child("a", { restart = restart }))
      trees.up "a"

      trees.finish(pid, reason)

      if returns then
        assert.same({ trees.up "a" }, pids_of(sup))
      else
        dynamic_supervisor.count_children(sup)
        assert.same({}, pids_of(sup))
      end
    end))
  end

  it("DSUP-013 that fails too often ends the supervisor", alone(function()
    local sup = start { max_restarts = 1, max_seconds = 1000 }
    local other = pierrot.monitor(start_child(sup, trees.child "b"))
    start_child(sup, trees.child "a")

    trees.finish(trees.up "a", "kill")
    trees.finish(trees.up "a", "kill")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    assert.equal("shutdown", await_down(other))
  end))

  it("DSUP-013 whose restart fails is tried again, and each time counts", alone(function()
    local test, n = pierrot.self(), 0
    local sup = start { max_restarts = 3 }
    local pid = start_child(sup, { start = function()
      n = n + 1
      pierrot.send(test, { "try", n })
      if n > 1 then return nil, "sour" end
      return bucket.start_link()
    end })

    pierrot.exit(pid, "kill")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    for i = 1, 4 do assert.equal(i, expect({ "try" })[2]) end
    assert.is_nil((pierrot.receive({ "try" }, 0)))
  end))

  it("is listed as restarting meanwhile, and can be terminated", alone(function()
    local test, is_first = pierrot.self(), true
    local sup = start { max_restarts = 100 }
    local pid = start_child(sup, { start = function()
      if is_first then
        is_first = false
        return bucket.start_link()
      end
      pierrot.send(test, { "start?", pierrot.self() })
      pierrot.receive "go on"
      return nil, "sour"
    end })
    pierrot.exit(pid, "kill")
    expect { "start?" }
    local ids = {
      gen_server.send_request(sup, { "which_children" }),
      gen_server.send_request(sup, { "count_children" }),
      gen_server.send_request(sup, { "terminate_child", pid }),
    }

    pierrot.send(sup, "go on")

    local replies = {}
    for i, id in ipairs(ids) do replies[i] = select(2, gen_server.receive_response(id)) end
    assert.equal("restarting", replies[1][1].pid)
    assert.same({ specs = 1, active = 0, supervisors = 0, workers = 1 }, replies[2])
    assert.is_true(replies[3].pid)
    assert.same({}, pids_of(sup))
  end))

  for _, shutdown in ipairs { 5000, "brutal_kill" } do
    it("DSUP-014 is gone when terminate_child returns: " .. shutdown, alone(function()
      local sup = start()
      local pid = start_child(sup, trees.child("a", { shutdown = shutdown }, { traps = true }))
      local ref = pierrot.monitor(pid)

      assert.is_true(dynamic_supervisor.terminate_child(sup, pid))

      assert.is_false(pierrot.is_alive(pid))
      assert.equal(shutdown == 5000 and "shutdown" or "killed", await_down(ref))
      assert.same({ nil, "not_found" }, { dynamic_supervisor.terminate_child(sup, pid) })
      assert.same({}, pids_of(sup))
    end))
  end

  it("DSUP-019 is not whoever has a pid", alone(function()
    local sup, stranger = start(), support.idle()

    assert.same({ nil, "not_found" }, { dynamic_supervisor.terminate_child(sup, stranger) })
    assert.is_true(pierrot.is_alive(stranger))
  end))
end)

describe("the end of a dynamic supervisor", function()
  trees.quiet(setup, teardown)

  it("DSUP-017 gives each child the time of its spec", alone(function()
    local sup, refs = start(), {}
    local specs = {
      brutal = trees.child("brutal", { shutdown = "brutal_kill" }, { traps = true }),
      endless = trees.child("endless", { shutdown = "infinity" }, { traps = true }),
      enough = trees.child("enough", { shutdown = 60000 }, { traps = true }),
      late = trees.child("late", { shutdown = 5 }, { traps = true, lingers = true }),
      later = trees.child("later", { shutdown = 10 }, { traps = true, lingers = true }),
      plain = trees.child "plain",
    }
    for id, spec in pairs(specs) do refs[id] = pierrot.monitor(start_child(sup, spec)) end

    dynamic_supervisor.stop(sup)

    local reasons = {}
    for id, ref in pairs(refs) do reasons[id] = await_down(ref) end
    assert.same({
      brutal = "killed", endless = "shutdown", enough = "shutdown", late = "killed",
      later = "killed", plain = "shutdown",
    }, reasons)
  end))

  it("DSUP-017 stops all at the same time", alone(function()
    local sup = start()
    for i = 1, 3 do
      start_child(sup, { shutdown = "infinity", start = function()
        local test = pierrot.info(pierrot.self(), "ancestors")[1]
        return pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.send(test, { "up", i })
          pierrot.receive { "EXIT" }
          pierrot.send(test, { "ending", pierrot.self() })
          pierrot.receive "end"
        end)
      end })
      expect { "up", i }
    end

    pierrot.exit(sup, "shutdown")

    local pids = {}
    for i = 1, 3 do pids[i] = expect({ "ending" })[2] end
    for _, pid in ipairs(pids) do pierrot.send(pid, "end") end
    assert.equal("shutdown", expect({ "EXIT", sup })[3])
  end))

  it("leaves none of very many behind", alone(function()
    local sup, pids = start(), {}
    for i = 1, 2000 do pids[i] = assert(start_child(sup, "pierrot.bucket")) end

    dynamic_supervisor.stop(sup)

    for _, pid in ipairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
  end))
end)
