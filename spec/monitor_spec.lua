-- SPDX-License-Identifier: MIT
--- Monitors: the DOWN of every kind of end, removing them, and who watches whom.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, dead = support.alone, support.await_down, support.dead
local expect, idle = support.expect, support.idle

describe("a monitor", function()
  it("MON-001 gives a fresh ref each time, and the target is not told", alone(function()
    local pid = idle()

    local first, second = pierrot.monitor(pid), pierrot.monitor(pid)

    assert.is_true(pierrot.is_ref(first))
    assert.is_true(pierrot.is_ref(second))
    assert.not_equal(first, second)
    assert.equal(0, pierrot.info(pid, "mailbox"))
  end))

  local ends = {
    { "a return", function() end, "normal" },
    { "an exit", function() pierrot.exit("no milk") end, "no milk" },
    { "a table as reason", function() pierrot.exit { "shutdown", 1 } end, { "shutdown", 1 } },
    { "a kill", function() pierrot.exit(pierrot.self(), "kill") end, "killed" },
  }
  for _, row in ipairs(ends) do
    it("MON-002 gives one DOWN with ref, kind, pid and reason: " .. row[1], alone(function()
      local pid = pierrot.spawn(function()
        pierrot.receive("go on")
        row[2]()
      end)
      local ref = pierrot.monitor(pid)
      local last = pierrot.monitor(pid)

      pierrot.send(pid, "go on")

      await_down(last)
      assert.same({ { "DOWN", ref, "process", pid, row[3] }, n = 1 }, pierrot.flush())
    end))
  end

  it("MON-002 gives the error and its traceback", alone(function()
    local _, ref = pierrot.spawn_monitor(function() error({ code = 7 }) end)

    local reason = await_down(ref)

    assert.equal("error", reason[1])
    assert.same({ code = 7 }, reason[2])
    assert.equal("string", type(reason[3]))
  end))

  it("MON-003 of a dead pid gives its DOWN at once, with noproc", alone(function()
    local pid = dead()

    local ref = pierrot.monitor(pid)

    assert.same({ "DOWN", ref, "process", pid, "noproc" }, (pierrot.receive(nil, 0)))
  end))

  it("of a pid that is dead, and has not told of it yet, gives its DOWN last", alone(function()
    pierrot.trap_exit(true)
    local pid = idle()
    local older = pierrot.monitor(pid)

    pierrot.exit(pid, "no milk")
    local later = pierrot.monitor(pid)

    assert.same({ "DOWN", later, "process", pid, "noproc" }, expect { "DOWN", later })
    assert.same({
      { "EXIT", pid, "no milk" }, { "DOWN", older, "process", pid, "no milk" }, n = 2,
    }, pierrot.flush())
  end))

  it("of a pid that is dead can be removed before it has told of it", alone(function()
    local pid = pierrot.spawn(function() pierrot.receive("stop") end)
    local last = pierrot.monitor(pid)

    pierrot.exit(pid, "no milk")
    local later = pierrot.monitor(pid)
    local removed = pierrot.demonitor(later, { info = true })

    assert.is_true(removed)
    assert.equal("no milk", await_down(last))
    assert.equal(0, pierrot.flush().n)
  end))

  it("MON-004 gives one DOWN for each of several on one target", alone(function()
    local pid = idle()
    local first, second = pierrot.monitor(pid), pierrot.monitor(pid)

    pierrot.send(pid, "stop")

    assert.same({ "DOWN", first, "process", pid, "normal" }, expect())
    assert.same({ "DOWN", second, "process", pid, "normal" }, expect())
  end))

  it("MON-005 is gone from the lists when its DOWN is there, and can still be removed",
    alone(function()
      local pid = idle()
      local ref = pierrot.monitor(pid)
      assert.same({ pid }, pierrot.info(pierrot.self(), "monitors"))

      pierrot.send(pid, "stop")
      await_down(ref)

      assert.same({}, pierrot.info(pierrot.self(), "monitors"))
      assert.is_true(pierrot.demonitor(ref))
    end))

  it("MON-007 of a name that nobody has gives a DOWN with that name and noproc",
    alone(function()
      local ref = pierrot.monitor("nobody has this name")

      assert.same({ "DOWN", ref, "process", "nobody has this name", "noproc" }, expect())
    end))

  it("of a name gives the name in place of the pid", alone(function()
    local pid = idle()
    pierrot.register("monitored by name", pid)
    local ref = pierrot.monitor("monitored by name")

    pierrot.send(pid, "stop")

    assert.same({ "DOWN", ref, "process", "monitored by name", "normal" }, expect())
  end))

  it("of a name shows the name in the list of monitors", alone(function()
    local pid = idle()
    pierrot.register("monitored and listed", pid)

    pierrot.monitor("monitored and listed")

    assert.same({ "monitored and listed" }, pierrot.info(pierrot.self(), "monitors"))
    pierrot.unregister("monitored and listed")
  end))

  it("of a via gives a DOWN when the process ends", alone(function()
    local registry = require "pierrot.registry"
    local names = registry.start_link()
    local pid = registry.create(names, "shopping")
    local ref = pierrot.monitor({ "via", names, "shopping" })

    pierrot.exit(pid, "no milk")

    local message = expect { "DOWN", ref }
    assert.equal("process", message[3])
    assert.equal("no milk", message[5])
  end))

  it("MON-008 that is removed before the target ends gives no DOWN", alone(function()
    local pid = idle()
    local removed = pierrot.monitor(pid)
    local kept = pierrot.monitor(pid)

    assert.is_true(pierrot.demonitor(removed))
    pierrot.send(pid, "stop")

    await_down(kept)
    assert.equal(0, pierrot.flush().n)
  end))

  it("MON-017 is gone from the target's list when the watcher has died", alone(function()
    local pid = idle()
    local watcher, watcher_ref = pierrot.spawn_monitor(function()
      pierrot.monitor(pid)
      pierrot.receive("stop")
    end)
    pierrot.send(watcher, "stop")

    await_down(watcher_ref)

    assert.same({}, pierrot.info(pid, "monitored_by"))
  end))

  it("shows its watcher in the target's list", alone(function()
    local pid = idle()

    pierrot.monitor(pid)

    assert.same({ pierrot.self() }, pierrot.info(pid, "monitored_by"))
  end))

  for _, traps in ipairs { false, true } do
    it("MON-019 does not harm a watcher that traps exits: " .. tostring(traps), alone(function()
      pierrot.trap_exit(traps)
      local pid, ref = pierrot.spawn_monitor(function() error("no milk", 0) end)

      local message = expect()

      assert.same({ "DOWN", ref, "process", pid }, { table.unpack(message, 1, 4) })
      assert.equal(0, pierrot.flush().n)
    end))
  end

  it("has a tag of one's own in place of DOWN", alone(function()
    local pid = idle()
    local ref = pierrot.monitor(pid, { tag = { "gone", 7 } })

    pierrot.send(pid, "stop")

    assert.same({ { "gone", 7 }, ref, "process", pid, "normal" }, expect())
  end))

  it("of oneself gives a ref and never a message", alone(function()
    local ref = pierrot.monitor(pierrot.self())

    assert.is_true(pierrot.is_ref(ref))
    assert.equal(0, pierrot.flush().n)
  end))
end)

describe("demonitor", function()
  it("MON-009 succeeds for a monitor that was removed, and for what never was one",
    alone(function()
      local ref = pierrot.monitor(idle())

      assert.is_true(pierrot.demonitor(ref))
      assert.is_true(pierrot.demonitor(ref))
      assert.is_true(pierrot.demonitor(pierrot.make_ref()))
    end))

  it("MON-009 has no effect on another's monitor", alone(function()
    local pid = idle()
    local ref = pierrot.monitor(pid)

    local _, other = pierrot.spawn_monitor(function() assert(pierrot.demonitor(ref)) end)
    assert.equal("normal", await_down(other))
    pierrot.send(pid, "stop")

    assert.equal("normal", await_down(ref))
  end))

  it("MON-010 with flush takes exactly that DOWN out of the mailbox", alone(function()
    local pid = idle()
    local first, second, third = pierrot.monitor(pid), pierrot.monitor(pid), pierrot.monitor(pid)
    pierrot.send(pid, "stop")
    await_down(third)

    assert.is_true(pierrot.demonitor(first, { flush = true }))

    assert.same({ { "DOWN", second, "process", pid, "normal" }, n = 1 }, pierrot.flush())
  end))

  it("without flush leaves a DOWN that is there", alone(function()
    local ref = pierrot.monitor(dead())

    pierrot.demonitor(ref)

    assert.equal(1, pierrot.flush().n)
  end))

  it("with info tells whether it was removed before its DOWN", alone(function()
    local alive = pierrot.monitor(idle())
    local gone = pierrot.monitor(dead())

    assert.is_true(pierrot.demonitor(alive, { info = true }))
    assert.is_false(pierrot.demonitor(alive, { info = true }))
    assert.is_false(pierrot.demonitor(gone, { info = true }))
    assert.is_false(pierrot.demonitor(pierrot.make_ref(), { info = true }))
  end))

  it("with info and flush tells so and takes the DOWN", alone(function()
    local ref = pierrot.monitor(dead())

    assert.is_false(pierrot.demonitor(ref, { flush = true, info = true }))

    assert.equal(0, pierrot.flush().n)
  end))

  local others = {
    { "nil" }, { "a string", "ref" }, { "a number", 7 }, { "a pid", pierrot.self() },
  }
  for _, row in ipairs(others) do
    it("MON-014 raises for " .. row[1], alone(function()
      assert.has_error(function() pierrot.demonitor(row[2]) end)
    end))
  end

  it("MON-014 raises for an option it does not know", alone(function()
    local ref = pierrot.monitor(idle())

    local text = support.error_text(function()
      local result = pierrot.demonitor(ref, { flsh = true })
      return result
    end)

    assert.is_truthy(text:find("flsh", 1, true))
  end))
end)

describe("monitor", function()
  local others = {
    { "nil" }, { "a number", 7 }, { "an empty table", {} }, { "a ref", pierrot.make_ref() },
  }
  for _, row in ipairs(others) do
    it("MON-015 raises for a target that is " .. row[1], alone(function()
      assert.has_error(function() pierrot.monitor(row[2]) end)

      assert.same({}, pierrot.info(pierrot.self(), "monitors"))
    end))
  end

  it("raises for an option it does not know, and for a bad kind of alias", alone(function()
    local pid = idle()

    assert.has_error(function() pierrot.monitor(pid, { tga = "gone" }) end)
    assert.has_error(function() pierrot.monitor(pid, { alias = "for ever" }) end)

    assert.same({}, pierrot.info(pid, "monitored_by"))
  end))
end)
