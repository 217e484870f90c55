--- The prompt's process: asks the session for an input, runs it, shows what came of it, and asks
--- again. Its mailbox is the user's: nothing of the prompt's own ever lies in it.

local code = require "pierrot.repl.code"
local gen_server = require "pierrot.gen_server"
local show = require "pierrot.repl.show"

-- Whatever somebody at the prompt does to the module.
local call <const> = gen_server.call

local KEPT_VALUES <const> = 100 -- for v(n)

local M = {}

local function write(text)
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

-- Runs fn; on success true and its results.
local function try(fn)
  local traceback = ""
  local function note(failure)
    traceback = debug.traceback("", 2)
    return failure
  end
  local results = table.pack(xpcall(fn, note))
  return results, traceback
end

local function remember(shared, number, values)
  shared.values[number] = values
  shared.values[number - KEPT_VALUES] = nil
  shared.bindings:set("_", values[1])
end

local function conclude(shared, number, results, traceback)
  if not results[1] then
    write(show.failure(results[2], traceback, shared.has_colour))
    return
  end
  local values = table.pack(table.unpack(results, 2, results.n))
  if values.n == 0 then return end
  remember(shared, number, values)
  write(show.values(values, shared.has_colour))
end

local function evaluate(shared, text, number)
  shared.number = number
  local fn, why = code.compile(text, shared.bindings)
  if not fn then
    if why == "incomplete" then why = select(2, load(text, "=prompt", "t")) end
    write(show.paint("** " .. tostring(why), "failure", shared.has_colour))
    return
  end
  local results, traceback = try(fn)
  shared.bindings:settle()
  conclude(shared, number, results, traceback)
end

-- What the command line asks for before the prompt: the options -e and -l, and the script.
local function run_script(shared)
  local results, traceback = try(shared.script)
  if results[1] then return end
  shared.status = 1
  write(show.failure(results[2], traceback, shared.has_colour))
end

-- Ctrl-C may come when the input itself has been run.
local function perform(shared, input)
  local is_done, failure
  if input.is_script then
    is_done, failure = pcall(run_script, shared)
  else
    is_done, failure = pcall(evaluate, shared, input.text, input.number)
  end
  if not is_done then write(show.failure(failure, "", shared.has_colour)) end
end

--- Runs inputs until the session has ended.
---@param session userdata pid
---@param shared table what the session shares with its evaluators
function M.run(session, shared)
  while true do
    io.stdout:flush()
    local has_input, input = pcall(call, session, "next", "infinity")
    if has_input then
      perform(shared, input)
    elseif type(input) == "table" then -- an exit: the session has ended
      return
    end
  end
end

return M
