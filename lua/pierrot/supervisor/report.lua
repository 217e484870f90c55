--- What supervisors write to the log: one report for each failure of a child.

local core = require "pierrot.core"
local inspect = require "pierrot.inspect"
local logger = require "pierrot.logger"

local PART_MAX <const> = 2000 -- bytes of a reason, so that it fits

local M = {}

local function shortened(text)
  if #text <= PART_MAX then return text end
  return text:sub(1, PART_MAX) .. "…"
end

--- Text for a reason. That of an error is its value's, as the report of the crash shows it; the
--- traceback stands there.
---@param reason any
---@return string
function M.show(reason)
  local text = core.failure_text(reason)
  if text then return shortened(text) end
  if type(reason) == "table" and reason[1] == "error" and type(reason[3]) == "string" then
    local value = reason[2]
    return shortened(type(value) == "string" and value or inspect(value))
  end
  return shortened(inspect(reason))
end

local function show_child(child, pid)
  local where = core.is_pid(pid) and " " .. tostring(pid) or ""
  local id = child.id == false and "a child" or "child " .. shortened(inspect(child.id))
  return ("%s%s (%s %s)"):format(id, where, child.restart, child.type)
end

--- Reports a failure.
---@param name any of the supervisor: its name; nil: none
---@param what string "child_terminated", "start_error", "shutdown_error", "shutdown"
---@param child table
---@param pid any the child's
---@param reason any
function M.failure(name, what, child, pid, reason)
  if not core.wants_log "error" then return end
  local who = name ~= nil and " " .. inspect(name) or ""
  logger.error("%s", ("supervisor%s %s: %s\n  %s\n  reason: %s"):format(who,
    tostring(core.self()), what, show_child(child, pid), M.show(reason)))
end

return M
