-- SPDX-License-Identifier: MIT
--- gen_server: the state, what callbacks may return, and requests that none takes.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, await_down = support.alone, support.await_down
local expect, exit_reason = support.expect, support.exit_reason
local Keeper, start = servers.Keeper, servers.start
local start_alone, start_watched = servers.start_alone, servers.start_watched
local tell_terminate = servers.tell_terminate

describe("a state", function()
  it("is kept when it is left out of a reply", alone(function()
    local pid = start({ handle_call = {
      quiet = function() return "reply", "ok" end,
      get = function(state) return "reply", state end,
    } }, "first")

    gen_server.call(pid, "quiet")

    assert.equal("first", gen_server.call(pid, "get"))
  end))

  it("is kept when it is nil", alone(function()
    local pid = start({ handle_call = {
      quiet = function() return "reply", "ok", nil end,
      get = function(state) return "reply", state end,
    } }, "first")

    gen_server.call(pid, "quiet")

    assert.equal("first", gen_server.call(pid, "get"))
  end))

  it("can be false", alone(function()
    local pid = start({ handle_call = {
      put = function() return "reply", "ok", false end,
      get = function(state) return "reply", state end,
    } }, "first")

    gen_server.call(pid, "put")

    assert.is_false(gen_server.call(pid, "get"))
  end))

  it("is nil when init gave nil", alone(function()
    local pid = start { handle_call = function(...) return "reply", { select("#", ...), ... } end }

    local seen = gen_server.call(pid, "anything")

    assert.equal(3, seen[1])
    assert.is_nil(seen[4])
  end))

  it("is kept through handle_cast and handle_info that return nothing", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = function() end,
      handle_info = function() end,
    }, "first")

    gen_server.cast(pid, "anything")
    pierrot.send(pid, "anything")

    assert.equal("first", gen_server.call(pid, "get"))
  end))

  it("is replaced by noreply of handle_cast and of handle_info", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = function(request, state) return "noreply", state .. request end,
      handle_info = function(message, state) return "noreply", state .. message end,
    }, "a")

    gen_server.cast(pid, "b")
    pierrot.send(pid, "c")

    assert.equal("abc", gen_server.call(pid, "get"))
  end))

  it("can be changed in place", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state.count end,
      handle_cast = function(_, state) state.count = state.count + 1 end,
    }, { count = 0 })

    gen_server.cast(pid, "count")

    assert.equal(1, gen_server.call(pid, "get"))
  end))

  it("is not shared with whoever started the server", alone(function()
    local arg = { value = 1 }
    local pid = gen_server.start_link(Keeper, arg)

    arg.value = 2

    assert.equal(1, gen_server.call(pid, { "get" }))
  end))
end)

describe("a return of no known shape", function()
  local shapes = {
    { title = "one value", give = function() return "milk" end, value = "milk" },
    { title = "two values", give = function() return "milk", 2 end, value = { "milk", 2 } },
    { title = "a number", give = function() return 42 end, value = 42 },
    { title = "a table", give = function() return { "reply", 1 } end, value = { "reply", 1 } },
    { title = "a stop without a reason", give = function() return "stop" end, value = "stop" },
  }

  for _, shape in ipairs(shapes) do
    it("GS-032 ends the server, and a waiting call fails with it: " .. shape.title,
      alone(function()
        local pid, ref = start_watched({
          handle_call = shape.give,
          terminate = tell_terminate,
        }, { test = pierrot.self(), value = "first" })

        local reason = exit_reason(gen_server.call, pid, "anything")

        local expected = { "bad_return_value", shape.value }
        assert.same(expected, reason[1])
        assert.same({ "terminate", expected, "first" }, expect { "terminate" })
        assert.same(expected, await_down(ref))
      end))

    it("GS-032 of handle_cast ends the server: " .. shape.title, alone(function()
      local pid, ref = start_watched({ handle_cast = shape.give }, {})

      gen_server.cast(pid, "anything")

      assert.same({ "bad_return_value", shape.value }, await_down(ref))
    end))

    it("GS-032 of handle_info ends the server: " .. shape.title, alone(function()
      local pid, ref = start_watched({ handle_info = shape.give }, {})

      pierrot.send(pid, "anything")

      assert.same({ "bad_return_value", shape.value }, await_down(ref))
    end))

    it("GS-032 of handle_continue ends the server: " .. shape.title, alone(function()
      local _, ref = gen_server.start_monitor({
        init = function() return "ok", {}, { "continue", 1 } end,
        handle_continue = shape.give,
      })

      assert.same({ "bad_return_value", shape.value }, await_down(ref))
    end))
  end

  it("GS-032 of handle_call may be no value at all", alone(function()
    local pid = start_alone { handle_call = function() end }

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.equal("bad_return_value", reason[1][1])
    assert.is_nil(reason[1][2])
  end))

  it("GS-032 is a reply from a cast", alone(function()
    local pid, ref = start_watched({
      handle_cast = function() return "reply", 1 end,
    }, {})

    gen_server.cast(pid, "anything")

    assert.same({ "bad_return_value", { "reply", 1 } }, await_down(ref))
  end))

  for title, action in pairs {
    ["a negative time"] = -1,
    ["a word that is no action"] = "whenever",
    ["a boolean"] = true,
  } do
    it("GS-032 is an action that is " .. title, alone(function()
      local pid, ref = start_watched({
        handle_cast = function(_, state) return "noreply", state, action end,
      }, {})

      gen_server.cast(pid, "anything")

      assert.equal("bad_return_value", await_down(ref)[1])
    end))
  end
end)

describe("a request that no callback takes", function()
  for title, callbacks in pairs {
    ["without handle_call"] = {},
    ["with a table that lacks it"] = { handle_call = { get = function() end } },
  } do
    it("GS-033 ends the server with bad_call, " .. title, alone(function()
      local pid, ref = start_watched(callbacks, {})

      local reason = exit_reason(gen_server.call, pid, { "drink", "milk" })

      assert.same({ "bad_call", { "drink", "milk" } }, reason[1])
      assert.same({ "bad_call", { "drink", "milk" } }, await_down(ref))
    end))
  end

  for title, callbacks in pairs {
    ["without handle_cast"] = {},
    ["with a table that lacks it"] = { handle_cast = { put = function() end } },
  } do
    it("GS-033 ends the server with bad_cast, " .. title, alone(function()
      local pid, ref = start_watched(callbacks, {})

      gen_server.cast(pid, { "drink", "milk" })

      assert.same({ "bad_cast", { "drink", "milk" } }, await_down(ref))
    end))
  end

  for title, handle_continue in pairs {
    ["without handle_continue"] = false,
    ["with a table that lacks it"] = { next = function() end },
  } do
    it("GS-033 ends the server with bad_continue, " .. title, alone(function()
      local _, ref = gen_server.start_monitor({
        init = function() return "ok", {}, { "continue", { "drink", "milk" } } end,
        handle_continue = handle_continue or nil,
      })

      assert.same({ "bad_continue", { "drink", "milk" } }, await_down(ref))
    end))
  end

  it("GS-033 names a request that is no table", alone(function()
    local pid = start_alone {}

    local reason = exit_reason(gen_server.call, pid, 42)

    assert.same({ "bad_call", 42 }, reason[1])
  end))

  it("GS-038 is dropped when it is a plain message, and the server lives on", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 })

    pierrot.send(pid, "what?")
    pierrot.send(pid, { "what", 2 })
    pierrot.send(pid, nil)

    assert.equal(1, gen_server.call(pid, { "get" }))
  end))

  it("GS-038 is dropped when the table of handle_info lacks it", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_info = { milk = function() return "noreply", "milk" end },
    }, "first")

    pierrot.send(pid, { "bread" })
    pierrot.send(pid, 42)
    pierrot.send(pid, {})

    assert.equal("first", gen_server.call(pid, "get"))
  end))

  it("GS-038 is logged as a warning when it is a plain message", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      local gen_server = require "pierrot.gen_server"
      local pid = gen_server.start_link { init = function() return "ok", {} end }
      pierrot.send(pid, "nobody expects this")
      gen_server.stop(pid)
    ]]

    assert.is_truthy(errors:find("nobody expects this", 1, true))
  end)

  it("GS-038 is logged with the server and its module", function()
    local output, errors = support.run_script [[
      package.preload["a.module"] = function()
        return { init = function() return "ok", {} end }
      end
      local pierrot = require "pierrot"
      local gen_server = require "pierrot.gen_server"
      local pid = gen_server.start_link "a.module"
      print(pid)
      pierrot.send(pid, { "surprise", 1 })
      gen_server.stop(pid)
    ]]

    local pid = output:match "<[%d.]+>"
    local line = ('gen_server %s (a.module) dropped an unexpected message: {"surprise", 1}\n')
      :format(pid)
    assert.is_truthy(errors:find(line, 1, true), errors)
  end)
end)

-- What no message can hold, made where the server runs.
local unsendable <const> = {
  { "a Lua function", function() return function() end end, "cannot send a function" },
  { "a C function", function() return print end, "cannot send a function" },
  { "a coroutine", function() return coroutine.create(print) end, "cannot send a thread" },
  { "a userdata", function() return io.stdout end, "cannot send a userdata" },
  { "a table of one", function() return { 1, { x = print } } end,
    "cannot send a function (at [2].x)" },
  { "a flat table of one", function() return { print } end, "cannot send a function (at [1])" },
  { "one as a key", function() return { [print] = 1 } end, "cannot send a function (as a key)" },
}

local function tell_of_end(reason, state)
  pierrot.send(state.test, { reason, state.value })
end

-- The state that the server ends with, when it answers with one and so many values more.
local function check_unsendable_reply(make, n_more, text)
  -- Once to warm up: a server that is idle is called another way than one that has just begun.
  local pid, ref = start_watched({
    handle_call = {
      first = function() return "reply", true end,
      get = function(state)
        local more = { { test = state.test, value = "new" }, "infinity" }
        return "reply", make(), table.unpack(more, 1, n_more)
      end,
    },
    terminate = tell_of_end,
  }, { test = pierrot.self(), value = "old" })
  gen_server.call(pid, "first")

  local why = exit_reason(gen_server.call, pid, "get")

  assert.equal("error", why[1][1])
  assert.equal(text, why[1][2])
  assert.same({ "gen_server", "call", pid, "get", 5000 }, why[2])
  assert.same(why[1], await_down(ref))
  local told = expect()
  assert.equal(text, told[1][2])
  return told[2]
end

describe("a reply that cannot be sent", function()
  for _, case in ipairs(unsendable) do
    local what, make, text = table.unpack(case)

    it("ends the server, whose fault it is: " .. what, alone(function()
      assert.equal("old", check_unsendable_reply(make, 0, text))
      assert.equal("new", check_unsendable_reply(make, 1, text))
      assert.equal("new", check_unsendable_reply(make, 2, text))
    end))
  end

  it("leaves what came behind it unhandled", alone(function()
    local pid, ref = start_watched({
      handle_call = function(_, _, state)
        gen_server.cast(pierrot.self(), "later")
        return "reply", { state, print }
      end,
      handle_cast = function(_, state) pierrot.send(state, "handled") end,
    }, pierrot.self())

    exit_reason(gen_server.call, pid, "get")

    assert.equal("cannot send a function (at [2])", await_down(ref)[2])
    assert.is_nil(pierrot.receive(nil, 0))
  end))
end)
