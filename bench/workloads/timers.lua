-- SPDX-License-Identifier: MIT
-- Timers: a million that fire, and timers that are cancelled at once.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local harness = require "bench.harness"
local pierrot = require "pierrot"

local MAX_DELAY_MS <const> = 1000

local function random_delays(n)
  math.randomseed(1, 2)
  local delays = {}
  for i = 1, n do delays[i] = math.random(MAX_DELAY_MS) end
  return delays
end

local function arm(delays)
  local send_after <const>, self <const> = pierrot.send_after, pierrot.self()
  for i = 1, #delays do send_after(delays[i], self, "expired") end
end

local function timer()
  local n = harness.count(1000000)
  local delays = random_delays(n)

  local reps = harness.repetitions(function()
    return harness.in_process({}, function()
      local cpu, start = os.clock(), pierrot.now()
      arm(delays)
      local armed = pierrot.now()
      harness.receive_count("expired", n)
      local done = pierrot.now()
      cpu = os.clock() - cpu
      return { arm = (armed - start) * 1e6 / n, wall = (done - start) / 1e3, cpu = cpu }
    end)
  end)

  harness.report("timer_arm", "ns/timer", harness.map(reps, function(r) return r.arm end))
  harness.report("timer_wall", "s", harness.map(reps, function(r) return r.wall end))
  harness.report("timer_cpu", "s", harness.map(reps, function(r) return r.cpu end))
end

local function arm_cancel(n)
  local send_after <const>, cancel_timer <const> = pierrot.send_after, pierrot.cancel_timer
  local self = pierrot.self()
  for _ = 1, n do cancel_timer(send_after(60000, self, "expired")) end
end

local function timer_cancel()
  local n = harness.count(2000000)
  harness.rate("timer_cancel", "timers/s", n, function()
    return harness.in_process({}, function() return harness.timed(arm_cancel, n) end)
  end)
end

harness.main { timer = timer, timer_cancel = timer_cancel }
