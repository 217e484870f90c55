---@meta pierrot.agent

--- A process that keeps a value; functions that it runs read and change it.
---@class pierrot.agent
local agent = {}

--- Starts an agent with what the function returns, linked with the caller.
---@param fn function|string
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function agent.start_link(fn, opts) end

--- Starts an agent.
---@param fn function|string
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function agent.start(fn, opts) end

--- How a supervisor starts an agent.
---@param arg function|table
---@return pierrot.child_spec
function agent.child_spec(arg) end

--- What the function makes of the state.
---@param a pierrot.server
---@param fn fun(state: any): any
---@param timeout? pierrot.timeout
---@return any
function agent.get(a, fn, timeout) end

--- Sets the state to what the function returns; one that returns nothing leaves it.
---@param a pierrot.server
---@param fn fun(state: any): any
---@param timeout? pierrot.timeout
---@return true
function agent.update(a, fn, timeout) end

--- The function returns what is answered, and the new state.
---@param a pierrot.server
---@param fn fun(state: any): any, any
---@param timeout? pierrot.timeout
---@return any
function agent.get_and_update(a, fn, timeout) end

--- update, without waiting.
---@param a pierrot.server
---@param fn fun(state: any): any
---@return true
function agent.cast(a, fn) end

--- Ends the agent.
---@param a pierrot.server
---@param reason? any
---@param timeout? pierrot.timeout
---@return true
function agent.stop(a, reason, timeout) end

return agent
