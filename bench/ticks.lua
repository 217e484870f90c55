-- SPDX-License-Identifier: MIT
-- Ticks and pings: how late a process hears of its millisecond, and how long a round trip takes.

local harness = require "bench.harness"
local pierrot = require "pierrot"

local US_PER_MS <const> = 1e3
local AWAY_MS <const> = 0.1     -- less is the clocks' own

local M = {}

--- Tells of each tick whether the program has had the CPU since the tick before, and when this
--- one was due: else its lateness is the machine's. Where the program sleeps it says nothing.
---@return fun(due: number): boolean
local function watch_cpu()
  local clock <const>, now <const> = os.clock, pierrot.now
  local seen_at, seen_cpu, away_until = now(), clock() * 1e3, 0
  return function(due)
    local at, cpu = now(), clock() * 1e3
    if (at - seen_at) - (cpu - seen_cpu) > AWAY_MS then away_until = at end
    seen_at, seen_cpu = at, cpu
    return due >= away_until
  end
end

--- A tick at every whole millisecond, by absolute times so that delays do not add up; on each, one
--- ping. Returns each round trip, how late each tick was, in ms, and whether no other program had a
--- share in that.
---@param echo userdata  runs bench.peers:pong
---@param n integer
---@return number[] trips, number[] late, boolean[] alone
function M.run(echo, n)
  local self = pierrot.self()
  local is_alone = watch_cpu()
  local first = math.ceil(pierrot.now()) + 10
  local trips, late, alone = {}, {}, {}
  for i = 1, n do
    local due = first + i - 1
    local timer = pierrot.start_timer(due, self, "tick", { abs = true })
    pierrot.receive({ "timeout", timer, "tick" })
    local sent = pierrot.now()
    pierrot.send(echo, { "ping", self })
    pierrot.receive("pong")
    trips[i], late[i] = pierrot.now() - sent, sent - due
    alone[i] = is_alone(due)
  end
  return trips, late, alone
end

--- Adds name_p50, name_p99 and name_max, in us, to `figures`.
---@param figures table<string, number>
---@param name string
---@param samples number[]  in ms
function M.add_quantiles(figures, name, samples)
  table.sort(samples)
  figures[name .. "_p50"] = harness.percentile(50, samples) * US_PER_MS
  figures[name .. "_p99"] = harness.percentile(99, samples) * US_PER_MS
  figures[name .. "_max"] = samples[#samples] * US_PER_MS
end

--- Reports the p50, p99 and maximum of each name, the median over the repetitions.
---@param reps table<string, number>[]
---@param names string[]
function M.report(reps, names)
  for _, name in ipairs(names) do
    for _, which in ipairs { "_p50", "_p99", "_max" } do
      local figure <const> = name .. which
      harness.report(figure, "us", harness.map(reps, function(r) return r[figure] end))
    end
  end
end

return M
