-- SPDX-License-Identifier: MIT
-- Calls and casts to gen_servers.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local client = require "bench.client"
local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"

local count <const>, near <const>, far <const> = harness.count, harness.near, harness.far

local function call_rate(name, calls, server_opts, run)
  harness.rate(name, "calls/s", calls, function()
    return harness.in_process(near, function()
      local keys, server = client.start_server(server_opts)
      local ns = harness.timed(run, server, keys, calls)
      gen_server.stop(server)
      return ns
    end)
  end)
end

local function call_local()
  call_rate("call_local", count(1000000), near, client.lookups)
  call_rate("call_local_value", count(1000000), near, client.values)
end

local function call_cross()
  call_rate("call_cross", count(500000), far, client.lookups)
end

-- Independent pairs at once, each pair on one scheduler, the pairs spread over all.
local function call_pairs()
  local pairs_n, calls = count(100), count(10000)

  local function round()
    local parent, clients = pierrot.self(), {}
    for i = 1, pairs_n do
      local opts = { link = true, scheduler = i % pierrot.schedulers() + 1 }
      clients[i] = pierrot.spawn_opt(opts, "bench.client:pair", parent, calls)
    end
    harness.receive_count("ready", pairs_n)
    return harness.timed(function()
      for _, pid in ipairs(clients) do pierrot.send(pid, "go") end
      harness.receive_count("done", pairs_n)
    end)
  end

  harness.rate("call_pairs", "calls/s", pairs_n * calls, function()
    return harness.in_process({}, round)
  end)
end

local function cast_throughput()
  local casts = count(5000000)

  local function run(server)
    local cast <const> = gen_server.cast
    for _ = 1, casts do cast(server, { "add", 1 }) end
    assert(gen_server.call(server, "total", "infinity") == casts, "casts were lost")
  end

  harness.rate("cast_throughput", "casts/s", casts, function()
    return harness.in_process(near, function()
      local server = assert(gen_server.start("bench.server", { "state", { total = 0 } }, far))
      local ns = harness.timed(run, server)
      gen_server.stop(server)
      return ns
    end)
  end)
end

-- A request to each of many servers without waiting, then all the replies.
local function fan_out_gather()
  local servers, rounds = count(10000), 50

  local function fan_out(pids)
    local send_request <const>, receive_response <const> =
      gen_server.send_request, gen_server.receive_response
    local ids = {}
    for i, pid in ipairs(pids) do ids[i] = send_request(pid, { "lookup", "key" }) end
    for _, id in ipairs(ids) do
      local ok, reply = receive_response(id, "infinity")
      if not ok or reply[2] ~= 1 then error("wrong reply") end
    end
  end

  harness.rate("fan_out_gather", "replies/s", servers * rounds, function()
    return harness.in_process({}, function()
      local pids = {}
      for i = 1, servers do
        pids[i] = assert(gen_server.start("bench.server", { "state", { key = 1 } }))
      end
      local ns = harness.timed(function()
        for _ = 1, rounds do fan_out(pids) end
      end)
      harness.stop_all(pids)
      return ns
    end)
  end)
end

harness.main {
  call_local = call_local,
  call_cross = harness.two_schedulers("call_cross", call_cross),
  call_pairs = call_pairs,
  cast_throughput = cast_throughput,
  fan_out_gather = fan_out_gather,
}
