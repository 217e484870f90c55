-- SPDX-License-Identifier: MIT
-- Clients of bench.server that look keys up, one call after the other.

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"

local KEYS <const> = 1000

local M = {}

--- Starts a server whose state maps 1,000 keys to 1.
---@param opts table  of gen_server.start
---@return string[] keys
---@return userdata server
function M.start_server(opts)
  local keys = harness.keys("key-", KEYS, "in_order")
  local map = {}
  for _, key in ipairs(keys) do map[key] = 1 end
  return keys, assert(gen_server.start("bench.server", { "state", map }, opts))
end

--- Makes n calls, going round the keys.
---@param server userdata
---@param keys string[]
---@param n integer
function M.lookups(server, keys, n)
  local call <const> = gen_server.call
  for i = n, 1, -1 do
    local reply = call(server, { "lookup", keys[i % KEYS + 1] })
    if reply[1] ~= "ok" or reply[2] ~= 1 then error("wrong reply") end
  end
end

--- The same calls with a bare value as the reply.
---@param server userdata
---@param keys string[]
---@param n integer
function M.values(server, keys, n)
  local call <const> = gen_server.call
  for i = n, 1, -1 do
    if call(server, { "value", keys[i % KEYS + 1] }) ~= 1 then error("wrong reply") end
  end
end

--- The body of a process: a client with a server of its own beside it, that waits for the start.
---@param parent userdata
---@param n integer
function M.pair(parent, n)
  local keys, server = M.start_server({})
  pierrot.send(parent, "ready")
  pierrot.receive("go")
  M.lookups(server, keys, n)
  pierrot.send(parent, "done")
  gen_server.stop(server)
end

return M
