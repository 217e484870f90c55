---@meta pierrot

--- Processes and their messages. A process is a function that runs by itself: it has a mailbox, its
--- errors end it alone, and what it shares with others it shares by messages, which are copies.
---@class pierrot
local pierrot = {}

--- In a pattern: any value but nil.
pierrot.any = nil

--- Starts a process that runs the function with copies of the arguments. The function may be a
--- string `"module:function"`, which runs on any scheduler.
---@param fn function|string
---@param ... any
---@return pierrot.pid
function pierrot.spawn(fn, ...) end

--- spawn, linked with the caller before it runs.
---@param fn function|string
---@param ... any
---@return pierrot.pid
function pierrot.spawn_link(fn, ...) end

--- spawn, monitored by the caller.
---@param fn function|string
---@param ... any
---@return pierrot.pid pid
---@return pierrot.ref ref
function pierrot.spawn_monitor(fn, ...) end

--- spawn with options; `nil, "already_registered"` when the name is taken.
---@param opts pierrot.spawn_options
---@param fn function|string
---@param ... any
---@return pierrot.pid|nil pid
---@return pierrot.ref|string|nil ref or why there is no process
function pierrot.spawn_opt(opts, fn, ...) end

--- The pid of the caller.
---@return pierrot.pid
function pierrot.self() end

--- Sends a copy of a message and returns it. A dead pid swallows it, and a ref that is no active
--- alias; an unknown name or key raises, and so does what no message can hold.
---@param dest pierrot.server|pierrot.ref
---@param msg any
---@return any msg
function pierrot.send(dest, msg) end

--- The oldest message that matches the pattern (nil: any); waits for one. The others stay, in their
--- order. A timeout of 0 looks and does not wait.
---@param pattern? any
---@param timeout? pierrot.timeout
---@return any message
---@return "timeout"|nil why there is none
function pierrot.receive(pattern, timeout) end

--- All messages that wait, taken out of the mailbox; `n` is their number.
---@return table
function pierrot.flush() end

--- Links the caller with a process: when one ends abnormally, so does the other. Linking the dead
--- is an exit `"noproc"`, as a message where the caller traps exits.
---@param pid pierrot.pid
---@return true
function pierrot.link(pid) end

--- Removes a link; no exit of it arrives any more.
---@param pid pierrot.pid
---@return true
function pierrot.unlink(pid) end

--- Watches a process: when it has ended the caller gets `{"DOWN", ref, "process", pid, reason}`, at
--- once and with `"noproc"` when it is dead. The name stands in place of the pid where it was
--- monitored by name.
---@param server pierrot.server
---@param opts? { tag?: any, alias?: "explicit_unalias"|"demonitor"|"reply_demonitor" }
---@return pierrot.ref
function pierrot.monitor(server, opts) end

--- Ends a monitor. `flush` drops a DOWN that has arrived, `info` asks whether the monitor was
--- there.
---@param ref pierrot.ref
---@param opts? { flush?: boolean, info?: boolean }
---@return boolean
function pierrot.demonitor(ref, opts) end

--- A ref that others may send to, until it is unaliased, or with `reply` until the first message
--- came.
---@param opts? { reply?: boolean }
---@return pierrot.ref
function pierrot.alias(opts) end

--- Ends an alias; whether it was one of the caller's.
---@param ref pierrot.ref
---@return boolean
function pierrot.unalias(ref) end

--- With one argument, or none (`"normal"`): ends the caller, by an exit object that pcall catches.
--- With a pid: sends it an exit signal, and returns true.
---@param pid_or_reason? any
---@param reason? any
---@return true
function pierrot.exit(pid_or_reason, reason) end

--- Whether exit signals arrive as messages `{"EXIT", pid, reason}`; returns what it was.
---@param flag boolean
---@return boolean
function pierrot.trap_exit(flag) end

--- Gives a process a name. `nil, "already_registered"` or `nil, "noproc"`.
---@param name string
---@param pid pierrot.pid
---@return true|nil ok
---@return string|nil why
function pierrot.register(name, pid) end

--- Takes a name away from whoever has it.
---@param name string
---@return true|nil ok
---@return "not_registered"|nil why
function pierrot.unregister(name) end

--- The process of that name, nil when there is none. A pid is itself while it lives.
---@param server pierrot.server
---@return pierrot.pid|nil
function pierrot.whereis(server) end

--- All names.
---@return string[]
function pierrot.registered() end

--- Sets a value of the caller's own dictionary; the old one.
---@param key any
---@param value any
---@return any old
function pierrot.put(key, value) end

--- A value of the dictionary, or a copy of the whole.
---@param key? any
---@return any
function pierrot.get(key) end

--- Removes a value of the dictionary and returns it; without a key all, as a table.
---@param key? any
---@return any
function pierrot.erase(key) end

--- The keys of the dictionary, or those that have this value.
---@param value? any
---@return any[]
function pierrot.get_keys(value) end

--- Whether the process lives.
---@param pid pierrot.pid
---@return boolean
function pierrot.is_alive(pid) end

--- All living processes.
---@return pierrot.pid[]
function pierrot.processes() end

--- Bytes by what they are for: `total`, `lua`, `processes`, `messages` and more.
---@return table<string, integer>
function pierrot.memory() end

--- What is known of a process; nil of a dead one. An item gives that value alone, a list of items a
--- table of them.
---@param pid pierrot.pid
---@param item? string|string[]
---@return any
function pierrot.info(pid, item) end

--- Sends a message when the time has come. It is copied now; a name is resolved then. The timer
--- outlives the caller.
---@param ms number
---@param dest pierrot.server
---@param msg any
---@param opts? { abs?: boolean }
---@return pierrot.ref
function pierrot.send_after(ms, dest, msg, opts) end

--- send_after, as `{"timeout", ref, msg}`.
---@param ms number
---@param dest pierrot.server
---@param msg any
---@param opts? { abs?: boolean }
---@return pierrot.ref
function pierrot.start_timer(ms, dest, msg, opts) end

--- Cancels a timer: the milliseconds that were left, or false. With `async` true at once, and then
--- the message `{"cancel_timer", ref, ms_or_false}`.
---@param ref pierrot.ref
---@param opts? { async?: boolean }
---@return integer|boolean
function pierrot.cancel_timer(ref, opts) end

--- The milliseconds that are left, or false.
---@param ref pierrot.ref
---@return integer|false
function pierrot.read_timer(ref) end

--- Waits.
---@param ms pierrot.timeout
function pierrot.sleep(ms) end

--- Lets others run.
function pierrot.yield() end

--- A new reference.
---@return pierrot.ref
function pierrot.make_ref() end

--- Monotonic milliseconds.
---@return number
function pierrot.now() end

--- A value on one line, as the prompt prints it.
---@param value any
---@return string
function pierrot.inspect(value) end

--- Whether a value matches a pattern, as receive has it.
---@param pattern any
---@param value any
---@return boolean
function pierrot.match(pattern, value) end

--- A pattern for what one of these matches.
---@param ... any
---@return any pattern
function pierrot.one_of(...) end

---@param v any
---@return boolean
function pierrot.is_pid(v) end

---@param v any
---@return boolean
function pierrot.is_ref(v) end

--- The number of schedulers.
---@return integer
function pierrot.schedulers() end

--- Loads a module again, on every scheduler. A running server keeps its code until
--- `sys.change_code`. When it cannot be loaded the result is nil and why, and what was loaded before
--- stays.
---@param module string|table its name, or the table that is loaded under it
---@return true|nil ok
---@return any why
function pierrot.reload(module) end

--- Where pierrot is a module of another program, before its first use.
---@param opts { schedulers?: integer, preempt?: "off"|"signal"|"count" }
---@return true
function pierrot.configure(opts) end

--- Ends the program in order, supervision trees first.
---@param status? integer|boolean
function pierrot.halt(status) end

return pierrot
