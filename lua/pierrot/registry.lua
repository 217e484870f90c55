--- registry: names for processes. The server is a C actor (src/actor/registry.c), whose table is
--- read without asking it.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local key_rules = require "pierrot.key"
local start = require "pierrot.start"

local request <const>, read <const> = core.request, core.read
local check <const> = key_rules.check_with_server

local CALL_TIMEOUT <const> = 5000 -- what the description of a failed call says

local M = {}

local function no_memory(level)
  error("not enough memory in the registry", level or 3)
end

-- Starting -------------------------------------------------------------------------------------

local function check_listeners(listeners)
  local is_list = type(listeners) == "table"
  for _, name in ipairs(is_list and listeners or {}) do
    is_list = is_list and type(name) == "string"
  end
  if not is_list then argument.reject_option(4, "listeners", "list of names", listeners) end
end

-- What the registry itself is started with: nil where there is nothing to say.
local function own_options(opts)
  local keys, listeners, partitions = opts.keys, opts.listeners, opts.partitions
  if keys ~= nil and keys ~= "unique" and keys ~= "duplicate" then
    argument.reject_option(3, "keys", '"unique" or "duplicate"', keys)
  end
  if listeners ~= nil then check_listeners(listeners) end
  if partitions ~= nil and not argument.to_integer(partitions, 1) then
    argument.reject_option(3, "partitions", "positive integer", partitions)
  end
  if keys ~= "duplicate" and listeners == nil then return nil end
  return { keys = keys, listeners = listeners, name = opts.name }
end

local OWN <const> = { keys = true, listeners = true, partitions = true }

-- The options without those that are this module's.
local function other_options(opts)
  local rest = {}
  for name, value in next, opts do
    if not OWN[name] then rest[name] = value end
  end
  return rest
end

--- Starts an empty registry, linked to the caller.
---   keys         "unique", or "duplicate": a key may be held by many
---   listeners    names of processes that hear of what is registered and unregistered
---   partitions   a number, taken for those who expect it: the table is divided anyway
---@param opts? table also name, scheduler, max_queue
---@return userdata|nil pid, any reason
function M.start_link(opts)
  if type(opts) ~= "table" then return start.actor("registry", nil, opts, true) end
  return start.actor("registry", own_options(opts), other_options(opts), true)
end

--- Starts an empty registry that is not linked.
---@param opts? table
---@return userdata|nil pid, any reason
function M.start(opts)
  if type(opts) ~= "table" then return start.actor("registry", nil, opts, false) end
  return start.actor("registry", own_options(opts), other_options(opts), false)
end

--- How a supervisor starts a registry.
---@param arg? table the options of start_link
---@return table
function M.child_spec(arg)
  return {
    id = "pierrot.registry", start = { "pierrot.registry", "start_link", arg },
    restart = "permanent", shutdown = 5000, type = "worker",
  }
end

-- Client: reads, in the process that asks ------------------------------------------------------

-- A read that failed. What the caller, who is two levels up, got wrong is looked for only now; else
-- it fails as a call.
local function fail_read(fname, why, reg, ...)
  argument.check_server(4, 1, fname, reg)
  if why ~= "noproc" then
    key_rules.check(4, fname, (...))
    no_memory(5)
  end
  core.exit { why, { "gen_server", "call", reg, { fname, ... }, CALL_TIMEOUT } }
end

-- For readers, who call it themselves.
local function fail(...)
  fail_read(...)
end

--- The process under a key and its value; nil when there is none. With duplicate keys a list of
--- {pid, value}, oldest first. Never one that is dead. This and all that follow exit as
--- gen_server.call does when there is no such registry.
---   reg: pid, name or via    key: string, number, boolean, pid or ref
---@type fun(reg: userdata|string|table, key: any): (userdata|nil), any
M.lookup = core.reader("lookup", fail, true)

local read_keys <const> = core.reader("keys", fail, false)

--- All keys, or those of a process, in the order in which they were registered.
---@param reg userdata|string|table
---@param pid? userdata
---@return any[]
function M.keys(reg, pid)
  if not core.is_pid(reg) then argument.check_server(2, 1, "keys", reg) end
  if pid ~= nil and not core.is_pid(pid) then argument.reject(2, 2, "keys", "pid", pid) end
  return read_keys(reg, pid)
end

--- How many names there are, or are under a key.
---@type fun(reg: userdata|string|table, key?: any): integer
M.count = core.reader("count", fail, false)

-- A list of {pid, value}.
local function entries(fname, reg, key)
  local found, why = read(reg, "lookup", key)
  if why then fail_read(fname, why, reg, key) end
  if found == nil then return {} end
  if type(found) ~= "table" then return { { found } } end
  if core.is_pid(found[1]) then return { found } end
  return found
end

--- The entries of a key whose value matches a pattern, as that of receive.
---@param reg userdata|string|table
---@param key any
---@param pattern any nil matches any value
---@return table[] entries {pid, value}, oldest first
function M.match(reg, key, pattern)
  check(2, "match", reg, key)
  local match <const>, matching = require "pierrot".match, {}
  for _, entry in ipairs(entries("match", reg, key)) do
    if match(pattern, entry[2]) then matching[#matching + 1] = entry end
  end
  return matching
end

--- Calls fn with the list of {pid, value} under a key, in the caller; not for an empty one.
---@param reg userdata|string|table
---@param key any
---@param fn fun(entries: table[])
---@return true
function M.dispatch(reg, key, fn)
  check(2, "dispatch", reg, key)
  if type(fn) ~= "function" then argument.reject(2, 3, "dispatch", "function", fn) end
  local found = entries("dispatch", reg, key)
  if found[1] then fn(found) end
  return true
end

-- Client: changes, by calls --------------------------------------------------------------------

--- Puts the caller under a key, once more where keys may be duplicate. Its name goes when it ends,
--- and it ends when the registry does.
---@param reg userdata|string|table
---@param key any
---@param value? any
---@return true|nil, table|nil reason nil, {"already_registered", pid}
function M.register(reg, key, value)
  check(2, "register", reg, key)
  local reply = request(reg, "register", key, value)
  if reply == true then return true end
  if not reply then no_memory() end
  return nil, { "already_registered", reply }
end

--- Takes the caller's name away; with duplicate keys all those it has under the key.
---@param reg userdata|string|table
---@param key any
---@return true|nil, string|nil reason nil, "not_found"
function M.unregister(reg, key)
  check(2, "unregister", reg, key)
  local reply = request(reg, "unregister", key)
  if reply == nil then no_memory() end
  if reply then return true end
  return nil, "not_found"
end

--- Gives the caller's name a new value: what fn makes of the old one. For unique keys.
---@param reg userdata|string|table
---@param key any
---@param fn fun(value: any): any
---@return any new, any old nil, "not_found" when the name is not the caller's
function M.update_value(reg, key, fn)
  check(2, "update_value", reg, key)
  if type(fn) ~= "function" then argument.reject(2, 3, "update_value", "function", fn) end
  if read(reg, "kind") == "duplicate" then
    argument.fail(2, 1, "update_value",
      "registry with unique keys expected, got one with duplicate keys")
  end
  local own = entries("update_value", reg, key)[1]
  if not own or own[1] ~= core.self() then return nil, "not_found" end
  local old = own[2]
  local new = fn(old)
  local reply = request(reg, "update", key, new)
  if reply == nil then no_memory() end
  if reply then return new, old end
  return nil, "not_found"
end

local function check_start(what)
  if type(what) == "string" then return end
  local expected = "module or {module, function, …}"
  if type(what) ~= "table" then argument.reject(3, 3, "create", expected, what) end
  if type(what[1]) ~= "string" or type(what[2]) ~= "string" then
    argument.fail(3, 3, "create", ("%s expected, got %s"):format(expected, argument.show(what)))
  end
end

--- The process under a key, started when there is none: a bucket, or what `what` gives: "module",
--- or {"module", "fn", arg, …}, which answers pid or nil, reason. It is linked with the registry.
---@param reg userdata|string|table
---@param key any
---@param what? string|table
---@return userdata|nil pid, any reason
function M.create(reg, key, what)
  check(2, "create", reg, key)
  local reply
  if what == nil then
    reply = request(reg, "create", key)
  else
    check_start(what)
    reply = request(reg, "create", key, what)
  end
  if type(reply) == "table" then return nil, reply[2] end
  return reply or no_memory()
end

--- Sees to it that there is a bucket under a key, without waiting.
---@param reg userdata|string|table
---@param key any
---@return true
function M.create_async(reg, key)
  check(2, "create_async", reg, key)
  return core.cast(reg, { "create", key })
end

local Claim <const> = {
  __close = function(claim) core.cast(claim.registry, { "unlock", claim.ref }) end,
}

--- Runs fn while no other process runs one under the same key; the others wait, in the order in
--- which they came. Locks have keys of their own, apart from those of names. A process that has the
--- lock may take it again.
---@param reg userdata|string|table
---@param key any
---@param fn fun(): ...
---@return any ... what fn returned
function M.lock(reg, key, fn)
  check(2, "lock", reg, key)
  if type(fn) ~= "function" then argument.reject(2, 3, "lock", "function", fn) end
  local ref = core.call(reg, { "lock", key }, "infinity")
  if not ref then no_memory() end
  local _ <close> = setmetatable({ registry = reg, ref = ref }, Claim)
  return fn()
end

-- Vias -----------------------------------------------------------------------------------------

--- Whether a via leads to a registry whose keys may be duplicate, which names nobody.
---@param via table
---@return boolean
function M.is_duplicate_via(via)
  return read(via[2], "kind") == "duplicate"
end

--- Puts the caller under the name of a start.
---@param reg userdata|string|table
---@param key any
---@param value? any
---@return true|nil, table|nil reason nil, {"already_started", pid}
function M.register_via(reg, key, value)
  return M.register_pid(reg, key, core.self(), value)
end

--- The same for a process that cannot do it itself.
---@param reg userdata|string|table
---@param key any
---@param pid userdata
---@param value? any
---@return true|nil, table|string|nil reason nil, {"already_started", pid} or "noproc"
function M.register_pid(reg, key, pid, value)
  check(2, "register_pid", reg, key)
  local reply = request(reg, "register_pid", key, pid, value)
  if reply == true then return true end
  if reply == nil then no_memory() end
  if reply == false then return nil, "noproc" end
  return nil, { "already_started", reply }
end

-- Server: the helper process of a create -------------------------------------------------------

local function largest_index(list)
  local n = 0
  for key in next, list do
    if math.type(key) == "integer" and key > n then n = key end
  end
  return n
end

local function find(module_name, name)
  local module = require(module_name)
  local fn = type(module) == "table" and module[name]
  if fn then return fn end
  error(("module '%s' has no function '%s'"):format(module_name, name), 0)
end

-- What a start says, done: pid; or nil, reason.
local function apply(what)
  if type(what) == "function" then return what() end
  if type(what) == "table" then
    return find(what[1], what[2])(table.unpack(what, 3, largest_index(what)))
  end
  local module_name, name = what:match "^([^:]+):([%w_]+)$"
  if module_name then return find(module_name, name)() end
  local module = require(what)
  if module.child_spec then return apply(module.child_spec().start) end
  if module.start_link then return module.start_link() end
  return gen_server.start_link(what)
end

--- Runs a start for the registry, which monitors this process: an error in it is the failure.
---@param arg table {registry, what}
---@private
function M.run_start(arg)
  local reg, pid, reason = arg[1], apply(arg[2])
  if not core.is_pid(pid) then
    if pid ~= nil then reason = { "bad_return_value", pid } end
    request(reg, "failed", reason)
  elseif request(reg, "started", pid) then
    core.unlink(pid) -- the registry holds it now
  else
    core.unlink(pid)
    core.exit(pid, "shutdown")
  end
end

return M
