-- SPDX-License-Identifier: MIT
--- Aliases: refs to send to, for as long as their owner wants.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, expect, idle =
  support.alone, support.await_down, support.expect, support.idle

describe("an alias", function()
  it("ALIAS-001 is an address of its owner, in order, until it is removed", alone(function()
    local alias = pierrot.alias()
    assert.is_true(pierrot.is_ref(alias))

    pierrot.send(alias, 1)
    pierrot.send(pierrot.self(), 2)
    assert.equal(3, pierrot.send(alias, 3))

    assert.same({ 1, 2, 3, n = 3 }, pierrot.flush())
  end))

  it("ALIAS-001 works for other processes", alone(function()
    local alias = pierrot.alias()

    pierrot.spawn(function(address) pierrot.send(address, "hello") end, alias)

    assert.equal("hello", expect())
  end))

  it("ALIAS-002 drops what is sent once it is removed", alone(function()
    local alias = pierrot.alias()
    pierrot.send(alias, "before")

    assert.is_true(pierrot.unalias(alias))
    assert.equal("after", pierrot.send(alias, "after"))

    assert.same({ "before", n = 1 }, pierrot.flush())
  end))

  it("gives false when what is removed is none, or another's", alone(function()
    local test = pierrot.self()
    local alias = pierrot.alias()
    pierrot.spawn(function() pierrot.send(test, { pierrot.unalias(alias) }) end)
    assert.same({ false }, expect())

    assert.is_true(pierrot.unalias(alias))
    assert.is_false(pierrot.unalias(alias))
    assert.is_false(pierrot.unalias(pierrot.make_ref()))
  end))

  it("ALIAS-003 of the reply kind takes the first message alone", alone(function()
    local alias = pierrot.alias { reply = true }

    pierrot.send(alias, "first")
    pierrot.send(alias, "second")

    assert.same({ "first", n = 1 }, pierrot.flush())
    assert.is_false(pierrot.unalias(alias))
  end))

  it("drops what is sent to it when its owner is dead", alone(function()
    local test = pierrot.self()
    local _, ref = pierrot.spawn_monitor(function() pierrot.send(test, pierrot.alias()) end)
    local alias = expect(pierrot.is_ref)
    await_down(ref)

    assert.equal("hello", pierrot.send(alias, "hello"))
  end))

  it("is a destination of timers", alone(function()
    local alias = pierrot.alias()

    pierrot.send_after(0, alias, "hello")

    assert.equal("hello", expect())
  end))
end)

describe("a monitor's alias", function()
  for _, kind in ipairs { "explicit_unalias", "demonitor", "reply_demonitor" } do
    it("is an address of the watcher: " .. kind, alone(function()
      local ref = pierrot.monitor(idle(), { alias = kind })

      pierrot.send(ref, "hello")

      assert.equal("hello", (pierrot.receive(nil, 0)))
    end))

    it("ALIAS-005 can be removed alone, and the DOWN still comes: " .. kind, alone(function()
      local pid = idle()
      local ref = pierrot.monitor(pid, { alias = kind })

      assert.is_true(pierrot.unalias(ref))
      pierrot.send(ref, "dropped")
      pierrot.send(pid, "stop")

      assert.same({ "DOWN", ref, "process", pid, "normal" }, expect())
      assert.equal(0, pierrot.flush().n)
    end))
  end

  it("of kind explicit_unalias outlives demonitor and DOWN", alone(function()
    local removed = pierrot.monitor(idle(), { alias = "explicit_unalias" })
    local ended = pierrot.monitor(support.dead(), { alias = "explicit_unalias" })
    pierrot.demonitor(removed)
    await_down(ended)

    pierrot.send(removed, 1)
    pierrot.send(ended, 2)

    assert.same({ 1, 2, n = 2 }, pierrot.flush())
  end))

  for _, kind in ipairs { "demonitor", "reply_demonitor" } do
    it("of kind " .. kind .. " goes with demonitor", alone(function()
      local ref = pierrot.monitor(idle(), { alias = kind })

      pierrot.demonitor(ref)
      pierrot.send(ref, "dropped")

      assert.equal(0, pierrot.flush().n)
    end))

    it("of kind " .. kind .. " goes with the DOWN", alone(function()
      local pid = idle()
      local ref = pierrot.monitor(pid, { alias = kind })
      pierrot.send(pid, "stop")
      await_down(ref)

      pierrot.send(ref, "dropped")

      assert.equal(0, pierrot.flush().n)
    end))
  end

  it("of kind demonitor takes several messages", alone(function()
    local ref = pierrot.monitor(idle(), { alias = "demonitor" })

    pierrot.send(ref, 1)
    pierrot.send(ref, 2)

    assert.same({ 1, 2, n = 2 }, pierrot.flush())
  end))

  it("of kind reply_demonitor goes with the first message, and the monitor with it",
    alone(function()
      local pid = idle()
      local ref = pierrot.monitor(pid, { alias = "reply_demonitor" })
      local last = pierrot.monitor(pid)

      pierrot.send(ref, 1)
      pierrot.send(ref, 2)
      pierrot.send(pid, "stop")

      await_down(last)
      assert.same({ 1, n = 1 }, pierrot.flush())
    end))
end)
