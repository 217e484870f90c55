-- SPDX-License-Identifier: MIT
--- gen_server: stop, terminate, and looking servers up.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local servers = require "spec.servers"
local support = require "spec.support"
local sys = require "pierrot.sys"

local alone, await_down = support.alone, support.await_down
local expect, exit_reason, idle = support.expect, support.exit_reason, support.idle
local Keeper, module, start = servers.Keeper, servers.module, servers.start
local start_alone, start_watched = servers.start_alone, servers.start_watched
local tell_terminate = servers.tell_terminate

describe("stop", function()
  it("GS-049 returns true when terminate has run with normal and the server is dead",
    alone(function()
      local pid = start({ terminate = tell_terminate },
        { test = pierrot.self(), value = 1 })

      local result = gen_server.stop(pid)

      assert.is_true(result)
      assert.is_false(pierrot.is_alive(pid))
      assert.same({ "terminate", "normal", 1 }, pierrot.receive(nil, 0))
    end))

  it("makes a text of what a reason cannot hold", alone(function()
    local pid, ref = start_watched({})
    local other, other_ref = start_watched({})

    assert.is_true(gen_server.stop(pid, { "bye", print }))
    assert.is_true(sys.terminate(other, print))

    assert.same({ "bye", pierrot.inspect(print) }, await_down(ref))
    assert.equal(pierrot.inspect(print), await_down(other_ref))
  end))

  it("GS-050 returns true whatever the reason is like", alone(function()
    local deep, cycle = {}, {}
    local inner = deep
    for _ = 1, 100000 do
      inner[1] = {}
      inner = inner[1]
    end
    cycle[1], cycle.twice = cycle, { deep, deep }

    for _, reason in ipairs { deep, cycle, 0 / 0, false } do
      assert.is_true(gen_server.stop(start_alone {}, reason))
    end
  end))

  it("GS-049 takes a name, which is free afterwards", alone(function()
    local pid = gen_server.start_link(Keeper, {}, { name = "GS-049" })

    assert.is_true(gen_server.stop("GS-049"))

    assert.is_false(pierrot.is_alive(pid))
    assert.is_nil(pierrot.whereis("GS-049"))
  end))

  it("GS-050 ends the server with another reason", alone(function()
    local pid, ref = start_watched({ terminate = tell_terminate },
      { test = pierrot.self(), value = 1 })

    assert.is_true(gen_server.stop(pid, { "shutdown", "for the night" }))

    assert.same({ "terminate", { "shutdown", "for the night" }, 1 }, expect { "terminate" })
    assert.same({ "shutdown", "for the night" }, await_down(ref))
  end))

  it("GS-051 fails with noproc on a dead server and on a free name", alone(function()
    local pid = support.dead()

    local dead, free = exit_reason(gen_server.stop, pid), exit_reason(gen_server.stop, "nobody")

    assert.same({ "noproc", { "gen_server", "stop", pid, "normal", "infinity" } }, dead)
    assert.same({ "noproc", { "gen_server", "stop", "nobody", "normal", "infinity" } }, free)
  end))

  it("GS-052 fails with calling_self in the server, which goes on", alone(function()
    local pid = start({ handle_call = {
      stop = function() return "reply", exit_reason(gen_server.stop, pierrot.self()) end,
      get = function() return "reply", "alive" end,
    } })

    assert.equal("calling_self", gen_server.call(pid, "stop")[1])
    assert.equal("alive", gen_server.call(pid, "get"))
  end))

  it("fails with timeout when the server does not end in time", alone(function()
    local pid = start_alone { handle_info = function() pierrot.receive("never sent") end }
    pierrot.send(pid, "block")

    local reason = exit_reason(gen_server.stop, pid, "normal", 20)

    assert.same({ "timeout", { "gen_server", "stop", pid, "normal", 20 } }, reason)
    pierrot.exit(pid, "kill")
  end))

  it("fails with the reason the server really ended with", alone(function()
    local pid = start_alone { terminate = function() pierrot.exit("on the way out") end }

    local reason = exit_reason(gen_server.stop, pid)

    assert.same({ "on the way out", { "gen_server", "stop", pid, "normal", "infinity" } }, reason)
  end))

  it("is seen after the EXITs and DOWNs that are older", alone(function()
    pierrot.trap_exit(true)
    local pid = gen_server.start_link(Keeper, {})
    local ref = pierrot.monitor(pid)

    gen_server.stop(pid, "done")

    local messages = pierrot.flush()
    assert.same({
      { "EXIT", pid, "done" },
      { "DOWN", ref, "process", pid, "done" },
      n = 2,
    }, messages)
  end))
end)

describe("terminate", function()
  local ends = {
    { title = "a stop", act = function() return "stop", "done" end, reason = "done" },
    { title = "an exit", act = function() pierrot.exit("done") end, reason = "done" },
    { title = "a bad value", act = function() return 42 end, reason = { "bad_return_value", 42 } },
    { title = "an error", act = function() error({ code = 7 }) end, is_error = true },
  }

  for _, callback in ipairs { "handle_call", "handle_cast", "handle_info", "handle_continue" } do
    for _, row in ipairs(ends) do
      it("GS-056 runs once, with the last good state, after " .. row.title .. " in " .. callback,
        alone(function()
          local callbacks = module {
            handle_cast = function(_, state) return "noreply", state, { "continue", 1 } end,
            terminate = tell_terminate,
          }
          callbacks[callback] = row.act
          local arg = { test = pierrot.self(), value = "good" }
          local pid, ref = gen_server.start_monitor(callbacks, arg)
          local acts = {
            handle_call = function() pcall(gen_server.call, pid, "act") end,
            handle_cast = function() gen_server.cast(pid, "act") end,
            handle_info = function() pierrot.send(pid, "act") end,
            handle_continue = function() gen_server.cast(pid, "continue") end,
          }

          acts[callback]()

          local seen = expect { "terminate" }
          local reason = await_down(ref)
          assert.same(seen[2], reason)
          assert.equal("good", seen[3])
          assert.equal(0, pierrot.flush().n)
          if row.is_error then
            assert.equal("error", reason[1])
            assert.same({ code = 7 }, reason[2])
          else
            assert.same(row.reason, reason)
          end
        end))
    end
  end

  it("GS-056 sees the state of the stop", alone(function()
    local pid = start_alone({
      handle_cast = function(_, state)
        return "stop", "normal", { test = state.test, value = "last" }
      end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = "first" })

    gen_server.cast(pid, "stop")

    assert.same({ "terminate", "normal", "last" }, expect())
  end))

  it("GS-057 does not run when a signal ends a server that does not trap exits", alone(function()
    local pid, ref = start_watched({ terminate = tell_terminate },
      { test = pierrot.self(), value = 1 })

    pierrot.exit(pid, "shutdown")

    assert.equal("shutdown", await_down(ref))
    assert.equal(0, pierrot.flush().n)
  end))

  it("GS-057 does not run when a linked process takes the server along", alone(function()
    local pid, ref = start_watched({
      handle_cast = function() pierrot.spawn_link(function() pierrot.exit("no milk") end) end,
      terminate = tell_terminate,
    }, { test = pierrot.self(), value = 1 })

    gen_server.cast(pid, "link")

    assert.equal("no milk", await_down(ref))
    assert.equal(0, pierrot.flush().n)
  end))

  it("runs when the parent's exit signal reaches a server that traps exits", alone(function()
    local test = pierrot.self()
    local parent = pierrot.spawn(function()
      local pid = gen_server.start_link({
        init = function()
          pierrot.trap_exit(true)
          return "ok", { test = test, value = 1 }
        end,
        terminate = tell_terminate,
      })
      pierrot.send(test, { "server", pid })
      pierrot.receive("never sent")
    end)
    local ref = pierrot.monitor(expect({ "server" })[2])

    pierrot.exit(parent, "shutdown")

    assert.same({ "terminate", "shutdown", 1 }, expect { "terminate" })
    assert.equal("shutdown", await_down(ref))
  end))

  it("does not run for another's exit signal: a trapping server gets it as an info",
    alone(function()
      local test = pierrot.self()
      local pid = start {
        init = function()
          pierrot.trap_exit(true)
          return "ok", {}
        end,
        handle_info = function(message) pierrot.send(test, message) end,
      }

      local sender = pierrot.spawn_link(function()
        pierrot.exit(pid, "no milk")
        pierrot.receive("never sent")
      end)

      assert.same({ "EXIT", sender, "no milk" }, expect())
      assert.is_true(pierrot.is_alive(pid))
    end))

  it("GS-061 does not run when the server is killed", alone(function()
    local pid, ref = gen_server.start_monitor({
      init = function(test)
        pierrot.trap_exit(true)
        return "ok", { test = test, value = 1 }
      end,
      terminate = tell_terminate,
    }, pierrot.self())

    pierrot.exit(pid, "kill")

    assert.equal("killed", await_down(ref))
    assert.equal(0, pierrot.flush().n)
  end))

  it("GS-056 runs after a crash where the module inherits it", alone(function()
    local callbacks = setmetatable({
      init = function(test) return "ok", { test = test, value = "good" } end,
      handle_cast = function() pierrot.exit("done") end,
    }, { __index = { terminate = tell_terminate } })
    local pid, ref = gen_server.start_monitor(callbacks, pierrot.self())

    gen_server.cast(pid, "crash")

    assert.same({ "terminate", "done", "good" }, expect { "terminate" })
    assert.equal("done", await_down(ref))
  end))

  it("GS-056 runs after a crash where the module got it while the server ran", alone(function()
    local callbacks = {
      init = function(test) return "ok", { test = test, value = "good" } end,
      handle_cast = function() pierrot.exit("done") end,
    }
    local pid, ref = gen_server.start_monitor(callbacks, pierrot.self())
    callbacks.terminate = tell_terminate

    gen_server.cast(pid, "crash")

    assert.same({ "terminate", "done", "good" }, expect { "terminate" })
    assert.equal("done", await_down(ref))
  end))

  it("GS-063 may be missing: a server that crashes ends at once", alone(function()
    local pid, ref = start_watched({ handle_cast = function() pierrot.exit("done") end }, {})

    gen_server.cast(pid, "crash")

    assert.equal("done", await_down(ref))
  end))

  it("GS-063 may be missing: the server simply ends with the reason", alone(function()
    local pid, ref = gen_server.start_monitor(Keeper, {})

    gen_server.stop(pid, "done")

    assert.equal("done", await_down(ref))
  end))

  it("may wait for messages and make calls", alone(function()
    local test = pierrot.self()
    local helper = gen_server.start_link(Keeper, { value = "helped" })
    local pid = start { terminate = function()
      pierrot.send(test, gen_server.call(helper, { "get" }))
    end }

    gen_server.stop(pid)

    assert.equal("helped", expect())
  end))
end)

describe("the lookup", function()
  it("GS-064 gives back a pid, dead or alive", alone(function()
    local dead, alive = support.dead(), idle()

    assert.equal(dead, pierrot.whereis(dead))
    assert.equal(alive, pierrot.whereis(alive))
  end))

  it("GS-064 gives the pid of a name and of a via, or nil", alone(function()
    local reg = registry.start_link()
    local via = { "via", reg, "GS-064" }
    local named = gen_server.start_link(Keeper, {}, { name = "GS-064" })
    local in_registry = gen_server.start_link(Keeper, {}, { name = via })

    assert.equal(named, pierrot.whereis("GS-064"))
    assert.equal(in_registry, pierrot.whereis(via))
    assert.is_nil(pierrot.whereis("nobody"))
    assert.is_nil(pierrot.whereis({ "via", reg, "nobody" }))
    gen_server.stop(named)
  end))
end)
