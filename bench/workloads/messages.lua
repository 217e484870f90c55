-- SPDX-License-Identifier: MIT
-- Plain messages between processes.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local harness = require "bench.harness"
local peers = require "bench.peers"
local pierrot = require "pierrot"

local receive <const>, send <const> = pierrot.receive, pierrot.send
local count <const>, near <const>, far <const> = harness.count, harness.near, harness.far

local function send_throughput()
  local messages = count(10000000)
  harness.rate("send_throughput", "msgs/s", messages, function()
    return harness.in_process(near, function()
      local sink = pierrot.spawn_opt(far, "bench.peers:sink", pierrot.self(), messages)
      return harness.timed(function()
        peers.sends(sink, messages)
        receive("done")
      end)
    end)
  end)
end

local function pings(peer, n)
  local self = pierrot.self()
  for _ = 1, n do
    send(peer, { "ping", self })
    receive("pong")
  end
end

local function ping_pong(name, trips, peer_opts)
  harness.rate(name, "round trips/s", trips, function()
    return harness.in_process(near, function()
      local peer = pierrot.spawn_opt(peer_opts, "bench.peers:pong")
      local ns = harness.timed(pings, peer, trips)
      send(peer, "stop")
      return ns
    end)
  end)
end

-- Rings. The token is an integer: the hops still to make.

local function node(next_node, client)
  while true do
    local left = receive()
    if left == 0 then
      send(client, "done")
    else
      send(next_node, left - 1)
    end
  end
end

local function last_node(client)
  local msg = receive({ "next" })
  return node(msg[2], client)
end

local function build_ring(size)
  local client = pierrot.self()
  local nodes = { pierrot.spawn_link(last_node, client) }
  for i = 2, size do nodes[i] = pierrot.spawn_link(node, nodes[i - 1], client) end
  send(nodes[1], { "next", nodes[size] })
  return nodes
end

local function ring(name, size, hops, runs)
  harness.rate(name, "hops/s", hops * runs, function()
    return harness.in_process({}, function()
      local nodes = build_ring(size)
      local ns = harness.timed(function()
        for _ = 1, runs do
          send(nodes[size], hops - 1)
          receive("done")
        end
      end)
      harness.stop_all(nodes)
      return ns
    end)
  end)
end

-- Fan-in: many senders, one receiver.

local function sender(receiver, n)
  send(receiver, "ready")
  receive("go")
  peers.sends(receiver, n)
end

local function fan_in_run(senders, each)
  local receiver, pids = pierrot.self(), {}
  for i = 1, senders do pids[i] = pierrot.spawn_link(sender, receiver, each) end
  harness.receive_count("ready", senders)
  return harness.timed(function()
    for _, pid in ipairs(pids) do send(pid, "go") end
    peers.drain(senders * each)
  end)
end

local function fan_in()
  local senders, each, runs = count(1000), 1000, 5
  harness.rate("fan_in", "msgs/s", senders * each * runs, function()
    return harness.in_process({}, function()
      local ns = 0
      for _ = 1, runs do ns = ns + fan_in_run(senders, each) end
      return ns
    end)
  end)
end

-- Round trips by a client whose mailbox is full of messages that it does not want.

local function ref_trips(peer, n)
  local self = pierrot.self()
  for _ = 1, n do
    local ref = pierrot.make_ref()
    send(peer, { ref, self })
    receive({ ref, "reply" })
  end
end

local function integer_trips(peer, n)
  local self = pierrot.self()
  for i = n, 1, -1 do
    send(peer, { i, self })
    receive({ i, "reply" })
  end
end

local function selective(name, trips, run)
  local junk = count(100000)
  harness.rate(name, "round trips/s", trips, function()
    return harness.in_process(near, function()
      local self = pierrot.self()
      for _ = 1, junk do send(self, { "junk", 1 }) end
      local peer = pierrot.spawn_opt(near, "bench.peers:answer")
      local ns = harness.timed(run, peer, trips)
      send(peer, "stop")
      return ns
    end)
  end)
end

harness.main {
  send_throughput = send_throughput,
  ping_pong = function() ping_pong("ping_pong", count(2000000), near) end,
  ping_pong_cross = harness.two_schedulers("ping_pong_cross", function()
    ping_pong("ping_pong_cross", count(500000), far)
  end),
  ring = function() ring("ring", 1000, count(1000 * 1000), 5) end,
  threadring = function() ring("threadring", 503, count(5000000), 1) end,
  fan_in = fan_in,
  selective_receive = function()
    -- A mailbox is never part of a Lua heap, so the second is the first with more round trips.
    selective("selective_ref", count(100000), ref_trips)
    selective("selective_ref_offheap", count(1000000), ref_trips)
    selective("selective_scan", count(4000), integer_trips)
  end,
}
