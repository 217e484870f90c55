--- Time in tests: limits that hold in real time.

local core = require "pierrot.core"

local M = {}

-- Limits ---------------------------------------------------------------------------------------

local Limit <const> = {}
Limit.__index = Limit

--- The next message that matches; nil when the time of the limit is over.
---@param pattern any
---@return any
function Limit:receive(pattern)
  local left = self.deadline and math.max(0, self.deadline - core.now()) or "infinity"
  return (core.receive(pattern, left))
end

function Limit.__close()
end

--- So many milliseconds from now on, or "infinity".
---@param ms number|string
---@return table limit to be closed
function M.limit(ms)
  local is_endless = ms == "infinity" or ms == math.huge
  return setmetatable({ deadline = not is_endless and core.now() + ms or nil }, Limit)
end

-- Requests -------------------------------------------------------------------------------------

function M.take_request()
end

--- Back to real time, at the end of a case.
function M.leave()
end

return M
