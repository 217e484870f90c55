-- SPDX-License-Identifier: MIT
--- A map over a list on all schedulers: how many primes lie below each of these numbers?
--
--   pierrot -s 4 parallel_map.lua [MANY]

local pierrot = require "pierrot"
local task = require "pierrot.task"

-- It is carried to other schedulers: its upvalues go along as copies.
local function count_primes(limit)
  local is_composite, n = {}, 0
  for i = 2, limit do
    if not is_composite[i] then
      n = n + 1
      for j = i * i, limit, i do is_composite[j] = true end
    end
  end
  return n
end

-- The results are in the order of the list, whoever is done first.
local function parallel_map(list, fn)
  local results = {}
  for status, value in task.async_stream(list, fn, { timeout = "infinity" }) do
    assert(status == "ok", value)
    results[#results + 1] = value
  end
  return results
end

local many = tonumber(arg[1]) or 8
local limits = {}
for i = 1, many do limits[i] = i * 10000 end

local from = pierrot.now()
local counts = parallel_map(limits, count_primes)
io.stderr:write(("%d schedulers, %.0f ms\n"):format(pierrot.schedulers(), pierrot.now() - from))

for i, count in ipairs(counts) do print(("below %d: %d primes"):format(limits[i], count)) end

-- One that crashes is an exit in its place for who traps exits; the others are as they were.
pierrot.trap_exit(true)
for status, value in task.async_stream({ 1, 0, 4 }, function(n) return 12 // n end) do
  print(status, status == "ok" and value or value[2])
end
