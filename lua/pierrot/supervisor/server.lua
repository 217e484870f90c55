--- The process of a supervisor: it starts and stops children as pierrot.supervisor.strategy says,
-- and answers questions about them.
--
-- Between two attempts to start a child it takes other messages: a failed restart is tried again by
-- a cast to itself, and counts.

local child_process = require "pierrot.supervisor.child"
local children = require "pierrot.supervisor.children"
local core = require "pierrot.core"
local flags_of = require "pierrot.supervisor.flags"
local gen_server = require "pierrot.gen_server"
local parcel = require "pierrot.parcel"
local plain = require "pierrot.plain"
local report = require "pierrot.supervisor.report"
local spec = require "pierrot.supervisor.spec"
local strategy = require "pierrot.supervisor.strategy"
local window = require "pierrot.supervisor.window"

local M = {}

-- Starting and stopping ------------------------------------------------------------------------

local function report_failure(state, what, child, pid, reason)
  report.failure(state.flags.name, what, child, pid, reason)
end

-- A child without a process: a temporary one is forgotten.
local function put_down(state, child)
  if child.restart == "temporary" then
    children.remove(state.children, child)
  else
    children.set_pid(state.children, child, nil)
  end
end

-- Starts a child: true, pid, extra; "ignored"; or false, reason.
local function start(state, child)
  local pid, more = child_process.start(child)
  if pid then
    children.set_pid(state.children, child, pid)
    return true, pid, more
  end
  if more == "ignore" then
    put_down(state, child)
    return "ignored"
  end
  return false, more
end

local function stop(state, child)
  local pid = child.pid
  if core.is_pid(pid) then
    local reason = child_process.stop(child)
    if not strategy.is_expected(child.restart, reason, child.shutdown == "brutal_kill") then
      report_failure(state, "shutdown_error", child, pid, reason)
    end
  end
  put_down(state, child)
end

-- Stops `first` and all behind it, the last first; gives those that remain, in order of start.
local function stop_from(state, first)
  local child, remaining = state.children.last, {}
  while child do
    local previous, is_first = child.previous, child == first
    stop(state, child)
    if child.restart ~= "temporary" then table.insert(remaining, child) end
    if is_first then break end
    child = previous
  end
  local n = #remaining
  for i = 1, n // 2 do
    remaining[i], remaining[n + 1 - i] = remaining[n + 1 - i], remaining[i]
  end
  return remaining
end

local function stop_all(state)
  local child = state.children.last
  while child do
    local previous = child.previous
    stop(state, child)
    child = previous
  end
end

-- Starts them in order up to the first that fails: that child, and why.
local function start_list(state, list)
  for _, child in ipairs(list) do
    local started, reason = start(state, child)
    if not started then
      report_failure(state, "start_error", child, nil, reason)
      return child, reason
    end
  end
  return nil
end

-- Restarting -----------------------------------------------------------------------------------

-- A restart that failed is tried again, after what came meanwhile.
local function try_again(state, child)
  children.set_pid(state.children, child, "restarting")
  gen_server.cast(core.self(), { "try_again", child.serial })
end

local function restart_one(state, child)
  local started, reason = start(state, child)
  if started then return end
  report_failure(state, "start_error", child, nil, reason)
  try_again(state, child)
end

-- The children from `first` on. Should one fail, those that were to follow it wait for its success;
-- they lie behind it, or everything is begun anew.
local function restart_from(state, first)
  local failed = start_list(state, stop_from(state, first))
  if failed then try_again(state, failed) end
end

local function restart(state, child)
  local flags, now = state.flags, core.now()
  if not window.add(state.restarts, now, flags.max_restarts, flags.max_seconds) then
    report_failure(state, "shutdown", child, nil, "reached_max_restart_intensity")
    put_down(state, child)
    return "stop", "shutdown"
  end
  children.set_pid(state.children, child, nil)
  local first = strategy.first_concerned(flags.strategy, state.children, child)
  if first then restart_from(state, first) else restart_one(state, child) end
end

local function child_ended(state, pid, reason)
  local child = state.children.by_pid[pid]
  -- Anyone may send a message that looks like an EXIT.
  if not child or core.is_alive(pid) then return end
  local what, is_failure = strategy.after_end(child.restart, reason)
  if is_failure then report_failure(state, "child_terminated", child, pid, reason) end
  if what == "restart" then return restart(state, child) end
  put_down(state, child)
  if strategy.is_done(state.flags.auto_shutdown, child, state.children) then
    return "stop", "shutdown"
  end
end

-- Start ----------------------------------------------------------------------------------------

local function new_state(flags, list)
  local state = { flags = flags, children = children.new(), restarts = window.new() }
  for _, child in ipairs(list) do children.add(state.children, child) end
  return state
end

-- What a module's init gave, read: flags and children; or nil, reason.
local function read_module(module, name, ...)
  local what, given = ...
  if what == "ignore" and select("#", ...) == 1 then return nil, "ignore" end
  if what ~= "ok" or type(given) ~= "table" then
    local value = select("#", ...) > 1 and { ... } or what
    return nil, { "bad_return", { module, "init", plain.sendable(value) } }
  end
  local opts = given[2]
  local flags, fault = flags_of.read(opts)
  if not flags then return nil, { "supervisor_data", fault } end
  flags.name = name
  local list
  list, fault = spec.read_list(given[1])
  if list then fault = spec.fault_of_list(list, flags.auto_shutdown) end
  if fault then return nil, { "start_spec", fault } end
  return flags, list
end

local function module_name(given)
  if type(given) == "string" then return given end
  return require("pierrot.start").module_name(given) or tostring(given)
end

local function call_init(given, arg, name)
  local module = type(given) == "string" and require(given) or given
  return read_module(module_name(given), name, module.init(arg))
end

-- Flags and children of a start; or nil, reason.
local function read_start(request)
  if not request.module then return request.flags, request.children end
  return call_init(request.module, request.arg, request.name)
end

--- The start of a supervisor; the argument is a parcel of { flags =, children = } or of { module =,
--- arg =, name = }.
function M.init(argument)
  core.trap_exit(true)
  core.dictionary()["$supervisor"] = true
  local request = parcel.unwrap(argument)
  local flags, list = read_start(request)
  if not flags then
    if list == "ignore" then return "ignore" end
    return "error", list
  end
  local state = new_state(flags, list)
  state.module, state.arg = request.module, request.arg
  local failed, reason = start_list(state, list)
  if failed then
    stop_all(state)
    return "stop", { "shutdown", { "failed_to_start_child", failed.id, reason } }
  end
  return "ok", state
end

-- Requests -------------------------------------------------------------------------------------

local function describe(child)
  return { id = child.id, pid = child.pid, type = child.type, modules = child.modules }
end

local function list_of(state)
  local list, child = {}, state.children.first
  while child do
    list[#list + 1] = describe(child)
    child = child.next
  end
  return list
end

-- Why a child of that id cannot be added.
local function refusal_of(state, child)
  local other = children.find(state.children, child.id)
  if not other then return nil end
  if core.is_pid(other.pid) then return { "already_started", other.pid } end
  return "already_present"
end

local function start_child(state, child)
  local fault = spec.fault_of_significance(child, state.flags.auto_shutdown)
  if fault then return { fault = fault } end
  local why = refusal_of(state, child)
  if why then return { why = why } end
  children.add(state.children, child)
  local started, result, extra = start(state, child)
  if started == true then return { pid = result, extra = extra } end
  if started == "ignored" then return { why = "ignore" } end
  report_failure(state, "start_error", child, nil, result)
  children.remove(state.children, child)
  return { why = result }
end

local function restart_child(state, child)
  if child.pid == "restarting" then return { why = "restarting" } end
  if child.pid ~= nil then return { why = "running" } end
  local started, result, extra = start(state, child)
  if started == true then return { pid = result, extra = extra } end
  if started == "ignored" then return { why = "ignore" } end
  report_failure(state, "start_error", child, nil, result)
  return { why = result }
end

local function delete_child(state, child)
  if child.pid == "restarting" then return { why = "restarting" } end
  if child.pid ~= nil then return { why = "running" } end
  children.remove(state.children, child)
  return { pid = true }
end

local function terminate_child(state, child)
  stop(state, child)
  return { pid = true }
end

local function by_id(handle)
  return function(state, _, id)
    local child = children.find(state.children, id)
    return "reply", child and handle(state, child) or { why = "not_found" }
  end
end

M.handle_call = {
  start_child = function(state, _, wrapped)
    local child, reason = child_process.receive(wrapped)
    if child then return "reply", start_child(state, child) end
    if reason == nil then return "noreply" end
    return "reply", { why = reason }
  end,
  restart_child = by_id(restart_child),
  delete_child = by_id(delete_child),
  terminate_child = by_id(terminate_child),

  which_children = function(state) return "reply", list_of(state) end,

  count_children = function(state)
    local count = { specs = 0, active = 0, supervisors = 0, workers = 0 }
    local child = state.children.first
    while child do
      local kind = child.type == "supervisor" and "supervisors" or "workers"
      count.specs, count[kind] = count.specs + 1, count[kind] + 1
      if core.is_pid(child.pid) then count.active = count.active + 1 end
      child = child.next
    end
    return "reply", count
  end,

  -- A stranger's nonsense does not end a tree.
  _ = function(_, _, request) return "reply", { why = { "bad_call", request } } end,
}

M.handle_cast = {
  try_again = function(state, serial)
    local child = state.children.by_serial[serial]
    if child and child.pid == "restarting" then return restart(state, child) end
  end,
  _ = function() end,
}

M.handle_info = {
  EXIT = child_ended,
}

function M.terminate(_, state)
  stop_all(state)
end

--- The state as pierrot.sys and reports show it.
function M.format_status(status)
  local state = status.state
  status.state = { flags = state.flags, children = list_of(state), module = state.module }
  return status
end

-- Code change ----------------------------------------------------------------------------------

-- A child that is known keeps its process; what was changed holds from its next start on. The order
-- is that of the new specs; those that were dropped come last.
local function take_over(all, list)
  for _, fresh in ipairs(list) do
    local old = children.find(all, fresh.id)
    if old then
      for field in next, fresh do old[field] = fresh[field] end
      children.move_last(all, old)
    else
      children.add(all, fresh)
    end
  end
  for _ = 1, all.n - #list do children.move_last(all, all.first) end
end

-- Asks the module again. New children are known and not started, dropped ones stay.
local function change(state)
  if not state.module then return "ok", state end
  local flags, list = call_init(state.module, state.arg, state.flags.name)
  if not flags then
    if list == "ignore" then return "ok", state end
    return "error", list
  end
  state.flags = flags
  take_over(state.children, list)
  return "ok", state
end

--- pierrot.sys.change_code on a supervisor: its module, or what stands for all of them, is the one
--- to be asked.
---@private
function M.change_inner(module, _, state)
  local old = state.module
  if old and module ~= M and type(module.init) == "function" then state.module = module end
  local passed, what, result = pcall(change, state)
  if passed and what == "ok" then return what, result end
  state.module = old
  if not passed then error(what, 0) end
  return what, result
end

return M
