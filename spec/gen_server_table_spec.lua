-- SPDX-License-Identifier: MIT
--- gen_server: tables of functions as callbacks.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, expect = support.alone, support.expect
local start = servers.start

local function shortened(request, from)
  for i = #request, from, -1 do request[i] = nil end
  return request
end

local function long(n)
  local request = { "add" }
  for i = 2, n do request[i] = i end
  return request
end

-- Requests, and the largest integer key of each.
local shapes <const> = {
  { "of one element", { "add" }, 1 },
  { "of two", { "add", 1 }, 2 },
  { "with false in the end", { "add", 1, false }, 3 },
  { "with a hole", { "add", nil, nil, "last" }, 4 },
  { "with a hole and others", { "add", 1, nil, 3, nil, nil, "last" }, 7 },
  { "with an element far away", { "add", 1, [100] = "far" }, 100 },
  { "without a sequence", { [1] = "add", [3] = 3 }, 3 },
  { "with fields", { "add", 1, more = 2 }, 2 },
  { "with odd keys", { "add", 1, [0] = 2, [-1] = 3, [2.5] = 4, [true] = 5 }, 2 },
  { "made of fields", { [1] = "add", [2] = 1, [50] = 2 }, 50 },
  { "made of fields, backwards", { [50] = 2, [7] = 3, [2] = 1, [1] = "add" }, 50 },
  { "made of fields, and others", { [9] = 2, x = 1, [2] = 1, y = 2, [1] = "add", [3] = 3 }, 9 },
  { "that was longer", shortened({ "add", 1, 2, 3, 4, 5, 6 }, 3), 2 },
  { "with a table in it", { "add", 1, { 2 } }, 3 },
  { "of 200 elements", long(200), 200 },
}

-- What a callback with that request has as arguments behind the others.
local function arguments_of(request, last)
  return table.pack(table.unpack(request, 2, last))
end

describe("a table of callbacks", function()
  for _, row in ipairs(shapes) do
    it("gets the elements of a request " .. row[1], alone(function()
      local test, request = pierrot.self(), row[2]
      local pid = start {
        handle_call = {
          add = function(_, _, ...) return "reply", table.pack(...) end,
          wait = function() return "reply", pierrot.receive("go on") end,
        },
        handle_cast = { add = function(_, ...) pierrot.send(test, table.pack(...)) end },
        handle_info = { add = function(_, ...) pierrot.send(test, table.pack(...)) end },
      }
      local expected = arguments_of(request, row[3])

      assert.same(expected, gen_server.call(pid, request))
      gen_server.cast(pid, request)
      assert.same(expected, expect())
      pierrot.send(pid, request)
      assert.same(expected, expect())
      local waiting = gen_server.send_request(pid, { "wait" })
      local busy = gen_server.send_request(pid, request)
      pierrot.send(pid, "go on")
      assert.is_true((gen_server.receive_response(waiting)))
      assert.same({ true, expected }, { gen_server.receive_response(busy) })
    end))
  end

  it("takes no request of more elements than it can", alone(function()
    local callbacks <const> = { handle_call = {
      add = function() return "reply" end,
      _ = function() return "reply" end,
    } }

    for _ = 1, 2 do
      local reason = support.exit_reason(gen_server.call, servers.start_alone(callbacks),
        long(201))

      assert.matches("more than 200 elements", reason[1][2])
    end
  end))

  it("gets copies of tables in a request", alone(function()
    local pid = start { handle_call = {
      change = function(_, _, value)
        value.n = 2
        return "reply", value
      end,
    } }
    local value = { n = 1 }

    assert.same({ n = 2 }, gen_server.call(pid, { "change", value }))
    assert.same({ n = 1 }, value)
  end))

  it("is picked from by the first element, and gets the others after state and from",
    alone(function()
      local pid = start({ handle_call = {
        add = function(state, from, a, b) return "reply", { state, from[1], a, b } end,
      } }, "state")

      assert.same({ "state", pierrot.self(), 1, 2 }, gen_server.call(pid, { "add", 1, 2 }))
    end))

  it("is picked from by a request that is a string", alone(function()
    local pid = start({ handle_call = {
      add = function(state, from, ...) return "reply", { state, from[1], select("#", ...) } end,
    } }, "state")

    assert.same({ "state", pierrot.self(), 0 }, gen_server.call(pid, "add"))
  end))

  it("gets all elements up to the largest integer key, nils included", alone(function()
    local pid = start { handle_call = {
      add = function(_, _, ...) return "reply", { select("#", ...), (select(3, ...)) } end,
    } }

    assert.same({ 3, "last" }, gen_server.call(pid, { "add", nil, nil, "last" }))
  end))

  it("serves casts with the state and the other elements", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = { add = function(state, a, b) return "noreply", { state, a, b } end },
    }, "state")

    gen_server.cast(pid, { "add", 1, 2 })

    assert.same({ "state", 1, 2 }, gen_server.call(pid, "get"))
  end))

  it("serves infos with the state and the other elements", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_info = { add = function(state, a, b) return "noreply", { state, a, b } end },
    }, "state")

    pierrot.send(pid, { "add", 1, 2 })

    assert.same({ "state", 1, 2 }, gen_server.call(pid, "get"))
  end))

  it("serves continues with the state and the other elements", alone(function()
    local pid = start {
      init = function() return "ok", "state", { "continue", { "add", 1, 2 } } end,
      handle_call = function(_, _, state) return "reply", state end,
      handle_continue = { add = function(state, a, b) return "noreply", { state, a, b } end },
    }

    assert.same({ "state", 1, 2 }, gen_server.call(pid, "get"))
  end))

  it("gives the timeout to the entry of that name", alone(function()
    local test = pierrot.self()

    start {
      init = function() return "ok", "state", 0 end,
      handle_info = { timeout = function(state) pierrot.send(test, { "timed out", state }) end },
    }

    assert.same({ "timed out", "state" }, expect())
  end))

  it("may have a catch-all, which gets the request whole", alone(function()
    local pid = start({ handle_call = {
      get = function() return "reply", "get" end,
      _ = function(state, from, request) return "reply", { state, from[1], request } end,
    } }, "state")
    local me = pierrot.self()

    assert.equal("get", gen_server.call(pid, "get"))
    assert.same({ "state", me, { "put", 1 } }, gen_server.call(pid, { "put", 1 }))
    assert.same({ "state", me, 42 }, gen_server.call(pid, 42))
  end))

  it("may have a catch-all for casts and infos", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = { _ = function(state, request) state[#state + 1] = request end },
      handle_info = { _ = function(state, message) state[#state + 1] = message end },
    }, {})

    gen_server.cast(pid, { "a", 1 })
    pierrot.send(pid, "b")

    assert.same({ { "a", 1 }, "b" }, gen_server.call(pid, "get"))
  end))

  it("never has its catch-all picked by name", alone(function()
    local pid = start { handle_call = {
      _ = function(_, _, request) return "reply", request end,
    } }

    assert.equal("_", gen_server.call(pid, "_"))
    assert.same({ "_", 1 }, gen_server.call(pid, { "_", 1 }))
  end))

  it("may be picked from by a first element that is no string", alone(function()
    local pid = start { handle_call = {
      [1] = function(_, _, value) return "reply", { "one", value } end,
    } }

    assert.same({ "one", 2 }, gen_server.call(pid, { 1, 2 }))
  end))
end)

-- Where a callback was picked by name, the next requests need not become tables.
describe("a request after others that were picked by name", function()
  local requests <const> = {
    ["alone"] = { "put" },
    ["with scalars"] = { "put", 1, 2.5, true, "milk", pierrot.self(), pierrot.make_ref() },
    ["with nils"] = { "put", nil, nil, 3 },
    ["with false"] = { "put", false },
    ["with a field"] = { "put", 1, price = 2 },
    ["with a table"] = { "put", { 1, { 2 } } },
    ["with many elements"] = { "put", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
    ["with a long string"] = { "put", ("x"):rep(10000) },
    ["with a name full of NULs"] = { "\0\0", 1 },
  }

  local function record(state, ...) state[#state + 1] = table.pack(...) end

  local function recorder()
    return start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = { put = record, ["\0\0"] = record },
    }, {})
  end

  for name, request in pairs(requests) do
    it("is handled as the first one: " .. name, alone(function()
      local pid = recorder()

      for _ = 1, 5 do gen_server.cast(pid, request) end

      local seen = gen_server.call(pid, "get")
      assert.equal(5, #seen)
      for i = 1, 5 do
        assert.same({ table.unpack(request, 2) }, { table.unpack(seen[i], 1, seen[i].n) })
      end
    end))
  end

  it("is whole where nothing has its name", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = { put = record, _ = function(state, request) record(state, request) end },
    }, {})
    gen_server.cast(pid, { "put", 1 })

    gen_server.cast(pid, { "take", 1 })
    gen_server.cast(pid, { "_", 2 })

    local seen = gen_server.call(pid, "get")
    assert.same({ "take", 1 }, seen[2][1])
    assert.same({ "_", 2 }, seen[3][1])
  end))

  it("ends a server that has nothing for it with the request as its reason", alone(function()
    local pid, ref = servers.start_watched { handle_cast = { put = function() end } }
    gen_server.cast(pid, { "put", 1 })

    gen_server.cast(pid, { "take", 1 })

    assert.same({ "bad_cast", { "take", 1 } }, support.await_down(ref))
  end))

  it("is gone with a server that is killed in its callback", alone(function()
    local pid, ref = servers.start_watched({
      handle_cast = {
        put = function() end,
        wait = function(state) pierrot.send(state, "in it") pierrot.receive "never" end,
      },
    }, pierrot.self())
    gen_server.cast(pid, { "put", 1 })

    gen_server.cast(pid, { "wait", 1 })
    expect "in it"
    pierrot.exit(pid, "kill")

    assert.equal("killed", support.await_down(ref))
  end))

  it("may be continued with another argument", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = { put = function(state, n)
        return "noreply", state, { "continue", { "go_on", n } }
      end },
      handle_continue = { go_on = record },
    }, {})
    for i = 1, 3 do gen_server.cast(pid, { "put", i }) end

    local seen = gen_server.call(pid, "get")
    assert.same({ 1, 2, 3 }, { seen[1][1], seen[2][1], seen[3][1] })
  end))
end)

describe("a request for a callback that is picked by name", function()
  local requests <const> = {
    { "an element", { "add", print }, "cannot send a function (at [2])" },
    { "a field", { "add", more = print }, "cannot send a function (at .more)" },
    { "a key", { "add", [print] = 1 }, "cannot send a function (as a key)" },
    { "a pattern's word", { "add", pierrot.any }, "cannot send a userdata (at [2])" },
  }

  for _, case in ipairs(requests) do
    local what, request, text = table.unpack(case)

    it("raises in the caller when it cannot be sent: " .. what, alone(function()
      local pid = start { handle_call = { add = function() return "reply", "added" end } }

      for _ = 1, 2 do
        local complaint = support.error_text(function() return (gen_server.call(pid, request)) end)

        assert.is_truthy(complaint:find(text, 1, true))
        assert.equal("added", gen_server.call(pid, { "add" }))
      end
    end))
  end
end)

describe("a table of callbacks with a metatable", function()
  local Base <const> = {
    init = function(arg) return "ok", arg end,
    handle_call = {
      get = function(state) return "reply", state end,
      name = function() return "reply", "base" end,
      _ = function() return "reply", "base's catch-all" end,
    },
    handle_cast = { put = function(_, value) return "noreply", value end },
    handle_info = { note = function(_, value) return "noreply", value end },
  }
  local Derived <const> = setmetatable({
    handle_call = setmetatable({
      name = function() return "reply", "derived" end,
    }, { __index = Base.handle_call }),
    handle_cast = setmetatable({}, { __index = function(_, key) return Base.handle_cast[key] end }),
    handle_info = setmetatable({}, { __index = Base.handle_info }),
  }, { __index = Base })

  for title, opts in pairs {
    ["on this scheduler"] = {},
    ["elsewhere"] = support.has_two_schedulers and { scheduler = support.elsewhere() } or nil,
  } do
    it("inherits callbacks, " .. title, alone(function()
      local pid = gen_server.start_link(Derived, 1, opts)

      for _ = 1, 2 do
        assert.equal("derived", gen_server.call(pid, "name"))
        assert.equal("base's catch-all", gen_server.call(pid, { "other" }))
        assert.equal(1, gen_server.call(pid, { "get" }))
      end
      gen_server.cast(pid, { "put", 2 })
      assert.equal(2, gen_server.call(pid, "get"))
      pierrot.send(pid, { "note", 3 })
      assert.equal(3, gen_server.call(pid, "get"))
    end))
  end

  it("harms the server alone when its __index fails", alone(function()
    local pid, ref = servers.start_watched { handle_call = setmetatable({
      get = function(state) return "reply", state end,
    }, { __index = function() error("no such callback", 0) end }) }
    gen_server.call(pid, "get")

    local why = support.exit_reason(gen_server.call, pid, "other")[1]

    assert.equal("no such callback", why[2])
    assert.same(why, support.await_down(ref))
  end))
end)
