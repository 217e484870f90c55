--- Errors of functions that others call for their own callers: the line that is blamed is the
--- caller's, not one of these files.

local M = {}

local OWN_LINE <const> = "^pierrot/[%w_/]+%.lua:%d+: "
local ANY_LINE <const> = "^[^\n]-:%d+: "

--- Calls fn. An error that names a line of pierrot's, or none, is raised again with that at level.
---@param level integer 1: the caller of call; 2: its caller
---@param fn function
---@param ... any
---@return any ...
function M.call(level, fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local failure = results[2]
  if type(failure) ~= "string" then error(failure, 0) end
  local text, n = failure:gsub(OWN_LINE, "", 1)
  error(text, (n > 0 or not text:find(ANY_LINE)) and level + 1 or 0)
end

return M
