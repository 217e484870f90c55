-- SPDX-License-Identifier: MIT
-- Overload: a server that cannot keep up, its mailbox bounded by max_queue, and what the rest of
-- the system notices of it.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"
local ticks = require "bench.ticks"

local N_TICKS <const> = harness.count(3000)
local N_FLOODS <const> = 4
local MAX_QUEUE <const> = 1000
local KIB <const> = 1024

-- Takes some twenty times as long for a request as a cast takes to send.
local Slow = {}

function Slow.init() return "ok", { served = 0, longest = 0 } end

Slow.handle_cast = {
  work = function(state, self)
    for _ = 1, 2000 do state.served = state.served + 0 end
    state.served = state.served + 1
    if state.served % 100 == 0 then
      state.longest = math.max(state.longest, pierrot.info(self, "mailbox"))
    end
  end,
}

Slow.handle_call = {
  figures = function(state) return "reply", state end,
}

local function flood(server)
  while true do gen_server.cast(server, { "work", server }) end
end

-- The largest growth of memory().total, seen every 10 ms, until it is asked for.
local function watch_memory(parent)
  local before, most = pierrot.memory().total, 0
  repeat
    most = math.max(most, pierrot.memory().total - before)
  until pierrot.receive("enough", 10) == "enough"
  pierrot.send(parent, { "growth", most })
end

local function ping_beside(figures, name)
  local echo = pierrot.spawn_link("bench.peers:pong")
  local trips, late = ticks.run(echo, N_TICKS)
  pierrot.send(echo, "stop")
  ticks.add_quantiles(figures, name .. "_ping", trips)
  ticks.add_quantiles(figures, name .. "_tick", late)
end

-- What the server itself says, once nobody floods it any more: a full mailbox refuses calls too.
local function add_figures_of(figures, server, seconds)
  harness.wait_until(function() return pierrot.info(server, "mailbox") == 0 end)
  local state = gen_server.call(server, { "figures" }, 60000)
  figures.served = state.served / seconds
  figures.longest = state.longest
  figures.dropped = pierrot.info(server, "dropped") / seconds
end

local function rep()
  return harness.in_process({}, function()
    local figures = {}
    ping_beside(figures, "calm")
    local server = assert(gen_server.start(Slow, nil, { max_queue = MAX_QUEUE }))
    local watcher = pierrot.spawn_link(watch_memory, pierrot.self())
    local floods, started = {}, pierrot.now()
    for i = 1, N_FLOODS do
      floods[i] = pierrot.spawn_opt({ scheduler = "any" }, flood, server)
    end
    ping_beside(figures, "overload")
    harness.stop_all(floods)
    local seconds = (pierrot.now() - started) / 1000
    pierrot.send(watcher, "enough")
    figures.growth = pierrot.receive({ "growth" })[2] / KIB
    add_figures_of(figures, server, seconds)
    gen_server.stop(server)
    return figures
  end)
end

local function overload()
  local reps = harness.repetitions(rep)
  local function report(name, unit, field)
    harness.report(name, unit, harness.map(reps, function(r) return r[field] end))
  end
  ticks.report(reps, { "calm_ping", "calm_tick", "overload_ping", "overload_tick" })
  report("overload_mailbox_max", "messages", "longest")
  report("overload_memory_growth", "KiB", "growth")
  report("overload_served", "requests/s", "served")
  report("overload_dropped", "requests/s", "dropped")
end

harness.main { overload = overload }
