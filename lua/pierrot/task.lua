--- task: functions run in processes of their own, and what comes of them.

local argument = require "pierrot.argument"
local blame = require "pierrot.blame"
local core = require "pierrot.core"
local outcome = require "pierrot.task.outcome"
local start = require "pierrot.start"
local stream = require "pierrot.task.stream"
local supervised = require "pierrot.task.supervised"

local WAIT <const> = 5000

local M = {}

-- Checks ---------------------------------------------------------------------------------------

local function is_task(task)
  return type(task) == "table" and core.is_ref(task.ref) and core.is_pid(task.owner)
end

local function check_owner(level, fname, arg, task)
  if not is_task(task) then argument.reject(level + 1, arg, fname, "task", task) end
  if task.owner ~= core.self() then
    argument.fail(level + 1, arg, fname, ("task of %s, which alone can ask for it; asked by %s")
      :format(task.owner, core.self()))
  end
end

local function check_tasks(fname, tasks)
  if type(tasks) ~= "table" then argument.reject(3, 1, fname, "list of tasks", tasks) end
  for _, task in ipairs(tasks) do check_owner(3, fname, 1, task) end
end

local function check_timeout(fname, timeout)
  argument.check_timeout(3, 2, fname, timeout)
  if timeout == nil then return WAIT end
  return timeout
end

-- Starting -------------------------------------------------------------------------------------

--- Runs fn(...) in a new process, linked to the caller, which gets its result with await.
---@param fn function|string
---@return { pid: userdata, ref: userdata, owner: userdata } task
function M.async(fn, ...)
  start.check_function(2, 1, "async", fn)
  local owner = core.self()
  local pid = supervised.start_link(owner)
  local task, text = supervised.entrust(pid, fn, table.pack(...))
  if not task then error(text, 2) end
  return task
end

local function start_alone(link, fn, ...)
  return supervised.start_alone(link, supervised.callers(), fn, table.pack(...))
end

--- Runs fn(...) in a new process; nothing comes of it.
---@param fn function|string
---@return userdata pid
function M.start(fn, ...)
  local pid = start_alone(false, start.check_function(2, 1, "start", fn), ...)
  return pid
end

--- start, linked.
---@param fn function|string
---@return userdata pid
function M.start_link(fn, ...)
  local pid = start_alone(true, start.check_function(2, 1, "start_link", fn), ...)
  return pid
end

--- A task that is done, with that value.
---@param value any
---@return table task
function M.completed(value)
  local owner, ref = core.self(), core.alias()
  blame.call(2, core.send, ref, { ref, value })
  core.unalias(ref)
  return { ref = ref, owner = owner }
end

--- How a supervisor starts a task that runs fn; or, given { fn, ... }, with these arguments.
---@param arg any
---@return table
function M.child_spec(arg)
  local call = { "pierrot.task", "start_link" }
  if type(arg) == "table" then
    table.move(arg, 1, #arg, 3, call)
  else
    call[3] = arg
  end
  return {
    id = "pierrot.task", start = call, restart = "temporary", shutdown = 5000, type = "worker",
  }
end

-- Outcomes of one ------------------------------------------------------------------------------

--- The result of a task. Exits {why, {"task", "await", timeout}} when there is none in time.
---@param task table
---@param timeout? number|string 5000
---@return any value
function M.await(task, timeout)
  check_owner(2, "await", 1, task)
  timeout = check_timeout("await", timeout)
  local status, value = outcome.await(task, timeout)
  if not status then status, value = outcome.abandon(task) end
  if status == "ok" then return value end
  core.exit { status and value or "timeout", { "task", "await", timeout } }
end

--- "ok", value; "exit", reason; nil when it still runs after that time: it may be asked again.
---@param task table
---@param timeout? number|string 5000
function M.yield(task, timeout)
  check_owner(2, "yield", 1, task)
  return outcome.await(task, check_timeout("yield", timeout))
end

--- Ends a task and waits for its end: "ok", value; "exit", reason, when it ended by itself; or nil.
---@param task table
---@param how? number|string ms until it is killed (5000), "infinity", or "brutal_kill"
function M.shutdown(task, how)
  check_owner(2, "shutdown", 1, task)
  if how ~= "brutal_kill" then argument.check_timeout(2, 2, "shutdown", how) end
  return outcome.shutdown(task, how)
end

--- From now on nothing is to come of a task: "ok", value; "exit", reason; or nil when it still
--- runs, and runs on.
---@param task table
function M.ignore(task)
  check_owner(2, "ignore", 1, task)
  local status, value = outcome.abandon(task)
  if status == nil then return nil end
  return status, value
end

-- Outcomes of many -----------------------------------------------------------------------------

--- The results of tasks, in their order, within one time for all. Exits as await, of "await_many",
--- as soon as one of them has ended without a result.
---@param tasks table[]
---@param timeout? number|string 5000
---@return any[] values
function M.await_many(tasks, timeout)
  check_tasks("await_many", tasks)
  timeout = check_timeout("await_many", timeout)
  local values, status, reason = outcome.await_all(tasks, timeout)
  if values then return values end
  core.exit { status and reason or "timeout", { "task", "await_many", timeout } }
end

local ON_TIMEOUT <const> = {
  nothing = function() end,
  ignore = outcome.abandon,
  kill_task = function(task) return outcome.shutdown(task, "brutal_kill") end,
}

local function read_yield_options(opts)
  if type(opts) ~= "table" then
    argument.check_timeout(3, 2, "yield_many", opts)
    return opts == nil and WAIT or opts, "nothing"
  end
  argument.check_options(3, 2, "yield_many", opts, { timeout = true, on_timeout = true })
  argument.check_timeout_option(3, "timeout", opts.timeout)
  local on_timeout = opts.on_timeout == nil and "nothing" or opts.on_timeout
  if not ON_TIMEOUT[on_timeout] then
    argument.reject_option(3, "on_timeout", '"nothing", "ignore" or "kill_task"', on_timeout)
  end
  return opts.timeout == nil and WAIT or opts.timeout, on_timeout
end

--- The outcomes of tasks, in their order: {"ok", value}, {"exit", reason}, or false for one that
--- still runs after that time, which is one for all.
---@param tasks table[]
---@param opts? { timeout: number|string, on_timeout: string }
---@return any[]
function M.yield_many(tasks, opts)
  check_tasks("yield_many", tasks)
  local timeout, on_timeout = read_yield_options(opts)
  local deadline, outcomes = outcome.deadline(timeout), {}
  for i, task in ipairs(tasks) do
    local status, value = outcome.await(task, outcome.left(deadline))
    if not status then status, value = ON_TIMEOUT[on_timeout](task) end
    outcomes[i] = status and { status, value } or false
  end
  return outcomes
end

--- Runs fn(element) for each element of a list, many at the same time, on all schedulers: an
--- iterator of "ok", value and "exit", reason, for a generic `for`. Leaving the loop ends the
--- tasks.
---@param list any[]
---@param fn function|string
---@param opts? { max_concurrency: integer, ordered: boolean, timeout: number|string,
---  on_timeout: string, scheduler: integer|string }
function M.async_stream(list, fn, opts)
  stream.check(2, "async_stream", 1, list, fn, opts)
  return stream.new(list, opts, stream.spawner(2, fn, opts))
end

return M
