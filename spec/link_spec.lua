-- SPDX-License-Identifier: MIT
--- Links: who is linked to whom, what an end does to the others, and trapping exits.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, dead = support.alone, support.await_down, support.dead
local end_of, expect = support.end_of, support.expect

local function idle()
  return pierrot.spawn(function() pierrot.receive("stop") end)
end

local function links(pid)
  return pierrot.info(pid, "links")
end

describe("a link", function()
  it("LINK-001 shows in both lists", alone(function()
    local pid = idle()

    assert.is_true(pierrot.link(pid))

    assert.same({ pid }, links(pierrot.self()))
    assert.same({ pierrot.self() }, links(pid))
  end))

  it("LINK-002 made twice is one link, and one unlink removes it on both sides",
    alone(function()
      local pid = idle()

      pierrot.link(pid)
      pierrot.link(pid)
      assert.same({ pid }, links(pierrot.self()))

      assert.is_true(pierrot.unlink(pid))
      assert.same({}, links(pierrot.self()))
      assert.same({}, links(pid))
      pierrot.send(pid, "stop")
    end))

  it("LINK-002 made twice brings one EXIT", alone(function()
    pierrot.trap_exit(true)
    local pid = idle()
    pierrot.link(pid)
    pierrot.link(pid)
    local last = pierrot.monitor(pid)

    pierrot.send(pid, "stop")

    await_down(last)
    assert.same({ { "EXIT", pid, "normal" }, n = 1 }, pierrot.flush())
  end))

  it("LINK-003 to oneself succeeds and is no link", alone(function()
    assert.is_true(pierrot.link(pierrot.self()))

    assert.same({}, links(pierrot.self()))
    assert.is_true(pierrot.unlink(pierrot.self()))
  end))

  it("LINK-004 that is none can be removed", alone(function()
    local pid = idle()

    assert.is_true(pierrot.unlink(pid))
    assert.is_true(pierrot.unlink(dead()))
    pierrot.send(pid, "stop")
  end))

  it("LINK-005 takes the other along with the same reason, along the chain", alone(function()
    local test = pierrot.self()
    local reason = { "no", "milk" }
    local refs = {}
    local first = pierrot.spawn(function()
      pierrot.receive("crash")
      pierrot.exit(reason)
    end)
    local previous = first
    for i = 1, 3 do
      local before = previous
      previous, refs[i] = pierrot.spawn_monitor(function()
        pierrot.link(before)
        pierrot.send(test, "linked")
        pierrot.receive("never sent")
      end)
      expect "linked"
    end

    pierrot.send(first, "crash")

    for _, ref in ipairs(refs) do
      assert.same(reason, await_down(ref))
    end
  end))

  it("LINK-005 takes the other along with the error and its traceback", alone(function()
    local reason = end_of(function()
      pierrot.spawn_link(function() error({ code = 7 }) end)
      pierrot.receive("never sent")
    end)

    assert.equal("error", reason[1])
    assert.same({ code = 7 }, reason[2])
    assert.equal("string", type(reason[3]))
  end))

  it("LINK-005 works in both directions", alone(function()
    local test = pierrot.self()
    local parent = pierrot.spawn(function()
      pierrot.send(test, { "child", pierrot.spawn_link(pierrot.receive, "never sent") })
      pierrot.receive("never sent")
    end)
    local ref = pierrot.monitor(expect({ "child" })[2])

    pierrot.exit(parent, "no milk")

    assert.equal("no milk", await_down(ref))
  end))

  it("LINK-006 does nothing when the other ends normally", alone(function()
    local reason = end_of(function()
      local pid, ref = pierrot.spawn_monitor(function() pierrot.receive("stop") end)
      pierrot.link(pid)
      pierrot.send(pid, "stop")
      await_down(ref)
      pierrot.exit("went on")
    end)

    assert.equal("went on", reason)
  end))

  it("takes a dead pid as an exit with noproc", alone(function()
    local pid = dead()

    assert.equal("noproc", support.exit_reason(pierrot.link, pid))

    assert.same({}, links(pierrot.self()))
  end))

  it("takes a dead pid as an EXIT with noproc while trapping exits", alone(function()
    pierrot.trap_exit(true)
    local pid = dead()

    assert.is_true(pierrot.link(pid))

    assert.same({ "EXIT", pid, "noproc" }, expect())
  end))

  it("that was removed brings no EXIT any more", alone(function()
    pierrot.trap_exit(true)
    local pid = idle()
    pierrot.link(pid)
    local ref = pierrot.monitor(pid)

    pierrot.unlink(pid)
    pierrot.send(pid, "stop")

    await_down(ref)
    assert.equal(0, pierrot.flush().n)
  end))

  it("that was removed does not harm the other", alone(function()
    local reason = end_of(function()
      local pid = idle()
      pierrot.link(pid)
      pierrot.unlink(pid)
      pierrot.exit(pid, "no milk")
      await_down(pid)
      pierrot.exit("went on")
    end)

    assert.equal("went on", reason)
  end))
end)

describe("a process that traps exits", function()
  local ends = {
    { "normal", function() end, "normal" },
    { "an exit", function() pierrot.exit("no milk") end, "no milk" },
    { "a table as reason", function() pierrot.exit { "shutdown", 1 } end, { "shutdown", 1 } },
    { "a kill", function() pierrot.exit(pierrot.self(), "kill") end, "killed" },
  }
  for _, row in ipairs(ends) do
    it("LINK-008 gets one EXIT with pid and reason and lives on: " .. row[1], alone(function()
      pierrot.trap_exit(true)

      local pid, ref = pierrot.spawn_opt({ link = true, monitor = true }, row[2])

      await_down(ref)
      assert.same({ { "EXIT", pid, row[3] }, n = 1 }, pierrot.flush())
    end))
  end

  it("LINK-009 has no link any more when the EXIT is there", alone(function()
    pierrot.trap_exit(true)
    local pid = pierrot.spawn_link(function() end)

    expect { "EXIT", pid }

    assert.same({}, links(pierrot.self()))
  end))

  it("LINK-013 gets the signal of a third process as an EXIT that names its sender",
    alone(function()
      pierrot.trap_exit(true)
      local test = pierrot.self()

      local sender = pierrot.spawn(function() pierrot.exit(test, "no milk") end)

      assert.same({ "EXIT", sender, "no milk" }, expect())
    end))

  it("LINK-015 dies as any other once it has stopped trapping", alone(function()
    local reason = end_of(function()
      pierrot.trap_exit(true)
      pierrot.spawn_link(function() pierrot.exit("trapped") end)
      expect { "EXIT" }
      pierrot.trap_exit(false)
      pierrot.spawn_link(function() pierrot.exit("no milk") end)
      pierrot.receive("never sent")
    end)

    assert.equal("no milk", reason)
  end))

  it("LINK-016 gets exactly one EXIT and one DOWN of whom it links and monitors",
    alone(function()
      pierrot.trap_exit(true)
      local pid, ref = pierrot.spawn_opt({ link = true, monitor = true }, function()
        pierrot.receive("stop")
        pierrot.exit("done")
      end)
      local last = pierrot.monitor(pid)

      pierrot.send(pid, "stop")
      await_down(last)

      local messages = pierrot.flush()
      assert.equal(2, messages.n)
      assert.same({ "EXIT", pid, "done" }, messages[1][1] == "EXIT" and messages[1] or messages[2])
      assert.same({ "DOWN", ref, "process", pid, "done" },
        messages[1][1] == "DOWN" and messages[1] or messages[2])
    end))

  it("gets an EXIT of each of many links", alone(function()
    pierrot.trap_exit(true)
    local waiting = {}
    for i = 1, 1000 do
      waiting[pierrot.spawn_link(function() pierrot.exit(i) end)] = i
    end

    for _ = 1, 1000 do
      local message = expect { "EXIT" }
      assert.equal(waiting[message[2]], message[3])
      waiting[message[2]] = nil
    end

    assert.is_nil(next(waiting))
  end))
end)
