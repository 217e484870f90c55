--- dynamic_supervisor: children that are started one by one, as many as are wanted.

local argument = require "pierrot.argument"
local flags_of = require "pierrot.supervisor.flags"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.supervisor.parcel"
local server = require "pierrot.supervisor.dynamic"
local spec = require "pierrot.supervisor.spec"

local SERVER <const> = "pierrot.supervisor.dynamic" -- loaded by its name elsewhere

local M = {}

--- Starts one without children, linked to the caller. opts: name, max_restarts (3), max_seconds
--- (5), max_children, extra_arguments (a list: they come before those of each child's start).
---@param opts? table
---@return userdata|nil pid, any reason
function M.start_link(opts)
  local flags, fault = flags_of.read_dynamic(opts)
  if not flags then error(fault, 2) end
  local start_opts, is_away = flags_of.of_start(opts)
  local wrapped, _ <close> = parcel.wrap(2, flags, is_away)
  local pid, reason = gen_server.start_link(is_away and SERVER or server, wrapped, start_opts)
  if pid then return pid end
  return nil, reason
end

--- How a supervisor starts a dynamic one.
---@param opts? table as of start_link
---@return table
function M.child_spec(opts)
  return {
    id = "pierrot.dynamic_supervisor",
    start = { "pierrot.dynamic_supervisor", "start_link", opts },
    restart = "permanent", shutdown = "infinity", type = "supervisor",
  }
end

local function check(fname, sup)
  argument.check_server(3, 1, fname, sup)
end

local function ask(sup, request)
  return gen_server.call(sup, request, "infinity")
end

local function read_child(child)
  local read, fault = spec.read(child, true)
  if read then fault = spec.fault_of_significance(read, "never") end
  if fault then error(fault, 3) end
  return read
end

--- Starts a child; its spec needs no id: pid [, extra]; or nil, reason: "max_children", "ignore",
--- what its start failed with.
---@param sup userdata|string|table pid, name or via
---@param child any a child spec of any form
---@return userdata|nil pid, any extra_or_reason
function M.start_child(sup, child)
  check("start_child", sup)
  local read = read_child(child)
  local wrapped, _ <close> = parcel.wrap_children(2, read, { read }, sup)
  local reply = ask(sup, { "start_child", wrapped })
  if not reply.pid then return nil, reply.why end
  if reply.extra == nil then return reply.pid end
  return reply.pid, reply.extra
end

--- Stops a child and forgets it.
---@param sup userdata|string|table
---@param pid userdata
---@return true|nil, string|nil reason "not_found"
function M.terminate_child(sup, pid)
  check("terminate_child", sup)
  if not require("pierrot.core").is_pid(pid) then
    argument.reject(2, 2, "terminate_child", "pid", pid)
  end
  local reply = ask(sup, { "terminate_child", pid })
  if reply.pid then return true end
  return nil, reply.why
end

--- All children, in no order; pid is "restarting" while a restart fails. They have no ids.
---@param sup userdata|string|table
---@return { pid: userdata|string, type: string, modules: string[]|string }[]
function M.which_children(sup)
  check("which_children", sup)
  return ask(sup, { "which_children" })
end

--- How many children there are, how many of them run, and of which type they are.
---@param sup userdata|string|table
---@return { specs: integer, active: integer, supervisors: integer, workers: integer }
function M.count_children(sup)
  check("count_children", sup)
  return ask(sup, { "count_children" })
end

--- Ends the supervisor, all its children at the same time, as gen_server.stop.
---@param sup userdata|string|table
---@param ... any reason ("normal"), timeout ("infinity")
---@return true
function M.stop(sup, ...)
  return gen_server.stop(sup, ...)
end

return M
