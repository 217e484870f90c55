--- Starting processes: options, placement, names.

local core = require "pierrot.core"

local M = {}

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

--- Raises for unknown options and for those of a wrong type. kinds: name -> type or true.
---@param opts any
---@param arg integer which argument it is
---@param kinds table<string, string|boolean>
---@param level? integer
function M.check_options(opts, arg, kinds, level)
  level = (level or 2) + 1
  if type(opts) ~= "table" then
    error(("bad argument #%d (table of options expected, got %s)"):format(arg, type(opts)), level)
  end
  for name, value in next, opts do
    local kind = kinds[name]
    if not kind then
      error(("unknown option %s"):format(shown(name)), level)
    elseif kind ~= true and type(value) ~= kind then
      error(("bad option '%s' (%s expected, got %s)"):format(name, kind, type(value)), level)
    end
  end
end

local SPAWN_OPTIONS <const> = {
  link = "boolean", monitor = "boolean", name = true, scheduler = true, max_queue = true,
  max_heap = true,
}
local SERVER_OPTIONS <const> = {
  link = "boolean", monitor = "boolean", name = true, scheduler = true, max_queue = true,
  max_heap = true, timeout = true,
}

local function check_count(opts, name, level)
  local value = opts[name]
  if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
    error(("bad option '%s' (positive integer expected, got %s)"):format(name, shown(value)),
      level + 1)
  end
end

-- The index of a scheduler; nil: the caller's own.
local function check_scheduler(opts, level)
  local wanted = opts.scheduler
  if wanted == nil or wanted == "local" then return nil end
  if wanted == "any" then wanted = core.least_busy() end
  if math.type(wanted) ~= "integer" or wanted < 1 or wanted > core.schedulers() then
    error(("bad option 'scheduler' (\"local\", \"any\" or 1 to %d expected, got %s)")
      :format(core.schedulers(), shown(wanted)), level + 1)
  end
  return wanted ~= core.scheduler() and wanted or nil
end

local function is_via(name)
  return type(name) == "table" and name[1] == "via" and name[2] ~= nil and name[3] ~= nil
end

local function check_name(opts, allows_via, level)
  local name = opts.name
  if name == nil or type(name) == "string" or (allows_via and is_via(name)) then return end
  error(("bad option 'name' (string%s expected, got %s)")
    :format(allows_via and " or via" or "", require "pierrot.inspect" (name)), level + 1)
end

local function check_all(opts, arg, kinds, allows_via, level)
  M.check_options(opts, arg, kinds, level + 1)
  check_count(opts, "max_queue", level + 1)
  check_count(opts, "max_heap", level + 1)
  check_name(opts, allows_via, level + 1)
  return check_scheduler(opts, level + 1)
end

--- A function, or one named as "some.module:fn".
---@param fn any
---@param arg integer
---@return function
function M.check_function(fn, arg, level)
  if type(fn) == "function" then return fn end
  level = (level or 2) + 1
  local module, name = type(fn) == "string" and fn:match("^([^:]+):([%w_.]+)$") or nil, nil
  if type(fn) == "string" then module, name = fn:match("^([^:]+):([%w_]+)$") end
  if not module then
    error(("bad argument #%d (function or \"module:function\" expected, got %s)")
      :format(arg, type(fn) == "string" and shown(fn) or
        (core.is_pid(fn) and "pid" or core.is_ref(fn) and "ref" or type(fn))), level)
  end
  local found = require(module)[name]
  if type(found) ~= "function" then
    error(("bad argument #%d (module '%s' has no function '%s')"):format(arg, module, name), level)
  end
  return found
end

--- A server argument as a pid: a pid, a name, a via. nil: nobody has that name.
function M.resolve(server)
  return core.whereis(server)
end

local function payload_options(opts)
  return { name = opts.name, max_queue = opts.max_queue, max_heap = opts.max_heap }
end

local function remote_payload(kind, opts)
  return {
    kind = kind, path = package.path, cpath = package.cpath, options = payload_options(opts),
  }
end

--- spawn_opt.
function M.spawn(opts, fn, ...)
  local scheduler = check_all(opts, 1, SPAWN_OPTIONS, false, 2)
  if not scheduler then return core.spawn_local(opts, M.check_function(fn, 2, 3), ...) end
  if type(fn) ~= "function" then M.check_function(fn, 2, 3) end
  local payload = remote_payload("spawn", opts)
  payload.fn = require("pierrot.carry").pack(fn)
  payload.args = table.pack(...)
  return core.start_remote(scheduler, payload, opts.link, opts.monitor, false)
end

-- Runs in the new process before init: it takes its via-name.
local function register_via(name)
  local registered, why = require("pierrot.registry").register_via(name[2], name[3], name[4])
  if registered then return nil end
  return why
end

local function boot_via(module, arg)
  local why = register_via(module.name)
  if why ~= nil then return "fail", why end
  return "ok", module.module, arg, module.module_name
end

--- The name under which a module is loaded; nil: none.
---@param module table
---@return string|nil
function M.module_name(module)
  for name, loaded in next, package.loaded do
    if loaded == module and type(name) == "string" and name ~= "_G" then return name end
  end
  return nil
end

-- A module by table or name; its table and its name, or nil for one that has none.
local function check_module(module, level)
  local name
  if type(module) == "string" then
    name, module = module, require(module)
  end
  if type(module) ~= "table" then
    error(("bad argument #1 (module or its name expected, got %s)"):format(type(module)), level + 1)
  end
  if not module.init then
    error(("bad argument #1 (module%s has no init)"):format(name and " '" .. name .. "'" or ""),
      level + 1)
  end
  return module, name
end

--- Starts a gen_server. Results: pid [, ref]; or nil, reason.
function M.server(module, arg, opts, link, monitor)
  opts = opts == nil and {} or opts
  local scheduler = check_all(opts, 3, SERVER_OPTIONS, true, 2)
  local table_, name = check_module(module, 2)
  local via = type(opts.name) == "table" and opts.name or nil
  local given = {
    link = link or opts.link or false, monitor = monitor or opts.monitor or false,
    name = not via and opts.name or nil, timeout = opts.timeout, max_queue = opts.max_queue,
    max_heap = opts.max_heap,
  }
  if scheduler then
    local payload = remote_payload("server", given)
    payload.module = require("pierrot.carry").pack_module(table_)
    payload.arg, payload.name, payload.via = arg, name or M.module_name(table_), via
    local pid, why = core.start_remote(scheduler, payload, given.link, given.monitor, true,
      given.timeout)
    if not pid and why == "already_registered" then
      return nil, { "already_started", core.whereis(given.name) }
    end
    return pid, why
  end
  if via then
    local boot = { name = via, module = table_, module_name = name }
    return core.start_server(given, boot_via, boot, arg, name)
  end
  return core.start_server(given, nil, table_, arg, name or M.module_name(table_))
end

--- Starts a built-in C actor. Results: pid; or nil, reason.
function M.actor(name, arg, opts, link, extra)
  local kinds = SERVER_OPTIONS
  if extra then
    kinds = {}
    for key, kind in next, SERVER_OPTIONS do kinds[key] = kind end
    for key, kind in next, extra do kinds[key] = kind end
  end
  opts = opts == nil and {} or opts
  local scheduler = check_all(opts, 1, kinds, true, 2)
  local via = type(opts.name) == "table" and opts.name or nil
  if scheduler then
    return require("pierrot.gen_server").start_elsewhere(scheduler, name, arg, opts, link)
  end
  local pid, why = core.start_actor({
    link = link or false, name = not via and opts.name or nil, max_queue = opts.max_queue,
  }, name, arg)
  if pid and via then
    local registered, taken = require("pierrot.registry").register_pid(via[2], via[3], pid, via[4])
    if not registered then
      core.unlink(pid)
      core.exit(pid, "kill")
      return nil, taken
    end
  end
  return pid, why
end

return M
