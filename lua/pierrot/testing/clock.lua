--- Time in tests: limits that hold in real time, and time that a test decides on.
--
-- Virtual time is the runtime's clock standing still (src/sched/standing.h). The runner makes it
-- stand, since it waits on with a limit of real time; and it makes it go again when the test's
-- functions have run, whatever became of them.

local core = require "pierrot.core"

local M = {}

-- Limits: for the runner -------------------------------------------------------------------------

local Limit <const> = {}
Limit.__index = Limit

local function left(limit)
  return limit.deadline and math.max(0, limit.deadline - core.now()) or "infinity"
end

--- The next message that matches; nil when the time of the limit is over.
---@param pattern any
---@return any
function Limit:receive(pattern)
  if not self.alarm then return (core.receive(pattern, left(self))) end
  local message = core.receive(core.one_of(pattern, self.alarm))
  if message == self.alarm then return nil end
  return message
end

--- From now on time stands, but for this limit.
function Limit:stop_time()
  if self.alarm then return end
  local ms = left(self)
  self.alarm = core.make_ref()
  core.clock_stand(self.alarm, ms ~= "infinity" and ms or nil)
end

function Limit:__close()
  if not self.alarm then return end
  core.clock_go()
  core.receive(self.alarm, 0)
end

--- So many milliseconds from now on, or "infinity".
---@param ms number|string
---@return table limit to be closed
function M.limit(ms)
  local is_endless = ms == "infinity" or ms == math.huge
  return setmetatable({ deadline = not is_endless and core.now() + ms or nil }, Limit)
end

-- Virtual time: for tests ------------------------------------------------------------------------

--- Lets time go on by so many milliseconds: what is due fires in order, and before each step, and
--- at the end, everything has come to rest.
---@param ms number
function M.advance(ms)
  local target = core.clock_standing() + math.ceil(ms * 1000000)
  local next_ns = core.await_idle()
  while next_ns and next_ns <= target do
    core.clock_set(next_ns)
    next_ns = core.await_idle()
  end
  core.clock_set(target)
end

--- receive with a time limit. While time stands it waits until all is idle: nothing comes then.
---@param pattern any
---@param ms number|string
---@return any message, string|nil why
function M.receive(pattern, ms)
  if ms == 0 or not core.clock_standing() then return core.receive(pattern, ms) end
  local message, why = core.receive(pattern, 0)
  if message == nil and why == "timeout" then
    core.await_idle()
    return core.receive(pattern, 0)
  end
  return message
end

return M
