-- SPDX-License-Identifier: MIT
--- Sending and receiving: order, patterns, timeouts, and what stays in the mailbox.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, dead = support.alone, support.await_down, support.dead
local expect, idle = support.expect, support.idle

local function send_myself(...)
  for i = 1, select("#", ...) do
    pierrot.send(pierrot.self(), (select(i, ...)))
  end
end

describe("send", function()
  it("MSG-001 gives back the message and goes on at once", alone(function()
    local message = { "hello" }

    local result = pierrot.send(idle(), message)

    assert.equal(message, result)
  end))

  it("MSG-002 keeps the order of what one process sends", alone(function()
    local test = pierrot.self()
    pierrot.spawn(function()
      for i = 1, 1000 do
        pierrot.send(test, i)
      end
    end)

    for i = 1, 1000 do
      if expect() ~= i then
        error("out of order at " .. i)
      end
    end
  end))

  it("MSG-014 to a dead pid does nothing", alone(function()
    assert.equal("hello", pierrot.send(dead(), "hello"))
  end))

  it("MSG-015 to a name that nobody has raises", alone(function()
    local text = support.error_text(function()
      local message = pierrot.send("nobody has this name", "hello")
      return message
    end)

    assert.is_truthy(text:find("nobody has this name", 1, true))
  end))

  it("MSG-015 to a key that nobody has raises", alone(function()
    local registry = require("pierrot.registry").start_link()

    local text = support.error_text(function()
      local message = pierrot.send({ "via", registry, "nobody" }, "hello")
      return message
    end)

    assert.is_truthy(text:find(', "nobody"})', 1, true))
  end))

  it("MSG-015 shows the whole of a name that nobody has", alone(function()
    local text = support.error_text(function()
      local message = pierrot.send("a\0b", "hello")
      return message
    end)

    assert.is_truthy(text:find([["a\0b"]], 1, true))
  end))

  it("to a ref that is no alias does nothing", alone(function()
    assert.equal("hello", pierrot.send(pierrot.make_ref(), "hello"))
  end))

  it("to a name reaches its process", alone(function()
    pierrot.register("send to a name", pierrot.self())

    pierrot.send("send to a name", "hello")

    assert.equal("hello", (pierrot.receive(nil, 0)))
    pierrot.unregister("send to a name")
  end))

  it("to a via reaches its process", alone(function()
    local registry = require "pierrot.registry"
    local names = registry.start_link()
    registry.register(names, "me")

    pierrot.send({ "via", names, "me" }, "hello")

    assert.equal("hello", (pierrot.receive("hello", 0)))
    registry.unregister(names, "me")
  end))

  it("by many lets the receiver have its turn before its mailbox is long", alone(function()
    local test <const>, senders <const>, each <const> = pierrot.self(), 100, 600
    local receiver = pierrot.spawn_link(function()
      local longest = 0
      for _ = 1, senders * each do
        pierrot.receive()
        longest = math.max(longest, pierrot.info(pierrot.self(), "mailbox"))
      end
      pierrot.send(test, { "longest", longest })
    end)
    for _ = 1, senders do
      pierrot.spawn_link(function()
        for i = 1, each do pierrot.send(receiver, { "msg", i }) end
      end)
    end

    assert.is_true(expect({ "longest" })[2] < senders * each / 6)
  end))

  it("refuses what is no destination", function()
    local text = support.error_text(function()
      local message = pierrot.send({}, "hello")
      return message
    end)

    local expected = "bad argument #1 to 'send' (pid, name or via expected, got table)"
    assert.is_truthy(text:find(expected, 1, true))
  end)
end)

describe("receive", function()
  it("MSG-003 takes the earliest message that any alternative matches", alone(function()
    send_myself("other", "second", "first")

    local message = pierrot.receive(pierrot.one_of("first", "second"))

    assert.equal("second", message)
  end))

  it("MSG-004 leaves what does not match, in order", alone(function()
    send_myself("a", "b", "wanted", "c")

    assert.equal("wanted", pierrot.receive("wanted"))

    assert.same({ "a", "b", "c", n = 3 }, pierrot.flush())
  end))

  it("MSG-004 leaves what came before and while it waited, in order", alone(function()
    local test = pierrot.self()
    send_myself("a")
    pierrot.spawn(function()
      for _, message in ipairs { "b", "c", "wanted", "d", "last" } do
        pierrot.send(test, message)
        pierrot.yield()
      end
    end)

    assert.equal("wanted", pierrot.receive("wanted"))

    expect("last")
    assert.same({ "a", "b", "c", "d", n = 4 }, pierrot.flush())
  end))

  it("MSG-005 gives nil and timeout when time is up, and not before", alone(function()
    local before = pierrot.now()

    local result = table.pack(pierrot.receive("never sent", 20))

    assert.is_true(pierrot.now() - before >= 20)
    assert.same({ nil, "timeout", n = 2 }, result)
  end))

  it("MSG-005 is not kept waiting by messages that do not match", alone(function()
    for i = 1, 100 do
      pierrot.send_after(i * 10, pierrot.self(), "other")
    end
    local before = pierrot.now()

    local _, reason = pierrot.receive("never sent", 50)

    local elapsed = pierrot.now() - before
    assert.equal("timeout", reason)
    assert.is_true(elapsed >= 50)
    assert.is_true(elapsed < 1000)
  end))

  it("MSG-006 with timeout 0 takes a match that is there", alone(function()
    send_myself("other", "wanted")

    assert.equal("wanted", (pierrot.receive("wanted", 0)))
  end))

  it("MSG-006 with timeout 0 gives timeout when none is there, the mailbox as it was",
    alone(function()
      send_myself("a", "b")

      assert.same({ nil, "timeout", n = 2 }, table.pack(pierrot.receive("wanted", 0)))

      assert.same({ "a", "b", n = 2 }, pierrot.flush())
    end))

  it("MSG-006 takes a computed 0 for a written one", alone(function()
    for _, zero in ipairs { 1 - 1, 0.0, -0.0, 5 // 10 } do
      assert.same({ nil, "timeout", n = 2 }, table.pack(pierrot.receive(nil, zero)))
    end
  end))

  for title, timeout in pairs {
    ["a negative number"] = -1,
    ["a negative fraction"] = -0.5,
    ["NaN"] = 0 / 0,
    ["minus infinity"] = -math.huge,
    ["a word"] = "soon",
    ["a number in a string"] = "10",
    ["a table"] = {},
    ["a boolean"] = true,
  } do
    it("MSG-009 raises for a timeout that is " .. title .. ", whatever the mailbox holds",
      alone(function()
        assert.has_error(function() pierrot.receive("wanted", timeout) end)
        send_myself("wanted")

        assert.has_error(function() pierrot.receive("wanted", timeout) end)

        assert.same({ "wanted", n = 1 }, pierrot.flush())
      end))
  end

  it("takes a timeout that is a fraction", alone(function()
    local before = pierrot.now()

    local _, reason = pierrot.receive(nil, 1.5)

    assert.equal("timeout", reason)
    assert.is_true(pierrot.now() - before >= 1.5)
  end))

  for title, timeout in pairs { ["math.huge"] = math.huge, infinity = "infinity" } do
    it("waits as long as it takes with " .. title, alone(function()
      pierrot.send_after(20, pierrot.self(), "hello")

      assert.equal("hello", pierrot.receive(nil, timeout))
    end))
  end

  it("MSG-012 has the messages of a process before its EXIT and DOWN", alone(function()
    pierrot.trap_exit(true)
    local test = pierrot.self()

    local pid, ref = pierrot.spawn_opt({ link = true, monitor = true }, function()
      pierrot.send(test, 1)
      pierrot.send(test, 2)
    end)

    assert.equal(1, expect())
    assert.equal(2, expect())
    assert.same({ { "EXIT", pid, "normal" }, n = 1 }, (function()
      await_down(ref)
      return pierrot.flush()
    end)())
  end))

  it("MSG-017 gives a copy that the sender does not share", alone(function()
    local message = { list = { 1, 2, 3 } }
    send_myself(message)

    message.list[1] = "changed by the sender"
    local received = pierrot.receive()
    received.list[2] = "changed by the receiver"

    assert.equal(1, received.list[1])
    assert.equal(2, message.list[2])
  end))

  it("MSG-020 run while another message is handled takes its own", alone(function()
    local test = pierrot.self()
    local pid = pierrot.spawn_link(function()
      local outer = pierrot.receive { "outer" }
      local inner = pierrot.receive { "inner" }
      local next_outer = pierrot.receive { "outer" }
      pierrot.send(test, { outer[2], inner[2], next_outer[2] })
      pierrot.receive("never sent")
    end)

    pierrot.send(pid, { "outer", 1 })
    pierrot.send(pid, { "outer", 2 })
    pierrot.send(pid, { "inner", 3 })

    assert.same({ 1, 3, 2 }, expect())
  end))

  it("gives a nil message as one value", alone(function()
    send_myself(nil)

    assert.same({ nil, n = 1 }, table.pack(pierrot.receive()))
  end))

  it("gives a message that is false", alone(function()
    send_myself(false)

    assert.is_false(pierrot.receive(nil, 0))
  end))

  it("of a ref finds its message behind many others", alone(function()
    local ref = pierrot.make_ref()
    for i = 1, 10000 do
      pierrot.send(pierrot.self(), { "other", i })
    end
    pierrot.send(pierrot.self(), { "reply", ref })

    assert.same({ "reply", ref }, pierrot.receive { "reply", ref })

    assert.equal(10000, pierrot.info(pierrot.self(), "mailbox"))
  end))

  it("without a pattern takes the oldest, whatever ref the last one waited for", alone(function()
    local pattern <const> = {}
    for round = 1, 20 do
      for i = 1, 6 do pierrot.send(pierrot.self(), i) end
      pattern[1] = pierrot.make_ref()
      local timer = pierrot.send_after(1000, pierrot.self(), "late")

      local wanted <const> = pierrot.receive(pattern, 0)
      local message <const> = pierrot.receive()

      assert.is_nil(wanted)
      assert.equal(1, message, "round " .. round)
      pierrot.cancel_timer(timer)
      pierrot.flush()
    end
  end))

  it("wakes for a message that was sent while it slept on another pattern", alone(function()
    local test = pierrot.self()
    local pid = pierrot.spawn_link(function()
      pierrot.send(test, { "first", pierrot.receive("a") })
      pierrot.send(test, { "second", pierrot.receive("b") })
      pierrot.receive("never sent")
    end)

    pierrot.send(pid, "b")
    pierrot.send(pid, "a")

    assert.same({ "first", "a" }, expect())
    assert.same({ "second", "b" }, expect())
  end))
end)

describe("flush", function()
  it("MSG-018 gives all messages in order and empties the mailbox", alone(function()
    send_myself("a", { "b" }, 3)

    local messages = pierrot.flush()

    assert.same({ "a", { "b" }, 3, n = 3 }, messages)
    assert.equal(0, pierrot.info(pierrot.self(), "mailbox"))
  end))

  it("MSG-018 gives an empty list when there is none", alone(function()
    assert.same({ n = 0 }, pierrot.flush())
  end))

  it("counts messages that are nil", alone(function()
    send_myself(nil, "b", nil)

    assert.same({ [2] = "b", n = 3 }, pierrot.flush())
  end))
end)

-- Patterns --------------------------------------------------------------------

local any, one_of = pierrot.any, pierrot.one_of

local function is_big(value)
  return type(value) == "number" and value > 100
end

local a_ref, a_pid = pierrot.make_ref(), pierrot.self()

local patterns <const> = {
  { "nil matches a string", nil, "a", true },
  { "nil matches nil", nil, nil, true },
  { "nil matches false", nil, false, true },
  { "a string matches its equal", "a", "a", true },
  { "a string does not match another", "a", "b", false },
  { "a string does not match a table that starts with it", "a", { "a" }, false },
  { "the empty string matches only itself", "", "a", false },
  { "a number matches its equal", 1, 1, true },
  { "an integer matches the equal float", 1, 1.0, true },
  { "a number does not match its digits", 1, "1", false },
  { "true matches true", true, true, true },
  { "true does not match false", true, false, false },
  { "false matches false", false, false, true },
  { "false does not match nil", false, nil, false },
  { "a ref matches itself", a_ref, a_ref, true },
  { "a ref does not match another", a_ref, pierrot.make_ref(), false },
  { "a pid matches itself", a_pid, a_pid, true },
  { "a pid does not match a ref", a_pid, a_ref, false },
  { "an empty table matches any table", {}, { 1, x = 2 }, true },
  { "an empty table matches an empty table", {}, {}, true },
  { "an empty table does not match a string", {}, "a", false },
  { "a table matches one with more fields", { "a" }, { "a", "b", c = 1 }, true },
  { "a table does not match one with fewer fields", { "a", "b" }, { "a" }, false },
  { "a table does not match one with another value", { "a", "b" }, { "a", "c" }, false },
  { "a table matches by named fields", { kind = "a" }, { kind = "a", size = 2 }, true },
  { "a table matches by false in a field", { false }, { false }, true },
  { "false in a table does not match what is missing", { false }, {}, false },
  { "an integer in a table matches the equal float", { 1 }, { 1.0 }, true },
  { "an integer in a table does not match a fraction", { 1 }, { 1.5 }, false },
  { "an integer in a table does not match its digits", { 1 }, { "1" }, false },
  { "a fraction in a table matches its equal", { 1.5 }, { 1.5 }, true },
  { "a long string in a table matches its equal", { ("a"):rep(100) }, { ("a"):rep(100) }, true },
  { "a long string in a table may differ at its end", { ("a"):rep(99) .. "b" },
    { ("a"):rep(100) }, false },
  { "true in a table does not match false", { true }, { false }, false },
  { "a ref in a table matches itself", { a_ref }, { a_ref }, true },
  { "a ref in a table does not match a pid", { a_ref }, { a_pid }, false },
  { "a table of many matches its equal", { 1, 2, 3, 4, 5, 6, 7 }, { 1, 2, 3, 4, 5, 6, 7 }, true },
  { "a table of many may differ at its end", { 1, 2, 3, 4, 5, 6, 7 }, { 1, 2, 3, 4, 5, 6 }, false },
  { "a nested table matches", { "a", { b = { 1 } } }, { "a", { b = { 1, 2 }, c = 3 } }, true },
  { "a nested table may fail to match", { "a", { b = { 1 } } }, { "a", { b = { 2 } } }, false },
  { "a nested table does not match a scalar", { "a", {} }, { "a", 1 }, false },
  { "any matches a string", any, "a", true },
  { "any matches false", any, false, true },
  { "any matches a table", any, {}, true },
  { "any does not match nil", any, nil, false },
  { "any in a table matches a field", { "a", any }, { "a", 1 }, true },
  { "any in a table does not match a missing field", { "a", any }, { "a" }, false },
  { "a function matches when it gives true", is_big, 101, true },
  { "a function does not match when it gives false", is_big, 100, false },
  { "a function is given nil, too", function(value) return value == nil end, nil, true },
  { "a function matches by any true value", function() return 0 end, "a", true },
  { "a function does not match by nil", function() end, "a", false },
  { "a function in a table is given the field", { "a", is_big }, { "a", 101 }, true },
  { "a function in a table may refuse the field", { "a", is_big }, { "a", 1 }, false },
  { "one_of matches its first pattern", one_of("a", "b"), "a", true },
  { "one_of matches its last pattern", one_of("a", "b"), "b", true },
  { "one_of does not match a third", one_of("a", "b"), "c", false },
  { "one_of may hold tables", one_of({ "a" }, { "b", any }), { "b", 1 }, true },
  { "one_of may be a field", { "a", one_of(1, 2) }, { "a", 2 }, true },
  { "one_of may refuse a field", { "a", one_of(1, 2) }, { "a", 3 }, false },
  { "one_of may hold one_of", one_of("a", one_of("b", is_big)), 101, true },
}

describe("a pattern", function()
  for _, row in ipairs(patterns) do
    local title, pattern, value, matches = row[1], row[2], row[3], row[4]

    it("in match: " .. title, function()
      assert.equal(matches, pierrot.match(pattern, value))
    end)

    it("in receive: " .. title, alone(function()
      send_myself(value)

      local _, reason = pierrot.receive(pattern, 0)

      assert.equal(not matches and "timeout" or nil, reason)
      assert.equal(matches and 0 or 1, pierrot.info(pierrot.self(), "mailbox"))
    end))
  end

  it("that raises leaves the mailbox as it was", alone(function()
    send_myself("a", "b", "c")

    local text = support.error_text(pierrot.receive, function(message)
      if message == "b" then
        error("no milk")
      end
    end)

    assert.is_truthy(text:find("no milk", 1, true))
    assert.same({ "a", "b", "c", n = 3 }, pierrot.flush())
  end))

  it("that raises while the process waits raises in the process", alone(function()
    local test = pierrot.self()
    local pid = pierrot.spawn_link(function()
      local passed, failure = pcall(pierrot.receive, function() error("no milk", 0) end)
      pierrot.send(test, { passed, failure, pierrot.info(pierrot.self(), "mailbox") })
      pierrot.receive("never sent")
    end)

    pierrot.send(pid, "hello")

    assert.same({ false, "no milk", 1 }, expect())
  end))

  it("with a ref takes that monitor's message alone", alone(function()
    local first, second = idle(), idle()
    local first_ref, second_ref = pierrot.monitor(first), pierrot.monitor(second)
    pierrot.send(first, "stop")
    pierrot.send(second, "stop")

    local message = expect { "DOWN", second_ref }

    assert.equal(second, message[4])
    assert.equal(first, expect({ "DOWN", first_ref })[4])
  end))

  it("may receive itself, and goes on where it stood", alone(function()
    send_myself("a", "b", "c", "d")
    local asked = {}

    local message = pierrot.receive(function(letter)
      asked[#asked + 1] = letter
      return letter == "d" or (letter == "a" and pierrot.receive("c", 0) == nil)
    end)

    assert.equal("d", message)
    assert.same({ "a", "b", "d" }, asked)
    assert.same({ "a", "b", n = 2 }, pierrot.flush())
  end))

  it("that receives what it is asked about goes on behind it", alone(function()
    send_myself(1, 2, 3)

    local message = pierrot.receive(function(number)
      return number == 3 or pierrot.receive(2, 0) == 2
    end, 0)

    assert.equal(1, message)
    assert.same({ 3, n = 1 }, pierrot.flush())
  end))

  it("that takes the message by other means cannot take it twice", alone(function()
    local ref = pierrot.monitor(dead())
    send_myself("last")

    local message = pierrot.receive(function(candidate)
      if candidate == "last" then return true end
      pierrot.demonitor(ref, { flush = true })
      return true
    end, 0)

    assert.equal("last", message)
    assert.equal(0, pierrot.flush().n)
  end))

  it("that yields takes its message also when another receive has gone on meanwhile",
    alone(function()
      for i = 1, 3 do pierrot.send(pierrot.self(), i) end
      local first = coroutine.wrap(function()
        return pierrot.receive(function(message)
          if message == 1 then coroutine.yield() end
          return message == 1
        end, 0)
      end)
      first()
      local taken

      pierrot.receive(function(message)
        if message == 3 then taken = first() end
      end, 0)

      assert.equal(1, taken)
      assert.same({ 2, 3, n = 2 }, pierrot.flush())
    end))

  it("that sleeps does not stop the time of its receive", alone(function()
    send_myself("a", "b")

    local message, reason = pierrot.receive(function() pierrot.sleep(1) end, 10)

    assert.is_nil(message)
    assert.equal("timeout", reason)
    assert.equal(2, pierrot.flush().n)
  end))

  it("may be nil among others, which is anything", alone(function()
    send_myself("a", nil)

    assert.equal("a", (pierrot.receive(pierrot.one_of(1, nil), 0)))
    assert.same({ n = 1 }, table.pack(pierrot.receive(pierrot.one_of(function() end, nil), 0)))
  end))
end)

describe("what the module takes a message out with", function()
  it("raises where no message was looked at", alone(function()
    send_myself("a")

    assert.is_false((pcall(require("pierrot.core").take)))

    assert.equal("a", (pierrot.receive("a", 0)))
  end))
end)
