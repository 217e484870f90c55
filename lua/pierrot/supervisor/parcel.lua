--- Values that hold functions on their way to another process: specs and modules.
--
-- A message cannot hold a function. What can be sent goes as it is, as { plain = value }. What
-- cannot stays itself on the same scheduler: it is left at a place that the message names, as
-- { place = ref }, until its sender has its answer (pierrot.handoff). To another scheduler it is
-- carried, as { packed = … } (pierrot.carry).

local core = require "pierrot.core"
local handoff = require "pierrot.handoff"
local inspect = require "pierrot.inspect"

local PLAIN <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local M = {}

local function is_plain(value, seen)
  local kind = type(value)
  if kind ~= "table" then
    return PLAIN[kind] or (kind == "userdata" and core.is_sendable(value))
  end
  if seen[value] then return true end
  seen[value] = true
  for key, field in next, value do
    if not is_plain(key, seen) or not is_plain(field, seen) then return false end
  end
  return true
end

--- Whether a message can hold the value.
---@param value any
---@return boolean
function M.is_plain(value)
  return is_plain(value, {})
end

local function copy(value, copies)
  if type(value) ~= "table" then return value end
  if copies[value] then return copies[value] end
  local new = {}
  copies[value] = new
  for key, field in next, value do new[copy(key, copies)] = copy(field, copies) end
  return new
end

--- A copy of what a message can hold; other values are themselves.
---@param value any
---@return any
function M.snapshot(value)
  if type(value) ~= "table" or not is_plain(value, {}) then return value end
  return copy(value, {})
end

local function sendable(value, copies)
  local kind = type(value)
  if kind == "table" then
    if copies[value] then return copies[value] end
    local new = {}
    copies[value] = new
    for key, field in next, value do new[sendable(key, copies)] = sendable(field, copies) end
    return new
  end
  if PLAIN[kind] or (kind == "userdata" and core.is_sendable(value)) then return value end
  return inspect(value)
end

--- The value as a reason holds it: what cannot be sent is its text.
---@param value any
---@return any
function M.sendable(value)
  if type(value) ~= "table" then return sendable(value) end
  -- What lies too deep for a walk is its text as well.
  local ok, is_good = pcall(is_plain, value, {})
  if ok and is_good then return value end
  local made, copied = pcall(sendable, value, {})
  return made and copied or inspect(value)
end

-- A child's arguments become its own where the rest of it cannot be copied.
local function own_arguments(child)
  local start = child.start
  if type(start) ~= "table" then return end
  for i = 3, start.n do start[i] = M.snapshot(start[i]) end
end

local function leave(value)
  local packed = handoff.pack(value, core.scheduler())
  return { place = packed.value }, packed
end

local function is_elsewhere(server)
  local pid = core.whereis(server)
  if not pid then return false end
  local scheduler = core.info(pid, "scheduler")
  return scheduler ~= nil and scheduler ~= core.scheduler()
end

--- The value for a process, and what the sender closes when it has its answer. `where` is the
--- process (pid, name, via), or whether it will be on another scheduler. What cannot be carried is
--- an error at that level.
---@param level integer as in error, counted from the caller
---@param value any
---@param where any
---@return table parcel, table|nil guard
function M.wrap(level, value, where)
  if is_plain(value, {}) then return { plain = value } end
  if where == true or (where and is_elsewhere(where)) then
    local packed = require("pierrot.carry").pack_module(value, level + 1)
    return { packed = packed }
  end
  return leave(value)
end

--- The same for children.
---@param level integer
---@param value any children, or a table that holds them
---@param list table[] these children
---@param where any
---@return table parcel, table|nil guard
function M.wrap_children(level, value, list, where)
  for _, child in ipairs(list) do own_arguments(child) end
  local parcel, guard = M.wrap(level + 1, value, where)
  return parcel, guard
end

--- What was wrapped; nil when its sender is gone.
---@param parcel table
---@return any
function M.unwrap(parcel)
  if parcel.place then return handoff.unpack(parcel.place) end
  if parcel.packed then return require("pierrot.carry").unpack(parcel.packed) end
  return parcel.plain
end

return M
