-- SPDX-License-Identifier: MIT
--- What the specs of supervisors share: children that tell the test what happens to them.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"

local trees = {}

-- A child -------------------------------------------------------------------------------------

--- Tells the test {"up", id, pid} in its init and {"down", id, reason} in its terminate.
local Worker = {}

function Worker.init(arg)
  pierrot.trap_exit(arg.traps or false)
  if arg.init then arg.init(arg) end
  pierrot.send(arg.test, { "up", arg.id, pierrot.self() })
  return "ok", { test = arg.test, id = arg.id, lingers = arg.lingers, value = arg.value }
end

Worker.handle_call = {
  put = function(state, _, value)
    state.value = value
    return "reply", true
  end,
  get = function(state) return "reply", state.value end,
}

Worker.handle_cast = {
  stop = function(_, reason) return "stop", reason end,
  fail = function() error("the milk is sour") end,
}

function Worker.terminate(reason, state)
  pierrot.send(state.test, { "down", state.id, reason })
  if state.lingers then pierrot.receive("never sent") end
end

trees.Worker = Worker

--- The spec of such a child. `options`: traps, lingers (in terminate), value, name.
function trees.child(id, overrides, options)
  local arg = { test = pierrot.self(), id = id }
  for key, value in pairs(options or {}) do arg[key] = value end
  local spec = {
    id = id,
    start = function() return gen_server.start_link(Worker, arg, { name = arg.name }) end,
  }
  for key, value in pairs(overrides or {}) do spec[key] = value end
  return spec
end

--- Children of these ids, alike in all else.
function trees.children(ids, overrides, options)
  local list = {}
  for i, id in ipairs(ids) do list[i] = trees.child(id, overrides, options) end
  return list
end

-- Trees ---------------------------------------------------------------------------------------

--- A supervisor of these children, one_for_one unless the options say otherwise. The test traps
--- exits from then on, and has seen all children start.
function trees.start(children, options)
  pierrot.trap_exit(true)
  local opts = { strategy = "one_for_one" }
  for key, value in pairs(options or {}) do opts[key] = value end
  local sup, reason = supervisor.start_link(children, opts)
  assert(sup, pierrot.inspect(reason))
  return sup
end

--- The pid of a child that has just told that it is up.
function trees.up(id)
  return support.expect({ "up", id })[3]
end

--- The next of what children tell, as "up a", "down b".
function trees.told(n)
  local list = {}
  for i = 1, n do
    local message = support.expect(pierrot.one_of({ "up" }, { "down" }))
    list[i] = message[1] .. " " .. tostring(message[2])
  end
  return list
end

--- Nothing has been told that was not looked at.
function trees.silence()
  local message = pierrot.receive(pierrot.one_of({ "up" }, { "down" }), 0)
  return message == nil
end

--- Ends a child with a reason and waits for its end.
function trees.finish(pid, reason)
  local ref = pierrot.monitor(pid)
  if reason == "kill" then
    pierrot.exit(pid, "kill")
  else
    gen_server.cast(pid, { "stop", reason })
  end
  return support.await_down(ref)
end

--- For a test that has seen the DOWN of a child: waits until the supervisor has dealt with the
--- EXIT, which went out before.
function trees.settle(sup)
  return supervisor.count_children(sup)
end

--- From id to pid, as the supervisor sees it.
function trees.pids(sup)
  local pids = {}
  for _, entry in ipairs(supervisor.which_children(sup)) do pids[entry.id] = entry.pid end
  return pids
end

--- The ids in order.
function trees.ids(sup)
  local ids = {}
  for i, entry in ipairs(supervisor.which_children(sup)) do ids[i] = entry.id end
  return ids
end

--- The log is silent for the tests of a block: crashes on purpose would fill it. Takes busted's
--- functions, which a module does not see.
function trees.quiet(setup, teardown)
  local logger = require "pierrot.logger"
  setup(function() logger.set_level("none") end)
  teardown(function() logger.set_level("debug") end)
end

return trees
