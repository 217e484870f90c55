-- SPDX-License-Identifier: MIT
--- gen_server: tables of functions as callbacks.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, expect = support.alone, support.expect
local start = servers.start

describe("a table of callbacks", function()
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
