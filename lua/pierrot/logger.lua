--- The log: lines of the program's own and the reports of crashes, and who gets them.
--
-- Every event goes to the default handler at once: standard error under the program and the module,
-- the sink of a C host. Handlers that are functions run in the logger's process, which comes to be
-- with the first of them. What handlers log themselves goes to the default handler alone.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local parcel = require "pierrot.parcel"

local LEVELS <const> = { debug = true, info = true, warning = true, error = true, none = true }
local DEFAULT <const> = "default"

local M = {}

-- Server --------------------------------------------------------------------------------------

-- The state is a list of { id =, fn = }, in the order in which they were added.
local Logger = {}

local function index_of(handlers, id)
  for i, handler in ipairs(handlers) do
    if handler.id == id then return i end
  end
end

local function copy_of(event)
  local copy = {}
  for key, value in next, event do copy[key] = value end
  return copy
end

-- An error with the traceback of the handler's own lines.
local function explain(failure)
  if type(failure) == "table" and failure.class == "exit" then
    return "exit: " .. argument.show(failure.reason)
  end
  local text = type(failure) == "string" and failure or argument.show(failure)
  return (debug.traceback(text, 2):gsub("\n\t%[C%]: in function 'xpcall'.*", ""))
end

-- A handler that fails is removed, which the others hear of.
local function handle(handlers, event)
  for _, handler in ipairs(table.move(handlers, 1, #handlers, 1, {})) do
    local is_there = index_of(handlers, handler.id) ~= nil
    local passed, why = true, nil
    if is_there then passed, why = xpcall(handler.fn, explain, copy_of(event)) end
    if not passed then
      table.remove(handlers, index_of(handlers, handler.id))
      local text = ("handler %s of the logger failed and was removed: %s")
        :format(argument.show(handler.id), why)
      core.log("error", text)
      handle(handlers, { level = "error", text = text, time = event.time, pid = core.self() })
    end
  end
end

function Logger.init()
  core.trap_exit(true)
  if not core.log_subscribe() then return "ignore" end
  core.log_handlers = {} -- for handlers that ask from within, however often this file is loaded
  return "ok", core.log_handlers
end

Logger.handle_call = {
  add = function(handlers, _, id, wrapped)
    if index_of(handlers, id) then return "reply", false end
    local is_had, fn = pcall(parcel.unwrap, wrapped)
    if not is_had then return "reply", { tostring(fn) } end
    if fn then handlers[#handlers + 1] = { id = id, fn = fn } end
    return "reply", true
  end,

  remove = function(handlers, _, id)
    local index = index_of(handlers, id)
    if index then table.remove(handlers, index) end
    return "reply", index ~= nil
  end,

  ids = function(handlers)
    local ids = {}
    for i, handler in ipairs(handlers) do ids[i] = handler.id end
    return "reply", ids
  end,

  flush = function() return "reply", true end,
}

Logger.handle_cast = {
  event = function(handlers, event)
    local n_lost = core.log_taken()
    if n_lost > 0 then
      handle(handlers, {
        level = "warning", time = event.time, pid = core.self(),
        text = ("%d events were lost: there were more than handlers could take"):format(n_lost),
      })
    end
    handle(handlers, event)
  end,
}

-- Nobody's exit but that of the runtime, which is the parent of what has none, ends the logger.
function Logger.handle_info() end

-- Client --------------------------------------------------------------------------------------

-- The logger's process and the index of its scheduler; nil: there is none.
local function find()
  return core.log_process()
end

-- Asks the logger, of which a handler is a part.
local function ask(pid, request)
  if pid ~= core.self() then return core.call(pid, request, "infinity") end
  local _, reply = Logger.handle_call[request[1]](core.log_handlers, nil, table.unpack(request, 2))
  return reply
end

local function find_or_start()
  repeat
    local pid, scheduler = find()
    if pid then return pid, scheduler end
    core.start_server({ orphan = true }, nil, Logger, nil, "pierrot.logger")
  until false
end

for _, level in ipairs { "debug", "info", "warning", "error" } do
  --- Logs a line, as string.format makes it.
  ---@param text string
  ---@return boolean
  M[level] = function(text, ...)
    if type(text) ~= "string" then argument.reject(2, 1, level, "string", text) end
    if not core.wants_log(level) then return true end
    local passed, made = pcall(string.format, text, ...)
    -- A text alone that is no format is logged as it is: it may come from anywhere.
    if not passed and select("#", ...) > 0 then
      error((made:gsub("'[%w.]*format'", ("'%s'"):format(level))), 2)
    end
    core.log(level, passed and made or text)
    return true
  end
end

--- From now on only events of this level and above: debug, info, warning, error; none: no event.
---@param level string
---@return boolean
function M.set_level(level)
  if not LEVELS[level] then
    argument.fail(2, 1, "set_level", ("%s expected, got %s"):format(
      "\"debug\", \"info\", \"warning\", \"error\" or \"none\"", argument.show(level)))
  end
  core.set_log_level(level)
  return true
end

local function check_id(fname, id)
  local kind = type(id)
  if kind ~= "string" and kind ~= "number" and not core.is_pid(id) and not core.is_ref(id) then
    argument.reject(3, 1, fname, "id", id)
  end
end

--- From now on fn(event) runs in the logger's process for each event. An event has `level`, `text`,
--- `time` (ms of the wall clock), `pid` (who logged, or crashed) and, for a crash, `report`: what,
--- pid, name, reason, initial_call, client, ancestors, callers. A handler that fails is removed.
--- The default handler, when it was removed, comes back by its id "default" without a function.
---@param id any a string, number, pid or ref
---@param fn fun(event: table)
---@return boolean|nil added, table|nil reason
function M.add_handler(id, fn)
  check_id("add_handler", id)
  if id == DEFAULT and fn == nil then
    if not core.log_sink(true) then return true end
    return nil, { "already_exist", id }
  end
  if type(fn) ~= "function" then argument.reject(2, 2, "add_handler", "function", fn) end
  if id == DEFAULT and core.log_sink() then return nil, { "already_exist", id } end
  local pid, scheduler = find_or_start()
  local wrapped = parcel.wrap(2, fn, scheduler)
  local _ <close> = parcel.guard(wrapped)
  local added = ask(pid, { "add", id, wrapped })
  if added == true then return true end
  if added then error(added[1], 2) end -- fn cannot be had over there
  return nil, { "already_exist", id }
end

--- Takes a handler away. Everything logged before by anyone has been handled.
---@param id any
---@return boolean|nil removed, table|nil reason
function M.remove_handler(id)
  check_id("remove_handler", id)
  if id == DEFAULT and core.log_sink(false) then return true end
  local pid = find()
  if pid and ask(pid, { "remove", id }) then return true end
  return nil, { "not_found", id }
end

--- The ids of the handlers.
---@return any[]
function M.handlers()
  local pid = find()
  local ids = pid and ask(pid, { "ids" }) or {}
  if core.log_sink() then table.insert(ids, 1, DEFAULT) end
  return ids
end

--- Returns when everything that was logged before, by anyone, has been handled.
---@return boolean
function M.flush()
  local pid = find()
  return not pid or ask(pid, { "flush" })
end

return M
