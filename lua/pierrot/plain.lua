--- What a message can hold, and what becomes of other values.

local core = require "pierrot.core"

local PLAIN <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local M = {}

local function is_scalar(value)
  local kind = type(value)
  return PLAIN[kind] or (kind == "userdata" and core.is_sendable(value))
end

--- Whether a message can hold the value.
---@param value any
---@return boolean
function M.is_plain(value)
  if type(value) ~= "table" then return is_scalar(value) end
  local waiting, seen = { value }, { [value] = true }
  -- Tables are looked into later, however deep they lie.
  local function is_good(part)
    if type(part) ~= "table" then return is_scalar(part) end
    if not seen[part] then
      seen[part] = true
      waiting[#waiting + 1] = part
    end
    return true
  end
  while #waiting > 0 do
    for key, field in next, table.remove(waiting) do
      if not is_good(key) or not is_good(field) then return false end
    end
  end
  return true
end

--- The value as a reason holds it: what cannot be sent is its text.
---@param value any
---@return any
function M.sendable(value)
  return M.is_plain(value) and value or core.as_reason(value)
end

return M
