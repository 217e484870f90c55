--- Virtual time, as tests use it.

local argument = require "pierrot.argument"
local case_of = require "pierrot.testing.case"
local clock = require "pierrot.testing.clock"
local core = require "pierrot.core"

local M = {}

--- From now on in this test time stands: timers fire by advance alone.
---@return true
function M.virtual_time()
  case_of.stop_time(case_of.need "virtual_time")
  return true
end

--- Lets virtual time go on by so many milliseconds. The timers that are due by then fire in order;
--- all is idle before each, and when this returns.
---@param ms number
---@return true
function M.advance(ms)
  if type(ms) ~= "number" or not (ms >= 0 and ms < math.huge) then
    argument.reject(2, 1, "advance", "milliseconds", ms)
  end
  if not core.clock_standing() then
    error("advance is for virtual time: call virtual_time first", 2)
  end
  clock.advance(ms)
  return true
end

return M
