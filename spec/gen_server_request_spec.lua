-- SPDX-License-Identifier: MIT
--- gen_server: requests without waiting, and many servers at once.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, expect = support.alone, support.expect
local Keeper, start, start_alone = servers.Keeper, servers.start, servers.start_alone

describe("send_request", function()
  local Blocking = {
    handle_call = {
      wait = function() return "reply", pierrot.receive("go on") end,
      get = function() return "reply", "got" end,
      none = function() return "reply", nil end,
      fail = function() pierrot.exit("no milk") end,
    },
  }

  it("gives the reply to receive_response", alone(function()
    local id = gen_server.send_request(start(Blocking), "get")

    assert.same({ true, "got" }, { gen_server.receive_response(id) })
  end))

  it("gives a reply of nil as a second value", alone(function()
    local id = gen_server.send_request(start(Blocking), "none")

    assert.same({ true, n = 2 }, table.pack(gen_server.receive_response(id)))
  end))

  it("gives the reply to wait_response", alone(function()
    local id = gen_server.send_request(start(Blocking), "get")

    assert.same({ true, "got" }, { gen_server.wait_response(id) })
  end))

  it("lets several requests be answered in any order", alone(function()
    local slow, quick = start(Blocking), start(Blocking)
    local first = gen_server.send_request(slow, "wait")
    local second = gen_server.send_request(quick, "get")

    local quick_answer = { gen_server.receive_response(second) }
    pierrot.send(slow, "go on")
    local slow_answer = { gen_server.receive_response(first) }

    assert.same({ true, "got" }, quick_answer)
    assert.same({ true, "go on" }, slow_answer)
  end))

  it("gives timeout to wait_response, which may wait again", alone(function()
    local pid = start(Blocking)
    local id = gen_server.send_request(pid, "wait")

    local early = table.pack(gen_server.wait_response(id, 10))
    pierrot.send(pid, "go on")

    assert.same({ nil, "timeout", n = 2 }, early)
    assert.same({ true, "go on" }, { gen_server.wait_response(id) })
  end))

  it("gives timeout to receive_response, which abandons the request", alone(function()
    local pid = start(Blocking)
    local id = gen_server.send_request(pid, "wait")

    local early = table.pack(gen_server.receive_response(id, 10))
    pierrot.send(pid, "go on")
    gen_server.call(pid, "get")

    assert.same({ nil, "timeout", n = 2 }, early)
    assert.equal(0, pierrot.flush().n)
  end))

  it("gives false and the reason when the server dies", alone(function()
    local id = gen_server.send_request(start_alone(Blocking), "fail")

    local answered, reason = gen_server.receive_response(id)

    assert.is_false(answered)
    assert.equal("no milk", reason)
  end))

  it("gives false and noproc when there is no server", alone(function()
    local dead = gen_server.send_request(support.dead(), "get")
    local nobody = gen_server.send_request("nobody", "get")

    assert.same({ false, "noproc" }, { gen_server.receive_response(dead) })
    assert.same({ false, "noproc" }, { gen_server.receive_response(nobody) })
  end))

  it("gives the reply to check_response, given the message", alone(function()
    local id = gen_server.send_request(start(Blocking), "get")
    local message = expect()

    assert.same({ true, "got" }, { gen_server.check_response(message, id) })
  end))

  it("gives no_reply to check_response when the message is another", alone(function()
    local id = gen_server.send_request(start(Blocking), "wait")

    local answer = table.pack(gen_server.check_response({ "hello" }, id))

    assert.same({ nil, "no_reply", n = 2 }, answer)
  end))

  it("gives check_response the reason when the server died", alone(function()
    local id = gen_server.send_request(start_alone(Blocking), "fail")
    local message = expect()

    assert.same({ false, "no milk" }, { gen_server.check_response(message, id) })
  end))

  it("leaves nothing in the mailbox when it was answered", alone(function()
    local pid = start(Blocking)

    gen_server.receive_response(gen_server.send_request(pid, "get"))
    gen_server.stop(pid)

    assert.equal(0, pierrot.flush().n)
  end))
end)

describe("many servers at once", function()
  it("answer multi_call, and those that fail are listed", alone(function()
    local one = gen_server.start_link(Keeper, { value = 1 })
    local two = gen_server.start_link(Keeper, { value = 2 }, { name = "multi_call two" })
    local dead = support.dead()

    local replies, failed = gen_server.multi_call({ one, "multi_call two", dead }, { "get" })

    assert.same({ { one, 1 }, { "multi_call two", 2 } }, replies)
    assert.same({ dead }, failed)
    gen_server.stop(two)
  end))

  it("fail multi_call when they do not answer in time, without a late reply", alone(function()
    local slow = start { handle_call = {
      get = function() return "reply", pierrot.receive("go on") end,
      ping = function() return "reply", "pong" end,
    } }
    local quick = gen_server.start_link(Keeper, { value = 1 })

    local replies, failed = gen_server.multi_call({ slow, quick }, { "get" }, 20)
    pierrot.send(slow, "go on")
    gen_server.call(slow, "ping")

    assert.same({ { quick, 1 } }, replies)
    assert.same({ slow }, failed)
    assert.equal(0, pierrot.flush().n)
  end))

  it("are all cast to by abcast, whoever is dead", alone(function()
    local test = pierrot.self()
    local Told = { handle_cast = function(request) pierrot.send(test, { "told", request }) end }
    local one, two = start(Told), start(Told)

    local result = gen_server.abcast({ one, support.dead(), "nobody", two }, "hello")

    assert.is_true(result)
    assert.same({ "told", "hello" }, expect())
    assert.same({ "told", "hello" }, expect())
  end))
end)
