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
-- ping was due to its answer: a pause holds up whichever of the two falls into it. The maximum of
-- 5,000 holds what the machine gives to others meanwhile as well. So beside it stand the figures of
-- those ticks in which no other program had a share, and what a loop that does nothing notices.

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

-- The longest time, in us, in which a loop of n ms that only reads the clock got nowhere.
local function longest_stall(n)
  local now <const> = pierrot.now
  local last, worst = now(), 0
  local finish <const> = last + n
  while last < finish do
    local at = now()
    if at - last > worst then worst = at - last end
    last = at
  end
  return worst * 1e3
end

-- The times from the millisecond to the answer, of all ticks and of those that no other program had
-- a share in.
local function delays(echo, n)
  local trips, late, alone = ticks.run(echo, n)
  local all, undisturbed = {}, {}
  for i, trip in ipairs(trips) do
    all[i] = late[i] + trip
    if alone[i] then undisturbed[#undisturbed + 1] = all[i] end
  end
  if #undisturbed == 0 then undisturbed[1] = math.huge end
  return all, undisturbed
end

local function pause_rep(prefix, cycles, n)
  return harness.in_process({}, function()
    local litterers = {}
    for i = 1, 10 do litterers[i] = pierrot.spawn("bench.peers:litter") end
    local echo = pierrot.spawn_link("bench.peers:pong")
    local before = cycles.n
    local all, undisturbed = delays(echo, n)
    if cycles.n == before then
      io.stderr:write("# ", prefix, ": no collection ended within a repetition\n")
    end
    harness.stop_all(litterers)
    pierrot.send(echo, "stop")

    local figures = {}
    ticks.add_quantiles(figures, prefix, all)
    ticks.add_quantiles(figures, prefix .. "_alone", undisturbed)
    figures.stall = longest_stall(n)
    return figures
  end)
end

local function pauses(prefix, cycles)
  pause_rep(prefix, cycles, WARM_TICKS)
  local reps = harness.repetitions(function() return pause_rep(prefix, cycles, TICKS) end)
  ticks.report(reps, { prefix, prefix .. "_alone" })
  harness.report(prefix .. "_stall_max", "us", harness.map(reps, function(r) return r.stall end))
end

-- The longest step of the collector in a cycle that is driven by hand, in CPU time.
local function longest_step()
  local clock <const>, collect <const> = os.clock, collectgarbage
  local worst = 0
  repeat
    local begun <const> = clock()
    local has_ended <const> = collect("step", 0)
    worst = math.max(worst, clock() - begun)
  until has_ended
  return worst * 1e6
end

local function gc_pause()
  local cycles = count_cycles()
  pauses("gc_pause_empty", cycles)
  local n = harness.count(500000)
  for _ = 1, n do assert(gen_server.start(server, { "small", n })) end
  pauses("gc_pause", cycles)
  local steps = harness.repetitions(longest_step)
  harness.report("gc_step_max", "us", steps)
end

harness.main {
  preempt_latency = function() latency("preempt", pierrot.schedulers()) end,
  idle_latency = function() latency("idle", 0) end,
  gc_pause = gc_pause,
}
