-- SPDX-License-Identifier: MIT
--- What messages can hold, and that each copy has the shape of what was sent.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"

local alone, expect = support.alone, support.expect

--- Ways to get a copy of a value by sending it.
local routes = {
  ["on one scheduler"] = function(value)
    pierrot.send(pierrot.self(), value)
    return (pierrot.receive())
  end,
}

routes["behind many others"] = function(value)
  for _ = 1, 1000 do pierrot.send(pierrot.self(), "filler") end
  pierrot.send(pierrot.self(), value)
  for _ = 1, 1000 do pierrot.receive("filler") end
  return (pierrot.receive())
end

if support.has_two_schedulers then
  routes["between schedulers"] = function(value)
    local pid = pierrot.spawn_opt({ scheduler = support.elsewhere(), link = true },
      "spec.fixtures.remote:echo", pierrot.self())
    pierrot.send(pid, value)
    local message = expect { "echo" }
    pierrot.send(pid, "stop")
    expect { "echo", "stop" }
    return message[2]
  end
else
  pending("messages between schedulers: there is only one scheduler")
end

local all_bytes = {}
for byte = 0, 255 do
  all_bytes[byte + 1] = string.char(byte)
end

local scalars <const> = {
  { "nil", nil },
  { "true", true },
  { "false", false },
  { "0", 0 },
  { "an integer", 42 },
  { "a negative integer", -42 },
  { "the largest integer", math.maxinteger },
  { "the smallest integer", math.mininteger },
  { "an integer beyond 2^53", (1 << 53) + 1 },
  { "a float", 0.1 },
  { "a float that is whole", 1.0 },
  { "a float that is large", 1.7976931348623157e308 },
  { "a float that is tiny", 5e-324 },
  { "infinity", math.huge },
  { "minus infinity", -math.huge },
  { "the empty string", "" },
  { "a short string", "milk" },
  { "a string of 40 bytes", ("x"):rep(40) },
  { "a string of 41 bytes", ("x"):rep(41) },
  { "a megabyte", ("0123456789abcdef"):rep(65536) },
  { "a string with NULs", "\0a\0\0b\0" },
  { "a string of all bytes", table.concat(all_bytes) },
  { "a string that is no UTF-8", "\xff\xfe\xc0" },
  { "a number in a string", "42" },
  { "a pid", pierrot.self() },
  { "a ref", pierrot.make_ref() },
}

local tables <const> = {
  { "an empty table", {} },
  { "a sequence", { 1, 2, 3 } },
  { "a table with named fields", { kind = "milk", price = 1.5 } },
  { "a table of both", { 1, 2, kind = "milk" } },
  { "a sequence with holes", { 1, nil, 3, nil, 5 } },
  { "keys far apart", { [1] = "a", [1000000] = "b", [-7] = "c" } },
  { "keys of all kinds", {
    [true] = 1, [false] = 2, [0.5] = 3, [pierrot.self()] = 4, [pierrot.make_ref()] = 5,
    [""] = 6, ["a\0b"] = 7, [math.mininteger] = 8, [math.huge] = 9,
  } },
  { "nested tables", { { { { "deep" } } }, list = { { x = 1 }, { x = 2 } } } },
  { "a DOWN", { "DOWN", pierrot.make_ref(), "process", pierrot.self(), "normal" } },
}

-- Of strings to scalars, and of as many fields: those above a hundred or so take another way.
local function record(n_fields)
  local fields = {}
  for i = 1, n_fields do fields["field " .. i] = i % 2 == 0 and i or "value " .. i end
  return fields
end

for _, n_fields in ipairs { 1, 8, 9, 127, 128, 129, 1000 } do
  table.insert(tables, { ("a record of %d fields"):format(n_fields), record(n_fields) })
  table.insert(tables, { ("%d fields and a table"):format(n_fields), { record(n_fields), {} } })
end

for route, copy in pairs(routes) do
  describe("a message " .. route, function()
    for _, row in ipairs(scalars) do
      it("holds " .. row[1], alone(function()
        local received = copy(row[2])

        assert.equal(row[2], received)
        assert.equal(math.type(row[2]), math.type(received))
      end))

      it("holds " .. row[1] .. " in a table", alone(function()
        local received = copy { "a", row[2], key = row[2] }

        assert.equal(row[2], received[2])
        assert.equal(row[2], received.key)
        assert.equal(math.type(row[2]), math.type(received[2]))
      end))
    end

    it("holds NaN", alone(function()
      local received = copy(0 / 0)

      assert.equal("float", math.type(received))
      assert.is_true(received ~= received)
    end))

    it("holds the sign of zero", alone(function()
      assert.equal(-math.huge, 1 / copy(-0.0))
      assert.equal(math.huge, 1 / copy(0.0))
    end))

    for _, row in ipairs(tables) do
      it("holds " .. row[1] .. " as a copy", alone(function()
        local received = copy(row[2])

        assert.same(row[2], received)
        assert.not_equal(row[2], received)
      end))
    end

    it("is as long as what was sent, holes or not", alone(function()
      local lists <const> = { { 1, nil, 3 }, { "r", nil, nil, nil, 5 }, { 1, nil, { 3 } }, { 1 } }
      for _, sent in ipairs(lists) do
        assert.equal(#sent, #copy(sent))
        assert.equal(#sent, #copy({ sent })[1])
      end
    end))

    it("takes no more room than it needs, whatever the length of a table is found to be",
      alone(function()
        local sent = { 1, 2, 3, 4, 5, [8] = 8, [9] = 9 }
        for i = 4, 40 do sent[1 << i] = i end
        assert.is_true(#sent > 1 << 39)

        assert.same(sent, copy(sent))
        assert.same({ sent }, copy { sent })
      end))

    it("holds a table of 100,000 elements", alone(function()
      local sent = {}
      for i = 1, 100000 do
        sent[i] = i
        sent["key " .. i] = i
      end

      local received = copy(sent)

      local count = 0
      for key, value in pairs(received) do
        if sent[key] ~= value then
          error("not what was sent at " .. tostring(key))
        end
        count = count + 1
      end
      assert.equal(200000, count)
      assert.equal(100000, #received)
    end))

    it("shares in the copy what was shared", alone(function()
      local shared = { "shared" }

      local received = copy { shared, other = { shared }, [3] = shared }

      assert.equal(received[1], received[3])
      assert.equal(received[1], received.other[1])
      assert.same({ "shared" }, received[1])
    end))

    it("does not share what was equal but not shared", alone(function()
      local received = copy { { "same" }, { "same" } }

      assert.not_equal(received[1], received[2])
    end))

    it("holds a table that holds itself", alone(function()
      local sent = { name = "loop" }
      sent.itself = sent
      sent[1] = { back = sent }

      local received = copy(sent)

      assert.equal(received, received.itself)
      assert.equal(received, received[1].back)
      assert.not_equal(sent, received)
    end))

    it("holds tables as keys, a table's own self included", alone(function()
      local key = { "key" }
      local sent = { [key] = "value", key = key }
      sent[sent] = "itself"

      local received = copy(sent)

      assert.equal("value", received[received.key])
      assert.equal("itself", received[received])
    end))

    it("holds a ring of a thousand tables", alone(function()
      local first = { 1 }
      local last = first
      for i = 2, 1000 do
        last.next = { i }
        last = last.next
      end
      last.next = first

      local received = copy(first)

      local current = received
      for i = 1, 1000 do
        if current[1] ~= i then
          error("not what was sent at " .. i)
        end
        current = current.next
      end
      assert.equal(received, current)
    end))

    it("holds tables nested 300,000 deep", alone(function()
      local depth <const> = 300000 -- 28 bytes each would fill a stack of C
      local sent = {}
      for _ = 1, depth do
        sent = { sent }
      end

      local received = copy(sent)

      local count = 0
      while received[1] do
        received = received[1]
        count = count + 1
      end
      assert.equal(depth, count)
    end))

    it("holds a list linked by names 300,000 long", alone(function()
      local length <const> = 300000
      local sent = nil
      for i = length, 1, -1 do
        sent = { value = i, next = sent }
      end

      local received = copy(sent)

      local count = 0
      while received do
        count = count + 1
        if received.value ~= count then
          error("not what was sent at " .. count)
        end
        received = received.next
      end
      assert.equal(length, count)
    end))

    it("carries no metatable, and asks none", alone(function()
      local function refuse() error("asked") end
      local sent = setmetatable({ "a", key = "b" }, {
        __index = refuse, __len = refuse, __pairs = refuse, __eq = refuse, __tostring = refuse,
      })

      local received = copy(sent)

      assert.is_nil(getmetatable(received))
      assert.same({ "a", key = "b" }, received)
    end))

    it("holds only what is in the table itself, not what its metatable would add",
      alone(function()
        local sent = setmetatable({ "a" }, { __index = { key = "b" } })

        assert.is_nil(copy(sent).key)
      end))
  end)
end

describe("a message that cannot be sent", function()
  local thread = coroutine.create(function() end)

  local rows = {
    { "a Lua function", function() end, "cannot send a function" },
    { "a C function", print, "cannot send a function" },
    { "a coroutine", thread, "cannot send a thread" },
    { "a foreign userdata", io.stdout, "cannot send a userdata" },
    { "an element", { 1, print }, "cannot send a function (at [2])" },
    { "a field", { callback = print }, "cannot send a function (at .callback)" },
    { "a field of an element", { 1, { callback = print } },
      "cannot send a function (at [2].callback)" },
    { "an element of a field", { list = { 1, 2, thread } }, "cannot send a thread (at .list[3])" },
    { "something deep inside", { a = { b = { c = { { d = io.stdout } } } } },
      "cannot send a userdata (at .a.b.c[1].d)" },
  }
  for _, row in ipairs(rows) do
    it("raises, names its place, and sends nothing: " .. row[1], alone(function()
      local text = support.error_text(function()
        local sent = pierrot.send(pierrot.self(), row[2])
        return sent
      end)

      assert.is_truthy(text:find(row[3], 1, true), text)
      assert.equal(0, pierrot.flush().n)
    end))
  end

  it("raises when it is a key", alone(function()
    local text = support.error_text(function()
      local sent = pierrot.send(pierrot.self(), { list = { [print] = 1 } })
      return sent
    end)

    assert.is_truthy(text:find("cannot send a function", 1, true))
    assert.equal(0, pierrot.flush().n)
  end))

  it("raises however deep it is", alone(function()
    local sent = { print }
    for _ = 1, 100000 do
      sent = { sent }
    end

    assert.has_error(function() pierrot.send(pierrot.self(), sent) end)

    assert.equal(0, pierrot.flush().n)
  end))

  it("raises when the receiver is on another scheduler, and leaves it alone", alone(function()
    local pid = pierrot.spawn_opt({ scheduler = "any", link = true },
      "spec.fixtures.remote:echo", pierrot.self())

    local text = support.error_text(function()
      local sent = pierrot.send(pid, { 1, { callback = print } })
      return sent
    end)
    pierrot.send(pid, "stop")

    assert.is_truthy(text:find("cannot send a function (at [2].callback)", 1, true))
    assert.same({ "echo", "stop" }, expect())
  end))

  it("leaves what was to be sent as it was", alone(function()
    local inner = { callback = print }
    local message = { 1, inner }

    pcall(pierrot.send, pierrot.self(), message)

    assert.equal(1, message[1])
    assert.equal(inner, message[2])
    assert.equal(print, inner.callback)
  end))
end)

describe("a pid and a ref", function()
  for route, copy in pairs(routes) do
    it("are equal to themselves, and the same key, after travelling " .. route, alone(function()
      local pid, ref = pierrot.self(), pierrot.make_ref()
      local known = { [pid] = "pid", [ref] = "ref" }

      local received = copy { pid, ref, { [pid] = ref } }

      assert.is_true(received[1] == pid and received[2] == ref)
      assert.equal("pid", known[received[1]])
      assert.equal("ref", known[received[2]])
      assert.equal(ref, received[3][pid])
      assert.equal(tostring(pid), tostring(received[1]))
      assert.equal(tostring(ref), tostring(received[2]))
    end))
  end
end)

describe("messages that lie with a busy process", function()
  --- By how many bytes the store of Lua values grows when `answer` is called, while another process
  --- has more messages than are held there.
  local function growth(answer)
    local busy = pierrot.spawn_link(function() pierrot.sleep(math.huge) end)
    pierrot.yield()
    for i = 1, 400 do pierrot.send(busy, { i }) end
    pierrot.yield() -- a slice of its own for what follows
    local before = pierrot.memory().messages
    answer()
    return pierrot.memory().messages - before
  end

  it("leave room for one to a process that waits for it", alone(function()
    local waiting = pierrot.spawn_link(function() pierrot.receive() end)

    assert.equal(16, growth(function() pierrot.send(waiting, { "at last" }) end))
  end))

  it("leave room for the answer to a call", alone(function()
    local me = pierrot.self()
    local server = gen_server.start_link {
      init = function() return "ok", {} end,
      handle_call = function(_, from)
        pierrot.send(me, { "from", from })
        return "noreply"
      end,
    }
    pierrot.spawn_link(function() gen_server.call(server, "question", 60000) end)
    local from = expect({ "from" })[2]

    assert.equal(16, growth(function() gen_server.reply(from, { "answer" }) end))
  end))
end)
