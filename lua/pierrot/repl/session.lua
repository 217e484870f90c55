--- The session: a server between the terminal, which reads lines, and the evaluator, which runs
--- them. It outlives evaluators: when one ends, by a link or by Ctrl-C, the next one goes on with
--- the same bindings.

local bindings = require "pierrot.repl.bindings"
local code = require "pierrot.repl.code"
local core = require "pierrot.core"
local complete = require "pierrot.repl.complete"
local evaluator = require "pierrot.repl.evaluator"
local gen_server = require "pierrot.gen_server"
local helpers = require "pierrot.repl.helpers"
local history = require "pierrot.repl.history"
local pierrot = require "pierrot"
local show = require "pierrot.repl.show"

-- Whatever somebody at the prompt does to the module.
local cast <const>, reply <const> = gen_server.cast, gen_server.reply

local M = {}

local function note(shared, text, ...)
  io.stdout:write(show.paint(text:format(...), "note", shared.has_colour), "\n")
  io.stdout:flush()
end

-- Evaluators -----------------------------------------------------------------------------------

local function start_evaluator(state)
  local session, shared = pierrot.self(), state.shared
  local pid, ref = pierrot.spawn_monitor(function() evaluator.run(session, shared) end)
  state.evaluator, state.monitor, state.has_asked = pid, ref, false
  state.is_interrupted, state.is_killed = false, false
end

-- Lines ----------------------------------------------------------------------------------------

local function ask_for_line(state)
  local head = ("pierrot(%d)"):format(state.number)
  local prompt = state.text == "" and head .. "> " or (" "):rep(#head - 3) .. "...> "
  state.is_reading = true
  cast(state.terminal, { "read", prompt })
end

-- Gives the evaluator that waits what there is to run; else asks for it.
local function advance(state)
  if not state.waiting then return end
  local input = state.input
  if input then
    reply(state.waiting, input)
    state.waiting, state.input = nil, nil
  elseif not state.is_reading then
    ask_for_line(state)
  end
end

local function take_line(state, line)
  state.is_reading = false
  local text = state.text == "" and line or state.text .. "\n" .. line
  if not text:find "%S" then
    state.text = ""
  elseif code.status(text) == "incomplete" then
    state.text = text
  else
    state.text = ""
    state.input = { text = text, number = state.number }
    state.number = state.number + 1
  end
  advance(state)
end

-- At the end of the input what is incomplete is run all the same: that says what is wrong with it.
local function end_input(state)
  local text = state.text
  state.is_reading = false
  state.has_ended = true
  if text == "" then return "stop", "normal" end
  state.text = ""
  state.input = { text = text, number = state.number }
  advance(state)
end

-- The first time the evaluation gets an error; if it goes on all the same its process is ended.
local function interrupt(state)
  -- Before what is interrupted says so: whoever sees that may interrupt once more.
  pcall(gen_server.call, state.terminal, { "heard" })
  if state.waiting then return end
  if not state.is_interrupted then
    state.is_interrupted = true
    core.interrupt(state.evaluator)
  else
    state.is_killed = true
    pierrot.exit(state.evaluator, "kill")
  end
end

-- The server -----------------------------------------------------------------------------------

local handle_call = {
  next = function(state, from)
    if state.has_ended and not state.input then return "stop", "normal" end
    state.waiting, state.has_asked = from, true
    state.is_interrupted = false
    advance(state)
    return "noreply"
  end,

  complete = function(state, _, text)
    return "reply", complete(text, state.shared.bindings)
  end,
}

local handle_cast = {
  line = take_line,

  dropped = function(state)
    state.text = ""
    state.is_reading = false
    advance(state)
  end,

  interrupt = interrupt,
  ["end"] = end_input,

  no_history = function(state, why)
    note(state.shared, "the history of lines is not kept in %s: %s", history.path(), why)
  end,

  quit = function() return "stop", "normal" end,
}

-- Another evaluator; but one that has not come so far as to ask for an input will not be helped by
-- trying again.
local function replace_evaluator(state, pid, reason)
  local shared = state.shared
  if not state.has_asked then
    note(shared, "** the prompt cannot go on: %s", show.reason(reason))
    shared.status = 1
    return "stop", "normal"
  end
  local what = state.is_killed and "was killed" or "ended: " .. show.reason(reason)
  state.waiting = nil
  start_evaluator(state)
  note(shared, "** the prompt's process %s %s; %s goes on with its bindings", tostring(pid), what,
    tostring(state.evaluator))
end

local handle_info = {
  DOWN = function(state, ref, _, pid, reason)
    if ref == state.monitor then
      return replace_evaluator(state, pid, reason)
    elseif ref == state.terminal_monitor then -- no line will come any more
      state.shared.status = 1
      return "stop", "normal"
    end
  end,
}

local function greet(shared)
  if not shared.is_terminal then return end
  note(shared, "pierrot %s, %s, %d scheduler%s. h() lists what the prompt offers, q() leaves.",
    shared.version, _VERSION, pierrot.schedulers(), pierrot.schedulers() == 1 and "" or "s")
end

local function init(options)
  pierrot.trap_exit(true)
  local session = pierrot.self()
  local shared = { values = {}, script = options.script, version = options.version, status = 0 }
  local terminal = options.terminal
  local about = gen_server.call(terminal, { "open", session, history.path() or false })
  shared.is_terminal = about.input
  shared.has_colour = show.wants_colour(about.output)
  shared.bindings = bindings.new(helpers.new(session, shared))
  local state = {
    terminal = terminal, terminal_monitor = pierrot.monitor(terminal), shared = shared,
    number = 1, text = "",
    input = options.script and { is_script = true } or nil,
  }
  greet(shared)
  start_evaluator(state)
  return state
end

--- Runs a session in a new process; gives the exit status of the program when it has ended.
---@param options { terminal: userdata, script: function|nil, version: string }
---@return integer status
function M.run(options)
  local shared
  local server = {
    init = function()
      local state = init(options)
      shared = state.shared
      return "ok", state
    end,
    handle_call = handle_call, handle_cast = handle_cast, handle_info = handle_info,
  }
  local pid = assert(gen_server.start_link(server))
  local ref = pierrot.monitor(pid)
  pierrot.receive({ "DOWN", ref })
  return shared.status
end

return M
