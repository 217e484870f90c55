--- Where the lines typed at the prompt are kept.

local M = {}

--- The path of the file: $PIERROT_HISTORY, $XDG_STATE_HOME/pierrot/history, or
--- ~/.local/state/pierrot/history; nil when there is no home, or $PIERROT_HISTORY is empty.
---@return string|nil
function M.path()
  local given = os.getenv "PIERROT_HISTORY"
  if given then return given ~= "" and given or nil end
  local state, home = os.getenv "XDG_STATE_HOME", os.getenv "HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/pierrot/history" end
  return home and home ~= "" and home .. "/.local/state/pierrot/history" or nil
end

return M
