--- The restarts of the last seconds, counted exactly: no more than so many within a period.
--
-- A window is a queue of times. It holds those that count still, so it is never longer than one
-- more than the limit, and adding to it costs the same however many there are.

local M = {}

--- An empty window.
---@return table
function M.new()
  return { first = 1, last = 0 }
end

--- Adds a restart and forgets those that lie more than the period back. false: they are too many.
---@param window table
---@param now number milliseconds
---@param max_restarts integer
---@param max_seconds number
---@return boolean
function M.add(window, now, max_restarts, max_seconds)
  local oldest, first = now - max_seconds * 1000, window.first
  local last = window.last + 1
  window[last], window.last = now, last
  while window[first] < oldest do
    window[first] = nil
    first = first + 1
  end
  window.first = first
  return last - first < max_restarts
end

return M
