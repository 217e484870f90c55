--- What a supervisor decides: whether a child that ended is restarted, who else is concerned,
-- whether the supervisor is done. Functions of their arguments alone.

local M = {}

--- Whether a reason is one of an orderly end: normal, shutdown, {"shutdown", …}.
---@param reason any
---@return boolean
function M.is_clean(reason)
  if reason == "normal" or reason == "shutdown" then return true end
  return type(reason) == "table" and reason[1] == "shutdown"
end

--- What follows from the end of a child: "restart", or "leave". And whether it is a failure, which
--- is reported.
---@param restart string permanent, transient, temporary
---@param reason any
---@return string what, boolean is_failure
function M.after_end(restart, reason)
  if restart == "permanent" then return "restart", true end
  if M.is_clean(reason) then return "leave", false end
  return restart == "transient" and "restart" or "leave", true
end

--- Whether a child that was told to end did so with an expected reason. `reason` is what it ended
--- with, `was_killed`: it was told by "brutal_kill".
---@param restart string
---@param reason any
---@param was_killed boolean
---@return boolean
function M.is_expected(restart, reason, was_killed)
  if reason == "shutdown" and not was_killed then return true end
  if was_killed and reason == "killed" then return true end
  return restart ~= "permanent" and M.is_clean(reason)
end

--- Which children are stopped and started again when one of them is restarted by that strategy: the
--- first of them; nil: that one alone.
---@param strategy string
---@param all table list as of pierrot.supervisor.children
---@param child table
---@return table|nil first
function M.first_concerned(strategy, all, child)
  if strategy == "one_for_one" then return nil end
  if strategy == "rest_for_one" then return child end
  return all.first
end

local function is_at_work(child)
  return child.significant and child.pid ~= nil
end

--- Whether a supervisor is done now that this child has ended and is not restarted.
---@param auto_shutdown string
---@param child table
---@param all table
---@return boolean
function M.is_done(auto_shutdown, child, all)
  if not child.significant or auto_shutdown == "never" then return false end
  if auto_shutdown == "any_significant" then return true end
  local other = all.first
  while other do
    if is_at_work(other) then return false end
    other = other.next
  end
  return true
end

return M
