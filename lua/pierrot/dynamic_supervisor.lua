--- dynamic_supervisor: children that are started one by one, as many as are wanted.

local argument = require "pierrot.argument"
local client = require "pierrot.supervisor.client"
local core = require "pierrot.core"
local flags_of = require "pierrot.supervisor.flags"
local server = require "pierrot.supervisor.dynamic"
local spec = require "pierrot.supervisor.spec"

local SERVER <const> = "pierrot.supervisor.dynamic"

local M = {
  which_children = client.which_children, count_children = client.count_children,
  stop = client.stop,
}

--- Starts one without children, linked to the caller. opts: name, max_restarts (3), max_seconds
--- (5), max_children, extra_arguments (a list: they come before those of each child's start).
---@param opts? table
---@return userdata|nil pid, any reason
function M.start_link(opts)
  local flags, fault = flags_of.read_dynamic(opts)
  if not flags then error(fault, 2) end
  local pid, reason = client.start_link(2, server, SERVER, flags, opts)
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
  argument.check_server(2, 1, "start_child", sup)
  local read = read_child(child)
  return client.outcome(client.start_child(2, sup, read))
end

--- Stops a child and forgets it.
---@param sup userdata|string|table
---@param pid userdata
---@return true|nil, string|nil reason "not_found"
function M.terminate_child(sup, pid)
  argument.check_server(2, 1, "terminate_child", sup)
  if not core.is_pid(pid) then argument.reject(2, 2, "terminate_child", "pid", pid) end
  return client.outcome(client.ask("terminate_child", sup, pid))
end

return M
