--- Functions for another process to run, in a message: on the same scheduler they stay themselves,
--- elsewhere they are carried.

local carry = require "pierrot.carry"
local core = require "pierrot.core"

-- By the ref that travels in place of the function. One table for this scheduler, however often
-- this file is loaded.
core.handed_over = core.handed_over or {}
local handed_over <const> = core.handed_over

local M = {}

local HANDED <const> = {
  __close = function(packed)
    if core.is_ref(packed.value) then handed_over[packed.value] = nil end
  end,
}

--- A function as a value that can be sent to a process on that scheduler, in the field `value`. It
--- can be unpacked until this is closed. An error that tells what cannot be carried is the caller's
--- caller's.
---@param fn function
---@param scheduler integer
---@return { value: any }
function M.pack(fn, scheduler)
  if scheduler ~= core.scheduler() then
    return setmetatable({ value = carry.pack(fn, 3) }, HANDED)
  end
  local ref = core.make_ref()
  handed_over[ref] = fn
  return setmetatable({ value = ref }, HANDED)
end

--- The function; nil when whoever has sent it is gone.
---@param value any
---@return function|nil
function M.unpack(value)
  if core.is_ref(value) then return handed_over[value] end
  return carry.unpack(value)
end

return M
