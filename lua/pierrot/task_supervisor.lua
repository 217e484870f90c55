--- task_supervisor: tasks under a supervisor. They run on its scheduler and end with it.

local argument = require "pierrot.argument"
local blame = require "pierrot.blame"
local core = require "pierrot.core"
local dynamic = require "pierrot.dynamic_supervisor"
local parcel = require "pierrot.parcel"
local plain = require "pierrot.plain"
local start = require "pierrot.start"
local stream = require "pierrot.task.stream"
local supervised = require "pierrot.task.supervised"
local unsendable = require "pierrot.unsendable"

local TASK_OPTIONS <const> = { shutdown = true, restart = true }

local M = {}

-- The supervisor -------------------------------------------------------------------------------

--- Starts one without tasks, linked to the caller. opts: those of a dynamic_supervisor: name,
--- max_children, max_restarts, max_seconds.
---@param opts? table
---@return userdata|nil pid, any reason
function M.start_link(opts)
  local pid, reason = blame.call(2, dynamic.start_link, opts)
  if pid then return pid end
  return nil, reason
end

--- How a supervisor starts a task supervisor.
---@param opts? table as of start_link
---@return table
function M.child_spec(opts)
  return {
    id = "pierrot.task_supervisor",
    start = { "pierrot.task_supervisor", "start_link", opts },
    restart = "permanent", shutdown = "infinity", type = "supervisor",
  }
end

--- The pids of its tasks.
---@param sup userdata|string|table pid, name or via
---@return userdata[]
function M.children(sup)
  argument.check_server(2, 1, "children", sup)
  local pids = {}
  for _, child in ipairs(dynamic.which_children(sup)) do
    if core.is_pid(child.pid) then pids[#pids + 1] = child.pid end
  end
  return pids
end

--- Ends a task.
---@param sup userdata|string|table
---@param pid userdata
---@return true|nil, string|nil reason "not_found"
function M.terminate_child(sup, pid)
  local done, reason = blame.call(2, dynamic.terminate_child, sup, pid)
  if done then return true end
  return nil, reason
end

-- Its tasks ------------------------------------------------------------------------------------

-- (sup, [opts,] fn, …) as opts, fn, args; an error is of that level, as in pierrot.argument.
local function read_arguments(level, fname, sup, ...)
  argument.check_server(level + 1, 1, fname, sup)
  local opts, fn, first = {}, ..., 2
  if type(fn) == "table" then
    opts, fn = ...
    first = 3
    argument.check_options(level + 1, 2, fname, opts, TASK_OPTIONS)
  end
  start.check_function(level + 1, first, fname, fn)
  return opts, fn, table.pack(select(first, ...))
end

-- A process under the supervisor that waits for orders of the caller.
local function start_waiting(sup, shutdown)
  return dynamic.start_child(sup, {
    id = "pierrot.task", restart = "temporary", shutdown = shutdown,
    start = { "pierrot.task.supervised", "start_link", core.self() },
  })
end

local function refusal(sup, reason)
  if reason == "max_children" then
    return ("the task supervisor %s has as many tasks as its max_children allows"):format(
      argument.show(sup))
  end
  return ("the task supervisor %s did not start the task: %s"):format(argument.show(sup),
    argument.show(reason))
end

local function async(fname, link, sup, ...)
  local opts, fn, args = read_arguments(3, fname, sup, ...)
  if opts.restart ~= nil then argument.fail(3, 2, fname, "unknown option \"restart\"") end
  local pid, reason = blame.call(3, start_waiting, sup, opts.shutdown)
  if not pid then error(refusal(sup, reason), 3) end
  if link then core.link(pid) end
  local task, text = supervised.entrust(pid, fn, args)
  if not task then error(text, 3) end
  return task
end

--- Runs fn(...) in a task of the supervisor that is linked to the caller, which gets its result as
--- from task.async. opts: shutdown.
---@param sup userdata|string|table
---@return table task
function M.async(sup, ...)
  local task = async("async", true, sup, ...)
  return task
end

--- async without the link: of a crash the caller hears when it asks for the result.
---@param sup userdata|string|table
---@return table task
function M.async_nolink(sup, ...)
  local task = async("async_nolink", false, sup, ...)
  return task
end

--- Runs fn(...) in a task of the supervisor; nothing comes of it. opts: restart ("temporary"),
--- shutdown (5000).
---@param sup userdata|string|table
---@return userdata|nil pid, any reason "max_children"
function M.start_child(sup, ...)
  local opts, fn, args = read_arguments(2, "start_child", sup, ...)
  if not plain.is_plain(args) then error(unsendable(table.move(args, 1, args.n, 1, {})), 2) end
  local pid, reason = blame.call(2, dynamic.start_child, sup, {
    id = "pierrot.task", restart = opts.restart or "temporary", shutdown = opts.shutdown,
    start = { "pierrot.task.supervised", "start_alone", true, supervised.callers(), fn, args },
  })
  if pid then return pid end
  return nil, reason
end

-- Streams --------------------------------------------------------------------------------------

local function new_stream(fname, link, sup, list, fn, opts)
  argument.check_server(3, 1, fname, sup)
  if type(opts) == "table" and opts.scheduler ~= nil then
    argument.fail(3, 4, fname, "tasks run on the scheduler of their supervisor")
  end
  stream.check(3, fname, 2, list, fn, opts, true)
  local shutdown = opts and opts.shutdown
  return stream.new(list, opts, function()
    local pid, reason = start_waiting(sup, shutdown)
    if not pid then error(refusal(sup, reason), argument.users_level()) end
    if link then core.link(pid) end
    return pid, parcel.wrap(1, fn, pid)
  end)
end

--- task.async_stream with tasks of the supervisor.
---@param sup userdata|string|table
---@param list any[]
---@param fn function|string
---@param opts? table but scheduler; also shutdown (5000)
function M.async_stream(sup, list, fn, opts)
  local next_outcome, state, first, closing =
    new_stream("async_stream", true, sup, list, fn, opts)
  return next_outcome, state, first, closing
end

--- The same without links: a task that crashes is {"exit", reason}, and harms nobody.
---@param sup userdata|string|table
---@param list any[]
---@param fn function|string
---@param opts? table
function M.async_stream_nolink(sup, list, fn, opts)
  local next_outcome, state, first, closing =
    new_stream("async_stream_nolink", false, sup, list, fn, opts)
  return next_outcome, state, first, closing
end

return M
