---@meta pierrot.sys

--- A look into any server, and a hand on it. All exit as `gen_server.call` does.
---@class pierrot.sys
local sys = {}

--- The state of a server.
---@param server pierrot.server
---@param timeout? pierrot.timeout
---@return any
function sys.get_state(server, timeout) end

--- Changes the state by a function; the new state. An error in it is the caller's, and the state
--- stays.
---@param server pierrot.server
---@param fn fun(state: any): any
---@param timeout? pierrot.timeout
---@return any
function sys.replace_state(server, fn, timeout) end

--- `{pid =, name =, module =, status =, parent =, dictionary =, state =}`.
---@param server pierrot.server
---@param timeout? pierrot.timeout
---@return table
function sys.get_status(server, timeout) end

--- From now on the server answers system messages alone.
---@param server pierrot.server
---@param timeout? pierrot.timeout
---@return true
function sys.suspend(server, timeout) end

--- Ends that; it is not nested.
---@param server pierrot.server
---@param timeout? pierrot.timeout
---@return true
function sys.resume(server, timeout) end

--- Prints a line on standard output for each message that the server gets, and each reply.
---@param server pierrot.server
---@param flag boolean
---@param timeout? pierrot.timeout
---@return true
function sys.trace(server, flag, timeout) end

--- Counts messages from now on, or not; `"get"` gives `{start_time =, current_time =, reductions =,
--- messages_in =, messages_out =}`, or nil and `"no_statistics"`.
---@param server pierrot.server
---@param flag boolean|"get"
---@param timeout? pierrot.timeout
---@return any
function sys.statistics(server, flag, timeout) end

--- Keeps the last events from now on (10, or as many as a number says), or not; `"get"` gives them, the
--- oldest first: `{"in", message, "call" | "cast" | "info" [, client]}`, `{"out", reply, client}`,
--- `{"noreply"}`.
---@param server pierrot.server
---@param flag boolean|integer|"get"
---@param timeout? pierrot.timeout
---@return any
function sys.log(server, flag, timeout) end

--- Installs a function that sees each event: `fn(fn_state, event, name)` returns the next state or
--- `"done"`. It runs in a process beside the server.
---@param server pierrot.server
---@param spec { [1]: any, [2]: function, [3]: any } id, function, state
---@param timeout? pierrot.timeout
---@return true
function sys.install(server, spec, timeout) end

--- Removes an installed function.
---@param server pierrot.server
---@param id any
---@param timeout? pierrot.timeout
---@return true
function sys.remove(server, id, timeout) end

--- Ends all debugging.
---@param server pierrot.server
---@param timeout? pierrot.timeout
---@return true
function sys.no_debug(server, timeout) end

--- Ends a server with a reason.
---@param server pierrot.server
---@param reason any
---@param timeout? pierrot.timeout
---@return true
function sys.terminate(server, reason, timeout) end

--- The server goes on with that module; the module's `code_change`, if it has one, makes the new state. When
--- that fails, code and state stay as they were.
---@param server pierrot.server
---@param module table|string
---@param old_version any
---@param extra any
---@param timeout? pierrot.timeout
---@return true|nil ok
---@return any why
function sys.change_code(server, module, old_version, extra, timeout) end

return sys
