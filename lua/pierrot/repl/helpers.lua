--- What the prompt offers by name: functions of its own, those of `pierrot`, and its modules.

local about = require "pierrot.repl.about"
local core = require "pierrot.core"
local docs = require "pierrot.repl.docs"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local show = require "pierrot.repl.show"
local tree = require "pierrot.repl.tree"

local M = {}

local OVERVIEW <const> = [[
At the prompt                         besides all globals and what was declared local
  _, v(n), v(-n)    the last value; that of prompt n; of the n-th last input
  h(x), i(x)        what is written down about a function or module; what a value is
  flush()           shows the messages that wait, and empties the mailbox
  self()            the prompt's own pid
  pid("0.42.0")     a pid from its text
  regs(), tree([p]) registered names; processes below those that started them
  bt(p)             where a process is: its traceback
  b(), f(name)      the bindings; forgets one
  r("module")       loads a module again
  q()               leaves, as Ctrl-D on an empty line does
Functions of pierrot (send, receive, spawn, monitor, link, …) and its modules (gen_server, bucket,
registry, …) go by their bare names. Ctrl-C ends an evaluation or drops what was typed, Tab
completes, Ctrl-R searches earlier lines.]]

-- Names of pierrot's that are the prompt's as well.
local BARE <const> = {
  "self", "send", "receive", "spawn", "spawn_link", "spawn_monitor", "spawn_opt", "link", "unlink",
  "monitor", "demonitor", "alias", "unalias", "trap_exit", "register", "unregister", "whereis",
  "registered", "is_alive", "processes", "info", "send_after", "start_timer", "cancel_timer",
  "read_timer", "sleep", "yield", "make_ref", "now", "is_pid", "is_ref", "inspect", "match", "any",
  "one_of", "exit", "halt",
}

local MODULES <const> = {
  "gen_server", "bucket", "registry", "supervisor", "dynamic_supervisor", "application", "agent",
  "task", "task_supervisor", "sys", "logger", "tcp",
}

local function write(text)
  io.stdout:write(text, "\n")
end

local function write_lines(lines)
  if #lines > 0 then write(table.concat(lines, "\n")) end
end

local function process_of(value, name)
  local pid = pierrot.is_pid(value) and value or type(value) == "string" and pierrot.whereis(value)
  if not pid then
    error(("bad argument #1 to '%s' (pid or registered name expected, got %s)"):format(name,
      pierrot.inspect(value)), 3)
  end
  return pid
end

-- Own functions --------------------------------------------------------------------------------

-- The prompt's own functions are told of in the overview.
local function help_with(own)
  local is_own = {}
  for _, fn in next, own do is_own[fn] = true end
  local function help(...)
    local value = ...
    local wants_overview = select("#", ...) == 0 or (value ~= nil and is_own[value])
    write(wants_overview and OVERVIEW or docs.of(value))
  end
  is_own[help] = true
  return help
end

local function describe(...)
  write_lines(about.lines((...)))
end

local function read_pid(text)
  if pierrot.is_pid(text) then return text end
  local pid = type(text) == "string" and core.parse_pid(text)
  if not pid then
    error(("bad argument #1 to 'pid' (text such as \"0.42.0\" expected, got %s)"):format(
      pierrot.inspect(text)), 2)
  end
  return pid
end

local function show_names()
  local names = pierrot.registered()
  table.sort(names)
  for _, name in ipairs(names) do
    local pid = pierrot.whereis(name)
    local call = pid and pierrot.info(pid, "initial_call") or ""
    write(("%-24s %s %s"):format(pierrot.inspect(name), tostring(pid), call))
  end
end

local function show_tree(top)
  write_lines(tree.lines(top ~= nil and process_of(top, "tree") or nil))
end

local function show_traceback(process)
  local pid = process_of(process, "bt")
  if not pierrot.is_alive(pid) then
    write(tostring(pid) .. " has ended")
    return
  end
  local trace = pierrot.info(pid, "current_stacktrace")
  write(trace or tostring(pid) .. " runs no Lua at the moment")
end

local function load_again(name)
  if type(name) ~= "string" then
    error(("bad argument #1 to 'r' (name of a module expected, got %s)"):format(type(name)), 2)
  end
  local is_taken, is_loaded, why = pcall(pierrot.reload, name)
  if not is_taken then
    local complaint = tostring(is_loaded):gsub("^[^ ]*: ", ""):gsub("'reload'", "'r'")
    error(complaint, 2)
  end
  if not is_loaded then return nil, why end
  return require(name)
end

-- Those that need the session ------------------------------------------------------------------

local function flush_with(shared)
  return function()
    local messages = pierrot.flush()
    for i = 1, messages.n do write(show.value(messages[i], shared.has_colour)) end
  end
end

local function bindings_with(shared)
  return function()
    for _, name in ipairs(shared.bindings:names()) do
      write(name .. " = " .. show.value(shared.bindings:get(name), shared.has_colour))
    end
  end
end

local function forget_with(shared)
  return function(name)
    if type(name) ~= "string" then
      error(("bad argument #1 to 'f' (name of a binding expected, got %s)"):format(type(name)), 2)
    end
    shared.bindings:forget(name)
  end
end

local function value_with(shared)
  return function(n)
    n = n or -1
    if math.type(n) ~= "integer" then
      error("bad argument #1 to 'v' (number of a prompt expected)", 2)
    end
    if n < 0 then n = (shared.number or 0) + n end
    local values = shared.values[n]
    if not values then error(("prompt %d has no value"):format(n), 2) end
    return table.unpack(values, 1, values.n)
  end
end

local function make_own(session, shared)
  local own = {
    i = describe, pid = read_pid, regs = show_names, tree = show_tree,
    bt = show_traceback, r = load_again,
    flush = flush_with(shared), b = bindings_with(shared), v = value_with(shared),
    f = forget_with(shared),
    q = function() gen_server.cast(session, "quit") end,
  }
  own.h = help_with(own)
  return own
end

--- All of them, for one session. Modules are loaded when they are first used.
---@param session userdata
---@param shared table
---@return table<string, any>
function M.new(session, shared)
  local helpers = make_own(session, shared)
  helpers.pierrot = pierrot
  for _, name in ipairs(BARE) do helpers[name] = pierrot[name] end
  local modules = {}
  for _, name in ipairs(MODULES) do modules[name] = core.embedded("pierrot." .. name) ~= nil end
  return setmetatable(helpers, {
    __index = function(_, name)
      if not modules[name] then return nil end
      local module = require("pierrot." .. name)
      helpers[name] = module
      return module
    end,
  })
end

return M
