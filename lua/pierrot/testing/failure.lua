--- How an assertion fails: as busted's own do where busted runs, else by an error.

local M = {}

-- busted's module has an __index once busted runs.
local function busted_fail()
  local busted = package.loaded.busted
  local meta = type(busted) == "table" and getmetatable(busted)
  return meta and meta.__index and busted.fail or nil
end

--- Fails at a line: level 1 is the caller's, 2 its caller's.
---@param level integer
---@param text string
function M.raise(level, text)
  local fail = busted_fail()
  if fail then fail(text, level + 1) end
  error(text, level + 1)
end

return M
