---@meta pierrot.types

--- The types that all modules share.

--- Who a process is. Two pids are equal when they name the same process, also as keys and after
--- travelling.
---@class pierrot.pid: userdata

--- A reference: of a monitor, a timer, an alias, a call. Equal when it names the same thing.
---@class pierrot.ref: userdata

--- A name that a registry keeps: `{"via", registry, key}`; with a value to register it with as
--- fourth.
---@alias pierrot.via { [1]: "via", [2]: pierrot.pid|string, [3]: any, [4]: any }

--- A process: its pid, the name that it is registered by, or a via.
---@alias pierrot.server pierrot.pid|string|pierrot.via

--- Milliseconds; `"infinity"` and `math.huge` wait for ever.
---@alias pierrot.timeout number|"infinity"

--- Whom to answer: what `handle_call` is given. Messages can carry it.
---@alias pierrot.from { [1]: pierrot.pid, [2]: any }

--- Options of `spawn_opt`.
---@class pierrot.spawn_options
---@field link? boolean link with the caller
---@field monitor? boolean monitor it: the ref is the second result
---@field name? string registered before it runs
---@field scheduler? "local"|"any"|integer where it runs; the caller's by default
---@field max_queue? integer messages in its mailbox beyond which further ones are dropped
---@field max_heap? integer bytes beyond which it is killed

--- Options of the functions that start a server.
---@class pierrot.start_options: pierrot.spawn_options
---@field name? string|pierrot.via
---@field timeout? pierrot.timeout how long init may take

--- How a supervisor starts a child, and what it does when that ends.
---@class pierrot.child_spec
---@field id any
---@field start function|table|string a function, `{"module", "fn", arg…}` or `"module:fn"`, that answers pid [, extra] or nil, reason
---@field restart? "permanent"|"transient"|"temporary"
---@field shutdown? integer|"brutal_kill"|"infinity" milliseconds it gets to end
---@field type? "worker"|"supervisor"
---@field significant? boolean
---@field modules? any

--- What a child spec may be given as: a spec, a module that has `child_spec` (the table or its
--- name), or `{module, arg}`.
---@alias pierrot.child pierrot.child_spec|table|string
