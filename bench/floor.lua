-- SPDX-License-Identifier: MIT
-- Workloads of messages between processes, for the program floor.c, in which there is nothing but
-- what any runtime for Lua must do. The Lua code is that of workloads/messages.lua and ticks.lua.

local floor <const> = _G.floor
local make_ref <const>, now <const>, receive <const> = floor.make_ref, floor.now, floor.receive
local send <const>, spawn <const>, tick <const> = floor.send, floor.spawn, floor.tick

local REPS <const> = tonumber(os.getenv "BENCH_REPS") or 5
local IS_SMOKE <const> = os.getenv "BENCH_SMOKE" == "1"

local function count(n) return IS_SMOKE and math.max(n // 1000, 1) or n end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

--- Runs it once to warm up and then REPS times, with what is collected before each.
local function measure(run)
  local results = {}
  for i = 0, REPS do
    floor.reset()
    collectgarbage()
    results[i] = run()
  end
  return results
end

--- The time of the processes until all of them have ended, in ms.
local function timed()
  local begun <const> = now()
  floor.run()
  return now() - begun
end

local function report_rate(name, n, unit, spawn_all)
  local times <const> = measure(function()
    spawn_all()
    return timed()
  end)
  print(("%s\t%.0f\t%s"):format(name, n / median(times) * 1e3, unit))
end

local MSG <const> = { "msg", floor.any }

local function drain(n)
  for _ = 1, n do receive(MSG) end
end

local function sends(to, n)
  for i = n, 1, -1 do send(to, { "msg", i }) end
end

local messages <const> = count(10000000)
report_rate("send_throughput", messages, "msgs/s", function()
  local sink = spawn(function() drain(messages) end)
  spawn(function() sends(sink, messages) end)
end)

local senders <const>, each <const> = count(1000), 1000
report_rate("fan_in", senders * each, "msgs/s", function()
  local sink = spawn(function() drain(senders * each) end)
  for _ = 1, senders do spawn(function() sends(sink, each) end) end
end)

local function answer(n)
  for _ = 1, n do
    local msg = receive()
    send(msg[2], { msg[1], "reply" })
  end
end

local trips <const> = count(1000000)
report_rate("selective_ref_offheap", trips, "round trips/s", function()
  local peer <const>, self <const> = spawn(function() answer(trips) end), 1
  spawn(function()
    for _ = 1, trips do
      local ref = make_ref()
      send(peer, { ref, self })
      receive({ ref, "reply" })
    end
  end)
end)

local function pong(n)
  for _ = 1, n do
    local msg = receive()
    send(msg[2], "pong")
  end
end

local ticks <const> = count(5000)
local tick_trips <const> = measure(function()
  local samples = {}
  local peer <const>, self <const> = spawn(function() pong(ticks) end), 1
  spawn(function()
    for i = 1, ticks do
      tick()
      local sent = now()
      send(peer, { "ping", self })
      receive("pong")
      samples[i] = now() - sent
    end
  end)
  floor.run()
  table.sort(samples)
  return samples
end)
for name, percent in pairs { idle_ping_p50 = 50, idle_ping_p99 = 99 } do
  local values = {}
  for i, samples in ipairs(tick_trips) do
    values[i] = samples[math.max(#samples * percent // 100, 1)]
  end
  print(("%s\t%.3f\tus"):format(name, median(values) * 1e3))
end
