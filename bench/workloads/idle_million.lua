-- SPDX-License-Identifier: MIT
-- A million idle processes, gen_servers or buckets: time to start and to kill, memory of each.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"
local server = require "bench.server"

-- All run on the client's scheduler, where they can share a counter.
local function spawn_idle(n)
  local reached = 0
  local function idle()
    reached = reached + 1
    pierrot.receive("stop")
  end
  for _ = 1, n do pierrot.spawn(idle) end
  harness.wait_until(function() return reached >= n end)
end

local function start_servers(n)
  for _ = 1, n do assert(gen_server.start(server, { "small", n })) end
end

local function start_buckets(n)
  for _ = 1, n do assert(bucket.start()) end
end

local function others(known)
  local pids = {}
  for _, pid in ipairs(pierrot.processes()) do
    if not known[pid] then pids[#pids + 1] = pid end
  end
  return pids
end

-- Waits for one after the other: counting the processes a thousand times a second would cost more
-- than what is timed here.
local function kill(pids)
  for _, pid in ipairs(pids) do pierrot.exit(pid, "kill") end
  for _, pid in ipairs(pids) do
    if pierrot.is_alive(pid) then
      harness.wait_until(function() return not pierrot.is_alive(pid) end)
    end
  end
end

local function idle_round(n, start)
  local known = {}
  for _, pid in ipairs(pierrot.processes()) do known[pid] = true end
  local memory, rss = pierrot.memory().total, harness.rss()
  local start_ns = harness.timed(start, n)
  memory, rss = pierrot.memory().total - memory, harness.rss() - rss
  local pids = others(known)
  assert(#pids == n, "a process is missing")
  local kill_ns = harness.timed(kill, pids)
  return { start = start_ns / 1e9, kill = kill_ns / 1e9, memory = memory / n, rss = rss / n }
end

-- The first round runs in a fresh program and gives the memory and the "cold" time.
local function idle_million(name, start)
  local n = harness.count(1000000)
  local first
  local rounds = harness.repetitions(function()
    local round = harness.in_process({}, function() return idle_round(n, start) end)
    first = first or round
    return round
  end)
  harness.report(name .. "_start_cold", "s", { first.start })
  harness.report(name .. "_start", "s", harness.map(rounds, function(r) return r.start end))
  harness.report(name .. "_kill", "s", harness.map(rounds, function(r) return r.kill end))
  harness.report(name .. "_memory", "bytes/process", { first.memory })
  harness.report(name .. "_rss", "bytes/process", { first.rss })
end

harness.main {
  spawn_idle_1m = function() idle_million("spawn_idle_1m", spawn_idle) end,
  server_idle_1m = function() idle_million("server_idle_1m", start_servers) end,
  bucket_idle_1m = function() idle_million("bucket_idle_1m", start_buckets) end,
}
