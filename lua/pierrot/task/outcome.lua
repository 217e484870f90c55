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

-- A DOWN may be there that is not of a monitor: owners may be told of an outcome by hand.
local function forget_end(ref)
  if not core.demonitor(ref, true) then core.receive({ "DOWN", ref }, 0) end
end

-- Of a message of the task.
local function read(ref, message)
  if message == nil then return nil end
  if message[1] == ref then
    forget_end(ref)
    return "ok", message[2]
  end
  return "exit", message[5]
end

--- Waits for the outcome: "ok", value; "exit", reason; nil when the time is over.
---@param task table
---@param timeout number|string
function M.await(task, timeout)
  local ref = task.ref
  return read(ref, core.receive(core.one_of({ ref }, { "DOWN", ref }), timeout))
end

--- From now on nothing is to come of the task; what has come already is its outcome.
---@param task table
function M.abandon(task)
  local status, value = M.await(task, 0)
  if status then return status, value end
  core.demonitor(task.ref, true)
  local message = core.receive({ task.ref }, 0)
  if message then return "ok", message[2] end
end

--- The outcomes of tasks, up to the first that is not a value: values by index; or nil, "exit",
--- reason; or nil when the time is over. Nothing is to come of the others then.
---@param tasks table[]
---@param timeout number|string
function M.await_all(tasks, timeout)
  local deadline, index_of, values, n = M.deadline(timeout), {}, {}, #tasks
  for i, task in ipairs(tasks) do index_of[task.ref] = i end
  local function is_awaited(ref) return index_of[ref] ~= nil end
  local pattern = core.one_of({ is_awaited }, { "DOWN", is_awaited })
  local status, value = "ok", nil
  while n > 0 and status == "ok" do
    local message = core.receive(pattern, M.left(deadline))
    local ref = message and (message[1] == "DOWN" and message[2] or message[1])
    status, value = read(ref, message)
    if status == "ok" then
      values[index_of[ref]], index_of[ref] = value, nil
      n = n - 1
    end
  end
  if status == "ok" then return values end
  for _, task in ipairs(tasks) do
    if index_of[task.ref] then M.abandon(task) end
  end
  return nil, status, value
end

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
  if status == "ok" then return status, value end
  if reason == "noproc" and status == "exit" then reason = value end -- it had ended before
  local expected = is_brutal and "killed" or "shutdown"
  if reason == expected and not was_killed then return nil end
  return "exit", reason
end

return M
