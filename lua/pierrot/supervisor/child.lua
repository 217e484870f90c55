--- One child: started by its start function, stopped within its time.

local core = require "pierrot.core"
local parcel = require "pierrot.parcel"
local plain = require "pierrot.plain"
local spec = require "pierrot.supervisor.spec"

local M = {}

local function reason_of(value)
  if type(value) == "table" and value.class == "exit" then return { reason = value.reason } end
  local reason = { "error", plain.sendable(value), debug.traceback(nil, 2) }
  core.note_failure(reason, value)
  return { reason = reason }
end

-- Where even that failed (a stack overflow), what there is.
local function failure_of(raised)
  if type(raised) == "table" then return plain.sendable(raised.reason) end
  return { "error", plain.sendable(raised), "" }
end

-- Receiving ------------------------------------------------------------------------------------

--- A child on its way here, as its client has read it. nil when the client waits no more; or nil
--- and what is wrong: its functions may not be had here, and anyone may send anything.
---@param wrapped any a parcel
---@param any_id? boolean as for spec.check
---@return table|nil child, any reason
function M.receive(wrapped, any_id)
  local ok, child = xpcall(parcel.unwrap, reason_of, wrapped)
  if not ok then return nil, failure_of(child) end
  if child == nil then return nil end
  if type(child) ~= "table" then return nil, "bad_child" end
  local checked, fault = spec.check(child, any_id)
  return checked, fault
end

-- Starting -------------------------------------------------------------------------------------

local function find(start)
  if type(start) == "function" then return start end
  local module = start[1]
  if type(module) == "string" then module = require(module) end
  local fn = module[start[2]]
  if fn then return fn end
  error(("module '%s' has no function '%s'"):format(tostring(start[1]), start[2]), 0)
end

-- The arguments of both, the extra ones first, and the places of the first and the last.
local function joined(extra, start)
  local n = #extra
  local list = table.move(extra, 1, n, 1, {})
  if type(start) == "function" then return list, 1, n end
  return table.move(start, 3, start.n, n + 1, list), 1, n + start.n - 2
end

-- Runs the start function; `extra` comes before its own arguments. Each start gets copies, so that
-- the next one finds them as they were given.
local function run(start, extra)
  local fn = find(start)
  if extra then return fn(core.snapshots(joined(extra, start))) end
  if fn == start then return fn() end
  return fn(core.snapshots(start, 3, start.n))
end

--- Starts it: pid, extra; or nil, reason. "ignore" is a reason; what is neither is the reason
--- itself.
---@param child table
---@param extra? any[] arguments before its own
---@return userdata|nil pid, any extra_or_reason
function M.start(child, extra)
  local ok, pid, more = xpcall(run, reason_of, child.start, extra)
  if not ok then return nil, failure_of(pid) end
  if core.is_pid(pid) then
    -- It is not started again: what its start holds is not kept for as long as it lives.
    if child.restart == "temporary" then child.start = nil end
    if more ~= nil then more = plain.sendable(more) end
    return pid, more
  end
  if pid == nil or pid == false then pid = more end
  return nil, plain.sendable(pid)
end

-- The reason that a child gave before it was told to end, taken out of the mailbox with its EXIT.
-- One that had ended before it was watched has left no other trace.
local function forget_link(pid, reason)
  core.unlink(pid)
  local exit = core.receive({ "EXIT", pid }, 0)
  if exit and reason == "noproc" then return exit[3] end
  return reason
end

--- Stops a running child and waits for its end; what it ended with. It is watched first and
--- unlinked last: one that has unlinked itself is stopped like the others, and should the
--- supervisor be killed meanwhile, its children hear of it.
---@param child table
---@return any reason
function M.stop(child)
  local pid, shutdown = child.pid, child.shutdown
  local ref = core.monitor(pid)
  local is_brutal = shutdown == "brutal_kill"
  core.exit(pid, is_brutal and "kill" or "shutdown")
  local down = core.receive({ "DOWN", ref }, is_brutal and "infinity" or shutdown)
  if not down then
    core.exit(pid, "kill")
    down = core.receive { "DOWN", ref }
  end
  return forget_link(pid, down[5])
end

return M
