--- The children of a supervisor in the order of their start, found by id and by pid.
--
-- A doubly linked list: adding, removing and going either way from any child cost the same however
-- many there are.

local ids = require "pierrot.supervisor.ids"

local M = {}

--- An empty list.
---@return table
function M.new()
  return { by_id = ids.new(), by_pid = {}, by_serial = {}, n = 0, serial = 0 }
end

--- The child of that id; nil: there is none.
---@param all table
---@param id any
---@return table|nil
function M.find(all, id)
  return ids.find(all.by_id, id)
end

-- Order ----------------------------------------------------------------------------------------

local function append(all, child)
  local last = all.last
  child.previous, child.next = last, nil
  if last then last.next = child else all.first = child end
  all.last = child
end

local function detach(all, child)
  local previous, next_ = child.previous, child.next
  if previous then previous.next = next_ else all.first = next_ end
  if next_ then next_.previous = previous else all.last = previous end
end

--- Puts a child behind all others.
---@param all table
---@param child table
function M.move_last(all, child)
  detach(all, child)
  append(all, child)
end

-- Coming and going -----------------------------------------------------------------------------

--- Adds a child behind all others. Its `serial` is its own for good.
---@param all table
---@param child table
function M.add(all, child)
  all.serial = all.serial + 1
  child.serial = all.serial
  append(all, child)
  all.n = all.n + 1
  all.by_serial[child.serial] = child
  ids.add(all.by_id, child.id, child)
end

--- From now on the child has this pid, "restarting", or none.
---@param all table
---@param child table
---@param pid userdata|string|nil
function M.set_pid(all, child, pid)
  if child.pid ~= nil and all.by_pid[child.pid] == child then all.by_pid[child.pid] = nil end
  child.pid = pid
  if pid ~= nil and pid ~= "restarting" then all.by_pid[pid] = child end
end

--- Takes a child out.
---@param all table
---@param child table
function M.remove(all, child)
  M.set_pid(all, child, nil)
  detach(all, child)
  all.n = all.n - 1
  all.by_serial[child.serial] = nil
  ids.remove(all.by_id, child.id)
end

return M
