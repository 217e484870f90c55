--- What a message can hold, and what becomes of other values.

local core = require "pierrot.core"
local inspect = require "pierrot.inspect"

local PLAIN <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local M = {}

local function is_plain(value, seen)
  local kind = type(value)
  if kind ~= "table" then
    return PLAIN[kind] or (kind == "userdata" and core.is_sendable(value))
  end
  if seen[value] then return true end
  seen[value] = true
  for key, field in next, value do
    if not is_plain(key, seen) or not is_plain(field, seen) then return false end
  end
  return true
end

--- Whether a message can hold the value.
---@param value any
---@return boolean
function M.is_plain(value)
  return is_plain(value, {})
end

local function sendable(value, copies)
  local kind = type(value)
  if kind == "table" then
    if copies[value] then return copies[value] end
    local new = {}
    copies[value] = new
    for key, field in next, value do new[sendable(key, copies)] = sendable(field, copies) end
    return new
  end
  if PLAIN[kind] or (kind == "userdata" and core.is_sendable(value)) then return value end
  return inspect(value)
end

--- The value as a reason holds it: what cannot be sent is its text.
---@param value any
---@return any
function M.sendable(value)
  if type(value) ~= "table" then return sendable(value) end
  -- What lies too deep for a walk is its text as well.
  local ok, is_good = pcall(is_plain, value, {})
  if ok and is_good then return value end
  local made, copied = pcall(sendable, value, {})
  return made and copied or inspect(value)
end

return M
