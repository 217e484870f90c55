--- The log: lines of the program's own beside the reports of crashes.

local core = require "pierrot.core"

local M = {}

for _, level in ipairs { "debug", "info", "warning", "error" } do
  --- Writes a line, as string.format makes it.
  M[level] = function(text, ...)
    if type(text) ~= "string" then
      error(("bad argument #1 to '%s' (string expected, got %s)"):format(level, type(text)), 2)
    end
    return core.log(level, select("#", ...) > 0 and text:format(...) or text)
  end
end

--- From now on only lines of this level and above: debug, info, warning, error, none.
---@param level string
---@return boolean
function M.set_level(level)
  return core.set_log_level(level)
end

return M
