---@meta pierrot.supervisor

--- Processes that start others, and start them again when they end.
---@class pierrot.supervisor
local supervisor = {}

--- Options of a supervisor.
---@class pierrot.supervisor.options: pierrot.start_options
---@field strategy "one_for_one"|"one_for_all"|"rest_for_one"
---@field max_restarts? integer 3
---@field max_seconds? number 5
---@field auto_shutdown? "never"|"any_significant"|"all_significant"

--- Starts a supervisor and its children, in order. Either by a list of children and options, or by
--- a module whose `init(arg)` returns `"ok", {children, options}` or `"ignore"`.
---@param children pierrot.child[]|table|string the children, or a module
---@param opts any the options, or what init gets
---@param start_opts? pierrot.start_options with a module: the options of the start
---@return pierrot.pid|nil pid
---@return any reason `{"shutdown", {"failed_to_start_child", id, reason}}`, `{"already_started", pid}`, …
function supervisor.start_link(children, opts, start_opts) end

--- The spec of a child: a spec with defaults filled in, a module's, with fields overridden.
---@param child pierrot.child
---@param overrides? table
---@return pierrot.child_spec
function supervisor.child_spec(child, overrides) end

--- Starts one more child; it goes behind the others.
---@param sup pierrot.server
---@param child pierrot.child
---@return pierrot.pid|nil pid
---@return any extra or the reason
function supervisor.start_child(sup, child) end

--- Ends a child; its spec stays.
---@param sup pierrot.server
---@param id any
---@return true|nil ok
---@return "not_found"|nil why
function supervisor.terminate_child(sup, id) end

--- Forgets the spec of a child that does not run.
---@param sup pierrot.server
---@param id any
---@return true|nil ok
---@return "not_found"|"running"|"restarting"|nil why
function supervisor.delete_child(sup, id) end

--- Starts a child again that does not run.
---@param sup pierrot.server
---@param id any
---@return pierrot.pid|nil pid
---@return any reason
function supervisor.restart_child(sup, id) end

--- The children in their order: `{id =, pid = pid | "restarting" | nil, type =, modules =}`.
---@param sup pierrot.server
---@return table[]
function supervisor.which_children(sup) end

--- `{specs =, active =, supervisors =, workers =}`.
---@param sup pierrot.server
---@return table<string, integer>
function supervisor.count_children(sup) end

--- Ends the supervisor and its children, last started first.
---@param sup pierrot.server
---@param reason? any
---@param timeout? pierrot.timeout
---@return true
function supervisor.stop(sup, reason, timeout) end

return supervisor
