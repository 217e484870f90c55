--- What becomes of a task: its reply, its end, or nothing within a time. What the owner's mailbox
--- holds of a task is gone when its outcome is known.

local core = require "pierrot.core"

local KILL_AFTER <const> = 5000

local M = {}

--- A time from now on as a deadline; nil for "infinity".
---@param timeout number|string
---@return number|nil
function M.deadline(timeout)
  if timeout == "infinity" or timeout == math.huge then return nil end
  return core.now() + timeout
end

--- What is left until a deadline, as receive wants it.
---@param deadline number|nil
---@return number|string
function M.left(deadline)
  return deadline and math.max(0, deadline - core.now()) or "infinity"
end

-- An owner may be told of an outcome by hand: its DOWN is not of a monitor then.
local function forget_end(task)
  local ref = task.ref
  if not core.demonitor(ref, true) and not task.pid then core.receive({ "DOWN", ref }, 0) end
end

-- Of a message of the task.
local function read(task, message)
  if message == nil then return nil end
  if message[1] == task.ref then
    forget_end(task)
    return "ok", message[2]
  end
  return "exit", message[5]
end

--- Waits for the outcome: "ok", value; "exit", reason; nil when the time is over.
---@param task table
---@param timeout number|string
function M.await(task, timeout)
  local ref = task.ref
  return read(task, core.receive(core.one_of({ ref }, { "DOWN", ref }), timeout))
end

--- From now on nothing is to come of the task; what has come already is its outcome.
---@param task table
function M.abandon(task)
  local status, value = M.await(task, 0)
  if status then return status, value end
  core.demonitor(task.ref, true)
  local message = core.receive({ task.ref }, 0)
  if message then return "ok", message[2] end
  return nil
end

-- Many -----------------------------------------------------------------------------------------

-- Takes down the outcome of the i-th task: whether it is a value.
local function note(many, i, status, value)
  if status ~= "ok" then
    many.status, many.reason = status, value
    return false
  end
  many.values[i], many.is_done[i] = value, true
  local watch = many.watches[i]
  if watch then core.demonitor(watch, true) end
  return true
end

-- The ends of all that run carry one tag, so that any of them wakes whoever waits for another.
local function watch_running(many)
  for i, task in ipairs(many.tasks) do
    if not many.is_done[i] and task.pid then
      many.watches[i] = core.monitor(task.pid, 0, many.tag)
      many.index_of[many.watches[i]] = i
    end
  end
end

-- Waits for the i-th, and takes in what comes of others: whether all is well.
local function await_next(many, i, deadline)
  local ref = many.tasks[i].ref
  local pattern = core.one_of({ ref }, { "DOWN", ref }, { many.tag })
  while not many.is_done[i] do
    local message = core.receive(pattern, M.left(deadline))
    if message and message[1] == many.tag then
      -- What it has to say came before, unless somebody has asked for that already.
      local at = many.index_of[message[2]]
      local status, value = M.await(many.tasks[at], 0)
      if status and not note(many, at, status, value) then return false end
    elseif not note(many, i, read(many.tasks[i], message)) then
      return false
    end
  end
  return true
end

local function await_in_order(many, deadline)
  for i, task in ipairs(many.tasks) do
    local status, value = M.await(task, 0)
    if status and not note(many, i, status, value) then return false end
  end
  watch_running(many)
  for i in ipairs(many.tasks) do
    if not await_next(many, i, deadline) then return false end
  end
  return true
end

--- The values of tasks; or nil, "exit", reason, as soon as one has ended without a value; or nil
--- when the time is over. Nothing is to come of any of them then.
---@param tasks table[]
---@param timeout number|string
function M.await_all(tasks, timeout)
  local many = {
    tasks = tasks, values = {}, is_done = {}, watches = {}, index_of = {}, tag = core.make_ref(),
  }
  if await_in_order(many, M.deadline(timeout)) then return many.values end
  for i, task in ipairs(tasks) do
    if many.watches[i] then core.demonitor(many.watches[i], true) end
    if not many.is_done[i] then M.abandon(task) end
  end
  return nil, many.status, many.reason
end

-- Ending -------------------------------------------------------------------------------------

-- Sends an exit to a task that is not to take its owner along. Should the owner end after it has
-- unlinked itself, another process sends the exit for it.
local function send_exit(pid, reason)
  local owner, done = core.self(), core.make_ref()
  local enforcer = core.spawn(function()
    local watch = core.monitor(owner)
    local message = core.receive(core.one_of(done, { "DOWN", watch }))
    if message ~= done then core.exit(pid, reason) end
  end)
  core.unlink(pid)
  core.exit(pid, reason)
  core.send(enforcer, done)
end

-- The end of a process that was told to end; what it ended with, and whether it had to be killed.
local function await_end(pid, watch, timeout)
  local down = core.receive({ "DOWN", watch }, timeout)
  if down then return down[5], false end
  core.exit(pid, "kill")
  return core.receive({ "DOWN", watch })[5], true
end

--- Ends a task and waits for its end: "ok", value, when it has sent its reply; "exit", reason, when
--- it had ended otherwise; nil when it ended as it was told.
---@param task table
---@param how? number|string ms until it is killed (5000), "infinity", "brutal_kill"
function M.shutdown(task, how)
  if not task.pid then return M.abandon(task) end
  local is_brutal = how == "brutal_kill"
  local watch = core.monitor(task.pid)
  send_exit(task.pid, is_brutal and "kill" or "shutdown")
  local reason, was_killed =
    await_end(task.pid, watch, is_brutal and "infinity" or how or KILL_AFTER)
  local status, value = M.abandon(task)
  if status == "ok" then
    core.receive({ "DOWN", task.ref }, 0) -- one that was told by hand, as in forget_end
    return status, value
  end
  if reason == "noproc" and status == "exit" then reason = value end -- it had ended before
  local expected = is_brutal and "killed" or "shutdown"
  if reason == expected and not was_killed then return nil end
  return "exit", reason
end

return M
