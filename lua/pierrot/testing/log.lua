--- What is logged while a function runs, as text.
--
-- A handler in the logger's process sends every event to a collector, a process of its own, so that
-- the caller's mailbox has nothing to do with it. Meanwhile the default handler is silent. Whoever
-- captures may be killed: the collector puts right what it leaves behind, or whoever comes next.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local logger = require "pierrot.logger"
local uninterrupted = require "pierrot.uninterrupted"

-- The captures under way, by id, and whether the default handler is silent for them. One for this
-- scheduler, however often this file is loaded.
core.captures = core.captures or { running = {}, is_silent = false }
local captures <const> = core.captures

local M = {}

-- Everything logged before has reached the collector when the handler is gone.
local function finish(id)
  logger.remove_handler(id)
  uninterrupted(function()
    captures.running[id] = nil
    if next(captures.running) == nil and captures.is_silent then
      captures.is_silent = false
      core.log_sink(true)
    end
  end)
end

-- The collector --------------------------------------------------------------------------------

local function collect(owner, id)
  local watch = core.monitor(owner)
  local lines = {}
  while true do
    local message = core.receive(core.one_of({ id }, { "DOWN", watch }))
    if message[1] ~= id then return finish(id) end
    if message[2] == "give" then
      core.send(owner, { id, table.concat(lines) })
      return
    end
    lines[#lines + 1] = ("[%s] %s\n"):format(message[2], (message[3]:gsub("\n$", "")))
  end
end

-- Apart, so that nothing but these two goes with it to the logger's scheduler.
local function handler_for(collector, id)
  return function(event)
    require("pierrot.core").send(collector, { id, event.level, event.text })
  end
end

-- Captures -------------------------------------------------------------------------------------

local function begin()
  local owner, id = core.self(), core.make_ref()
  local collector = core.spawn(function() collect(owner, id) end)
  assert(logger.add_handler(id, handler_for(collector, id)))
  captures.running[id] = owner
  if not captures.is_silent then captures.is_silent = core.log_sink(false) end
  return id, collector
end

--- Ends the captures of processes that have ended.
function M.clean()
  local left_behind = {}
  uninterrupted(function()
    for id, owner in next, captures.running do
      if not core.is_alive(owner) then left_behind[#left_behind + 1] = id end
    end
  end)
  for _, id in ipairs(left_behind) do finish(id) end
end

--- Runs fn; what was logged meanwhile, by anyone. An error of fn passes through.
---@param fn function
---@return string text
function M.capture_log(fn)
  if type(fn) ~= "function" then argument.reject(2, 1, "capture_log", "function", fn) end
  M.clean()
  local id, collector = begin()
  local passed, failure = pcall(fn)
  finish(id)
  core.send(collector, { id, "give" })
  local text = core.receive({ id })[2]
  if not passed then error(failure, 0) end
  return text
end

return M
