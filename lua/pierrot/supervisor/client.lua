--- What the clients of supervisors of both kinds have in common.
--
-- `level` is as in pierrot.argument, counted from whoever calls these functions.

local argument = require "pierrot.argument"
local blame = require "pierrot.blame"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.parcel"

local M = {}

-- A child's arguments become its own where the rest of it cannot be copied.
local function own_arguments(child)
  local start = child.start
  if type(start) ~= "table" then return end
  for i = 3, start.n do start[i] = core.snapshots(start, i, i) end
end

-- Requests -------------------------------------------------------------------------------------

--- What the process answers to a request. A bad server argument is its caller's error.
---@param fname string
---@param sup any
---@param ... any the request, whose name is that of its function in messages
---@return any
function M.ask(fname, sup, ...)
  argument.check_server(3, 1, fname, sup)
  return gen_server.call(sup, { fname, ... }, "infinity")
end

--- An answer that is { pid =, extra = } or { why = }: pid [, extra]; or nil, why.
---@param reply table
function M.outcome(reply)
  if reply.pid == nil then return nil, reply.why end
  if reply.extra == nil then return reply.pid end
  return reply.pid, reply.extra
end

--- Has a child started that was read from its spec.
---@param level integer
---@param sup any
---@param child table
---@return table reply
function M.start_child(level, sup, child)
  own_arguments(child)
  local wrapped = parcel.wrap(level + 1, child, core.whereis(sup) or core.scheduler())
  local _ <close> = parcel.guard(wrapped)
  return M.ask("start_child", sup, wrapped)
end

--- All children: { id =, pid =, type =, modules = }, in the order of their start.
---@param sup userdata|string|table pid, name or via
---@return table[]
function M.which_children(sup)
  local list = M.ask("which_children", sup)
  return list
end

--- How many children there are, how many of them run, and of which type they are.
---@param sup userdata|string|table
---@return { specs: integer, active: integer, supervisors: integer, workers: integer }
function M.count_children(sup)
  local count = M.ask("count_children", sup)
  return count
end

--- Ends the supervisor and its children, as gen_server.stop.
---@param sup userdata|string|table
---@param ... any reason ("normal"), timeout ("infinity")
---@return true
function M.stop(sup, ...)
  return gen_server.stop(sup, ...)
end

-- Starting -------------------------------------------------------------------------------------

-- What a start is told: the name, where it runs, how much it may hold.
local function start_options(opts)
  if opts == nil then return {} end
  return {
    name = opts.name, scheduler = opts.scheduler, timeout = opts.timeout,
    max_queue = opts.max_queue, max_heap = opts.max_heap,
  }
end

local function is_elsewhere(scheduler)
  return scheduler ~= nil and scheduler ~= "local" and scheduler ~= core.scheduler()
end

--- Starts the process of a supervisor, linked to the caller.
---@param level integer
---@param server table its module
---@param server_name string under which it is loaded elsewhere
---@param request any its argument, which may hold functions
---@param opts table|nil
---@return userdata|nil pid, any reason
function M.start_link(level, server, server_name, request, opts)
  local given = start_options(opts)
  for _, child in ipairs(request.children or {}) do own_arguments(child) end
  local wrapped
  if is_elsewhere(given.scheduler) then
    wrapped = parcel.carried(level + 1, request)
    server = server_name
  else
    wrapped = parcel.wrap(level + 1, request, core.scheduler())
  end
  local _ <close> = parcel.guard(wrapped)
  local pid, reason = blame.call(level + 1, gen_server.start_link, server, wrapped, given)
  if pid then return pid end
  return nil, reason
end

return M
