--- supervisor: starts children, restarts those that fail, and stops them in order.

local argument = require "pierrot.argument"
local client = require "pierrot.supervisor.client"
local flags_of = require "pierrot.supervisor.flags"
local server = require "pierrot.supervisor.server"
local spec = require "pierrot.supervisor.spec"
local start_rules = require "pierrot.start"

local SERVER <const> = "pierrot.supervisor.server"

local M = {
  which_children = client.which_children, count_children = client.count_children,
  stop = client.stop,
}

-- Starting -------------------------------------------------------------------------------------

local function start_children(list, opts)
  local flags, children, fault
  flags, fault = flags_of.read(opts)
  if not fault then children, fault = spec.read_list(list) end
  if not fault then fault = spec.fault_of_list(children, flags.auto_shutdown) end
  if fault then error(fault, 3) end
  local request = { flags = flags, children = children }
  local pid, reason = client.start_link(3, server, SERVER, request, opts)
  return pid, reason
end

local function start_module(module, arg, opts)
  if opts ~= nil and type(opts) ~= "table" then
    argument.reject(3, 3, "start_link", "table of options", opts)
  end
  local loaded = module
  if type(module) == "string" then
    loaded = start_rules.check_module(3, "start_link", module)
  end
  if type(loaded.init) ~= "function" then
    argument.fail(3, 1, "start_link", ("module '%s' has no init"):format(tostring(module)))
  end
  local request = { module = module, arg = arg, name = opts and opts.name }
  local pid, reason = client.start_link(3, server, SERVER, request, opts)
  return pid, reason
end

--- start_link(children, opts), or start_link(module, arg, opts): a supervisor linked to the caller.
--- opts: strategy ("one_for_one", "one_for_all", "rest_for_one"), max_restarts (3), max_seconds
--- (5), auto_shutdown ("never", "any_significant", "all_significant"), name. The init of a module
--- gives "ok", {children, opts}; or "ignore". Should a child not start, those before it are
--- stopped, last first, and the reason is {"shutdown", {"failed_to_start_child", id, reason}}.
---@param children_or_module table|string
---@param opts_or_arg any
---@param opts? table
---@return userdata|nil pid, any reason
function M.start_link(children_or_module, opts_or_arg, opts)
  local what = children_or_module
  local pid, reason
  if type(what) == "string" or (type(what) == "table" and what.init ~= nil) then
    pid, reason = start_module(what, opts_or_arg, opts)
  else
    pid, reason = start_children(what, opts_or_arg)
  end
  if pid then return pid end
  return nil, reason
end

-- Children -------------------------------------------------------------------------------------

-- These, which_children, count_children and stop are asked of a process: they exit as
-- gen_server.call does.

--- Adds a child: pid [, extra]; or nil, reason: {"already_started", pid}, "already_present",
--- "ignore", what its start failed with.
---@param sup userdata|string|table pid, name or via
---@param child any a child spec of any form
---@return userdata|nil pid, any extra_or_reason
function M.start_child(sup, child)
  argument.check_server(2, 1, "start_child", sup)
  local read, fault = spec.read(child)
  if not read then error(fault, 2) end
  local reply = client.start_child(2, sup, read)
  if reply.fault then error(reply.fault, 2) end
  return client.outcome(reply)
end

--- Stops a child; its spec stays, unless it is temporary. A module's table as an id is its name.
---@param sup userdata|string|table
---@param id any
---@return true|nil, string|nil reason "not_found"
function M.terminate_child(sup, id)
  local reply = client.ask("terminate_child", sup, spec.own_id(id))
  return client.outcome(reply)
end

--- Starts a child that was stopped: pid [, extra]; or nil, reason: "running", "restarting",
--- "not_found", what its start failed with.
---@param sup userdata|string|table
---@param id any
---@return userdata|nil pid, any extra_or_reason
function M.restart_child(sup, id)
  local reply = client.ask("restart_child", sup, spec.own_id(id))
  return client.outcome(reply)
end

--- Forgets a child that does not run.
---@param sup userdata|string|table
---@param id any
---@return true|nil, string|nil reason "running", "restarting", "not_found"
function M.delete_child(sup, id)
  local reply = client.ask("delete_child", sup, spec.own_id(id))
  return client.outcome(reply)
end

-- Specs ----------------------------------------------------------------------------------------

-- {children, opts}: what a module's init would give.
local function is_tree(x)
  if type(x) ~= "table" or type(x[1]) ~= "table" or type(x[2]) ~= "table" then return false end
  return x[2].strategy ~= nil
end

local function tree_spec(x)
  return {
    id = "pierrot.supervisor", start = { "pierrot.supervisor", "start_link", x[1], x[2] },
    restart = "permanent", shutdown = "infinity", type = "supervisor",
  }
end

--- The spec of a child in any form (a module by table or name, {module, arg}, a spec), with
--- overrides. {children, opts} stands for a supervisor of these.
---@param x any
---@param overrides? table
---@return table
function M.child_spec(x, overrides)
  local given, fault
  if is_tree(x) then given = tree_spec(x) else given, fault = spec.expand(x) end
  if not given then error(fault, 2) end
  if overrides ~= nil and type(overrides) ~= "table" then
    argument.reject(2, 2, "child_spec", "table", overrides)
  end
  local result = {}
  for key, value in next, given do result[key] = value end
  for key, value in next, overrides or {} do result[key] = value end
  return result
end

return M
