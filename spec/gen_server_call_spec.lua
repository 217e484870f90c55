-- SPDX-License-Identifier: MIT
--- gen_server: calls, replies, and the ways a call fails.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, await_down = support.alone, support.await_down
local expect, exit_reason = support.expect, support.exit_reason
local Keeper, start = servers.Keeper, servers.start
local start_alone, start_watched = servers.start_alone, servers.start_watched
local tell_terminate = servers.tell_terminate

describe("a call", function()
  it("GS-016 replies with the value and keeps the new state", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 })

    assert.equal(1, gen_server.call(pid, { "put", 2 }))

    assert.equal(2, gen_server.call(pid, { "get" }))
  end))

  for title, value in pairs {
    ["false"] = false,
    ["an empty string"] = "",
    ["a string with NULs"] = "a\0b\0",
    ["an integer"] = math.mininteger,
    ["a float"] = 0.5,
    ["a nested table"] = { { 1, { x = "y" } }, z = {} },
  } do
    it("GS-016 replies with " .. title, alone(function()
      local pid = start { handle_call = function(request) return "reply", request end }

      local reply = gen_server.call(pid, value)

      assert.same(value, reply)
      assert.equal(math.type(value), math.type(reply))
    end))
  end

  it("GS-016 replies with nil, in one value", alone(function()
    local pid = start { handle_call = function() return "reply", nil end }

    assert.equal(1, select("#", gen_server.call(pid, "anything")))
    assert.is_nil((gen_server.call(pid, "anything")))
  end))

  it("GS-017 is handled in arrival order, one at a time", alone(function()
    local test = pierrot.self()
    local pid = start({
      handle_info = function() pierrot.receive("go on") end,
      handle_call = {
        visit = function(state, _, number)
          state[#state + 1] = number
          return "reply", state
        end,
      },
    }, {})
    pierrot.send(pid, "block")
    for number = 1, 5 do
      pierrot.spawn_link(function()
        local request = gen_server.send_request(pid, { "visit", number })
        pierrot.send(test, { "asked", number })
        gen_server.receive_response(request)
      end)
      expect { "asked", number }
    end

    pierrot.send(pid, "go on")

    assert.same({ 1, 2, 3, 4, 5, 6 }, gen_server.call(pid, { "visit", 6 }))
  end))

  it("GS-018 is answered later from another callback", alone(function()
    local test = pierrot.self()
    local pid = start({
      handle_call = function(_, from, state)
        pierrot.send(test, "asked")
        state.from = from
        return "noreply", state
      end,
      handle_cast = function(value, state) gen_server.reply(state.from, value) end,
    }, {})
    pierrot.spawn_link(function()
      pierrot.send(test, { "answer", gen_server.call(pid, "anything") })
      pierrot.receive("never sent")
    end)
    expect "asked"

    gen_server.cast(pid, "late but right")

    assert.equal("late but right", expect({ "answer" })[2])
  end))

  it("GS-019 is answered by another process", alone(function()
    local replier = pierrot.spawn_link(function()
      local message = pierrot.receive { "answer" }
      gen_server.reply(message[2], "from elsewhere")
      pierrot.receive("never sent")
    end)
    local pid = start { handle_call = function(_, from)
      pierrot.send(replier, { "answer", from })
      return "noreply"
    end }

    assert.equal("from elsewhere", gen_server.call(pid, "anything"))
  end))

  it("is given a from that is a sequence of the caller's pid and a tag", alone(function()
    local pid = start { handle_call = function(_, from) return "reply", { #from, from[1] } end }

    assert.same({ 2, pierrot.self() }, gen_server.call(pid, "anything"))
  end))

  it("gets the first of two replies, and the second is dropped", alone(function()
    local pid = start { handle_call = function(_, from)
      assert(gen_server.reply(from, 1) == true)
      assert(gen_server.reply(from, 2) == true)
      return "noreply"
    end }

    local reply = gen_server.call(pid, "anything")

    gen_server.stop(pid)
    assert.equal(1, reply)
    assert.equal(0, pierrot.flush().n)
  end))

  it("GS-021 has a time limit of 5000 ms by default", alone(function()
    local pid = support.dead()

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.equal(5000, reason[2][5])
  end))

  it("GS-021 has that time limit also where it is nil", alone(function()
    local time <close> = support.stop_time()
    local server = start { handle_call = function() return "noreply" end }
    local _, ref = pierrot.spawn_monitor(function() gen_server.call(server, "wait", nil) end)

    time.advance(5000)

    assert.same({ "timeout", { "gen_server", "call", server, "wait", 5000 } }, await_down(ref))
  end))

  it("GS-022 fails with timeout when its time is up, and the server goes on", alone(function()
    local pid = start {
      handle_call = {
        wait = function() return "reply", pierrot.receive("go on") end,
        get = function() return "reply", "alive" end,
      },
    }
    local before = pierrot.now()

    local reason = exit_reason(gen_server.call, pid, { "wait" }, 20)

    assert.is_true(pierrot.now() - before >= 20)
    assert.same({ "timeout", { "gen_server", "call", pid, { "wait" }, 20 } }, reason)
    pierrot.send(pid, "go on")
    assert.equal("alive", gen_server.call(pid, { "get" }))
  end))

  it("GS-022 never gets a reply that comes too late into its mailbox", alone(function()
    local pid = start {
      handle_call = {
        wait = function() return "reply", pierrot.receive("go on") end,
        get = function() return "reply", "alive" end,
      },
    }
    pcall(gen_server.call, pid, { "wait" }, 0)

    pierrot.send(pid, "go on")
    gen_server.call(pid, { "get" })

    assert.equal(0, pierrot.flush().n)
  end))

  it("GS-025 fails with noproc when the pid is dead", alone(function()
    local pid = support.dead()

    local reason = exit_reason(gen_server.call, pid, { "get" }, 100)

    assert.same({ "noproc", { "gen_server", "call", pid, { "get" }, 100 } }, reason)
  end))

  it("GS-025 fails with noproc when nobody has the name", alone(function()
    local reason = exit_reason(gen_server.call, "nobody", { "get" }, 100)

    assert.same({ "noproc", { "gen_server", "call", "nobody", { "get" }, 100 } }, reason)
  end))

  it("GS-025 fails with noproc when nobody has the via", alone(function()
    local via = { "via", registry.start_link(), "nobody" }

    local reason = exit_reason(gen_server.call, via, { "get" }, 100)

    assert.same({ "noproc", { "gen_server", "call", via, { "get" }, 100 } }, reason)
  end))

  it("GS-026 fails with calling_self when a server calls its own pid, name or via", alone(function()
    local via = { "via", registry.start_link(), "GS-026 in a registry" }
    local function call_myself(server)
      return { handle_call = function()
        local me = server or pierrot.self()
        return "reply", exit_reason(gen_server.call, me, "anything", 100)
      end }
    end
    local by_pid = start(call_myself())
    local by_name = start(call_myself("GS-026"), nil, { name = "GS-026" })
    local by_via = start(call_myself(via), nil, { name = via })

    assert.equal("calling_self", gen_server.call(by_pid, "now")[1])
    assert.equal("calling_self", gen_server.call(by_name, "now")[1])
    assert.equal("calling_self", gen_server.call(by_via, "now")[1])
    gen_server.stop(by_name)
  end))

  it("GS-026 fails with calling_self in a plain process, too", alone(function()
    local me = pierrot.self()

    local reason = exit_reason(gen_server.call, me, "anything", 100)

    assert.same({ "calling_self", { "gen_server", "call", me, "anything", 100 } }, reason)
  end))

  it("GS-027 fails with the reason of a server that dies meanwhile", alone(function()
    local pid = start_alone { handle_call = function() pierrot.exit("no milk") end }

    local reason = exit_reason(gen_server.call, pid, "anything", 100)

    assert.same({ "no milk", { "gen_server", "call", pid, "anything", 100 } }, reason)
  end))

  it("GS-027 fails with the error and its traceback when the callback raises", alone(function()
    local pid = start_alone { handle_call = function() error({ code = 7 }) end }

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.equal("error", reason[1][1])
    assert.same({ code = 7 }, reason[1][2])
    assert.equal("string", type(reason[1][3]))
  end))

  it("GS-027 fails with killed when the server is killed meanwhile", alone(function()
    local pid = start_alone { handle_call = function()
      pierrot.exit(pierrot.self(), "kill")
    end }

    assert.equal("killed", exit_reason(gen_server.call, pid, "anything")[1])
  end))

  it("GS-029 gets the reply of a server that stops with one", alone(function()
    local pid, ref = start_watched({
      handle_call = function(_, _, state) return "stop", "done", "goodbye", state end,
    }, {})

    assert.equal("goodbye", gen_server.call(pid, "anything"))

    assert.equal("done", await_down(ref))
  end))

  it("GS-029 hands the state of the stop to terminate", alone(function()
    local pid = start_alone({
      handle_call = function(_, _, state)
        return "stop", "normal", "goodbye", { test = state.test, value = "last" }
      end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = "first" })

    gen_server.call(pid, "anything")

    assert.same({ "terminate", "normal", "last" }, expect())
  end))

  for how, case in pairs {
    ["raises"] = { function() error "in terminate" end },
    ["exits"] = { function() pierrot.exit "in terminate" end },
    ["exits after it has waited"] = { function(_, state)
      pierrot.send(state, "in terminate")
      pierrot.receive "go on"
      pierrot.exit "in terminate"
    end, waits = true },
  } do
    local terminate, waits = case[1], case.waits
    it("GS-029 gets the reply of a stop also when terminate then " .. how, alone(function()
      local test = pierrot.self()
      local pid, ref = start_watched({
        handle_call = function(_, _, state) return "stop", "normal", { "goodbye" }, state end,
        terminate = terminate,
      }, test)

      pierrot.spawn_link(function()
        pierrot.send(test, { "reply", gen_server.call(pid, "anything") })
      end)
      if waits then
        expect "in terminate"
        pierrot.send(pid, "go on")
      end

      assert.same({ "reply", { "goodbye" } }, expect { "reply" })
      assert.is_truthy(pierrot.inspect(await_down(ref)):find("in terminate", 1, true))
    end))
  end

  it("fails with the error of a reply that cannot be sent, after terminate", alone(function()
    local pid = start_alone({
      handle_call = function(_, _, state) return "stop", "normal", print, state end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = "first" })

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.same({ "terminate", "normal", "first" }, expect())
    assert.is_truthy(reason[1][2]:find("cannot send a function", 1, true))
  end))

  it("GS-031 fails with the reason when the server stops without a reply", alone(function()
    local pid = start_alone({
      handle_call = function() return "stop", "shutdown" end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = "first" })

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.equal("shutdown", reason[1])
    assert.same({ "terminate", "shutdown", "first" }, expect())
  end))

  it("GS-031 takes a third value of the stop as the state, not as a reply", alone(function()
    local pid = start_alone({
      handle_call = function(_, _, state)
        return "stop", "normal", { test = state.test, value = "last" }
      end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = "first" })

    local reason = exit_reason(gen_server.call, pid, "anything")

    assert.equal("normal", reason[1])
    assert.same({ "terminate", "normal", "last" }, expect())
  end))

  it("raises in the caller when the request cannot be sent", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 })

    local text = support.error_text(function()
      local reply = gen_server.call(pid, { "put", print })
      return reply
    end)

    assert.is_truthy(text:find("cannot send a function (at [2])", 1, true))
    assert.equal(1, gen_server.call(pid, { "get" }))
  end))

  it("works while the caller's mailbox is long, and leaves it as it was", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 })
    for i = 1, 1000 do
      pierrot.send(pierrot.self(), i)
    end

    assert.equal(1, gen_server.call(pid, { "get" }))

    local waiting = pierrot.flush()
    assert.equal(1000, waiting.n)
    assert.equal(1, waiting[1])
    assert.equal(1000, waiting[1000])
  end))

  it("waits for ever with math.huge and with infinity", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 })

    assert.equal(1, gen_server.call(pid, { "get" }, math.huge))
    assert.equal(1, gen_server.call(pid, { "get" }, "infinity"))
  end))

  it("can be made from within a callback", alone(function()
    local inner = gen_server.start_link(Keeper, { value = "inner" })
    local outer = start { handle_call = function()
      return "reply", "outer and " .. gen_server.call(inner, { "get" })
    end }

    assert.equal("outer and inner", gen_server.call(outer, "anything"))
  end))

  it("goes through a chain of a hundred servers", alone(function()
    local last = start { handle_call = function(request) return "reply", request + 1 end }
    for _ = 1, 100 do
      local next_one = last
      last = start { handle_call = function(request)
        return "reply", gen_server.call(next_one, request + 1)
      end }
    end

    assert.equal(101, gen_server.call(last, 0))
  end))

  it("fails with overload at once when the server's mailbox is full", alone(function()
    local test = pierrot.self()
    local pid = start({
      handle_info = function()
        pierrot.send(test, "blocked")
        pierrot.receive("never sent")
      end,
    }, nil, { max_queue = 3 })
    pierrot.send(pid, "block")
    expect "blocked"
    for _ = 1, 3 do
      pierrot.send(pid, "fill")
    end

    local reason = exit_reason(gen_server.call, pid, "one more", 1000)

    assert.same({ "overload", { "gen_server", "call", pid, "one more", 1000 } }, reason)
  end))
end)
