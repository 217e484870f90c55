-- SPDX-License-Identifier: MIT
-- The gen_server that the workloads talk to. Its state is a map.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"

local M = {}

-- Client

--- Starts a linked server, as a supervisor's child does.
---@param arg table  of init
---@return userdata|nil pid
---@return any reason
function M.start_link(arg)
  return gen_server.start_link(M, arg)
end

-- Server

local inits = {
  -- Serve this map.
  state = function(map) return map end,
  -- Build a three-key map inside the server.
  small = function(id) return { id = id, name = "bucket", count = 0 } end,
  -- Tell that the server is up, then serve an empty map.
  announce = function(pid)
    pierrot.send(pid, { "up", pierrot.self() })
    return {}
  end,
}

---@param arg table  {kind, value}; the kinds are those of `inits`
function M.init(arg)
  return "ok", inits[arg[1]](arg[2])
end

M.handle_call = {
  lookup = function(state, _, key)
    local value = state[key]
    if value == nil then return "reply", "error" end
    return "reply", { "ok", value }
  end,
  -- What lookup is in plain Lua: the value or nil.
  value = function(state, _, key) return "reply", state[key] end,
  echo = function(_, _, payload) return "reply", payload end,
  total = function(state) return "reply", state.total end,
}

M.handle_cast = {
  add = function(state, n) state.total = state.total + n end,
  crash = function() pierrot.exit("boom") end,
}

M.handle_info = {
  _ = function() end,
}

return M
