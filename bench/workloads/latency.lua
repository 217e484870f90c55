-- SPDX-License-Identifier: MIT
-- Latency: a ping every millisecond beside spinning processes, beside none, and in a large heap.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"
local server = require "bench.server"
local ticks = require "bench.ticks"

local WARM_TICKS <const> = harness.count(1000)
local TICKS <const> = harness.count(5000)
local MAX_ALLOCATIONS <const> = harness.count(10000000)

-- Pings beside so many spinning processes, one pinned to each scheduler from the first on.
local function latency_rep(prefix, hogs, n)
  return harness.in_process({}, function()
    local spinning = {}
    for i = 1, hogs do
      spinning[i] = pierrot.spawn_opt({ scheduler = i }, "bench.peers:hog")
    end
    local echo = pierrot.spawn_link("bench.peers:pong")
    local trips, late = ticks.run(echo, n)
    harness.stop_all(spinning)
    pierrot.send(echo, "stop")

    local figures = {}
    ticks.add_quantiles(figures, prefix .. "_ping", trips)
    ticks.add_quantiles(figures, prefix .. "_tick", late)
    return figures
  end)
end

local function latency(prefix, hogs)
  latency_rep(prefix, hogs, WARM_TICKS)
  local reps = harness.repetitions(function() return latency_rep(prefix, hogs, TICKS) end)
  ticks.report(reps, { prefix .. "_ping", prefix .. "_tick" })
end

-- Pauses of the garbage collector. What is measured is the time from the millisecond at which a
-- ping was due to its answer: a pause holds up whichever of the two falls into it.

-- Counts the collector's cycles of this scheduler: an object that dies in each and is made anew.
local function count_cycles()
  local cycles = { n = 0 }
  local meta = {}
  function meta.__gc()
    cycles.n = cycles.n + 1
    setmetatable({}, meta)
  end
  setmetatable({}, meta)
  return cycles
end

local function pause_rep(prefix, cycles, n)
  return harness.in_process({}, function()
    local litterers = {}
    for i = 1, 10 do litterers[i] = pierrot.spawn("bench.peers:litter") end
    local echo = pierrot.spawn_link("bench.peers:pong")
    local before = cycles.n
    local trips, late = ticks.run(echo, n)
    if cycles.n == before then
      io.stderr:write("# ", prefix, ": no collection ended within a repetition\n")
    end
    harness.stop_all(litterers)
    pierrot.send(echo, "stop")

    local figures = {}
    for i, trip in ipairs(trips) do late[i] = late[i] + trip end
    ticks.add_quantiles(figures, prefix, late)
    return figures
  end)
end

local function pauses(prefix, cycles)
  pause_rep(prefix, cycles, WARM_TICKS)
  local reps = harness.repetitions(function() return pause_rep(prefix, cycles, TICKS) end)
  ticks.report(reps, { prefix })
end

-- The longest step of the collector in a cycle, in CPU time: what a small allocation took at most.
-- Other work of the machine counts less in it than in a pause; of some cycles the median counts.
local function longest_step(cycles)
  local clock <const> = os.clock
  local until_cycle, worst, last = cycles.n + 1, 0, clock()
  for _ = 1, MAX_ALLOCATIONS do
    local _ = { cycles }
    local now = clock()
    if now - last > worst then worst = now - last end
    if cycles.n >= until_cycle then break end
    last = clock()
  end
  return worst * 1e6
end

local function gc_pause()
  local cycles = count_cycles()
  pauses("gc_pause_empty", cycles)
  local n = harness.count(500000)
  for _ = 1, n do assert(gen_server.start(server, { "small", n })) end
  pauses("gc_pause", cycles)
  local steps = harness.repetitions(function() return longest_step(cycles) end)
  harness.report("gc_step_max", "us", steps)
end

harness.main {
  preempt_latency = function() latency("preempt", pierrot.schedulers()) end,
  idle_latency = function() latency("idle", 0) end,
  gc_pause = gc_pause,
}
