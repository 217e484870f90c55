--- Functions for another process to run later: a value that a message can hold, and the function
--- again over there.
--
-- On the same scheduler a function stays itself: it is left here under a ref, which travels, until
-- it is taken. It may never be, since the process may end first; so what was left for processes
-- that have ended is swept out whenever twice as much is there as after the last sweep.

local carry = require "pierrot.carry"
local core = require "pierrot.core"
local start = require "pierrot.start"
local uninterrupted = require "pierrot.uninterrupted"

local SWEEP <const> = 64

-- One for this scheduler's Lua state, however often this file is loaded.
core.deferred = core.deferred or { left = {}, n = 0, limit = SWEEP }
local deferred <const> = core.deferred

local M = {}

local function sweep()
  local n = 0
  for ref, entry in next, deferred.left do
    if core.is_alive(entry.pid) then n = n + 1 else deferred.left[ref] = nil end
  end
  deferred.n, deferred.limit = n, 2 * n + SWEEP
end

local function leave(pid, fn)
  if deferred.n >= deferred.limit then uninterrupted(sweep) end
  local ref = core.make_ref()
  deferred.left[ref] = { pid = pid, fn = fn }
  deferred.n = deferred.n + 1
  return ref
end

--- A function for that process: { kind, value }, nil when it has ended. What cannot be carried is
--- an error at that level.
---@param level integer 1: the caller's
---@param pid userdata
---@param fn function|string "some.module:fn" goes as it is
---@return table|nil
function M.wrap(level, pid, fn)
  if type(fn) == "string" then return { "name", fn } end
  local scheduler = core.scheduler_of(pid)
  if not scheduler then return nil end
  if scheduler ~= core.scheduler() then
    local packed = carry.pack(fn, level + 1)
    return { "packed", packed }
  end
  return { "left", leave(pid, fn) }
end

local GUARD <const> = {
  __close = function(guard)
    if deferred.left[guard.ref] then
      deferred.left[guard.ref] = nil
      deferred.n = deferred.n - 1
    end
  end,
}

--- To be closed by whoever knows when it is too late to take the function.
---@param wrapped table
---@return table|nil
function M.guard(wrapped)
  if wrapped[1] ~= "left" then return nil end
  return setmetatable({ ref = wrapped[2] }, GUARD)
end

--- The function. It can be taken once.
---@param wrapped table
---@return function
function M.unwrap(wrapped)
  local kind, value = wrapped[1], wrapped[2]
  if kind == "name" then
    local fn = start.check_function(1, 1, "run", value)
    return fn
  elseif kind == "packed" then
    return carry.unpack(value)
  end
  local entry = deferred.left[value]
  if not entry then core.exit "normal" end -- whoever has sent it waits no more
  deferred.left[value] = nil
  deferred.n = deferred.n - 1
  return entry.fn
end

return M
