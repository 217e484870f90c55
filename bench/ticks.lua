-- SPDX-License-Identifier: MIT
-- Ticks and pings: how late a process hears of its millisecond, and how long a round trip takes.

local harness = require "bench.harness"
local pierrot = require "pierrot"

local US_PER_MS <const> = 1e3

local M = {}

--- A tick at every whole millisecond, by absolute times so that delays do not add up; on each, one
--- ping. Returns each round trip, and how late each tick was, in ms.
---@param echo userdata  runs bench.peers:pong
---@param n integer
---@return number[] trips, number[] late
function M.run(echo, n)
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
