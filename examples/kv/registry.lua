-- SPDX-License-Identifier: MIT
--- A registry of buckets as a user would write it: a gen_server that knows them by name.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"

local Registry = {}

local function check_name(name, fname)
  if type(name) ~= "string" then
    local text = "bad argument #2 to '%s' (string expected, got %s)"
    error(text:format(fname, type(name)), 3)
  end
end

-- Client ---------------------------------------------------------------------

---@class kv.registry.options
---@field name? string        registers the registry itself
---@field buckets? "kept"|"linked"  "linked": a bucket that ends abnormally takes the registry along
---@field supervisor? pid|string  a dynamic supervisor: it starts the buckets, and they are its own

--- Starts a registry linked to the caller.
---@param opts? kv.registry.options
---@return pid|nil registry
---@return any reason  why there is none
function Registry.start_link(opts)
  opts = opts or {}
  return gen_server.start_link(Registry, opts, { name = opts.name })
end

--- Starts a registry that is not linked to the caller.
---@param opts? kv.registry.options
---@return pid|nil registry
---@return any reason  why there is none
function Registry.start(opts)
  opts = opts or {}
  return gen_server.start(Registry, opts, { name = opts.name })
end

--- The bucket of that name, nil when there is none. Exits as a call does when the registry is gone.
---@param registry pid|string
---@param name string
---@return pid|nil
function Registry.lookup(registry, name)
  check_name(name, "lookup")
  return gen_server.call(registry, { "lookup", name })
end

--- The bucket of that name, started when there was none. Exits as a call does.
---@param registry pid|string
---@param name string
---@return pid
function Registry.create(registry, name)
  check_name(name, "create")
  return gen_server.call(registry, { "create", name })
end

--- As create, without waiting for it; true even when the registry is gone.
---@param registry pid|string
---@param name string
---@return true
function Registry.create_async(registry, name)
  check_name(name, "create_async")
  return gen_server.cast(registry, { "create", name })
end

--- Ends the registry, and its buckets with it.
---@param registry pid|string
---@param reason? any
---@return true
function Registry.stop(registry, reason)
  return gen_server.stop(registry, reason == nil and "normal" or reason)
end

-- Server ---------------------------------------------------------------------

local function start_bucket(state)
  if state.supervisor then return dynamic_supervisor.start_child(state.supervisor, bucket) end
  return bucket.start_link()
end

local function ensure(state, name)
  if not state.names[name] then
    local pid = assert(start_bucket(state))
    state.names[name] = pid
    state.refs[pierrot.monitor(pid)] = name
  end
  return state.names[name]
end

function Registry.init(options)
  -- Linked buckets end with the registry. Trapping exits keeps the other way round from holding.
  pierrot.trap_exit(options.buckets ~= "linked")
  return "ok", { names = {}, refs = {}, supervisor = options.supervisor }
end

Registry.handle_call = {
  lookup = function(state, _, name) return "reply", state.names[name] end,
  create = function(state, _, name) return "reply", ensure(state, name) end,
}

Registry.handle_cast = {
  create = function(state, name) ensure(state, name) end,
}

Registry.handle_info = {
  DOWN = function(state, ref)
    local name = state.refs[ref]
    if name then
      state.refs[ref], state.names[name] = nil, nil
    end
  end,

  -- The DOWN of the same bucket says all there is to know.
  EXIT = function() end,
}

function Registry.terminate(_, state)
  if state.supervisor then return end
  for _, pid in pairs(state.names) do
    pierrot.unlink(pid)
    pierrot.exit(pid, "shutdown")
  end
end

return Registry
