-- SPDX-License-Identifier: MIT
-- Registries and buckets: the ones in C, and the guide's registry in Lua.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local kv_registry = require "bench.kv_registry"
local pierrot = require "pierrot"
local registry = require "pierrot.registry"

local count <const> = harness.count

local REGISTRY <const> = "bench.names"
local NAMES <const> = count(100000)

-- A rate whose repetitions each run in a fresh process.
local function rate(name, unit, n, fn, ...)
  local args = table.pack(...)
  harness.rate(name, unit, n, function()
    return harness.in_process({}, function()
      return harness.timed(fn, table.unpack(args, 1, args.n))
    end)
  end)
end

-- Names for processes, read without a message

local function holder(parent, name)
  assert(registry.register(REGISTRY, name))
  pierrot.send(parent, "registered")
  pierrot.sleep(math.huge)
end

local function lookups(reg, names, n)
  local lookup <const> = registry.lookup
  for i = n, 1, -1 do
    if not lookup(reg, names[i % NAMES + 1]) then error("a name is missing") end
  end
end

local function register_unregister(keys, n)
  local register <const>, unregister <const> = registry.register, registry.unregister
  for i = n, 1, -1 do
    local key = keys[i % NAMES + 1]
    if not (register(REGISTRY, key) and unregister(REGISTRY, key)) then error("refused") end
  end
end

local function registry_lookup()
  assert(registry.start_link { name = REGISTRY })
  local names = harness.keys("bucket-", NAMES, "shuffled")
  for _, name in ipairs(names) do pierrot.spawn(holder, pierrot.self(), name) end
  harness.receive_count("registered", NAMES)

  local reads, pairs_n = count(1000000), count(300000)
  rate("registry_lookup", "lookups/s", reads, lookups, REGISTRY, names, reads)
  local extra = harness.map(names, function(name) return "extra:" .. name end)
  rate("registry_register_unregister", "pairs/s", pairs_n, register_unregister, extra, pairs_n)
end

-- Names for buckets

local function creates(create, reg, names)
  for i = NAMES, 1, -1 do create(reg, names[i]) end
end

-- Creates a bucket for each name, from none. `start` gives a registry and, where the buckets are
-- not its own, the supervisor that they run under.
local function create_rate(name, names, start, create)
  local rates = harness.repetitions(function()
    return harness.in_process({}, function()
      local before = #pierrot.processes()
      local reg, sup = start()
      local ns = harness.timed(creates, create, reg, names)
      gen_server.stop(reg)
      if sup then
        pierrot.unlink(sup)
        pierrot.exit(sup, "kill")      -- the links take the buckets down
      end
      harness.wait_until(function() return #pierrot.processes() <= before end)
      return NAMES * 1e9 / ns
    end)
  end)
  harness.report(name, "creates/s", rates)
end

local function start_registry()
  return assert(registry.start_link())
end

local function kv_registry_lookup()
  local names = harness.keys("bucket-", NAMES, "shuffled")
  create_rate("kv_registry_create", names, start_registry, registry.create)

  local reads = count(500000)
  local reg = start_registry()
  creates(registry.create, reg, names)
  rate("kv_registry_lookup", "lookups/s", reads, lookups, reg, names, reads)
end

local function start_kv_registry()
  local buckets = assert(dynamic_supervisor.start_link())
  return assert(kv_registry.start_link(buckets)), buckets
end

local function lua_lookups(reg, names, n)
  local lookup <const> = kv_registry.lookup
  for i = n, 1, -1 do
    if not lookup(reg, names[i % NAMES + 1]) then error("a name is missing") end
  end
end

local function kv_registry_lookup_lua()
  local names = harness.keys("bucket-", NAMES, "shuffled")
  create_rate("kv_registry_create_lua", names, start_kv_registry, kv_registry.create)

  local reads = count(500000)
  local reg = start_kv_registry()
  creates(kv_registry.create, reg, names)
  rate("kv_registry_lookup_lua", "lookups/s", reads, lua_lookups, reg, names, reads)
end

-- One bucket

local function puts(b, keys, n)
  local put <const> = bucket.put
  for i = n, 1, -1 do put(b, keys[i % NAMES + 1], i) end
end

local function gets(b, keys, n)
  local get <const> = bucket.get
  for i = n, 1, -1 do
    if not get(b, keys[i % NAMES + 1]) then error("a key is missing") end
  end
end

-- Every repetition starts with an empty bucket; the puts go over the keys five times.
local function bucket_put_get()
  local keys = harness.keys("key-", NAMES, "shuffled")
  local n = 5 * NAMES

  local reps = harness.repetitions(function()
    return harness.in_process({}, function()
      local b = assert(bucket.start_link())
      local put_ns = harness.timed(puts, b, keys, n)
      local get_ns = harness.timed(gets, b, keys, n)
      bucket.stop(b)
      return { put = n * 1e9 / put_ns, get = n * 1e9 / get_ns }
    end)
  end)

  harness.report("bucket_put", "puts/s", harness.map(reps, function(r) return r.put end))
  harness.report("bucket_get", "gets/s", harness.map(reps, function(r) return r.get end))
end

harness.main {
  registry_lookup = registry_lookup,
  kv_registry_lookup = kv_registry_lookup,
  kv_registry_lookup_lua = kv_registry_lookup_lua,
  bucket_put_get = bucket_put_get,
}
