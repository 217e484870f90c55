---@meta pierrot.registry

--- Names for processes, in processes of their own: any number of registries, with any keys. A dead
--- process is never found. Reads need no answer from the registry and scale over schedulers.
---@class pierrot.registry
local registry = {}

--- Options of a registry.
---@class pierrot.registry.options: pierrot.start_options
---@field keys? "unique"|"duplicate"
---@field partitions? integer
---@field listeners? string[] names that get `{"register", reg, key, pid, value}` and `{"unregister", reg, key, pid}`

--- Starts a registry, linked with the caller.
---@param opts? pierrot.registry.options
---@return pierrot.pid|nil pid
---@return any reason
function registry.start_link(opts) end

--- Starts a registry.
---@param opts? pierrot.registry.options
---@return pierrot.pid|nil pid
---@return any reason
function registry.start(opts) end

--- How a supervisor starts a registry.
---@param arg? pierrot.registry.options
---@return pierrot.child_spec
function registry.child_spec(arg) end

--- With unique keys: the pid under a key and its value, or nil. With duplicate ones: a list of
--- `{pid, value}`.
---@param reg pierrot.server
---@param key any
---@return any pid
---@return any value
function registry.lookup(reg, key) end

--- The process under a key, started where there is none: a bucket, or what `start` gives. It is
--- started once, however many callers race, and callers of other keys do not wait for it.
---@param reg pierrot.server
---@param key any
---@param start? string|table `"module"` or `{"module", "fn", arg…}`
---@return pierrot.pid|nil pid
---@return any reason
function registry.create(reg, key, start) end

--- create, without waiting.
---@param reg pierrot.server
---@param key any
---@return true
function registry.create_async(reg, key) end

--- Puts the caller under a key. `nil, {"already_registered", pid}` where it is taken.
---@param reg pierrot.server
---@param key any
---@param value? any
---@return true|nil ok
---@return any why
function registry.register(reg, key, value) end

--- Takes the caller's own entry away; with duplicate keys all of that key.
---@param reg pierrot.server
---@param key any
---@return true|nil ok
---@return "not_found"|nil why
function registry.unregister(reg, key) end

--- Changes the value of the caller's own entry by a function: the new one and the old one. For unique
--- keys only.
---@param reg pierrot.server
---@param key any
---@param fn fun(value: any): any
---@return any new
---@return any old or why there is no new one
function registry.update_value(reg, key, fn) end

--- All keys, or those of a process, in the order in which they were registered; with duplicate ones
--- as often as they were.
---@param reg pierrot.server
---@param pid? pierrot.pid
---@return any[]
function registry.keys(reg, pid) end

--- The number of entries, or of those under a key.
---@param reg pierrot.server
---@param key? any
---@return integer
function registry.count(reg, key) end

--- The entries under a key whose value matches a pattern, as `{pid, value}`.
---@param reg pierrot.server
---@param key any
---@param pattern any
---@return table
function registry.match(reg, key, pattern) end

--- Calls a function with the entries under a key, in the caller; not at all where there is none.
---@param reg pierrot.server
---@param key any
---@param fn fun(entries: table)
---@return true
function registry.dispatch(reg, key, fn) end

--- Runs a function while no other process has the lock of that key; what it returned. Others wait, in
--- the order in which they came. A holder that dies frees it. Locks have keys of their own.
---@param reg pierrot.server
---@param key any
---@param fn function
---@return any ...
function registry.lock(reg, key, fn) end

return registry
