--- Starting processes: options, placement, names.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local key = require "pierrot.key"
local plain = require "pierrot.plain"

local M = {}

local SPAWN_OPTIONS <const> = {
  link = "boolean", monitor = "boolean", name = true, scheduler = true, max_queue = true,
  max_heap = true,
}
local SERVER_OPTIONS <const> = {
  link = "boolean", monitor = "boolean", name = true, scheduler = true, max_queue = true,
  max_heap = true, timeout = true,
}

local function check_count(level, opts, name)
  local value = opts[name]
  if value ~= nil and not argument.to_integer(value, 1) then
    argument.reject_option(level + 1, name, "positive integer", value)
  end
end

--- The index of the scheduler that the option says; nil: the caller's own.
---@param level integer as in pierrot.argument
---@param opts table
---@return integer|nil
function M.check_scheduler(level, opts)
  local wanted = opts.scheduler
  if wanted == nil or wanted == "local" then return nil end
  if wanted == "any" then wanted = core.least_busy() end
  local index = argument.to_integer(wanted, 1, core.schedulers())
  if not index then
    local expected = ("\"local\", \"any\" or 1 to %d"):format(core.schedulers())
    argument.reject_option(level + 1, "scheduler", expected, wanted)
  end
  return index ~= core.scheduler() and index or nil
end

-- Found out before anything is started.
local function can_register(via)
  return argument.is_via(via) and argument.is_server(via[2]) and key.is_key(via[3])
    and plain.is_plain(via[4])
end

local function check_name(level, opts, allows_via)
  local name = opts.name
  if name == nil or type(name) == "string" then return end
  if not (allows_via and can_register(name)) then
    argument.reject_option(level + 1, "name", allows_via and "string or via" or "string", name)
  end
  if require("pierrot.registry").is_duplicate_via(name) then
    error("bad option 'name' (via on a registry with unique keys expected, got one with duplicate"
      .. " keys)", argument.users_level())
  end
end

local function check_all(level, arg, fname, opts, kinds, allows_via)
  argument.check_options(level + 1, arg, fname, opts, kinds)
  check_count(level + 1, opts, "max_queue")
  check_count(level + 1, opts, "max_heap")
  check_name(level + 1, opts, allows_via)
  argument.check_timeout_option(level + 1, "timeout", opts.timeout)
  local scheduler = M.check_scheduler(level + 1, opts) -- no tail call: levels are counted
  return scheduler
end

-- Loads a module; what is wrong with it is said of the line that asked for it.
local function load_module(level, name)
  local loaded, module = pcall(require, name)
  if loaded then return module end
  error(module, type(module) == "string" and level + 1 or 0)
end

--- A function, or one named as "some.module:fn".
---@param level integer as in pierrot.argument
---@param arg integer
---@param fname string
---@param fn any
---@return function
function M.check_function(level, arg, fname, fn)
  if type(fn) == "function" then return fn end
  local module, name
  if type(fn) == "string" then module, name = fn:match("^([^:]+):([%w_]+)$") end
  if not module then
    local given = type(fn) == "string" and argument.show(fn) or argument.describe(fn)
    argument.fail(level + 1, arg, fname,
      "function or \"module:function\" expected, got " .. given)
  end
  local loaded = load_module(level + 1, module)
  local found = type(loaded) == "table" and loaded[name]
  if type(found) ~= "function" then
    argument.fail(level + 1, arg, fname, ("module '%s' has no function '%s'"):format(module, name))
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

--- spawn_opt, whose caller is to be two levels up.
function M.spawn(opts, fn, ...)
  local scheduler = check_all(2, 1, "spawn_opt", opts, SPAWN_OPTIONS, false)
  local found = M.check_function(2, 2, "spawn_opt", fn)
  if not scheduler then return core.spawn_local(opts, found, ...) end
  local payload = remote_payload("spawn", opts)
  payload.fn = require("pierrot.carry").pack(fn, 2)
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

--- A module by table or name; its table and its name, or nil for one that was given as a table.
---@param level integer as in pierrot.argument
---@param fname string
---@param module any
---@param arg? integer which argument it is; 1
---@return table module, string|nil name
function M.check_module(level, fname, module, arg)
  local name
  if type(module) == "string" then
    name, module = module, load_module(level + 1, module)
  end
  if type(module) ~= "table" then
    argument.reject(level + 1, arg or 1, fname, "module or its name", module)
  end
  return module, name
end

local function check_server_module(level, fname, module)
  local table_, name = M.check_module(level + 1, fname, module)
  if not table_.init then
    argument.fail(level + 1, 1, fname,
      ("module%s has no init"):format(name and " '" .. name .. "'" or ""))
  end
  return table_, name
end

-- Names by module, for reports; false: it was not loaded under any when it was first started.
local known_names = setmetatable({}, { __mode = "k" })

local function known_name(module)
  local name = known_names[module]
  if name == nil then
    name = M.module_name(module) or false
    known_names[module] = name
  end
  return name or nil
end

-- What start_server is given where there are no options.
local LINK <const>, MONITOR <const> = 1, 2

-- For so long a start that has failed waits for the end of its process, and for its scheduler where
-- nothing has been heard from that; it may be held up by C code.
local GRACE_MS <const> = 1000

-- A server elsewhere whose start has failed is dead, and all that it tells of that has come, before
-- the caller goes on.
local function await_end(pid)
  local gone <const> = core.monitor(pid)
  core.receive({ "DOWN", gone }, GRACE_MS)
  core.demonitor(gone, true)
  core.purge_exit(pid)
end

-- The time was up before the other scheduler had begun. What it starts by now is killed when it
-- tells of that: what is started there next comes behind it, and what comes after that behind the
-- kill.
local function await_abandoned(scheduler)
  local payload <const> = remote_payload("spawn", {})
  payload.fn = require("pierrot.carry").pack "pierrot:now"
  for _ = 1, 2 do
    if not core.start_remote(scheduler, payload, false, false, false, GRACE_MS) then return end
  end
end

-- Starts what wants a name on another scheduler, by core.start_remote or its like: again, when who
-- had the name has it no longer.
local function start_elsewhere(start, name, scheduler, ...)
  while true do
    local pid, why, failed = start(scheduler, ...)
    if failed then
      await_end(failed)
    elseif not pid and why == "timeout" then
      await_abandoned(scheduler)
    end
    if pid or failed or why ~= "already_registered" then return pid, why end
    local holder <const> = core.whereis(name)
    if holder then return nil, { "already_started", holder } end
  end
end

--- Starts a gen_server for the public function of that name. Results: pid [, ref]; or nil, reason.
function M.server(fname, module, arg, opts, link, monitor)
  local bits <const> = (link and LINK or 0) | (monitor and MONITOR or 0)
  local known <const> = known_names[module]
  -- Most have been started before.
  if opts == nil and known ~= nil and module.init then
    return core.start_server(bits, nil, module, arg, known or nil)
  end
  local table_, name = check_server_module(2, fname, module)
  if opts == nil then
    return core.start_server(bits, nil, table_, arg, name or known_name(table_))
  end
  local scheduler = check_all(2, 3, fname, opts, SERVER_OPTIONS, true)
  local via = type(opts.name) == "table" and opts.name or nil
  local given = {
    link = link or opts.link or false, monitor = monitor or opts.monitor or false,
    name = not via and opts.name or nil, timeout = opts.timeout, max_queue = opts.max_queue,
    max_heap = opts.max_heap,
  }
  if scheduler then
    local payload = remote_payload("server", given)
    payload.module = require("pierrot.carry").pack_module(table_, 2)
    payload.arg, payload.name, payload.via = arg, name or M.module_name(table_), via
    return start_elsewhere(core.start_remote, given.name, scheduler, payload, given.link,
      given.monitor, true, given.timeout)
  end
  if via then
    local boot = { name = via, module = table_, module_name = name }
    return core.start_server(given, boot_via, boot, arg, name)
  end
  return core.start_server(given, nil, table_, arg, name or known_name(table_))
end

--- For a host thread that starts a server: it reads the outcome from the end of this process.
---@param request { module: string, arg: any, name: string?, max_queue: integer?,
---  max_heap: integer?, timeout: integer? }
function M.for_host(request)
  local pid, why = M.server("start", request.module, request.arg, {
    name = request.name, max_queue = request.max_queue, timeout = request.timeout,
    max_heap = request.max_heap,
  })
  core.exit { "shutdown", pid or false, why }
end

--- The body of a process that runs a host's code: it hears of the result from the end.
---@param request { code: string, name: string, arg: any }
function M.eval(request)
  local chunk <const>, why <const> = load(request.code, request.name, "t")
  if not chunk then
    error(why, 0)
  end
  core.exit { "shutdown", true, (chunk(request.arg)) }
end

-- What was started under a via must not stay: nobody hears of it.
local function discard(pid, ref)
  core.unlink(pid)
  if ref then core.demonitor(ref, true) end
  local gone = core.monitor(pid)
  -- Not by an exit signal: it may trap those, and nobody who is not linked is its parent.
  core.system_cast(pid, { "terminate", "shutdown" })
  core.receive { "DOWN", gone }
end

-- An actor cannot register itself: its starter does.
local function register_actor(via, pid, ref)
  local registry <const> = require "pierrot.registry"
  local ok, registered, why = pcall(registry.register_pid, via[2], via[3], pid, via[4])
  if ok and registered then return pid, ref end
  discard(pid, ref)
  if ok then return nil, why end
  local is_exit = type(registered) == "table" and registered.class == "exit"
  if is_exit then return nil, registered.reason end
  error(registered, 0)
end

local function start_actor(scheduler, name, arg, given, timeout)
  if not scheduler then
    given.timeout = timeout
    return core.start_actor(given, name, arg)
  end
  local payload = { options = payload_options(given), arg = arg }
  return start_elsewhere(core.start_actor_remote, given.name, scheduler, payload, given.link,
    given.monitor, name, timeout)
end

--- Starts a built-in C actor. Results: pid [, ref]; or nil, reason.
function M.actor(name, arg, opts, link)
  opts = opts == nil and {} or opts
  local scheduler = check_all(2, 1, link and "start_link" or "start", opts, SERVER_OPTIONS, true)
  local via = type(opts.name) == "table" and opts.name or nil
  local holder = via and core.whereis(via)
  if holder then return nil, { "already_started", holder } end
  local pid, ref = start_actor(scheduler, name, arg, {
    link = link or opts.link or false, monitor = opts.monitor or false,
    name = not via and opts.name or nil, max_queue = opts.max_queue,
  }, opts.timeout)
  if pid and via then pid, ref = register_actor(via, pid, ref) end
  if ref == nil then return pid end
  return pid, ref
end

return M
