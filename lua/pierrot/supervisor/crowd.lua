--- Stops many children at once, each within its own time.
--
-- All are watched and told, then every message is taken as it comes: a search for one of them would
-- cost more the more there are. Whoever does this is about to end, and needs nothing else of its
-- mailbox.

local core = require "pierrot.core"

local M = {}

-- Tells one to end. What it has to say afterwards is an EXIT that came earlier, and its DOWN.
local function tell(crowd, child, pid)
  crowd.refs[core.monitor(pid)] = child
  crowd.n = crowd.n + 1
  core.exit(pid, child.shutdown == "brutal_kill" and "kill" or "shutdown")
end

-- The times at which children are killed, in order, each with those that it is for.
local function group_by_time(list)
  local groups, at = {}, {}
  for pid, child in next, list do
    local ms = child.shutdown
    if type(ms) == "number" then
      if not at[ms] then
        at[ms] = { ms = ms, pids = {} }
        groups[#groups + 1] = at[ms]
      end
      table.insert(at[ms].pids, pid)
    end
  end
  table.sort(groups, function(a, b) return a.ms < b.ms end)
  return groups
end

local function kill_late(crowd, group)
  for _, pid in ipairs(group.pids) do
    if not crowd.gone[pid] then core.exit(pid, "kill") end
  end
end

-- A process says why it ended in its EXIT as well; the DOWN of one that had ended before it was
-- watched does not know.
local function take(crowd, message, on_end)
  if type(message) ~= "table" then return end
  if message[1] == "EXIT" and core.is_pid(message[2]) then
    crowd.exits[message[2]] = message
  elseif message[1] == "DOWN" and message[2] ~= nil and crowd.refs[message[2]] then
    local child, pid, reason = crowd.refs[message[2]], message[4], message[5]
    crowd.refs[message[2]] = nil
    crowd.n = crowd.n - 1
    crowd.gone[pid] = true
    local exit = crowd.exits[pid]
    if reason == "noproc" and exit then reason = exit[3] end
    crowd.exits[pid] = nil
    on_end(child, pid, reason)
  end
end

--- Stops all and waits until they have ended.
---@param list table<userdata, table> children by pid
---@param on_end fun(child: table, pid: userdata, reason: any)
function M.stop(list, on_end)
  local crowd = { refs = {}, exits = {}, gone = {}, n = 0 }
  local start, groups, at = core.now(), group_by_time(list), 1
  for pid, child in next, list do tell(crowd, child, pid) end
  while crowd.n > 0 do
    local group = groups[at]
    local left = group and math.max(0, start + group.ms - core.now()) or "infinity"
    local message, why = core.receive(nil, left)
    if message == nil and why == "timeout" then
      kill_late(crowd, group)
      at = at + 1
    else
      take(crowd, message, on_end)
    end
  end
end

return M
