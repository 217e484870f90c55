-- SPDX-License-Identifier: MIT
--- What the specs of gen_server share: modules, and ways to start them.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

local servers = {}

--- A module with these callbacks. Its state is the argument unless they have an init.
function servers.module(callbacks)
  callbacks.init = callbacks.init or function(arg) return "ok", arg end
  return callbacks
end

--- A server that keeps a value.
servers.Keeper = servers.module {
  handle_call = {
    get = function(state) return "reply", state.value end,
    put = function(state, _, value) return "reply", state.value, { value = value } end,
  },
}

--- Starts a server with these callbacks, linked to the test.
function servers.start(callbacks, arg, opts)
  local pid, reason = gen_server.start_link(servers.module(callbacks), arg, opts)
  assert(pid, pierrot.inspect(reason))
  return pid
end

--- The same without a link.
function servers.start_alone(callbacks, arg, opts)
  local pid, reason = gen_server.start(servers.module(callbacks), arg, opts)
  assert(pid, pierrot.inspect(reason))
  return pid
end

--- The same with a monitor. Gives pid and ref.
function servers.start_watched(callbacks, arg, opts)
  local pid, ref = gen_server.start_monitor(servers.module(callbacks), arg, opts)
  assert(pid, pierrot.inspect(ref))
  return pid, ref
end

--- For a process that starts: lets a watcher tell `test` {"ended", reason} when it has ended.
function servers.be_watched(test)
  local me = pierrot.self()
  pierrot.spawn(function()
    local ref = pierrot.monitor(me)
    pierrot.send(me, "watched")
    pierrot.send(test, { "ended", support.await_down(ref) })
  end)
  pierrot.receive("watched")
end

--- A terminate callback that tells the process in state.test.
function servers.tell_terminate(reason, state)
  pierrot.send(state.test, { "terminate", reason, state.value })
end

return servers
