---@meta pierrot.task

--- Work in a process of its own, whose result is waited for.
---@class pierrot.task
local task = {}

--- A task: what async gives, and await wants.
---@class pierrot.task.handle
---@field pid pierrot.pid
---@field ref pierrot.ref
---@field owner pierrot.pid

--- How async_stream works through its list.
---@class pierrot.task.stream_options
---@field max_concurrency? integer
---@field ordered? boolean
---@field timeout? pierrot.timeout
---@field on_timeout? "exit"|"kill_task"
---@field scheduler? "local"|"any"|integer

--- Starts a task, linked with the caller.
---@param fn function|string
---@param ... any
---@return pierrot.task.handle
function task.async(fn, ...) end

--- The result. Exits with `{why, {"task", "await", timeout}}` when there is none.
---@param t pierrot.task.handle
---@param timeout? pierrot.timeout 5000
---@return any
function task.await(t, timeout) end

--- The results of several, in their order.
---@param tasks pierrot.task.handle[]
---@param timeout? pierrot.timeout
---@return any[]
function task.await_many(tasks, timeout) end

--- Waits for a result and goes on when there is none yet: `"ok", value`, `"exit", reason`, or nil.
---@param t pierrot.task.handle
---@param timeout? pierrot.timeout
---@return "ok"|"exit"|nil
---@return any
function task.yield(t, timeout) end

--- yield of several: a list of `{"ok", value}`, `{"exit", reason}` and false.
---@param tasks pierrot.task.handle[]
---@param opts? { timeout?: pierrot.timeout, on_timeout?: "nothing"|"ignore"|"kill_task" }
---@return table
function task.yield_many(tasks, opts) end

--- Ends a task: what it had to say by then, as yield.
---@param t pierrot.task.handle
---@param how? integer|"brutal_kill" milliseconds it gets
---@return "ok"|"exit"|nil
---@return any
function task.shutdown(t, how) end

--- Lets a task run on without its result; what it had to say by then, as yield.
---@param t pierrot.task.handle
---@return any ...
function task.ignore(t) end

--- Runs the function for each element of a list, some at a time; an iterator of `"ok", value` and
--- `"exit", reason`, with a closing value that ends what runs on `break`.
---@param list any[]
---@param fn function|string
---@param opts? pierrot.task.stream_options
---@return function iterator
---@return nil
---@return nil
---@return any closing
function task.async_stream(list, fn, opts) end

--- Starts a process whose result nobody waits for.
---@param fn function|string
---@param ... any
---@return pierrot.pid
function task.start(fn, ...) end

--- start, linked.
---@param fn function|string
---@param ... any
---@return pierrot.pid
function task.start_link(fn, ...) end

--- A task that is done already.
---@param value any
---@return pierrot.task.handle
function task.completed(value) end

--- How a supervisor starts a task; it is temporary.
---@param arg function|table
---@return pierrot.child_spec
function task.child_spec(arg) end

return task
