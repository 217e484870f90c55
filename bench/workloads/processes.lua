-- SPDX-License-Identifier: MIT
-- Life and death of processes: spawning, monitors, restarts.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"


local receive <const> = pierrot.receive
local count <const> = harness.count

local function nothing() end

local function spawn_exits(n)
  local spawn_monitor <const> = pierrot.spawn_monitor
  for _ = 1, n do
    local pid, monitor = spawn_monitor(nothing)
    receive({ "DOWN", monitor, "process", pid, "normal" })
  end
end

local function spawn_exit()
  local n = count(500000)
  harness.rate("spawn_exit", "processes/s", n, function()
    return harness.in_process({}, function() return harness.timed(spawn_exits, n) end)
  end)
end

local function wait_for_stop() receive("stop") end

-- Monitors idle processes, kills them all and takes every DOWN.
local function monitor_down_run(n)
  local pids = {}
  for i = 1, n do pids[i] = pierrot.spawn(wait_for_stop) end
  local monitor_ns = harness.timed(function()
    local monitor <const> = pierrot.monitor
    for i = 1, n do monitor(pids[i]) end
  end)
  local down_ns = harness.timed(function()
    local exit <const> = pierrot.exit
    for i = 1, n do exit(pids[i], "kill") end
    harness.receive_count({ "DOWN", pierrot.any, "process", pierrot.any, "killed" }, n)
  end)
  return monitor_ns, down_ns
end

local function monitor_down()
  local n, runs = count(100000), 5

  local function rep()
    return harness.in_process({}, function()
      local monitor_ns, down_ns = 0, 0
      for _ = 1, runs do
        local monitor, down = monitor_down_run(n)
        monitor_ns, down_ns = monitor_ns + monitor, down_ns + down
      end
      return { monitor = n * runs * 1e9 / monitor_ns, down = n * runs * 1e9 / down_ns }
    end)
  end

  local reps = harness.repetitions(rep)
  harness.report("monitor_down_monitor", "monitors/s",
    harness.map(reps, function(r) return r.monitor end))
  harness.report("monitor_down", "downs/s", harness.map(reps, function(r) return r.down end))
end

-- Restarts of a child that crashes as soon as it is told to.

local function crashes(child, n)
  for _ = 1, n do
    gen_server.cast(child, "crash")
    child = receive({ "up" })[2]
  end
end

local function restart_run(restarts)
  local child_spec = {
    id = "child",
    start = { "bench.server", "start_link", { "announce", pierrot.self() } },
    restart = "permanent",
  }
  local sup = assert(require("pierrot.supervisor").start_link({ child_spec }, {
    strategy = "one_for_one", max_restarts = 1000000, max_seconds = 1,
  }))
  local child = receive({ "up" })[2]
  local ns = harness.timed(crashes, child, restarts)
  pierrot.exit(sup, "shutdown")
  receive({ "EXIT", sup })
  return ns
end

local function restart_rate(name, supervisors, restarts)
  harness.rate(name, "restarts/s", supervisors * restarts, function()
    return harness.in_process({}, function()
      pierrot.trap_exit(true)
      local ns = 0
      for _ = 1, supervisors do ns = ns + restart_run(restarts) end
      return ns
    end)
  end)
end

harness.main {
  spawn_exit = spawn_exit,
  monitor_down = monitor_down,
  supervisor_restart = function()
    restart_rate("supervisor_restart", count(500), 200)
    restart_rate("supervisor_restart_sustained", 1, count(10000))
  end,
}
