---@meta pierrot.task_supervisor

--- Tasks under a supervisor. Functions may be given options before the function itself.
---@class pierrot.task_supervisor
local task_supervisor = {}

--- How the streams of a task supervisor work through their lists. shutdown: what the child spec of
--- each task says (5000).
---@class pierrot.task_supervisor.stream_options
---@field max_concurrency? integer
---@field ordered? boolean
---@field timeout? pierrot.timeout
---@field on_timeout? "exit"|"kill_task"
---@field shutdown? pierrot.timeout|"brutal_kill"

--- Starts a supervisor of tasks, linked with the caller.
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function task_supervisor.start_link(opts) end

--- How a supervisor starts a supervisor of tasks.
---@param arg? table
---@return pierrot.child_spec
function task_supervisor.child_spec(arg) end

--- A task under the supervisor, linked with the caller.
---@param sup pierrot.server
---@param ... any [options,] function, arguments
---@return pierrot.task.handle
function task_supervisor.async(sup, ...) end

--- A task under the supervisor, whose crash does not harm the caller.
---@param sup pierrot.server
---@param ... any [options,] function, arguments
---@return pierrot.task.handle
function task_supervisor.async_nolink(sup, ...) end

--- A process under the supervisor; `nil, "max_children"` when there are enough.
---@param sup pierrot.server
---@param ... any [options,] function, arguments
---@return pierrot.pid|nil pid
---@return any reason
function task_supervisor.start_child(sup, ...) end

--- As `task.async_stream`, on the supervisor's scheduler.
---@param sup pierrot.server
---@param list any[]
---@param fn function|string
---@param opts? pierrot.task_supervisor.stream_options
---@return function iterator
function task_supervisor.async_stream(sup, list, fn, opts) end

--- As `task.async_stream`; a crash does not harm the caller.
---@param sup pierrot.server
---@param list any[]
---@param fn function|string
---@param opts? pierrot.task_supervisor.stream_options
---@return function iterator
function task_supervisor.async_stream_nolink(sup, list, fn, opts) end

--- The processes under the supervisor.
---@param sup pierrot.server
---@return pierrot.pid[]
function task_supervisor.children(sup) end

--- Ends one of them.
---@param sup pierrot.server
---@param pid pierrot.pid
---@return true|nil ok
---@return "not_found"|nil why
function task_supervisor.terminate_child(sup, pid) end

return task_supervisor
