-- SPDX-License-Identifier: MIT

local pierrot = require "pierrot"

--- A process that is neither among those of a tree nor was there before it, or nil.
---@param pids table<any, userdata>
---@param before table<userdata, boolean>
---@return userdata?
return function(pids, before)
  local known = {}
  for _, pid in pairs(pids) do known[pid] = true end
  for _, pid in ipairs(pierrot.processes()) do
    if not known[pid] and not before[pid] then return pid end
  end
  return nil
end
