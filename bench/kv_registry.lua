-- SPDX-License-Identifier: MIT
-- The registry of the Mix and OTP guide in Lua: a gen_server with a map of name to bucket, and a
-- map of monitor to name so that dead buckets are forgotten. A dynamic supervisor starts them.

local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"

local M = {}

-- Client

---@param buckets userdata the buckets' supervisor
---@return userdata|nil pid
---@return any reason
function M.start_link(buckets)
  return gen_server.start_link(M, buckets)
end

---@param server userdata
---@param name string
---@return userdata|nil
function M.lookup(server, name)
  return gen_server.call(server, { "lookup", name })
end

---@param server userdata
---@param name string
---@return userdata
function M.create(server, name)
  return gen_server.call(server, { "create", name })
end

-- Server

function M.init(buckets)
  return "ok", { buckets = buckets, names = {}, refs = {} }
end

M.handle_call = {
  lookup = function(state, _, name) return "reply", state.names[name] end,
  create = function(state, _, name)
    local pid = state.names[name]
    if not pid then
      pid = assert(dynamic_supervisor.start_child(state.buckets, bucket))
      state.names[name] = pid
      state.refs[pierrot.monitor(pid)] = name
    end
    return "reply", pid
  end,
}

M.handle_info = {
  DOWN = function(state, ref)
    local name = state.refs[ref]
    state.refs[ref] = nil
    state.names[name] = nil
  end,
}

return M
