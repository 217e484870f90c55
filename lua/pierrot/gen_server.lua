--- gen_server: servers with callbacks in Lua, and their clients.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local same = require "pierrot.same"
local start = require "pierrot.start"

local CALL_TIMEOUT <const> = 5000

local M = {}

-- Client --------------------------------------------------------------------------------------

--- The reply of the server to a request. Exits when there is none, with the reason
--- {why, {"gen_server", "call", …}}.
---@type fun(server: any, request: any, timeout?: number|string): any
M.call = core.call

--- Sends a request that is not answered; true whether there is such a server or not.
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
  return start.server("start", module, arg, opts, false, false)
end

--- start, linked.
---@return userdata|nil pid, any reason
function M.start_link(module, arg, opts)
  return start.server("start_link", module, arg, opts, true, false)
end

--- start, monitored in one step.
---@return userdata|nil pid, any ref_or_reason
function M.start_monitor(module, arg, opts)
  return start.server("start_monitor", module, arg, opts, false, true)
end

--- Ends a server and waits until it has ended. Exits {why, {"gen_server", "stop", …}} when it does
--- not end with that reason.
---@param server any
---@param ... any reason ("normal"), timeout ("infinity")
---@return boolean
function M.stop(server, ...)
  local n = select("#", ...)
  local reason, timeout = ...
  if n < 1 then reason = "normal" end
  if n < 2 then timeout = "infinity" end
  argument.check_server(2, 1, "stop", server)
  argument.check_timeout(2, 3, "stop", timeout)
  reason = core.as_reason(reason)
  local function fail(why)
    core.exit { why, { "gen_server", "stop", server, reason, timeout } }
  end
  local pid = core.whereis(server)
  -- Here, since a DOWN with "noproc" may be the end that is asked for.
  if not pid or not core.is_alive(pid) then fail("noproc") end
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

-- Asynchronous requests -----------------------------------------------------------------------

--- Sends a request without waiting for the reply.
---@type fun(server: any, request: any): userdata
M.send_request = core.send_request

local function outcome(message, id)
  if type(message) ~= "table" then return nil end
  if message[1] == id then return true, message[2] end
  if message[1] == "DOWN" and message[2] == id then return false, message[5] end
  return nil
end

local function check(fname, id, timeout)
  if not core.is_ref(id) then argument.reject(3, 1, fname, "request id", id) end
  argument.check_timeout(3, 2, fname, timeout)
end

local function wait(id, timeout)
  return core.receive(core.one_of({ id }, { "DOWN", id }), timeout)
end

-- Ends the request. What came before that is its outcome still.
local function abandon(id)
  core.demonitor(id, true)
  local message = wait(id, 0)
  if message == nil then return nil, "timeout" end
  return outcome(message, id)
end

--- true, reply; false, why; nil, "timeout": the request goes on.
---@param id userdata
---@param timeout? number|string
function M.wait_response(id, timeout)
  check("wait_response", id, timeout)
  local message = wait(id, timeout)
  if message == nil then return nil, "timeout" end
  return outcome(message, id)
end

--- The same, but after a timeout the request is abandoned: its reply never arrives.
---@param id userdata
---@param timeout? number|string
function M.receive_response(id, timeout)
  check("receive_response", id, timeout)
  local message = wait(id, timeout)
  if message == nil then return abandon(id) end
  return outcome(message, id)
end

--- What a message that was received says of a request; nil, "no_reply" when it is another.
---@param message any
---@param id userdata
function M.check_response(message, id)
  if not core.is_ref(id) then argument.reject(2, 2, "check_response", "request id", id) end
  local ok, value = outcome(message, id)
  if ok == nil then return nil, "no_reply" end
  return ok, value
end

-- Many servers at once ------------------------------------------------------------------------

local function check_servers(fname, servers)
  if type(servers) ~= "table" then argument.reject(3, 1, fname, "list of servers", servers) end
  for i, server in ipairs(servers) do
    if not argument.is_server(server) then
      argument.fail(3, 1, fname, ("list of servers expected, got %s at [%d]")
        :format(argument.describe(server), i))
    end
  end
end

local function deadline_of(timeout)
  if timeout == "infinity" then return math.huge end
  return core.now() + timeout
end

local function time_left(deadline)
  if deadline == math.huge then return "infinity" end
  return math.max(0, deadline - core.now())
end

--- Calls all of them at the same time. Those that answered in time, with their replies; and those
--- that did not, or have ended. Both are in the order of `servers`.
---@param servers any[] pids, names and vias
---@param request any
---@param timeout? number|string for all of them together; 5000
---@return { [1]: any, [2]: any }[] replies, any[] failed
function M.multi_call(servers, request, timeout)
  check_servers("multi_call", servers)
  argument.check_timeout(2, 3, "multi_call", timeout)
  local deadline = deadline_of(timeout or CALL_TIMEOUT)
  local ids, replies, failed = {}, {}, {}
  for i, server in ipairs(servers) do ids[i] = core.whereis(server) or false end
  for i, pid in ipairs(ids) do ids[i] = pid and core.send_request(pid, request) end
  for i, server in ipairs(servers) do
    local answered, reply
    if ids[i] then answered, reply = M.receive_response(ids[i], time_left(deadline)) end
    if answered then
      replies[#replies + 1] = { server, reply }
    else
      failed[#failed + 1] = server
    end
  end
  return replies, failed
end

--- Casts to all of them, whoever is there.
---@param servers any[] pids, names and vias
---@param request any
---@return boolean
function M.abcast(servers, request)
  check_servers("abcast", servers)
  for _, server in ipairs(servers) do core.cast(server, request) end
  return true
end

-- Specs ---------------------------------------------------------------------------------------

-- A start that names what it calls goes anywhere, and keeps an argument of its own.
local function start_by_name(loaded, name, arg)
  if loaded.start_link then return { name, "start_link", arg } end
  return { "pierrot.gen_server", "start_link", name, arg }
end

--- How a supervisor starts a server of that module: by its start_link, or this module's.
---@param module table|string
---@param arg any
---@param overrides? table
---@return table
function M.child_spec(module, arg, overrides)
  local loaded, name = start.check_module(2, "child_spec", module)
  name = name or start.module_name(loaded)
  if overrides ~= nil and type(overrides) ~= "table" then
    argument.reject(2, 3, "child_spec", "table", overrides)
  end
  local spec = {
    id = name or tostring(loaded), restart = "permanent", shutdown = 5000, type = "worker",
    modules = { name },
  }
  if name then
    spec.start = start_by_name(loaded, name, arg)
  elseif loaded.start_link then
    spec.start = function() return loaded.start_link(arg) end
  else
    spec.start = function() return M.start_link(loaded, arg) end
  end
  for key, value in next, overrides or {} do spec[key] = value end
  return spec
end

return M
