--- The process of a dynamic supervisor: children of any number, each on its own, stopped together.
--
-- state.children holds them by pid, and they are a list in the order of their first start. One
-- whose restart failed stays under the pid that it had, with is_restarting, until a start succeeds.

local child_process = require "pierrot.supervisor.child"
local core = require "pierrot.core"
local crowd = require "pierrot.supervisor.crowd"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.parcel"
local report = require "pierrot.supervisor.report"
local strategy = require "pierrot.supervisor.strategy"
local window = require "pierrot.supervisor.window"

local M = {}

local function report_failure(state, what, child, pid, reason)
  report.failure(state.flags.name, what, child, pid, reason)
end

local function start(state, child)
  return child_process.start(child, state.extra)
end

local function set_restarting(state, child, is_restarting)
  if child.is_restarting == is_restarting then return end
  child.is_restarting = is_restarting
  state.n_restarting = state.n_restarting + (is_restarting and 1 or -1)
end

local function remove(state, pid)
  local child = state.children[pid]
  local previous, next_ = child.previous, child.next
  if previous then previous.next = next_ else state.first = next_ end
  if next_ then next_.previous = previous else state.last = previous end
  state.n = state.n - 1
  state.children[pid] = nil
  set_restarting(state, child, false)
  return child
end

-- A start may give the pid of another child, which is forgotten then.
local function enter(state, pid, child)
  if state.children[pid] then remove(state, pid) end
  state.children[pid] = child
  child.pid = pid
end

local function add(state, pid, child)
  enter(state, pid, child)
  local last = state.last
  child.previous, child.is_restarting = last, false
  if last then last.next = child else state.first = child end
  state.last = child
  state.n = state.n + 1
end

local function replace(state, old, new)
  local child = state.children[old]
  state.children[old] = nil
  enter(state, new, child)
  set_restarting(state, child, false)
end

-- Restarting -----------------------------------------------------------------------------------

-- `pid` is the one that the child had.
local function restart(state, pid, child)
  local flags = state.flags
  if not window.add(state.restarts, core.now(), flags.max_restarts, flags.max_seconds) then
    report_failure(state, "shutdown", child, pid, "reached_max_restart_intensity")
    remove(state, pid)
    return "stop", "shutdown"
  end
  local new, reason = start(state, child)
  if new then
    replace(state, pid, new)
  elseif reason == "ignore" then
    remove(state, pid)
  else
    report_failure(state, "start_error", child, pid, reason)
    set_restarting(state, child, true)
    gen_server.cast(core.self(), { "try_again", pid })
  end
end

local function child_ended(state, pid, reason)
  local child = state.children[pid]
  -- Anyone may send a message that looks like an EXIT.
  if not child or child.is_restarting or core.is_alive(pid) then return end
  local what, is_failure = strategy.after_end(child.restart, reason)
  if is_failure then report_failure(state, "child_terminated", child, pid, reason) end
  if what == "restart" then return restart(state, pid, child) end
  remove(state, pid)
end

-- Start ----------------------------------------------------------------------------------------

--- The start of a dynamic supervisor; the argument is a parcel of its flags.
function M.init(argument)
  core.trap_exit(true)
  core.dictionary()["$supervisor"] = true
  local flags = parcel.unwrap(argument)
  local extra = #flags.extra_arguments > 0 and flags.extra_arguments or nil
  return "ok", {
    flags = flags, extra = extra, children = {}, n = 0, n_restarting = 0, restarts = window.new(),
  }
end

-- Requests -------------------------------------------------------------------------------------

local function start_child(state, child)
  if state.n >= state.flags.max_children then return { why = "max_children" } end
  local pid, more = start(state, child)
  if pid then
    add(state, pid, child)
    return { pid = pid, extra = more }
  end
  if more ~= "ignore" then report_failure(state, "start_error", child, nil, more) end
  return { why = more }
end

local function terminate_child(state, pid)
  local child = remove(state, pid)
  if core.is_alive(pid) then
    local reason = child_process.stop(child)
    if not strategy.is_expected(child.restart, reason, child.shutdown == "brutal_kill") then
      report_failure(state, "shutdown_error", child, pid, reason)
    end
  end
  return { pid = true }
end

local function is_known(state, pid)
  local child = core.is_pid(pid) and state.children[pid]
  return child and (child.is_restarting or core.is_alive(pid))
end

M.handle_call = {
  start_child = function(state, _, wrapped)
    local child, reason = child_process.receive(wrapped, true)
    if child then return "reply", start_child(state, child) end
    if reason == nil then return "noreply" end
    return "reply", { why = reason }
  end,

  terminate_child = function(state, _, pid)
    return "reply", is_known(state, pid) and terminate_child(state, pid) or { why = "not_found" }
  end,

  which_children = function(state)
    local list, child = {}, state.first
    while child do
      list[#list + 1] = {
        pid = child.is_restarting and "restarting" or child.pid, type = child.type,
        modules = child.modules,
      }
      child = child.next
    end
    return "reply", list
  end,

  count_children = function(state)
    local supervisors = 0
    for _, child in next, state.children do
      if child.type == "supervisor" then supervisors = supervisors + 1 end
    end
    return "reply", {
      specs = state.n, active = state.n - state.n_restarting, supervisors = supervisors,
      workers = state.n - supervisors,
    }
  end,

  _ = function(_, _, request) return "reply", { why = { "bad_call", request } } end,
}

M.handle_cast = {
  try_again = function(state, pid)
    local child = core.is_pid(pid) and state.children[pid]
    if child and child.is_restarting then return restart(state, pid, child) end
  end,
  _ = function() end,
}

M.handle_info = {
  EXIT = child_ended,
}

--- The state as pierrot.sys and reports show it.
function M.format_status(status)
  local state = status.state
  status.state = { flags = state.flags, active = state.n - state.n_restarting, specs = state.n }
  return status
end

--- All at once.
function M.terminate(_, state)
  local running = {}
  for pid, child in next, state.children do
    if not child.is_restarting then running[pid] = child end
  end
  crowd.stop(running, function(child, pid, reason)
    if not strategy.is_expected(child.restart, reason, child.shutdown == "brutal_kill") then
      report_failure(state, "shutdown_error", child, pid, reason)
    end
  end)
end

return M
