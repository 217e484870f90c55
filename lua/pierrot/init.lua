--- pierrot: processes, messages, links, monitors, names, timers.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local start = require "pierrot.start"

local M = {}

-- Straight from C.
for _, name in ipairs {
  "spawn", "spawn_link", "spawn_monitor", "self", "send", "flush", "link", "unlink", "unalias",
  "exit", "trap_exit", "register", "unregister", "whereis", "registered", "is_alive", "processes",
  "memory", "info",
  "send_after", "start_timer", "cancel_timer", "read_timer", "sleep", "yield", "make_ref", "now",
  "is_pid", "is_ref", "schedulers", "any", "one_of",
} do
  M[name] = core[name]
end

-- Processes -----------------------------------------------------------------------------------

--- spawn with options: link, monitor, name, scheduler, max_queue, max_heap.
---@param opts table
---@param fn function|string
---@return userdata|nil pid, userdata|string|nil ref_or_reason
function M.spawn_opt(opts, fn, ...)
  return start.spawn(opts, fn, ...)
end

-- Receiving -----------------------------------------------------------------------------------

local match

local function match_table(pattern, value)
  local kind = core.pattern_kind(pattern)
  if kind == "one_of" then
    for i = 1, pattern.n do
      if pattern[i] == nil or match(pattern[i], value) then return true end
    end
    return false
  end
  if type(value) ~= "table" then return false end
  for key, field in next, pattern do
    if not match(field, rawget(value, key)) then return false end
  end
  return true
end

-- With functions in the pattern: in Lua, where they can be preempted. A function in a field is
-- asked as a whole pattern is.
function match(pattern, value)
  if type(pattern) == "function" then
    return pattern(value) and true or false
  elseif type(pattern) == "table" then
    return match_table(pattern, value)
  end
  return core.match(pattern, value) and (pattern ~= nil or value == nil)
end

--- Whether the value matches the pattern, as receive would take it.
---@return boolean
function M.match(pattern, value)
  if pattern == nil then return true end
  if core.has_function(pattern) then return match(pattern, value) end
  return core.match(pattern, value)
end

-- Goes over the mailbox by scan. A receive inside of the pattern moves the save point, and may take
-- what the pattern has been asked about; a wait inside of it ends the timeout that was armed.
local function receive_by_function(pattern, timeout)
  local looks_only = timeout == 0
  local is_limited = type(timeout) == "number" and timeout < math.huge
  local deadline = is_limited and core.now() + timeout
  local found, message, place = core.scan(timeout)
  while found do
    local is_match = match(pattern, message)
    if not core.is_at(place, is_limited and not looks_only) then
      local left = deadline and math.max(0, deadline - core.now()) or timeout
      looks_only = left == 0
      is_match = core.seek(place, left) and is_match
    end
    if is_match then
      core.take()
      return message
    end
    found, message, place = core.scan(looks_only)
  end
  return nil, "timeout"
end

core.set_receive_by_function(function(pattern, timeout)
  argument.check_timeout(3, 2, "receive", timeout)
  local _ <close> = setmetatable({}, { __close = core.stop_scan })
  return receive_by_function(pattern, timeout)
end)

--- The first message that matches; it waits for one. nil, "timeout" when the time is up.
---@param pattern any nil matches anything
---@param timeout? number|string milliseconds
---@type fun(pattern?: any, timeout?: number|string): any, string|nil
M.receive = core.receive

-- Monitors ------------------------------------------------------------------------------------

local ALIAS_FLAGS <const> = { explicit_unalias = 1, demonitor = 2, reply_demonitor = 2 | 4 }

--- Watches a process: {"DOWN", ref, "process", pid or name, reason} when it ends.
---@param target userdata|string|table pid, name or via
---@param opts? { tag: any, alias: string }
---@return userdata ref
function M.monitor(target, opts)
  if not core.is_pid(target) then argument.check_server(2, 1, "monitor", target) end
  if opts == nil then return core.monitor(target) end
  argument.check_options(2, 2, "monitor", opts, { tag = true, alias = true })
  local flags = 0
  if opts.alias ~= nil then
    flags = ALIAS_FLAGS[opts.alias]
    if not flags then
      argument.reject_option(2, "alias",
        "\"explicit_unalias\", \"demonitor\" or \"reply_demonitor\"", opts.alias)
    end
  end
  return core.monitor(target, flags, opts.tag)
end

--- Ends a monitor. With flush its DOWN is taken out of the mailbox; with info the result tells
--- whether the monitor was removed before its DOWN was delivered.
---@param ref userdata
---@param opts? { flush: boolean, info: boolean }
---@return boolean
function M.demonitor(ref, opts)
  argument.check_ref(2, 1, "demonitor", ref)
  if opts == nil then
    core.demonitor(ref)
    return true
  end
  argument.check_options(2, 2, "demonitor", opts, { flush = "boolean", info = "boolean" })
  local removed = core.demonitor(ref, opts.flush)
  return not opts.info or removed
end

--- A ref to send to, until unalias; with reply: until the first message.
---@param opts? { reply: boolean }
---@return userdata ref
function M.alias(opts)
  if opts ~= nil then argument.check_options(2, 1, "alias", opts, { reply = "boolean" }) end
  return core.alias(opts ~= nil and opts.reply)
end

-- Timers --------------------------------------------------------------------------------------

-- Whether ms is a time of the clock, which may have passed.
local function check_timer(fname, ms, dest, opts)
  local is_absolute = false
  if opts ~= nil then
    argument.check_options(4, 4, fname, opts, { abs = "boolean" })
    is_absolute = opts.abs or false
  end
  if type(ms) ~= "number" or not (ms >= 0 or (is_absolute and ms < 0)) then
    argument.reject(4, 1, fname, "milliseconds", ms)
  end
  if type(dest) ~= "userdata" then argument.check_server(4, 2, fname, dest) end
  return is_absolute
end

-- send_after, start_timer and cancel_timer are the core's; these take over what is not plain, and
-- are called by them with the arguments that they got.

--- Sends msg to dest in ms milliseconds; with abs at that time of now()'s clock. The timer's ref.
local function send_after(ms, dest, ...)
  local msg, opts = ...
  local is_absolute = check_timer("send_after", ms, dest, opts)
  if select("#", ...) == 0 then argument.fail(3, 3, "send_after", "value expected") end
  return core.send_after_unchecked(ms, dest, msg, is_absolute)
end

--- The same; the message is {"timeout", timer, msg}.
local function start_timer(ms, dest, ...)
  local msg, opts = ...
  local is_absolute = check_timer("start_timer", ms, dest, opts)
  if select("#", ...) == 0 then argument.fail(3, 3, "start_timer", "value expected") end
  return core.start_timer_unchecked(ms, dest, msg, is_absolute)
end

--- Milliseconds that were left, or false; with async true, and the message
--- {"cancel_timer", timer, ms_or_false} later.
local function cancel_timer(ref, opts)
  argument.check_ref(3, 1, "cancel_timer", ref)
  if opts ~= nil then argument.check_options(3, 2, "cancel_timer", opts, { async = "boolean" }) end
  return core.cancel_timer_unchecked(ref, opts ~= nil and opts.async or false)
end

core.set_checked_timers(send_after, start_timer, cancel_timer)

-- The process's dictionary --------------------------------------------------------------------

--- Stores a value; the one it had before.
function M.put(key, value)
  if key == nil or key ~= key then argument.reject(2, 1, "put", "key", key) end
  local dictionary = core.dictionary()
  local old = dictionary[key]
  dictionary[key] = value
  return old
end

--- The value of a key; without one a copy of the whole dictionary.
function M.get(...)
  local dictionary = core.dictionary()
  if select("#", ...) > 0 then return dictionary[(...)] end
  local copy = {}
  for key, value in next, dictionary do copy[key] = value end
  return copy
end

--- Removes a key, its value comes back; without one everything, as a table.
function M.erase(...)
  local dictionary = core.dictionary()
  if select("#", ...) > 0 then
    local key = ...
    local old = dictionary[key]
    if old ~= nil then dictionary[key] = nil end -- nil and NaN are keys of nothing
    return old
  end
  local all = M.get()
  for key in next, all do dictionary[key] = nil end
  return all
end

--- All keys, or those that hold the value.
---@return any[]
function M.get_keys(...)
  local keys, n = {}, select("#", ...)
  local wanted = ...
  for key, value in next, core.dictionary() do
    if n == 0 or value == wanted then keys[#keys + 1] = key end
  end
  return keys
end

-- Others --------------------------------------------------------------------------------------

--- One line of text, the way the prompt shows a value.
---@return string
function M.inspect(...)
  return require "pierrot.inspect" (...)
end

--- Loads a module anew, here and on every other scheduler. Running servers keep the code they have
--- until sys.change_code. nil and why when it cannot be loaded; what was loaded before then stays.
---@param module string|table its name, or the table that is loaded under one
---@return boolean|nil loaded, any reason
function M.reload(module)
  local loaded, why = require("pierrot.reloading").reload(module)
  if loaded then return true end
  return nil, why
end

--- Before first use, where pierrot is a module of another program: schedulers, preempt.
---@param opts { schedulers: integer, preempt: string }
function M.configure(opts)
  argument.check_options(2, 1, "configure", opts, { schedulers = true, preempt = true })
  local schedulers, preempt = opts.schedulers or 1, opts.preempt or "off"
  if not argument.to_integer(schedulers, 1, 64) then
    argument.reject_option(2, "schedulers", "1 to 64", schedulers)
  end
  if preempt ~= "off" and preempt ~= "signal" and preempt ~= "count" then
    argument.reject_option(2, "preempt", "\"off\", \"signal\" or \"count\"", preempt)
  end
  if not core.configure then
    error("configure is for pierrot as a module of another program", 2)
  end
  core.configure(schedulers, preempt)
  return true
end

--- Ends the program in order: supervision trees first. In a module of another program, whose end it
--- is too, it does so before it returns.
---@param status? integer 0
---@return boolean
function M.halt(status)
  if status ~= nil and not argument.to_integer(status, math.mininteger) then
    argument.reject(2, 1, "halt", "integer", status)
  end
  if not core.configure then return core.halt(status) end
  require("pierrot.ending").run()
  os.exit(status or 0)
end

-- Parts of pierrot are fields too, loaded when first asked for.
local PARTS <const> = {
  gen_server = true, bucket = true, registry = true, logger = true, sys = true, tcp = true,
  supervisor = true, dynamic_supervisor = true, application = true, agent = true,
  task = true, task_supervisor = true,
}

return setmetatable(M, {
  __index = function(_, name)
    if PARTS[name] then
      local part = require("pierrot." .. name)
      rawset(M, name, part)
      return part
    end
  end,
})
