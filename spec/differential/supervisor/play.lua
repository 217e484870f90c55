-- SPDX-License-Identifier: MIT
--- Plays histories of a supervisor in pierrot: `pierrot play.lua HISTORIES OUTCOMES`. The language,
--- and the form of the outcomes, are told in docs/differential.md; play.escript is the same in
--- Erlang, part by part.

local pierrot = require "pierrot"
local logger = require "pierrot.logger"
local supervisor = require "pierrot.supervisor"
local sys = require "pierrot.sys"

local PERIOD <const> = 3600

logger.set_level "none"
pierrot.trap_exit(true)

local function split(text, separator)
  local parts = {}
  if text == "-" then return parts end
  for part in text:gmatch("[^" .. separator .. "]+") do parts[#parts + 1] = part end
  return parts
end

-- Children ----------------------------------------------------------------------------------------

-- Of the history that is played: what happened in this step, the outcomes of coming starts by id,
-- how many starts have succeeded by id, what the supervisor's init gives, the supervisor.
local history

local function note(event)
  table.insert(history.events, event)
end

-- It ends with what it is told, and with "shutdown" when its supervisor says so.
local function live(id, sup)
  pierrot.trap_exit(true)
  pierrot.send(sup, { "ready", pierrot.self() })
  while true do
    local message = pierrot.receive()
    if message[1] == "end" then pierrot.exit(message[2]) end
    if message[1] == "EXIT" and message[2] == sup then
      note("-" .. id)
      pierrot.exit "shutdown"
    end
  end
end

local function start(id)
  local outcome = table.remove(history.plans[id], 1) or "ok"
  note("+" .. id .. ":" .. outcome)
  if outcome == "error" then return nil, "failed" end
  if outcome == "ignore" then return nil, "ignore" end
  if outcome == "exit" then pierrot.exit "failed" end
  history.starts[id] = (history.starts[id] or 0) + 1
  local sup = pierrot.self()
  local pid = pierrot.spawn_link(live, id, sup)
  pierrot.receive { "ready", pid }
  return pid
end

local function new_spec(id, restart, significant)
  return {
    id = id, restart = restart, significant = significant == "true", shutdown = 1000,
    start = function() return start(id) end,
  }
end

local function new_flags(strategy, max_restarts, auto_shutdown)
  return {
    strategy = strategy, max_restarts = tonumber(max_restarts), max_seconds = PERIOD,
    auto_shutdown = auto_shutdown,
  }
end

-- Results -----------------------------------------------------------------------------------------

local function result_of(passed, value, reason)
  if not passed then return type(value) == "string" and "refused" or "exit" end
  if pierrot.is_pid(value) then return "started" end
  if value == true or reason == "ignore" then return "ok" end
  return type(reason) == "table" and reason[1] or tostring(reason)
end

local function ask(fname, ...)
  return result_of(pcall(supervisor[fname], history.sup, ...))
end

local function find(id)
  for _, child in ipairs(supervisor.which_children(history.sup)) do
    if child.id == id then return child.pid end
  end
  return nil
end

local function end_child(pid, reason)
  if not pid then return "none" end
  local ref = pierrot.monitor(pid)
  if reason == "kill" then
    pierrot.exit(pid, "kill")
  else
    pierrot.send(pid, { "end", reason == "shutdown_x" and { "shutdown", "x" } or reason })
  end
  pierrot.receive { "DOWN", ref }
  return "ended"
end

-- Once no child is about to be started again: all of them in order, each with the number of its
-- start; nil when the supervisor has ended.
local function children()
  while true do
    local passed, list = pcall(supervisor.which_children, history.sup)
    if not passed then return nil end
    local shown, is_settled = {}, true
    for i, child in ipairs(list) do
      is_settled = is_settled and child.pid ~= "restarting"
      local is_running = pierrot.is_pid(child.pid)
      shown[i] = is_running and child.id .. "#" .. history.starts[child.id] or child.id
    end
    if is_settled then return table.concat(shown, " ") end
  end
end

-- Steps -------------------------------------------------------------------------------------------

local steps = {}

function steps.start(id, restart, significant, plan)
  local old = history.plans[id]
  history.plans[id] = split(plan, ",")
  local result = ask("start_child", new_spec(id, restart, significant))
  if result == "refused" or result:find "^already" then history.plans[id] = old end
  return result
end

function steps.terminate(id) return ask("terminate_child", id) end
function steps.restart(id) return ask("restart_child", id) end
function steps.delete(id) return ask("delete_child", id) end

steps["end"] = function(id, reason) return end_child(find(id), reason) end

-- Asks while the supervisor is suspended; a function that waits for the result.
local function ask_early(what, id)
  local driver = pierrot.self()
  pierrot.spawn_link(function() pierrot.send(driver, { "asked", steps[what](id) }) end)
  pierrot.yield()
  return function() return pierrot.receive({ "asked" })[2] end
end

function steps.burst(ends, asked, id)
  local pids, results = {}, {}
  for _, part in ipairs(split(ends, ";")) do pids[part:match "^%w+"] = find(part:match "^%w+") end
  sys.suspend(history.sup)
  for i, part in ipairs(split(ends, ";")) do
    local ended, reason = part:match "^(%w+):(.+)$"
    results[i] = end_child(pids[ended], reason)
  end
  if asked == "stop" then
    pierrot.exit(history.sup, "shutdown")
    pierrot.receive { "DOWN", history.ref }
    history.is_stopped = true
  else
    local await = asked ~= "nothing" and ask_early(asked, id)
    sys.resume(history.sup)
    if await then results[#results + 1] = await() end
  end
  return table.concat(results, ",")
end

function steps.change(strategy, max_restarts, auto_shutdown, specs)
  local plans, list = {}, {}
  for i, text in ipairs(split(specs, ";")) do
    local id, restart, significant, plan = table.unpack(split(text, ":"))
    list[i], plans[id] = new_spec(id, restart, significant), split(plan, ",")
  end
  local given = { list, new_flags(strategy, max_restarts, auto_shutdown) }
  sys.suspend(history.sup)
  local changed = sys.change_code(history.sup, { init = function() return "ok", given end }, 1, nil)
  sys.resume(history.sup)
  if not changed then return "refused" end
  for id, plan in pairs(plans) do history.plans[id] = history.plans[id] or plan end
  return "ok"
end

-- Histories ---------------------------------------------------------------------------------------

local function begin(strategy, max_restarts, auto_shutdown)
  history = { events = {}, plans = {}, starts = {} }
  local given = { {}, new_flags(strategy, max_restarts, auto_shutdown) }
  history.sup = assert(supervisor.start_link({ init = function() return "ok", given end }))
  history.ref = pierrot.monitor(history.sup)
end

local function play_step(words)
  history.events = {}
  local result = steps[words[1]](table.unpack(words, 2))
  local shown = history.is_stopped and "stopped" or children()
  if not shown then
    shown = "ended: " .. tostring(pierrot.receive({ "DOWN", history.ref })[5])
    history.is_stopped = true
  end
  return ("%s [%s] %s"):format(result, table.concat(history.events, " "), shown)
end

local function finish()
  if not history or history.is_stopped then return nil end
  history.events = {}
  pierrot.exit(history.sup, "shutdown")
  pierrot.receive { "DOWN", history.ref }
  return "[" .. table.concat(history.events, " ") .. "]"
end

local input, output = table.unpack(arg, 1, 2)
local file <close> = assert(io.open(output, "w"))
local function emit(line)
  if line then file:write(line, "\n") end
end
for line in io.lines(input) do
  local words = split(line, " ")
  if words[1] == "history" then
    emit(finish())
    pierrot.flush()
    emit(line)
  elseif words[1] == "supervisor" then
    begin(table.unpack(words, 2))
  elseif not history.is_stopped then
    emit(play_step(words))
  end
end
emit(finish())
