--- agent: a process around a state, which functions read and change.

local argument = require "pierrot.argument"
local blame = require "pierrot.blame"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.parcel"
local start = require "pierrot.start"

local SERVER <const> = "pierrot.agent.server"

local M = {}

-- Starting -------------------------------------------------------------------------------------

-- The first function is wrapped for the caller, who lives while it waits; elsewhere it is carried.
local function wrap_first(fn, opts)
  local scheduler = type(opts) == "table" and opts.scheduler
  if type(fn) == "function" and scheduler and scheduler ~= "local" then
    local wrapped = parcel.carried(4, fn)
    return wrapped
  end
  local wrapped = parcel.wrap(4, fn, core.self())
  return wrapped
end

local function start_agent(fname, fn, opts)
  start.check_function(3, 1, fname, fn)
  if opts ~= nil and type(opts) ~= "table" then
    argument.reject(3, 2, fname, "table of options", opts)
  end
  local wrapped = wrap_first(fn, opts)
  local _ <close> = parcel.guard(wrapped)
  local pid, reason = blame.call(3, gen_server[fname], SERVER, wrapped, opts)
  return pid, reason
end

--- Starts an agent, linked to the caller: fn runs in it, and what it returns is the state.
---@param fn function|string
---@param opts? table as of gen_server.start_link
---@return userdata|nil pid, any reason
function M.start_link(fn, opts)
  local pid, reason = start_agent("start_link", fn, opts)
  if pid then return pid end
  return nil, reason
end

--- start_link without the link.
---@param fn function|string
---@param opts? table
---@return userdata|nil pid, any reason
function M.start(fn, opts)
  local pid, reason = start_agent("start", fn, opts)
  if pid then return pid end
  return nil, reason
end

--- How a supervisor starts an agent with that function; or, given { fn, opts }, with these.
---@param arg any
---@return table
function M.child_spec(arg)
  local fn, opts = arg, nil
  if type(arg) == "table" then fn, opts = arg[1], arg[2] end
  return {
    id = "pierrot.agent", start = { "pierrot.agent", "start_link", fn, opts },
    restart = "permanent", shutdown = 5000, type = "worker",
  }
end

-- Client ---------------------------------------------------------------------------------------

local function ask(fname, agent, fn, timeout)
  argument.check_server(3, 1, fname, agent)
  start.check_function(3, 2, fname, fn)
  argument.check_timeout(3, 3, fname, timeout)
  local pid = core.whereis(agent)
  -- Of one that is not there the call tells. What was left for one that is too slow to answer in
  -- time runs all the same.
  local wrapped = pid and parcel.wrap(3, fn, pid) or false
  return gen_server.call(agent, { fname, wrapped }, timeout)
end

--- What fn makes of the state, in the agent; the state stays. This and the next two exit as
--- gen_server.call does when there is no answer.
---@param agent userdata|string|table pid, name or via
---@param fn function|string
---@param timeout? number|string 5000
---@return any value
function M.get(agent, fn, timeout)
  local value = ask("get", agent, fn, timeout)
  return value
end

--- The value of fn, called with the state, becomes the state.
---@param agent userdata|string|table
---@param fn function|string
---@param timeout? number|string
---@return true
function M.update(agent, fn, timeout)
  local value = ask("update", agent, fn, timeout)
  return value
end

--- fn, called with the state, gives what is returned here, and the new state.
---@param agent userdata|string|table
---@param fn function|string
---@param timeout? number|string
---@return any value
function M.get_and_update(agent, fn, timeout)
  local value = ask("get_and_update", agent, fn, timeout)
  return value
end

--- update without waiting; true whether there is such an agent or not.
---@param agent userdata|string|table
---@param fn function|string
---@return true
function M.cast(agent, fn)
  argument.check_server(2, 1, "cast", agent)
  start.check_function(2, 2, "cast", fn)
  local pid = core.whereis(agent)
  local wrapped = pid and parcel.wrap(2, fn, pid)
  if not wrapped then return true end
  return core.cast(pid, { "cast", wrapped })
end

--- Ends the agent, as gen_server.stop.
---@type fun(agent: any, reason?: any, timeout?: number|string): true
M.stop = gen_server.stop

return M
