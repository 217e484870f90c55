--- sys: a look into servers, and a hand on them. It works on every process that speaks gen_server:
--- servers in Lua, actors in C, supervisors.
--
-- What goes wrong is an exit {why, {"sys", function, server, …, timeout}}, as gen_server.call's.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local parcel = require "pierrot.parcel"
local start = require "pierrot.start"

local TIMEOUT <const> = 5000

local M = {}

-- Asking --------------------------------------------------------------------------------------

-- What a function of this module works with: its name, the server, the deadline, and how it fails.
local function asker(fname, timeout, server, ...)
  argument.check_server(3, 1, fname, server)
  argument.check_timeout(3, select("#", ...) + 2, fname, timeout)
  timeout = timeout or TIMEOUT
  local given = table.pack("sys", fname, server, ...)
  given[given.n + 1], given.n = timeout, nil
  local is_endless = timeout == "infinity" or timeout == math.huge
  local deadline = is_endless and math.huge or core.now() + timeout
  local function left()
    return is_endless and "infinity" or math.max(0, deadline - core.now())
  end
  return {
    server = core.whereis(server), left = left,
    fail = function(why) core.exit { why, given } end,
  }
end

local function ask(asked, request)
  if not asked.server then asked.fail "noproc" end
  local answered, reply = core.system_call(asked.server, request, asked.left())
  if not answered then asked.fail(reply) end
  return reply
end

local function scheduler_of(asked)
  return ask(asked, { "tracer" })[2]
end

-- State ---------------------------------------------------------------------------------------

--- The state of a server.
---@param server any pid, name or via
---@param timeout? number|string
---@return any state
function M.get_state(server, timeout)
  return ask(asker("get_state", timeout, server), { "get_state" })[1]
end

-- An actor in C runs no Lua: fn runs here, again when the actor has handled something meanwhile.
local function replace_in_actor(asked, fn)
  repeat
    local token, old = table.unpack(ask(asked, { "get_for_replace" }), 1, 2)
    local state = fn(old)
    if state == nil then state = old end
    local replaced = ask(asked, { "replace_state", state, token })
    if replaced == true then return state end
  until replaced
  error("the state of this actor cannot be replaced", 0)
end

--- Replaces the state by fn(state), which runs in the server; of an actor in C, in the caller. When
--- fn fails that is the caller's error, and the state stays. nil keeps the state, which fn may have
--- changed in place.
---@param server any
---@param fn fun(state: any): any
---@param timeout? number|string
---@return any state the new one
function M.replace_state(server, fn, timeout)
  if type(fn) ~= "function" then argument.reject(2, 2, "replace_state", "function", fn) end
  local asked = asker("replace_state", timeout, server, "function")
  local wrapped = parcel.wrap(2, fn, scheduler_of(asked))
  local _ <close> = parcel.guard(wrapped)
  local reply = ask(asked, { "replace_state", fn = wrapped })
  if reply == "not_supported" then error("the state of this process cannot be replaced", 2) end
  if type(reply) ~= "table" then return replace_in_actor(asked, fn) end
  if reply[1] then return reply[2] end
  if type(reply[2]) == "table" and reply[2][1] == "error" then error(reply[2][2], 0) end
  asked.fail(reply[2])
end

--- What is known of a server: pid, name, module, status, parent, dictionary, state. status is
--- "running" or "suspended", name false when it has none, state what format_status shows.
---@param server any
---@param timeout? number|string
---@return table
function M.get_status(server, timeout)
  return ask(asker("get_status", timeout, server), { "status" })
end

-- Stopping and going on -----------------------------------------------------------------------

--- From now on it answers pierrot.sys alone. Not nested: one resume is enough.
---@param server any
---@param timeout? number|string
---@return boolean
function M.suspend(server, timeout)
  return ask(asker("suspend", timeout, server), { "suspend" })
end

--- It goes on with what has come meanwhile.
---@param server any
---@param timeout? number|string
---@return boolean
function M.resume(server, timeout)
  return ask(asker("resume", timeout, server), { "resume" })
end

--- Ends it with that reason, after its terminate. True as soon as it has heard of it.
---@param server any
---@param reason any
---@param timeout? number|string
---@return boolean
function M.terminate(server, reason, timeout)
  reason = core.as_reason(reason)
  ask(asker("terminate", timeout, server, reason), { "terminate", reason })
  return true
end

--- The server goes on with that module; code_change(old_version, state, extra) of it makes the new
--- state, if it has one.
---@param server any
---@param module table|string
---@param old_version any
---@param extra any
---@param timeout? number|string
---@return boolean|nil changed, any reason
function M.change_code(server, module, old_version, extra, timeout)
  argument.check_server(2, 1, "change_code", server)
  local loaded, name = start.check_module(2, "change_code", module, 2)
  local asked = asker("change_code", timeout, server, name or tostring(loaded), old_version, extra)
  local request = { "change_code", name = name or start.module_name(loaded), old = old_version,
    extra = extra }
  if not name then request.module = parcel.wrap(2, loaded, scheduler_of(asked)) end
  local _ <close> = request.module and parcel.guard(request.module)
  local reply = ask(asked, request)
  if reply == true then return true end
  return nil, type(reply) == "table" and reply[1] or "not_supported"
end

-- Tracing -------------------------------------------------------------------------------------

local function find_tracer(asked)
  local answer = ask(asked, { "tracer" })
  return answer[1], answer[2]
end

local function find_or_start_tracer(asked)
  local tracer, scheduler = find_tracer(asked)
  if tracer then return tracer, scheduler end
  local started, why = start.server("start", "pierrot.tracer", asked.server,
    { scheduler = scheduler, timeout = asked.left() }, false, false)
  if started then return started, scheduler end
  if type(why) == "table" and why[1] == "already_started" then return why[2], scheduler end
  asked.fail(why)
end

-- Whether the tracer has answered, and what; false, "noproc" when it has just gone.
local function try_tracer(asked, tracer, request)
  local passed, reply = pcall(core.call, tracer, request, asked.left())
  if passed then return true, reply end
  local why = type(reply) == "table" and reply.class == "exit" and reply.reason[1]
  if not why then error(reply, 0) end
  if why ~= "noproc" and why ~= "normal" then asked.fail(why) end
  return false
end

-- Asks the tracer; nil when there is none, unless one is to be started for that. `request` makes
-- the request for a tracer on that scheduler.
local function ask_tracer(asked, must_start, request)
  while true do
    local find = must_start and find_or_start_tracer or find_tracer
    local tracer, scheduler = find(asked)
    if not tracer then return nil end
    local answered, reply = try_tracer(asked, tracer, request(scheduler))
    if answered then return reply end
  end
end

local function check_flag(fname, flag, allows_get)
  if type(flag) == "boolean" or (allows_get and flag == "get") then return end
  argument.reject(3, 2, fname, allows_get and "boolean or \"get\"" or "boolean", flag)
end

local function always(request)
  return function() return request end
end

--- Prints a line on standard output for what the server gets and what it answers.
---@param server any
---@param flag boolean
---@param timeout? number|string
---@return boolean
function M.trace(server, flag, timeout)
  check_flag("trace", flag)
  local asked = asker("trace", timeout, server, flag)
  ask_tracer(asked, flag, always { "trace", flag })
  return true
end

--- Counts; "get" gives start_time, current_time, reductions, messages_in and messages_out in a
--- table, or nil, "no_statistics".
---@param server any
---@param flag boolean|string
---@param timeout? number|string
---@return table|boolean|nil statistics, string|nil reason
function M.statistics(server, flag, timeout)
  check_flag("statistics", flag, true)
  local asked = asker("statistics", timeout, server, flag)
  local reply = ask_tracer(asked, flag == true, always { "statistics", flag })
  if flag ~= "get" then return true end
  if reply then return reply end
  return nil, "no_statistics"
end

--- Keeps the last events (10, or `flag` when that is a number; `true` leaves the number as it is
--- where some are kept already); "get" gives a list of them, the oldest first. They are
--- {"in", message, "call" | "cast" | "info" [, caller]}, {"noreply"}, and {"out", reply, caller}.
---@param server any
---@param flag boolean|string|integer
---@param timeout? number|string
---@return table|boolean
function M.log(server, flag, timeout)
  local length = argument.to_integer(flag, 1)
  if not length then check_flag("log", flag, true) end
  local asked = asker("log", timeout, server, flag)
  local request = { "log", length and true or flag, length }
  local reply = ask_tracer(asked, length ~= nil or flag == true, always(request))
  if flag == "get" then return reply or {} end
  return true
end

--- Calls fn(fn_state, event, name) for each event, until it returns "done"; what else it returns is
--- the next fn_state. It runs in a process beside the server. An id that is there
--- already stays as it is.
---@param server any
---@param spec { [1]: any, [2]: function, [3]: any } id, fn, fn_state
---@param timeout? number|string
---@return boolean
function M.install(server, spec, timeout)
  if type(spec) ~= "table" or spec[1] == nil or type(spec[2]) ~= "function" then
    argument.reject(2, 2, "install", "{id, function, state}", spec)
  end
  local id, fn, fn_state = spec[1], spec[2], spec[3]
  local asked = asker("install", timeout, server, id)
  local wrapped = parcel.wrap(2, fn, scheduler_of(asked))
  local _ <close> = parcel.guard(wrapped)
  local reply = ask_tracer(asked, true, always { "install", id, wrapped, fn_state })
  if type(reply) == "table" then error(reply[1], 2) end -- fn cannot be had over there
  return true
end

--- Removes what was installed under that id, if anything was.
---@param server any
---@param id any
---@param timeout? number|string
---@return boolean
function M.remove(server, id, timeout)
  ask_tracer(asker("remove", timeout, server, id), false, always { "remove", id })
  return true
end

--- Ends all tracing, counting, logging, and what was installed.
---@param server any
---@param timeout? number|string
---@return boolean
function M.no_debug(server, timeout)
  ask_tracer(asker("no_debug", timeout, server), false, always "no_debug")
  return true
end

return M
