-- SPDX-License-Identifier: MIT
--- Ten million distinct names are created, looked up and freed; the bytes in use stay where they
-- were: `pierrot spec/stress/many_names.lua [COUNT]`.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local registry = require "pierrot.registry"

local count <const> = tonumber(arg[1]) or 10000000
local bytes_allowed <const> = 4000000

local function bytes_in_use()
  collectgarbage()
  collectgarbage()
  return pierrot.memory().total
end

local me = pierrot.self()
local names = assert(registry.start_link())
local shelf = assert(bucket.start_link())

-- Each way of using a name gets a share of them all.
local uses <const> = {
  { "names of processes", function(name)
    assert(pierrot.register(name, me))
    assert(pierrot.whereis(name) == me)
    assert(pierrot.unregister(name))
  end },
  { "names that nobody has", function(name)
    assert(pierrot.whereis(name) == nil)
    assert(registry.lookup(names, name) == nil)
  end },
  { "keys of a registry", function(name)
    assert(registry.register(names, name))
    assert(registry.lookup(names, name) == me)
    assert(registry.unregister(names, name))
  end },
  { "buckets of a registry", function(name)
    bucket.stop(registry.create(names, name))
    assert(registry.lookup(names, name) == nil)
  end },
  { "keys of a bucket", function(name)
    assert(bucket.put(shelf, name, name))
    assert(bucket.delete(shelf, name) == name)
  end },
}

local number = 0

local function use(fn, times)
  for _ = 1, times do
    number = number + 1
    fn("a name that nobody has used before, number " .. number)
  end
end

local share <const> = count // #uses
for _, row in ipairs(uses) do
  use(row[2], share // 100)
  local before, start = bytes_in_use(), pierrot.now()

  use(row[2], share)

  local elapsed_ms, kept = pierrot.now() - start, bytes_in_use() - before
  print(("%-24s %9d names, %6.0f ns each, %d bytes kept"):format(row[1], share,
    elapsed_ms * 1e6 / share, kept))
  assert(kept < bytes_allowed, "bytes were kept")
end
print("all is well")
