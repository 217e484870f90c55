--- The process of a started application: it is the parent of its top supervisor, and its name says
-- that the application is started.

local child_process = require "pierrot.supervisor.child"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local logger = require "pierrot.logger"
local parcel = require "pierrot.parcel"
local plain = require "pierrot.plain"
local report = require "pierrot.supervisor.report"
local strategy = require "pierrot.supervisor.strategy"

local PREFIX <const> = "pierrot.application "
local UP <const> = "$application" -- in the dictionary: its start is done
local LINKED_SHUTDOWN <const> = 5000

local M = {}

--- The name of the process for an application's.
---@param name string
---@return string
function M.name_of(name)
  return PREFIX .. name
end

--- Whether the start of the application behind this process is done.
---@param pid userdata
---@return boolean
function M.is_up(pid)
  local dictionary = core.info(pid, "dictionary")
  return dictionary ~= nil and dictionary[UP] == true
end

--- Waits for the start that somebody else has begun: "up"; "failed", reason; or "gone".
---@param pid userdata
---@return string outcome, any reason
function M.await(pid)
  local ok, answer = pcall(gen_server.call, pid, "await", "infinity")
  if ok then return answer.outcome, answer.reason end
  if type(answer) ~= "table" or answer.class ~= "exit" then error(answer, 0) end
  if answer.reason[1] == "calling_self" then return "failed", "calling_self" end
  return "gone"
end

-- Server ---------------------------------------------------------------------------------------

local function failure(value)
  if type(value) == "table" and value.class == "exit" then return { value.reason } end
  local reason = { "error", plain.sendable(value), debug.traceback(nil, 2) }
  core.note_failure(reason, value)
  return { reason }
end

-- pid; or nil, reason.
local function start(module, name, args)
  local ok, pid, reason = xpcall(module.start, failure, args)
  if not ok then return nil, type(pid) == "table" and plain.sendable(pid[1]) or pid end
  if core.is_pid(pid) and pid ~= core.self() then return pid end
  if pid == nil or pid == false then return nil, plain.sendable(reason) end
  return nil, { "bad_return", { name, "start", plain.sendable(pid) } }
end

-- What the start has made and linked ends with the application, the last first.
local function stop_linked()
  local links = core.info(core.self(), "links")
  for i = #links, 1, -1 do
    local child = core.info(links[i], { "parent", "dictionary" })
    if child and child.parent == core.self() then
      local shutdown = child.dictionary["$supervisor"] and "infinity" or LINKED_SHUTDOWN
      child_process.stop { pid = links[i], shutdown = shutdown }
    end
  end
end

-- Those that wait for a start hear why it failed.
local function tell_waiting(reason)
  local call = core.receive({ "$gen_call", core.any, "await" }, 0)
  while call do
    gen_server.reply(call[2], { outcome = "failed", reason = reason })
    call = core.receive({ "$gen_call", core.any, "await" }, 0)
  end
end

--- The argument is a parcel of { module =, name =, args = }.
function M.init(argument)
  core.trap_exit(true)
  local request = parcel.unwrap(argument)
  local module, name = request.module, request.name
  if type(module) == "string" then module = require(module) end
  local top, reason = start(module, name, request.args)
  if not top then
    stop_linked()
    tell_waiting(reason)
    return "error", reason
  end
  core.dictionary()[UP] = true
  return "ok", {
    module = module, name = name, top = top, ref = core.monitor(top), started = core.now(),
  }
end

M.handle_call = {
  -- Answered as soon as the start is done.
  await = function() return "reply", { outcome = "up" } end,
  started = function(state) return "reply", state.started end,
}

M.handle_info = {
  -- The top supervisor has ended without being asked to.
  DOWN = function(state, ref, _, _, reason)
    if ref ~= state.ref then return end
    state.top = nil
    local write = strategy.is_clean(reason) and logger.info or logger.error
    write("application %s ended: %s", state.name, report.show(reason))
    return "stop", "shutdown"
  end,

  EXIT = function() end,
  _ = function() end,
}

local function stop_top(state)
  core.exit(state.top, "shutdown")
  core.receive { "DOWN", state.ref }
end

-- With the traceback of an error: nobody else tells of it.
local function show_failure(reason)
  local text = report.show(reason)
  if type(reason) == "table" and reason[1] == "error" and type(reason[3]) == "string" then
    return text .. "\n  " .. reason[3]
  end
  return text
end

--- Told by "normal" it says that it stopped; at the end of the program it is silent.
function M.terminate(reason, state)
  local was_running = state.top
  if was_running then stop_top(state) end
  if state.module.stop then
    local ok, why = xpcall(state.module.stop, failure)
    if not ok then
      logger.error("application %s: its stop failed: %s", state.name, show_failure(why[1]))
    end
  end
  stop_linked()
  if was_running and reason == "normal" then logger.info("application %s stopped", state.name) end
end

-- All of them ----------------------------------------------------------------------------------

local function started_at(pid)
  local ok, at = pcall(gen_server.call, pid, "started", 1000)
  return ok and at or 0
end

--- The processes of all started applications, the last started first.
---@return userdata[]
function M.all()
  local found, times = {}, {}
  for _, name in ipairs(core.registered()) do
    local pid = name:sub(1, #PREFIX) == PREFIX and core.whereis(name)
    if pid then
      found[#found + 1] = pid
      times[pid] = started_at(pid)
    end
  end
  table.sort(found, function(a, b) return times[a] > times[b] end)
  return found
end

return M
