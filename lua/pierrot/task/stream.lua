--- Streams of tasks: a function run for each element of a list, so many at the same time.
--
-- The iterator does all the work when it is asked for the next outcome: it starts tasks as long as
-- fewer run than may, and takes in what comes of them. All that carries one ref, the stream's:
-- replies {ref, value, index}, and ends {ref, monitor, "process", pid, reason}.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local parcel = require "pierrot.parcel"
local start = require "pierrot.start"
local supervised = require "pierrot.task.supervised"

local WAIT <const> = 5000

local OPTIONS <const> = {
  max_concurrency = true, ordered = "boolean", timeout = true, on_timeout = true, scheduler = true,
}
local SUPERVISED_OPTIONS <const> = {
  max_concurrency = true, ordered = "boolean", timeout = true, on_timeout = true, shutdown = true,
}

local M = {}

-- Checks ---------------------------------------------------------------------------------------

-- What a child spec takes.
local function check_shutdown(level, shutdown)
  if shutdown == nil or shutdown == "brutal_kill" or shutdown == "infinity" then return end
  if type(shutdown) == "number" and shutdown >= 0 then return end
  argument.reject_option(level + 1, "shutdown", 'milliseconds, "brutal_kill" or "infinity"',
    shutdown)
end

--- Raises for what is no list, function or table of options. The list is the argument `arg`.
---@param level integer as in pierrot.argument
---@param is_supervised? boolean whether its tasks are a supervisor's, which decides where they run
function M.check(level, fname, arg, list, fn, opts, is_supervised)
  if type(list) ~= "table" then argument.reject(level + 1, arg, fname, "list", list) end
  start.check_function(level + 1, arg + 1, fname, fn)
  if opts == nil then return end
  argument.check_options(level + 1, arg + 2, fname, opts,
    is_supervised and SUPERVISED_OPTIONS or OPTIONS)
  check_shutdown(level + 1, opts.shutdown)
  local max = opts.max_concurrency
  if max ~= nil and not argument.to_integer(max, 1) then
    argument.reject_option(level + 1, "max_concurrency", "positive integer", max)
  end
  argument.check_timeout_option(level + 1, "timeout", opts.timeout)
  if opts.on_timeout ~= nil and opts.on_timeout ~= "exit" and opts.on_timeout ~= "kill_task" then
    argument.reject_option(level + 1, "on_timeout", '"exit" or "kill_task"', opts.on_timeout)
  end
  start.check_scheduler(level + 1, opts)
end

-- Starting a task ------------------------------------------------------------------------------

-- Where the i-th task runs.
local function scheduler_for(wanted, i)
  if wanted == "any" then return core.least_busy() end
  if wanted == "local" then return core.scheduler() end
  return wanted or (core.scheduler() + i - 2) % core.schedulers() + 1
end

--- What starts the tasks of a stream, linked to the caller: a function of an index that gives the
--- pid of a process that waits for its orders, and the function for it, wrapped.
---@param level integer whose error what cannot be carried is; 1: the caller's
---@param fn function|string
---@param opts? table
---@return function
function M.spawner(level, fn, opts)
  local wanted = opts and opts.scheduler
  local packed
  if type(fn) == "function" and wanted ~= "local" and core.schedulers() > 1 then
    packed = parcel.carried(level + 1, fn)
  end
  return function(i)
    local scheduler, owner = scheduler_for(wanted, i), core.self()
    if scheduler == core.scheduler() then
      local pid = supervised.start_link(owner)
      return pid, parcel.wrap(1, fn, pid)
    end
    local where = { scheduler = scheduler, link = true }
    local pid = start.spawn(where, "pierrot.task.supervised:serve", owner)
    return pid, packed or { plain = fn }
  end
end

-- The stream -----------------------------------------------------------------------------------

-- A stream: list, n_started (elements whose tasks were started), n_running, tasks (by index: pid,
-- deadline, status, value), oldest (no task before this index runs), and for an unordered one the
-- indices of `done` tasks, of which n_given were given.

local function start_next(stream)
  local i = stream.n_started + 1
  local pid, wrapped = stream.spawn(i)
  stream.n_started, stream.n_running = i, stream.n_running + 1
  stream.tasks[i] = {
    pid = pid, index = i, deadline = stream.timeout and core.now() + stream.timeout,
  }
  stream.by_pid[pid] = stream.tasks[i]
  stream.tasks[i].watch = core.monitor(pid, 0, stream.ref)
  local sent, text = supervised.order(pid, {
    reply_to = stream.ref, tag = stream.ref, index = i, callers = stream.callers, fn = wrapped,
    args = { stream.list[i], n = 1 },
  })
  if not sent then
    error(("%s (element %d of the list)"):format(text, i), argument.users_level())
  end
end

local function fill_up(stream)
  while stream.n_running < stream.max and stream.n_started < stream.n do start_next(stream) end
end

-- A linked task's end came by the link too, for one that traps exits.
local function forget_link(pid)
  core.unlink(pid)
  if core.info(core.self(), "trap_exit") then core.receive({ "EXIT", pid }, 0) end
end

local function finish(stream, task, status, value)
  task.status, task.value = status, value
  stream.by_pid[task.pid] = nil
  stream.n_running = stream.n_running - 1
  stream.done[#stream.done + 1] = task.index
  forget_link(task.pid)
end

local function take(stream, message)
  if message[3] ~= "process" then
    local task = stream.tasks[message[3]]
    if task and not task.status then task.has_value, task.value = true, message[2] end
    return
  end
  local task = stream.by_pid[message[4]]
  if not task then return end
  if task.has_value then
    finish(stream, task, "ok", task.value)
  else
    finish(stream, task, "exit", message[5])
  end
end

-- The task that has run for longest.
local function oldest(stream)
  local task = stream.tasks[stream.oldest]
  while stream.oldest <= stream.n_started and (not task or task.status) do
    stream.oldest = stream.oldest + 1
    task = stream.tasks[stream.oldest]
  end
  return task
end

-- Kills what does not end in time.
local function see_off(pids)
  local deadline = core.now() + WAIT
  for _, pid in ipairs(pids) do
    local watch = core.monitor(pid)
    if not core.receive({ "DOWN", watch }, math.max(0, deadline - core.now())) then
      core.exit(pid, "kill")
    end
  end
end

-- For a consumer that cannot wait where it is, as in coroutine.close.
local function leave_to_end(tasks)
  local pids = {}
  for _, task in next, tasks do
    core.demonitor(task.watch, true)
    pids[#pids + 1] = task.pid
  end
  if pids[1] then core.spawn(function() see_off(pids) end) end
end

-- Ends processes and waits for their ends: they are told to, and killed when that does not help.
local function end_all(stream, tasks, reason)
  for _, task in next, tasks do
    forget_link(task.pid)
    core.exit(task.pid, reason)
  end
  if not core.can_wait() then return leave_to_end(tasks) end
  local deadline = core.now() + WAIT
  for _, task in next, tasks do
    local left = math.max(0, deadline - core.now())
    local pattern = { stream.ref, [3] = "process", [4] = task.pid }
    if not core.receive(pattern, left) then
      core.exit(task.pid, "kill")
      core.receive(pattern)
    end
  end
end

local function close(stream)
  if stream.is_closed then return end
  stream.is_closed = true
  if not stream.ref then return end
  core.unalias(stream.ref)
  end_all(stream, stream.by_pid, "shutdown")
  while core.receive({ stream.ref }, 0) do end
end

local function time_out(stream, task)
  if stream.on_timeout == "exit" then
    close(stream)
    core.exit { "timeout", { "task", "async_stream", stream.timeout } }
  end
  end_all(stream, { task }, "kill")
  finish(stream, task, "exit", "timeout")
end

local function wait(stream)
  local task = oldest(stream)
  local left = task.deadline and math.max(0, task.deadline - core.now()) or "infinity"
  local message = core.receive({ stream.ref }, left)
  if message then take(stream, message) else time_out(stream, task) end
end

-- The next task whose outcome is to be given, when it is known.
local function ready(stream)
  local at = stream.n_given + 1
  local index = at
  if not stream.is_ordered then index = stream.done[at] end
  local task = index and stream.tasks[index]
  if not task or not task.status then return nil end
  stream.n_given = at
  stream.tasks[index] = nil
  return task
end

-- A stream is its consumer's, who may be another than its maker.
local function begin(stream)
  stream.ref, stream.callers = core.alias(), supervised.callers()
end

local function next_outcome(stream)
  if stream.is_closed then return nil end
  if not stream.ref then begin(stream) end
  fill_up(stream)
  local task = ready(stream)
  while not task and stream.n_running > 0 do
    wait(stream)
    fill_up(stream)
    task = ready(stream)
  end
  if task then return task.status, task.value end
  close(stream)
  return nil
end

local CLOSING <const> = { __close = close }

--- An iterator over the outcomes of a list's elements, as a generic `for` takes it.
---@param list any[]
---@param opts? table
---@param spawn function as M.spawner makes it
function M.new(list, opts, spawn)
  opts = opts or {}
  local timeout = opts.timeout == nil and WAIT or opts.timeout
  if timeout == "infinity" or timeout == math.huge then timeout = nil end
  local stream = setmetatable({
    list = list, n = #list, n_started = 0, n_running = 0, n_given = 0, oldest = 1, tasks = {},
    by_pid = {}, done = {}, spawn = spawn,
    max = opts.max_concurrency or core.schedulers(), is_ordered = opts.ordered ~= false,
    timeout = timeout, on_timeout = opts.on_timeout or "exit",
  }, CLOSING)
  return next_outcome, stream, nil, stream
end

return M
