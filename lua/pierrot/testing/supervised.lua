--- The supervised processes of a case: children of a supervisor of its own.

local blame = require "pierrot.blame"
local case_of = require "pierrot.testing.case"
local core = require "pierrot.core"
local inspect = require "pierrot.inspect"
local same = require "pierrot.same"

local M = {}

-- The supervisor -------------------------------------------------------------------------------

-- The children restart as often as they like: what a test does to them is its affair.
local OPTIONS <const> = { strategy = "one_for_one", max_restarts = 1000000, max_seconds = 1 }

local Supervisor <const> = {}

function Supervisor.init(owner)
  core.dictionary()["$callers"] = { owner }
  return "ok", { {}, OPTIONS }
end

-- Started by the case's process and not linked with it: the runner stops it.
local function supervisor_of(case)
  if not case.supervisor then
    local supervisor = require "pierrot.supervisor"
    local pid = assert(supervisor.start_link(Supervisor, core.self()))
    core.unlink(pid)
    case.supervisor = pid
  end
  return case.supervisor
end

-- Client ---------------------------------------------------------------------------------------

-- pid; or nil, reason.
local function start(case, spec)
  local supervisor = require "pierrot.supervisor"
  local pid, reason = blame.call(3, supervisor.start_child, supervisor_of(case), spec)
  if pid then return pid end
  return nil, reason
end

local function failure_text(spec, reason)
  return ("cannot start the child with the spec %s\nreason: %s"):format(inspect(spec),
    case_of.describe(reason))
end

--- Starts a child of the test's supervisor; an error when it does not start.
---@param spec any a child spec of any form
---@return userdata pid
function M.start_supervised(spec)
  local pid, reason = start(case_of.need "start_supervised", spec)
  if not pid then error(failure_text(spec, reason), 2) end
  return pid
end

--- Starts a child of the test's supervisor.
---@param spec any
---@return userdata|nil pid, any reason
function M.try_start_supervised(spec)
  local pid, reason = start(case_of.need "try_start_supervised", spec)
  return pid, reason
end

--- Starts a child of the test's supervisor that is linked to the test besides.
---@param spec any
---@return userdata pid
function M.start_link_supervised(spec)
  local case = case_of.need "start_link_supervised"
  local pid, reason = start(case, spec)
  if not pid then error(failure_text(spec, reason), 2) end
  case.linked[pid] = true
  core.link(pid)
  return pid
end

--- Stops a child and forgets it.
---@param id any
---@return true|nil, string|nil reason "not_found"
function M.stop_supervised(id)
  local case = case_of.need "stop_supervised"
  local supervisor = require "pierrot.supervisor"
  if not case.supervisor then return nil, "not_found" end
  id = require("pierrot.supervisor.spec").own_id(id)
  local linked = case.linked
  for _, child in ipairs(supervisor.which_children(case.supervisor)) do
    if linked[child.pid] and same(child.id, id) then
      linked[child.pid] = nil
      core.unlink(child.pid)
    end
  end
  local stopped, reason = supervisor.terminate_child(case.supervisor, id)
  if not stopped then return nil, reason end
  supervisor.delete_child(case.supervisor, id) -- a temporary one is gone already
  return true
end

--- fn, called when the test has ended, in a process of its own.
---@param ... any [name,] fn
---@return true
function M.on_exit(...)
  local case = case_of.need "on_exit"
  local name, fn = nil, ...
  if select("#", ...) > 1 then name, fn = ... end
  if type(fn) ~= "function" then
    error(("bad argument #%d to 'on_exit' (function expected, got %s)"):format(
      math.max(1, select("#", ...)), type(fn)), 2)
  end
  case_of.add_on_exit(case, name, fn)
  return true
end

return M
