---@meta pierrot.dynamic_supervisor

--- A supervisor of children that come and go, all alike to it.
---@class pierrot.dynamic_supervisor
local dynamic_supervisor = {}

--- Options of a dynamic supervisor.
---@class pierrot.dynamic_supervisor.options: pierrot.start_options
---@field max_restarts? integer
---@field max_seconds? number
---@field max_children? integer
---@field extra_arguments? any[] put before the arguments of each child's start

--- Starts a dynamic supervisor, linked with the caller.
---@param opts? pierrot.dynamic_supervisor.options
---@return pierrot.pid|nil pid
---@return any reason
function dynamic_supervisor.start_link(opts) end

--- How a supervisor starts a dynamic supervisor.
---@param arg? pierrot.dynamic_supervisor.options
---@return pierrot.child_spec
function dynamic_supervisor.child_spec(arg) end

--- Starts a child; `nil, "max_children"` when there are enough.
---@param sup pierrot.server
---@param child pierrot.child
---@return pierrot.pid|nil pid
---@return any extra or the reason
function dynamic_supervisor.start_child(sup, child) end

--- Ends a child and forgets it.
---@param sup pierrot.server
---@param pid pierrot.pid
---@return true|nil ok
---@return "not_found"|nil why
function dynamic_supervisor.terminate_child(sup, pid) end

--- The children: `{pid =, type =, modules =}`.
---@param sup pierrot.server
---@return table[]
function dynamic_supervisor.which_children(sup) end

--- `{specs =, active =, supervisors =, workers =}`.
---@param sup pierrot.server
---@return table<string, integer>
function dynamic_supervisor.count_children(sup) end

--- Ends the supervisor and its children.
---@param sup pierrot.server
---@param reason? any
---@param timeout? pierrot.timeout
---@return true
function dynamic_supervisor.stop(sup, reason, timeout) end

return dynamic_supervisor
