--- Values that hold functions on their way to another process, in messages, which cannot hold any.
--
-- What can be sent goes as it is, as { plain = value }. What cannot is carried to another
-- scheduler, as { packed = … } (pierrot.carry), and stays itself on the same one: it is left here
-- under a ref, which travels as { place = ref }, until it is taken. That may never be, since the
-- receiver may end first: whoever knows when it is too late closes a guard; and what was left for
-- processes that have ended is swept out whenever twice as much is there as after the last sweep.

local carry = require "pierrot.carry"
local core = require "pierrot.core"
local plain = require "pierrot.plain"
local start = require "pierrot.start"
local uninterrupted = require "pierrot.uninterrupted"

local SWEEP <const> = 64

-- One for this scheduler's Lua state, however often this file is loaded.
core.parcels = core.parcels or { left = {}, n = 0, limit = SWEEP }
local parcels <const> = core.parcels

local M = {}

-- What is left ---------------------------------------------------------------------------------

local function sweep()
  local n = 0
  for ref, entry in next, parcels.left do
    if core.is_alive(entry.pid) then n = n + 1 else parcels.left[ref] = nil end
  end
  parcels.n, parcels.limit = n, 2 * n + SWEEP
end

local function leave(pid, value)
  if parcels.n >= parcels.limit then uninterrupted(sweep) end
  local ref = core.make_ref()
  parcels.left[ref] = { pid = pid, value = value }
  parcels.n = parcels.n + 1
  return { place = ref }
end

local function take(ref)
  local entry = parcels.left[ref]
  if not entry then return nil end
  parcels.left[ref] = nil
  parcels.n = parcels.n - 1
  return entry.value
end

-- Wrapping -------------------------------------------------------------------------------------

local function is_plain(value)
  return type(value) ~= "function" and plain.is_plain(value)
end

--- The value for another scheduler. What cannot be carried is an error at that level.
---@param level integer 1: the caller's
---@param value any
---@return table parcel
function M.carried(level, value)
  if is_plain(value) then return { plain = value } end
  local packed
  if type(value) == "function" then
    packed = carry.pack(value, level + 1)
  else
    packed = carry.pack_module(value, level + 1)
  end
  return { packed = packed }
end

--- The value for a process: of that pid; or one to come on that scheduler, while the caller lives.
---@param level integer as above
---@param value any
---@param to userdata|integer
---@return table parcel
function M.wrap(level, value, to)
  if is_plain(value) then return { plain = value } end
  local pid, scheduler = core.self(), to
  if core.is_pid(to) then pid, scheduler = to, core.scheduler_of(to) end
  -- Of one that has ended the request tells.
  if not scheduler or scheduler == core.scheduler() then return leave(pid, value) end
  local parcel = M.carried(level + 1, value)
  return parcel
end

local GUARD <const> = {
  __close = function(guard) take(guard.ref) end,
}

--- To be closed when nobody is going to take the value any more; nil where there is nothing to do.
---@param parcel table
---@return table|nil
function M.guard(parcel)
  if not parcel.place then return nil end
  return setmetatable({ ref = parcel.place }, GUARD)
end

-- Unwrapping -----------------------------------------------------------------------------------

--- What was wrapped, once; nil when whoever has sent it waits no more.
---@param parcel table
---@return any
function M.unwrap(parcel)
  if parcel.place then return take(parcel.place) end
  if parcel.packed then return carry.unpack(parcel.packed) end
  return parcel.plain
end

--- A function that was wrapped, or named as "some.module:fn"; nil as above.
---@param parcel table
---@return function|nil
function M.unwrap_function(parcel)
  local value = M.unwrap(parcel)
  if value == nil then return nil end
  local fn = start.check_function(1, 1, "run", value)
  return fn
end

return M
