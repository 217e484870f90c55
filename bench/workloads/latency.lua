-- SPDX-License-Identifier: MIT
-- Latency: a ping every millisecond beside spinning processes, beside none, and in a large heap.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"
local server = require "bench.server"

local WARM_TICKS <const> = harness.count(1000)
local TICKS <const> = harness.count(5000)
local US_PER_MS <const> = 1e3

-- A tick at every whole millisecond, by absolute times so that delays do not add up; on each, one
-- ping. Returns each round trip, and how late each tick was, in ms.
local function ticks(echo, n)
  local self = pierrot.self()
  local first = math.ceil(pierrot.now()) + 10
  local trips, late = {}, {}
  for i = 1, n do
    local due = first + i - 1
    local timer = pierrot.start_timer(due, self, "tick", { abs = true })
    pierrot.receive({ "timeout", timer, "tick" })
    local sent = pierrot.now()
    pierrot.send(echo, { "ping", self })
    pierrot.receive("pong")
    trips[i], late[i] = pierrot.now() - sent, sent - due
  end
  return trips, late
end

local function add_quantiles(figures, name, samples)
  table.sort(samples)
  figures[name .. "_p50"] = harness.percentile(50, samples) * US_PER_MS
  figures[name .. "_p99"] = harness.percentile(99, samples) * US_PER_MS
  figures[name .. "_max"] = samples[#samples] * US_PER_MS
end

local function report_all(reps, names)
  for _, name in ipairs(names) do
    harness.report(name, "us", harness.map(reps, function(r) return r[name] end))
  end
end

-- Pings beside so many spinning processes, one pinned to each scheduler from the first on.
local function latency_rep(prefix, hogs, n)
  return harness.in_process({}, function()
    local spinning = {}
    for i = 1, hogs do
      spinning[i] = pierrot.spawn_opt({ scheduler = i }, "bench.peers:hog")
    end
    local echo = pierrot.spawn_link("bench.peers:pong")
    local trips, late = ticks(echo, n)
    harness.stop_all(spinning)
    pierrot.send(echo, "stop")

    local figures = {}
    add_quantiles(figures, prefix .. "_ping", trips)
    add_quantiles(figures, prefix .. "_tick", late)
    return figures
  end)
end

local function latency(prefix, hogs)
  latency_rep(prefix, hogs, WARM_TICKS)
  local reps = harness.repetitions(function() return latency_rep(prefix, hogs, TICKS) end)
  local names = {}
  for _, what in ipairs { "_ping", "_tick" } do
    for _, which in ipairs { "_p50", "_p99", "_max" } do
      names[#names + 1] = prefix .. what .. which
    end
  end
  report_all(reps, names)
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
    local trips, late = ticks(echo, n)
    if cycles.n == before then
      io.stderr:write("# ", prefix, ": no collection ended within a repetition\n")
    end
    harness.stop_all(litterers)
    pierrot.send(echo, "stop")

    local figures = {}
    for i, trip in ipairs(trips) do late[i] = late[i] + trip end
    add_quantiles(figures, prefix, late)
    return figures
  end)
end

local function pauses(prefix, cycles)
  pause_rep(prefix, cycles, WARM_TICKS)
  local reps = harness.repetitions(function() return pause_rep(prefix, cycles, TICKS) end)
  report_all(reps, { prefix .. "_p50", prefix .. "_p99", prefix .. "_max" })
end

local function gc_pause()
  local cycles = count_cycles()
  pauses("gc_pause_empty", cycles)
  local n = harness.count(500000)
  for _ = 1, n do assert(gen_server.start(server, { "small", n })) end
  pauses("gc_pause", cycles)
end

harness.main {
  preempt_latency = function() latency("preempt", pierrot.schedulers()) end,
  idle_latency = function() latency("idle", 0) end,
  gc_pause = gc_pause,
}
