-- SPDX-License-Identifier: MIT
-- Calls that carry something there and back: the same object every time.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"

local count <const>, near <const>, far <const> = harness.count, harness.near, harness.far

local function echoes(server, payload, n)
  local call <const> = gen_server.call
  for _ = 1, n do call(server, { "echo", payload }) end
end

local function payload_rate(name, calls, payload)
  harness.rate(name, "calls/s", calls, function()
    return harness.in_process(near, function()
      local server = assert(gen_server.start("bench.server", { "state", {} }, far))
      local ns = harness.timed(echoes, server, payload, calls)
      gen_server.stop(server)
      return ns
    end)
  end)
end

local function payload()
  local map = {}
  for _, key in ipairs(harness.keys("key-", 100, "in_order")) do map[key] = 1 end
  payload_rate("payload_map100", count(200000), map)
  payload_rate("payload_bin1k", count(500000), ("\7"):rep(1024))
  payload_rate("payload_bin64k", count(500000), ("\7"):rep(65536))
  payload_rate("payload_bin1m", count(500000), ("\7"):rep(1048576))
end

harness.main { payload = payload }
