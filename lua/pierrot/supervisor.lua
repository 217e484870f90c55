--- supervisor: starts children, restarts those that fail, and stops them in order.

local argument = require "pierrot.argument"
local flags_of = require "pierrot.supervisor.flags"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.supervisor.parcel"
local server = require "pierrot.supervisor.server"
local spec = require "pierrot.supervisor.spec"

local SERVER <const> = "pierrot.supervisor.server" -- loaded by its name elsewhere

local M = {}

-- Starting -------------------------------------------------------------------------------------

local function start_module(module, arg, opts)
  local start_opts, is_away = flags_of.of_start(opts)
  local request = { module = module, arg = arg, name = start_opts.name }
  local wrapped, _ <close> = parcel.wrap(3, request, is_away)
  local pid, reason = gen_server.start_link(is_away and SERVER or server, wrapped, start_opts)
  return pid, reason
end

local function start_children(list, opts)
  local flags, children, fault
  flags, fault = flags_of.read(opts)
  if not fault then children, fault = spec.read_list(list) end
  if not fault then fault = spec.fault_of_list(children, flags.auto_shutdown) end
  if fault then error(fault, 3) end
  local start_opts, is_away = flags_of.of_start(opts)
  local request = { flags = flags, children = children }
  local wrapped, _ <close> = parcel.wrap_children(3, request, children, is_away)
  local pid, reason = gen_server.start_link(is_away and SERVER or server, wrapped, start_opts)
  return pid, reason
end

local function check_module_opts(opts)
  if opts == nil then return end
  if type(opts) ~= "table" then argument.reject(3, 3, "start_link", "table of options", opts) end
  if opts.name ~= nil and type(opts.name) ~= "string" and not argument.is_via(opts.name) then
    argument.reject_option(3, "name", "string or via", opts.name)
  end
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
    check_module_opts(opts)
    local loaded = what
    if type(what) == "string" then loaded = require("pierrot.start").check_module(2, "start_link",
      what) end
    if type(loaded.init) ~= "function" then
      argument.fail(2, 1, "start_link", ("module '%s' has no init"):format(tostring(what)))
    end
    pid, reason = start_module(what, opts_or_arg, opts)
  else
    pid, reason = start_children(what, opts_or_arg)
  end
  if pid then return pid end
  return nil, reason
end

-- Children -------------------------------------------------------------------------------------

local function outcome(reply)
  if not reply.pid then return nil, reply.why end
  if reply.extra == nil then return reply.pid end
  return reply.pid, reply.extra
end

local function ask(sup, request)
  return gen_server.call(sup, request, "infinity")
end

local function check(fname, sup)
  argument.check_server(3, 1, fname, sup)
end

--- Adds a child: pid [, extra]; or nil, reason: {"already_started", pid}, "already_present",
--- "ignore", what its start failed with.
---@param sup userdata|string|table pid, name or via
---@param child any a child spec of any form
---@return userdata|nil pid, any extra_or_reason
function M.start_child(sup, child)
  check("start_child", sup)
  local read, fault = spec.read(child)
  if not read then error(fault, 2) end
  local wrapped, _ <close> = parcel.wrap_children(2, read, { read }, sup)
  local reply = ask(sup, { "start_child", wrapped })
  if reply.fault then error(reply.fault, 2) end
  return outcome(reply)
end

--- Stops a child; its spec stays, unless it is temporary.
---@param sup userdata|string|table
---@param id any
---@return true|nil, string|nil reason "not_found"
function M.terminate_child(sup, id)
  check("terminate_child", sup)
  return outcome(ask(sup, { "terminate_child", id }))
end

--- Starts a child that was stopped: pid [, extra]; or nil, reason: "running", "restarting",
--- "not_found", what its start failed with.
---@param sup userdata|string|table
---@param id any
---@return userdata|nil pid, any extra_or_reason
function M.restart_child(sup, id)
  check("restart_child", sup)
  return outcome(ask(sup, { "restart_child", id }))
end

--- Forgets a child that does not run.
---@param sup userdata|string|table
---@param id any
---@return true|nil, string|nil reason "running", "restarting", "not_found"
function M.delete_child(sup, id)
  check("delete_child", sup)
  return outcome(ask(sup, { "delete_child", id }))
end

--- All children in the order of their start; pid is "restarting" while a restart fails, and nil for
--- one that does not run.
---@param sup userdata|string|table
---@return { id: any, pid: userdata|string|nil, type: string, modules: string[]|string }[]
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

--- Ends the supervisor and its children, as gen_server.stop.
---@param sup userdata|string|table
---@param ... any reason ("normal"), timeout ("infinity")
---@return true
function M.stop(sup, ...)
  return gen_server.stop(sup, ...)
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
