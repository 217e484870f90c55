-- SPDX-License-Identifier: MIT
--- gen_server: casts and plain messages, and the actions in an answer.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect
local Keeper, start, tell_terminate = servers.Keeper, servers.start, servers.tell_terminate

describe("a cast", function()
  it("GS-034 gives true at once, and its handler runs later with the state", alone(function()
    local test = pierrot.self()
    local pid = start({
      handle_info = function() pierrot.receive("go on") end,
      handle_cast = function(request, state) pierrot.send(test, { request, state }) end,
    }, "state", { name = "GS-034" })
    pierrot.send(pid, "block")

    local by_pid, by_name = gen_server.cast(pid, "one"), gen_server.cast("GS-034", "two")
    pierrot.send(pid, "go on")

    assert.is_true(by_pid)
    assert.is_true(by_name)
    assert.same({ "one", "state" }, expect())
    assert.same({ "two", "state" }, expect())
    gen_server.stop(pid)
  end))

  it("GS-035 gives true for a dead pid, a free name and an unknown key or registry",
    alone(function()
      local reg = registry.start_link()

      assert.is_true(gen_server.cast(support.dead(), "anything"))
      assert.is_true(gen_server.cast("nobody", "anything"))
      assert.is_true(gen_server.cast({ "via", reg, "nobody" }, "anything"))
      assert.is_true(gen_server.cast({ "via", "no registry", "nobody" }, "anything"))
    end))

  it("GS-036 is handled before the call that the same client makes next", alone(function()
    local pid = start({
      handle_call = function(_, _, state) return "reply", state end,
      handle_cast = function(request) return "noreply", request end,
    }, "first")

    gen_server.cast(pid, "second")

    assert.equal("second", gen_server.call(pid, "get"))
  end))

  it("raises when the request cannot be sent", alone(function()
    local pid = gen_server.start_link(Keeper, {})

    local text = support.error_text(function()
      local sent = gen_server.cast(pid, { callback = print })
      return sent
    end)

    assert.is_truthy(text:find("cannot send a function (at .callback)", 1, true))
  end))
end)

describe("a plain message", function()
  local function new_listener(test)
    return start({ handle_info = function(message) pierrot.send(test, { "info", message }) end })
  end

  for title, message in pairs {
    ["a string"] = "hello",
    ["a number"] = 42,
    ["a boolean"] = false,
    ["a table"] = { "hello", world = { 1, 2 } },
  } do
    it("GS-037 reaches handle_info unchanged: " .. title, alone(function()
      local pid = new_listener(pierrot.self())

      pierrot.send(pid, message)

      assert.same({ "info", message }, expect())
    end))
  end

  it("GS-037 reaches handle_info when it is nil", alone(function()
    local pid = new_listener(pierrot.self())

    pierrot.send(pid, nil)

    assert.same({ "info" }, expect())
  end))

  it("GS-037 reaches handle_info when a timer sends it", alone(function()
    local pid = new_listener(pierrot.self())

    pierrot.send_after(0, pid, "tick")

    assert.same({ "info", "tick" }, expect())
  end))

  it("GS-037 reaches handle_info when it is a DOWN", alone(function()
    local test = pierrot.self()
    local dead = support.dead()
    start {
      init = function() return "ok", pierrot.monitor(dead) end,
      handle_info = function(message, ref)
        pierrot.send(test, { "info", message, message[2] == ref })
      end,
    }

    local seen = expect { "info" }

    assert.is_true(seen[3])
    assert.same({ "DOWN", seen[2][2], "process", dead, "noproc" }, seen[2])
  end))

  it("GS-037 reaches handle_info when it is an EXIT and the server traps exits", alone(function()
    local test = pierrot.self()
    start {
      init = function()
        pierrot.trap_exit(true)
        return "ok", pierrot.spawn_link(function() pierrot.exit("no milk") end)
      end,
      handle_info = function(message, child)
        pierrot.send(test, { "info", message, message[2] == child })
      end,
    }

    local seen = expect { "info" }

    assert.is_true(seen[3])
    assert.same({ "EXIT", seen[2][2], "no milk" }, seen[2])
  end))
end)

describe("a continue", function()
  it("GS-040 after init runs before any queued message", alone(function()
    local test = pierrot.self()

    start {
      init = function()
        pierrot.send(pierrot.self(), "queued")
        return "ok", {}, { "continue", "first" }
      end,
      handle_continue = function(arg) pierrot.send(test, { "continue", arg }) end,
      handle_info = function(message) pierrot.send(test, { "info", message }) end,
    }

    assert.same({ "continue", "first" }, expect())
    assert.same({ "info", "queued" }, expect())
  end))

  for _, callback in ipairs { "handle_call", "handle_cast", "handle_info" } do
    it("GS-040 after " .. callback .. " runs before any queued message", alone(function()
      local test = pierrot.self()
      local function act(state)
        pierrot.send(pierrot.self(), "queued")
        return state, { "continue", "first" }
      end
      local callbacks = {
        handle_call = function(_, _, state) return "reply", "ok", act(state) end,
        handle_cast = function(_, state) return "noreply", act(state) end,
        handle_info = function(message, state)
          if message == "act" then
            return "noreply", act(state)
          end
          pierrot.send(test, { "info", message })
        end,
        handle_continue = function(arg) pierrot.send(test, { "continue", arg }) end,
      }
      local pid = start(callbacks, {})
      local acts = {
        handle_call = function() gen_server.call(pid, "act") end,
        handle_cast = function() gen_server.cast(pid, "act") end,
        handle_info = function() pierrot.send(pid, "act") end,
      }

      acts[callback]()

      assert.same({ "continue", "first" }, expect())
      assert.same({ "info", "queued" }, expect())
    end))
  end

  it("GS-040 after a noreply of handle_call runs, too", alone(function()
    local pid = start {
      handle_call = function(_, from) return "noreply", nil, { "continue", from } end,
      handle_continue = function(from) gen_server.reply(from, "in the continue") end,
    }

    assert.equal("in the continue", gen_server.call(pid, "anything"))
  end))

  it("GS-043 may continue again before any message", alone(function()
    local test = pierrot.self()

    start {
      init = function()
        pierrot.send(pierrot.self(), "queued")
        return "ok", {}, { "continue", 1 }
      end,
      handle_continue = function(number, state)
        pierrot.send(test, { "continue", number })
        if number < 3 then
          return "noreply", state, { "continue", number + 1 }
        end
      end,
      handle_info = function(message) pierrot.send(test, { "info", message }) end,
    }

    for number = 1, 3 do
      assert.same({ "continue", number }, expect())
    end
    assert.same({ "info", "queued" }, expect())
  end))

  it("GS-043 may stop the server", alone(function()
    local _, ref = gen_server.start_monitor({
      init = function(test) return "ok", { test = test, value = 1 }, { "continue", 2 } end,
      handle_continue = function(arg, state)
        return "stop", "done", { test = state.test, value = arg }
      end,
      terminate = tell_terminate,
    }, pierrot.self())

    assert.same({ "terminate", "done", 2 }, expect { "terminate" })
    assert.equal("done", await_down(ref))
  end))
end)

describe("a time limit in an answer", function()
  it("GS-044 gives handle_info the timeout once when nothing came", alone(function()
    local test = pierrot.self()
    local before = pierrot.now()

    start {
      init = function() return "ok", {}, 20 end,
      handle_info = function(message, state)
        pierrot.send(test, message)
        if message == "timeout" then
          pierrot.send_after(60, pierrot.self(), "later")
        end
        return "noreply", state
      end,
    }

    assert.equal("timeout", expect())
    assert.is_true(pierrot.now() - before >= 20)
    assert.equal("later", expect())
  end))

  for _, callback in ipairs { "handle_call", "handle_cast", "handle_info", "handle_continue" } do
    it("GS-044 may come from " .. callback, alone(function()
      local test = pierrot.self()
      local pid = start {
        handle_call = function(_, _, state) return "reply", "ok", state, 1 end,
        handle_cast = function(request, state)
          if request == "continue" then
            return "noreply", state, { "continue", 1 }
          end
          return "noreply", state, 1
        end,
        handle_continue = function(_, state) return "noreply", state, 1 end,
        handle_info = function(message, state)
          if message == "timeout" then
            pierrot.send(test, "timed out")
          else
            return "noreply", state, 1
          end
        end,
      }
      local acts = {
        handle_call = function() gen_server.call(pid, "act") end,
        handle_cast = function() gen_server.cast(pid, "act") end,
        handle_info = function() pierrot.send(pid, "act") end,
        handle_continue = function() gen_server.cast(pid, "continue") end,
      }

      acts[callback]()

      assert.equal("timed out", expect())
    end))
  end

  it("GS-045 is cancelled by any message, and not renewed unless it is asked for again",
    alone(function()
      local test = pierrot.self()
      local pid = start {
        init = function() return "ok", {}, 100 end,
        handle_cast = function() pierrot.send_after(200, pierrot.self(), "later") end,
        handle_info = function(message) pierrot.send(test, message) end,
      }

      gen_server.cast(pid, "disturb")

      assert.equal("later", expect())
    end))

  it("GS-044 of 0 is over before what is sent later: a late init comes before the first call",
    alone(function()
      local Late = {
        init = function() return "ok", "early", 0 end,
        handle_info = { timeout = function() return "noreply", "late" end },
        handle_call = {
          get = function(state) return "reply", state end,
          again = function() return "reply", true, "early", 0 end,
        },
      }
      local pid = assert(gen_server.start_link(Late))

      local first = gen_server.call(pid, "get")
      gen_server.call(pid, "again")
      local second = gen_server.call(pid, "get")

      assert.equal("late", first)
      assert.equal("late", second)
    end))

  it("GS-044 of 0 again and again leaves others their time", alone(function()
    local pid = start {
      init = function() return "ok", 0, 0 end,
      handle_info = function(message, state)
        if message == "timeout" then return "noreply", state + 1, 0 end
      end,
      handle_call = function(_, _, state) return "reply", state, state, 0 end,
    }

    local first = gen_server.call(pid, "count")
    while gen_server.call(pid, "count") < first + 10000 do pierrot.yield() end

    assert.is_true(gen_server.stop(pid))
  end))

  it("GS-045 of 0 gives way to a message that is already there", alone(function()
    local test = pierrot.self()

    start {
      init = function()
        pierrot.send(pierrot.self(), "queued")
        return "ok", {}, 0
      end,
      handle_info = function(message) pierrot.send(test, message) end,
    }

    assert.equal("queued", expect())
  end))

  it("takes infinity for none", alone(function()
    local pid = start({
      init = function(arg) return "ok", arg, "infinity" end,
      handle_call = function(_, _, state) return "reply", state end,
    }, "state")

    assert.equal("state", gen_server.call(pid, "get"))
  end))

  it("GS-048 may be hibernate: the server wakes with its state", alone(function()
    local pid = start({
      init = function(arg) return "ok", arg, "hibernate" end,
      handle_call = function(_, _, state) return "reply", state, state, "hibernate" end,
    }, { list = { 1, 2, 3 } })

    assert.same({ list = { 1, 2, 3 } }, gen_server.call(pid, "get"))
    assert.same({ list = { 1, 2, 3 } }, gen_server.call(pid, "get"))
  end))
end)
