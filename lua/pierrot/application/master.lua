--- The process of a started application: it is the parent of its top supervisor, and its name says
-- that the application is started.

local core = require "pierrot.core"
local logger = require "pierrot.logger"
local parcel = require "pierrot.parcel"
local plain = require "pierrot.plain"
local strategy = require "pierrot.supervisor.strategy"

local PREFIX <const> = "pierrot.application "

local M = {}

--- The name of the process for an application's.
---@param name string
---@return string
function M.name_of(name)
  return PREFIX .. name
end

-- Server ---------------------------------------------------------------------------------------

local function failure(value)
  if type(value) == "table" and value.class == "exit" then return { value.reason } end
  return { { "error", plain.sendable(value), debug.traceback(nil, 2) } }
end

-- pid; or nil, reason.
local function start(module, name, args)
  local ok, pid, reason = xpcall(module.start, failure, args)
  if not ok then return nil, type(pid) == "table" and plain.sendable(pid[1]) or pid end
  if core.is_pid(pid) and pid ~= core.self() then return pid end
  if pid == nil or pid == false then return nil, plain.sendable(reason) end
  return nil, { "bad_return", { name, "start", plain.sendable(pid) } }
end

--- The argument is a parcel of { module =, name =, args = }.
function M.init(argument)
  core.trap_exit(true)
  local request = parcel.unwrap(argument)
  local module, name = request.module, request.name
  if type(module) == "string" then module = require(module) end
  local top, reason = start(module, name, request.args)
  if not top then return "error", reason end
  return "ok", {
    module = module, name = name, top = top, ref = core.monitor(top), started = core.now(),
  }
end

M.handle_call = {
  -- Answered as soon as the start is done.
  await = function() return "reply", true end,
  started = function(state) return "reply", state.started end,
}

M.handle_info = {
  -- The top supervisor has ended without being asked to.
  DOWN = function(state, ref, _, _, reason)
    if ref ~= state.ref then return end
    state.top = nil
    local write = strategy.is_clean(reason) and logger.info or logger.error
    write("application %s ended: %s", state.name, require "pierrot.inspect" (reason))
    return "stop", "shutdown"
  end,

  EXIT = function() end,
  _ = function() end,
}

local function stop_top(state)
  core.exit(state.top, "shutdown")
  core.receive { "DOWN", state.ref }
end

--- Told by "normal" it says that it stopped; at the end of the program it is silent.
function M.terminate(reason, state)
  local was_running = state.top
  if was_running then stop_top(state) end
  if state.module.stop then
    local ok, why = xpcall(state.module.stop, failure)
    if not ok then
      logger.error("application %s: its stop failed: %s", state.name,
        require "pierrot.inspect" (why[1]))
    end
  end
  if was_running and reason == "normal" then logger.info("application %s stopped", state.name) end
end

-- All of them ----------------------------------------------------------------------------------

local function started_at(pid)
  local gen_server = require "pierrot.gen_server"
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
