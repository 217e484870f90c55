--- gen_server: servers with callbacks in Lua, and their clients.

local core = require "pierrot.core"
local start = require "pierrot.start"

local M = {}

-- Client -------------------------------------------------------------------------------------------

--- The reply of the server to a request. Exits when there is none: {why, {"gen_server", "call", …}}.
---@type fun(server: any, request: any, timeout?: number|string): any
M.call = core.call

--- Sends a request that is not answered; true whatever the server.
---@type fun(server: any, request: any): boolean
M.cast = core.cast

--- Answers a call; from any process. A second or late reply is dropped.
---@type fun(from: table, reply: any): boolean
M.reply = core.reply

--- Starts a server and waits until its init is done.
---@param module table|string
---@param arg any
---@param opts? table
---@return userdata|nil pid, any reason
function M.start(module, arg, opts)
  return start.server(module, arg, opts, false, false)
end

--- start, linked.
---@return userdata|nil pid, any reason
function M.start_link(module, arg, opts)
  return start.server(module, arg, opts, true, false)
end

--- start, monitored in one step.
---@return userdata|nil pid, any ref_or_reason
function M.start_monitor(module, arg, opts)
  return start.server(module, arg, opts, false, true)
end

local function same(a, b, seen)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  seen = seen or {}
  if seen[a] == b then return true end
  seen[a] = b
  for key, value in next, a do
    if not same(value, b[key], seen) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

--- Ends a server and waits until it has ended. Exits {why, {"gen_server", "stop", …}} when it does not end
--- with that reason.
---@param server any
---@param ... any reason ("normal"), timeout ("infinity")
---@return boolean
function M.stop(server, ...)
  local n = select("#", ...)
  local reason, timeout = ...
  if n < 1 then reason = "normal" end
  if n < 2 then timeout = "infinity" end
  local function fail(why)
    core.exit { why, { "gen_server", "stop", server, reason, timeout } }
  end
  local pid
  if server ~= nil then pid = core.whereis(server) end
  if not pid then fail("noproc") end
  if pid == core.self() then fail("calling_self") end
  local ref = core.monitor(pid)
  core.system_cast(pid, { "terminate", reason })
  local down = core.receive({ "DOWN", ref }, timeout)
  if not down then
    core.demonitor(ref, true)
    fail("timeout")
  end
  if not same(down[5], reason) then fail(down[5]) end
  return true
end

-- Asynchronous requests ----------------------------------------------------------------------------

--- Sends a request without waiting for the reply.
---@type fun(server: any, request: any): userdata
M.send_request = core.send_request

local function outcome(message, id)
  if type(message) ~= "table" then return nil end
  if message[1] == id then return true, message[2] end
  if message[1] == "DOWN" and message[2] == id then return false, message[5] end
  return nil
end

local function wait(id, timeout)
  if not core.is_ref(id) then
    error(("bad argument #1 (request id expected, got %s)"):format(type(id)), 3)
  end
  return core.receive(core.one_of({ id }, { "DOWN", id }), timeout)
end

--- true, reply; false, why; nil, "timeout": the request goes on.
---@param id userdata
---@param timeout? number|string
function M.wait_response(id, timeout)
  local message = wait(id, timeout)
  if message == nil then return nil, "timeout" end
  return outcome(message, id)
end

--- The same, but after a timeout the request is abandoned: its reply never arrives.
---@param id userdata
---@param timeout? number|string
function M.receive_response(id, timeout)
  local message = wait(id, timeout)
  if message == nil then
    core.demonitor(id, true)
    message = wait(id, 0)
    if message == nil then return nil, "timeout" end
  end
  return outcome(message, id)
end

--- What a message that was received says of a request; nil, "no_reply" when it is another.
---@param message any
---@param id userdata
function M.check_response(message, id)
  if not core.is_ref(id) then
    error(("bad argument #2 to 'check_response' (request id expected, got %s)"):format(type(id)), 2)
  end
  local ok, value = outcome(message, id)
  if ok == nil then return nil, "no_reply" end
  return ok, value
end

-- Specs --------------------------------------------------------------------------------------------

--- How a supervisor starts a server of that module.
---@param module table|string
---@param arg any
---@param overrides? table
---@return table
function M.child_spec(module, arg, overrides)
  local id = module
  if type(module) == "table" then id = start.module_name(module) or tostring(module) end
  local loaded = type(module) == "string" and require(module) or module
  local spec = {
    id = id,
    start = function()
      if loaded.start_link then return loaded.start_link(arg) end
      return M.start_link(module, arg)
    end,
    restart = "permanent", shutdown = 5000, type = "worker",
  }
  for key, value in next, overrides or {} do spec[key] = value end
  return spec
end

-- Starting C actors on another scheduler: a process there starts them in its own place.
---@private
function M.start_elsewhere(scheduler, name, arg, opts, link)
  local parent, ref = core.self(), core.make_ref()
  local pid, watch = start.spawn({ scheduler = scheduler, monitor = true },
    "pierrot.gen_server:start_actor_for", parent, ref, name, arg,
    { name = opts.name, max_queue = opts.max_queue })
  local message = core.receive(core.one_of({ ref }, { "DOWN", watch }))
  core.demonitor(watch, true)
  if message[1] ~= ref then return nil, message[5] end
  if message[2] == nil then return nil, message[3] end
  if link then core.link(message[2]) end
  core.send(pid, ref)
  return message[2]
end

---@private
function M.start_actor_for(parent, ref, name, arg, opts)
  local pid, why = start.actor(name, arg, opts, false)
  core.send(parent, { ref, pid, why })
  if pid then core.receive(ref, 5000) end
end

return M
