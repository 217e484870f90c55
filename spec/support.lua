-- SPDX-License-Identifier: MIT
--- What the specs share: processes to run a test in, and ways to wait for messages.
--
-- The specs run under the pierrot program with any number of schedulers, and under a stock lua5.4,
-- where PIERROT_SPEC_SCHEDULERS says how many there are (1) and preemption is turned on here.

local pierrot = require "pierrot"

local support = {}

-- Nothing below waits for time to pass. This bounds how long a test that hangs is left hanging.
local patience <const> = tonumber(os.getenv "PIERROT_SPEC_PATIENCE") or 60000

-- The interpreter -------------------------------------------------------------

local function find_interpreter()
  local index = 0
  while arg[index - 1] do
    index = index - 1
  end
  return arg[index]
end

--- What runs the specs, as it was typed.
support.interpreter = find_interpreter()

local is_program <const> = support.interpreter:match("[^/]*$"):match("^pierrot") ~= nil

--- The pierrot program: what runs the specs, or what the environment names; nil when unknown.
support.program = is_program and support.interpreter or os.getenv "PIERROT"

if not is_program then
  pierrot.configure {
    schedulers = tonumber(os.getenv "PIERROT_SPEC_SCHEDULERS") or 1,
    preempt = "signal",
  }
end

require "pierrot.bucket"
require "pierrot.gen_server"
require "pierrot.registry"

--- The folder that holds spec/ and examples/.
support.root = debug.getinfo(1, "S").source:match("^@(.-)/?spec/support%.lua$")
support.root = support.root == "" and "." or support.root

--- Whether there is a scheduler other than the first.
support.has_two_schedulers = pierrot.schedulers() > 1

-- Running a test --------------------------------------------------------------

local function with_traceback(failure)
  return type(failure) == "string" and debug.traceback(failure, 2) or failure
end

local function is_exit(value)
  return type(value) == "table" and value.class == "exit"
end

--- Runs `body` in a process of its own and raises in the caller what it failed with. What `body`
--- linked to itself ends with it.
function support.isolated(body)
  local outcome = {}
  local pid, ref = pierrot.spawn_monitor(function()
    outcome.passed, outcome.failure = xpcall(body, with_traceback)
    outcome.is_over = true
    pierrot.exit("shutdown")
  end)

  local down = pierrot.receive({ "DOWN", ref }, patience)
  if not down then
    local place = pierrot.info(pid, { "status", "messages", "current_stacktrace" })
    pierrot.exit(pid, "kill")
    pierrot.receive({ "DOWN", ref }, patience)
    error("the test hung: " .. pierrot.inspect(place), 0)
  elseif not outcome.is_over then
    error("the test's process ended with " .. pierrot.inspect(down[5]), 0)
  elseif is_exit(outcome.failure) then
    error("the test exited with " .. pierrot.inspect(outcome.failure.reason), 0)
  elseif not outcome.passed then
    error(outcome.failure, 0)
  end
end

--- A function for `it` that runs `body` isolated.
function support.alone(body)
  return function() support.isolated(body) end
end

-- Waiting ---------------------------------------------------------------------

--- The next message that matches; a failure that shows the mailbox when none comes.
function support.expect(pattern)
  local message, reason = pierrot.receive(pattern, patience)
  if message == nil and reason == "timeout" then
    local waiting = pierrot.info(pierrot.self(), "messages")
    error("no such message came; the mailbox holds " .. pierrot.inspect(waiting), 2)
  end
  return message
end

--- Waits for the end of a process, given its pid or a monitor's ref. Gives the reason.
function support.await_down(target)
  local ref = pierrot.is_ref(target) and target or pierrot.monitor(target)
  return support.expect({ "DOWN", ref })[5]
end

--- What waits in the caller's mailbox, in order.
function support.mailbox()
  return pierrot.info(pierrot.self(), "messages")
end

-- Processes to test with ------------------------------------------------------

--- A process that does nothing until it is told "stop", or ends with the test.
function support.idle()
  return pierrot.spawn_link(function() pierrot.receive("stop") end)
end

--- A process that has ended.
function support.dead()
  local pid, ref = pierrot.spawn_monitor(function() end)
  support.await_down(ref)
  return pid
end

--- Runs `fn` in a process that is neither linked nor watched by others and gives the reason it
--- ended with.
function support.end_of(fn, ...)
  local _, ref = pierrot.spawn_monitor(fn, ...)
  return support.await_down(ref)
end

--- The index of a scheduler that the caller does not run on. Needs two.
function support.elsewhere()
  local here = pierrot.info(pierrot.self(), "scheduler")
  for _, index in ipairs { here + 1, here - 1 } do
    if pcall(pierrot.spawn_opt, { scheduler = index }, function() end) then
      return index
    end
  end
  error("there is no second scheduler", 2)
end

--- A function that goes by its name to another scheduler, where there is nothing of that name.
--- Close the second value when it is not used any more.
function support.homebody()
  local name = "spec.a_module_of_this_scheduler"
  local module = { stay = function() return "at home" end }
  package.loaded[name] = module
  return module.stay, setmetatable({}, { __close = function() package.loaded[name] = nil end })
end

-- Time ------------------------------------------------------------------------

--- Time stands until what this gives is closed; its `advance(ms)` lets it go on, and returns when
--- all processes are idle.
function support.stop_time()
  local clock = require "pierrot.testing.clock"
  local limit = clock.limit "infinity"
  limit:stop_time()
  return setmetatable({ advance = clock.advance }, {
    __close = function() limit:__close() end,
  })
end

-- Failures --------------------------------------------------------------------

--- Runs `fn`, which is to exit, and gives the reason.
function support.exit_reason(fn, ...)
  local passed, failure = pcall(fn, ...)
  if passed then
    error("no exit was raised", 2)
  elseif not is_exit(failure) then
    error("not an exit: " .. tostring(failure), 2)
  end
  return failure.reason
end

--- Runs `fn`, which is to raise an error with a text, and gives the text.
function support.error_text(fn, ...)
  local passed, failure = pcall(fn, ...)
  if passed then
    error("no error was raised", 2)
  elseif type(failure) ~= "string" then
    error("not an error with a text: " .. pierrot.inspect(failure), 2)
  end
  return failure
end

-- Programs --------------------------------------------------------------------

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- A command line of these words. A program that hangs is ended with the patience of a test.
function support.command(...)
  local words = { "timeout", "-k", "1", ("%.0f"):format(patience / 1000) }
  for _, word in ipairs { ... } do
    words[#words + 1] = quoted(word)
  end
  return table.concat(words, " ")
end

local function read_and_remove(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read("a")
  os.remove(path)
  return text
end

--- Runs a command line to its end. Gives what it wrote to stdout and to stderr, then its status:
--- the exit status, or "signal N".
function support.execute(command)
  local errors_path = os.tmpname()
  local pipe = assert(io.popen("{ " .. command .. "; } 2>" .. quoted(errors_path), "r"))
  local output = pipe:read("a")
  local _, how, code = pipe:close()
  local errors = read_and_remove(errors_path)
  return output, errors, how == "exit" and code or how .. " " .. code
end

--- Writes `text` to a file that is gone when the returned value is closed. Its `path` names it.
function support.temporary_file(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

--- Runs a script of this text with the interpreter that runs the specs, as execute does.
function support.run_script(text, ...)
  local script <close> = support.temporary_file(text)
  return support.execute(support.command(support.interpreter, script.path, ...))
end

return support
