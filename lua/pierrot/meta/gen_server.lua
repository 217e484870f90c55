---@meta pierrot.gen_server

--- Servers: a process that keeps a state and answers requests, written as a module of callbacks.
--- Each `handle_*` is a function, or a table of functions picked by the first element of the
--- request.
---@class pierrot.gen_server
local gen_server = {}

--- The callbacks of a server; all but init may be left out.
---@class pierrot.gen_server.callbacks
---@field init fun(arg: any): ... `"ok", state [, action]`, `"ignore"`, `"stop", reason` or `"error", reason`
---@field handle_call? table|fun(request: any, from: pierrot.from, state: any): ... `"reply", reply [, state [, action]]`, `"noreply" [, state [, action]]`, `"stop", reason [, state]` or `"stop", reason, reply, state`
---@field handle_cast? table|fun(request: any, state: any): ... `"noreply" [, state [, action]]`, `"stop", reason [, state]`, or nothing
---@field handle_info? table|fun(message: any, state: any): ... as handle_cast
---@field handle_continue? table|fun(arg: any, state: any): ... as handle_cast
---@field terminate? fun(reason: any, state: any)
---@field code_change? fun(old_version: any, state: any, extra: any): ... `"ok", state` or `"error", reason`
---@field format_status? fun(status: table): table

--- Starts a server and waits until its init is done. Nothing remains of a failed start.
---@param module pierrot.gen_server.callbacks|string
---@param arg? any
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason `"ignore"`, `{"already_started", pid}`, `"timeout"`, or what init stopped or failed with
function gen_server.start(module, arg, opts) end

--- start, linked. A failed one ends a caller that does not trap exits with init's abnormal reason.
---@param module pierrot.gen_server.callbacks|string
---@param arg? any
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function gen_server.start_link(module, arg, opts) end

--- start, monitored.
---@param module pierrot.gen_server.callbacks|string
---@param arg? any
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any ref or the reason
function gen_server.start_monitor(module, arg, opts) end

--- The reply to a request. Exits with `{why, {"gen_server", "call", server, request, timeout}}`
--- when there is none.
---@param server pierrot.server
---@param request any
---@param timeout? pierrot.timeout 5000
---@return any reply
function gen_server.call(server, request, timeout) end

--- Sends a request that is not answered.
---@param server pierrot.server
---@param request any
---@return true
function gen_server.cast(server, request) end

--- Answers a call, from any process. A second or late reply is dropped.
---@param from pierrot.from
---@param reply any
---@return true
function gen_server.reply(from, reply) end

--- Ends a server and waits for that. Exits with `{why, {"gen_server", "stop", …}}` when it ended
--- otherwise.
---@param server pierrot.server
---@param reason? any `"normal"`
---@param timeout? pierrot.timeout `"infinity"`
---@return true
function gen_server.stop(server, reason, timeout) end

--- A call that is not waited for.
---@param server pierrot.server
---@param request any
---@return any id
function gen_server.send_request(server, request) end

--- Waits for the answer: `true, reply`, `false, why`, or `nil, "timeout"`, which gives the request
--- up.
---@param id any
---@param timeout? pierrot.timeout
---@return boolean|nil ok
---@return any reply or why
function gen_server.receive_response(id, timeout) end

--- receive_response, but a request that timed out may be waited for again.
---@param id any
---@param timeout? pierrot.timeout
---@return boolean|nil ok
---@return any reply or why
function gen_server.wait_response(id, timeout) end

--- Whether a message that was received is the answer: as receive_response, or `nil, "no_reply"`.
---@param msg any
---@param id any
---@return boolean|nil ok
---@return any reply or why
function gen_server.check_response(msg, id) end

--- Calls several servers at once.
---@param servers pierrot.server[]
---@param request any
---@param timeout? pierrot.timeout
---@return table replies a list of `{server, reply}`
---@return pierrot.server[] failed
function gen_server.multi_call(servers, request, timeout) end

--- Casts to several servers.
---@param servers pierrot.server[]
---@param request any
---@return true
function gen_server.abcast(servers, request) end

--- How a supervisor starts a server of this module.
---@param module pierrot.gen_server.callbacks|string
---@param arg? any
---@param overrides? table fields in place of the default ones
---@return pierrot.child_spec
function gen_server.child_spec(module, arg, overrides) end

return gen_server
