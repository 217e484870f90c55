-- SPDX-License-Identifier: MIT
--- Timers: messages that come later, or not at all.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, expect, idle =
  support.alone, support.await_down, support.expect, support.idle

-- Longer than any test runs.
local long <const> = 1000000

describe("a timer", function()
  it("TIMER-001 sends its message once when its time has passed", alone(function()
    local before = pierrot.now()

    local ref = pierrot.send_after(20, pierrot.self(), "hello")

    assert.is_true(pierrot.is_ref(ref))
    assert.equal("hello", expect())
    assert.is_true(pierrot.now() - before >= 20)
    assert.is_nil((pierrot.receive(nil, 30)))
  end))

  it("TIMER-002 of start_timer wraps the message with its own ref", alone(function()
    local ref = pierrot.start_timer(1, pierrot.self(), { "hello" })

    assert.same({ "timeout", ref, { "hello" } }, expect())
  end))

  it("TIMER-003 that is cancelled gives what was left, and sends nothing", alone(function()
    local cancelled = pierrot.send_after(50, pierrot.self(), "cancelled")
    pierrot.send_after(60, pierrot.self(), "kept")

    local left = pierrot.cancel_timer(cancelled)

    assert.is_true(left > 0 and left <= 50)
    assert.equal("kept", expect())
  end))

  it("TIMER-003 can be read without harm", alone(function()
    local ref = pierrot.send_after(20, pierrot.self(), "hello")

    local left = pierrot.read_timer(ref)

    assert.is_true(left >= 0 and left <= 20)
    assert.equal("hello", expect())
  end))

  it("TIMER-004 that has fired gives false", alone(function()
    local ref = pierrot.send_after(0, pierrot.self(), "hello")
    expect "hello"

    assert.is_false(pierrot.read_timer(ref))
    assert.is_false(pierrot.cancel_timer(ref))
  end))

  it("TIMER-004 that was cancelled gives false", alone(function()
    local ref = pierrot.send_after(long, pierrot.self(), "hello")
    pierrot.cancel_timer(ref)

    assert.is_false(pierrot.read_timer(ref))
    assert.is_false(pierrot.cancel_timer(ref))
  end))

  it("TIMER-005 that never was one gives false", alone(function()
    assert.is_false(pierrot.read_timer(pierrot.make_ref()))
    assert.is_false(pierrot.cancel_timer(pierrot.make_ref()))
  end))

  for _, row in ipairs { { "nil" }, { "a number", 7 }, { "a string", "ref" } } do
    it("TIMER-005 raises for " .. row[1] .. " in place of a ref", alone(function()
      assert.has_error(function() pierrot.read_timer(row[2]) end)
      assert.has_error(function() pierrot.cancel_timer(row[2]) end)
    end))
  end

  it("TIMER-006 fires in the order of the deadlines", alone(function()
    for _, delay in ipairs { 30, 10, 50, 20, 40 } do
      pierrot.send_after(delay, pierrot.self(), delay)
    end

    for _, delay in ipairs { 10, 20, 30, 40, 50 } do
      assert.equal(delay, expect())
    end
  end))

  it("TIMER-006 fires in the order of the deadlines, whatever the distance", alone(function()
    local now = pierrot.now()
    local delays = { 0, 1, 2, 63, 64, 65, 127, 128, 255, 256, 257 }
    for i = #delays, 1, -1 do
      pierrot.send_after(now + delays[i], pierrot.self(), delays[i], { abs = true })
    end

    for _, delay in ipairs(delays) do
      assert.equal(delay, expect())
    end
  end))

  local delays = {
    { "a negative number", -1 },
    { "a negative fraction", -0.5 },
    { "NaN", 0 / 0 },
    { "a word", "soon" },
    { "a table", {} },
    { "nil" },
  }
  for _, row in ipairs(delays) do
    it("TIMER-007 raises for a delay that is " .. row[1], alone(function()
      assert.has_error(function() pierrot.send_after(row[2], pierrot.self(), "hello") end)
      assert.has_error(function() pierrot.start_timer(row[2], pierrot.self(), "hello") end)
    end))
  end

  it("takes a delay that is a fraction", alone(function()
    local before = pierrot.now()

    pierrot.send_after(1.5, pierrot.self(), "hello")

    expect "hello"
    assert.is_true(pierrot.now() - before >= 1.5)
  end))

  it("TIMER-012 of 0 goes through the mailbox", alone(function()
    local ref = pierrot.send_after(0, pierrot.self(), "hello")

    assert.equal("hello", expect())
    assert.is_false(pierrot.read_timer(ref))
    assert.is_false(pierrot.cancel_timer(ref))
  end))

  it("takes an absolute time of the clock", alone(function()
    local deadline = pierrot.now() + 20

    pierrot.send_after(deadline, pierrot.self(), "hello", { abs = true })

    expect "hello"
    assert.is_true(pierrot.now() >= deadline)
  end))

  it("fires at once when its absolute time is over", alone(function()
    pierrot.start_timer(0, pierrot.self(), "hello", { abs = true })

    assert.equal("hello", expect()[3])
  end))

  it("that is cancelled with async gives true, and the rest in a message", alone(function()
    local ref = pierrot.send_after(long, pierrot.self(), "hello")

    assert.is_true(pierrot.cancel_timer(ref, { async = true }))

    local message = expect()
    assert.same({ "cancel_timer", ref }, { message[1], message[2] })
    assert.is_true(message[3] > 0 and message[3] <= long)
  end))

  it("that is none gives false in the message when it is cancelled with async",
    alone(function()
      local ref = pierrot.make_ref()

      assert.is_true(pierrot.cancel_timer(ref, { async = true }))

      assert.same({ "cancel_timer", ref, false }, expect())
    end))

  it("copies its message when it is started", alone(function()
    local message = { "before" }

    pierrot.send_after(5, pierrot.self(), message)
    message[1] = "after"

    assert.same({ "before" }, expect())
  end))

  it("raises at once for a message that cannot be sent", alone(function()
    local text = support.error_text(function()
      local ref = pierrot.send_after(0, pierrot.self(), { 1, { callback = print } })
      return ref
    end)

    assert.is_truthy(text:find("cannot send a function (at [2].callback)", 1, true))
    assert.is_nil((pierrot.receive(nil, 10)))
  end))

  it("resolves a name when it fires", alone(function()
    local ref = pierrot.start_timer(10, "named when it fires", "hello")

    pierrot.register("named when it fires", pierrot.self())

    assert.same({ "timeout", ref, "hello" }, expect())
    pierrot.unregister("named when it fires")
  end))

  it("does nothing when nobody has the name by then", alone(function()
    pierrot.send_after(1, "nobody has this name", "hello")
    pierrot.send_after(10, pierrot.self(), "later")

    assert.equal("later", expect())
  end))

  it("outlives who started it", alone(function()
    local test = pierrot.self()

    local _, ref = pierrot.spawn_monitor(function() pierrot.send_after(20, test, "hello") end)
    await_down(ref)

    assert.equal("hello", expect())
  end))

  it("that is to fire never has all the time left", alone(function()
    local ref = pierrot.send_after(math.huge, pierrot.self(), "hello")

    assert.equal(math.huge, pierrot.read_timer(ref))
    assert.equal(math.huge, pierrot.cancel_timer(ref))
    assert.is_false(pierrot.cancel_timer(ref))
    assert.equal(0, pierrot.flush().n)
  end))

  it("to an alias sends while that is active", alone(function()
    local alias = pierrot.alias { reply = true }

    local first = pierrot.start_timer(1, alias, { "hello" })
    pierrot.send_after(2, alias, "too late")
    pierrot.send_after(3, pierrot.self(), "last")

    assert.same({ "timeout", first, { "hello" } }, expect())
    assert.equal("last", expect())
  end))

  it("to an alias that is removed meanwhile sends nothing", alone(function()
    local alias = pierrot.alias()

    local timer = pierrot.send_after(1, alias, "hello")
    pierrot.send_after(2, pierrot.self(), "last")
    pierrot.unalias(alias)

    assert.equal("last", expect())
    assert.is_false(pierrot.read_timer(timer))
  end))

  it("goes with the process it is for", alone(function()
    local pid = idle()
    local ref = pierrot.send_after(long, pid, "hello")

    pierrot.send(pid, "stop")
    await_down(pid)

    assert.is_false(pierrot.read_timer(ref))
  end))

  it("sends nil, too", alone(function()
    pierrot.send_after(0, pierrot.self(), nil)

    assert.same({ nil, n = 1 }, table.pack(pierrot.receive(nil, 1000)))
  end))

  it("of another process can be cancelled and read", alone(function()
    local test = pierrot.self()
    pierrot.spawn(function() pierrot.send(test, pierrot.send_after(long, test, "hello")) end)
    local ref = expect(pierrot.is_ref)

    assert.is_true(pierrot.read_timer(ref) <= long)
    assert.is_true(pierrot.cancel_timer(ref) <= long)
  end))

  it("is one of ten thousand without getting lost", alone(function()
    local count <const> = 10000
    local cancelled = {}
    for i = 1, count do
      local ref = pierrot.send_after(i % 50, pierrot.self(), i)
      if i % 2 == 0 then
        cancelled[i] = pierrot.cancel_timer(ref) ~= false
      end
    end

    local seen = {}
    for i = 1, count do
      if not cancelled[i] then
        seen[expect()] = true
      end
    end

    for i = 1, count do
      if (seen[i] or false) == (cancelled[i] or false) then
        error("timer " .. i .. " was lost, or fired after it was cancelled")
      end
    end
    assert.equal(0, pierrot.flush().n)
  end))
end)
