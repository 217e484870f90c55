--- The process that hears what a traced server gets and answers (pierrot.sys): it prints, counts,
--- keeps and hands on events. It comes with the first such wish and goes with the last, or with the
--- server.

local core = require "pierrot.core"
local inspect = require "pierrot.inspect"
local parcel = require "pierrot.parcel"

local LOG_LENGTH <const> = 10

local M = {}

-- Events --------------------------------------------------------------------------------------

local function line_of(name, event)
  local what, value, kind, pid = table.unpack(event, 1, 4)
  if what == "out" then return ("*DBG* %s sent %s to %s"):format(name, inspect(value), kind) end
  if what ~= "in" then return nil end
  local got = kind == "info" and "" or kind .. " "
  local from = pid and " from " .. tostring(pid) or ""
  return ("*DBG* %s got %s%s%s"):format(name, got, inspect(value), from)
end

local function print_event(state, event)
  local line = state.is_traced and line_of(state.name, event)
  if line then
    io.stdout:write(line, "\n")
    io.stdout:flush()
  end
end

local function count(state, event)
  local statistics = state.statistics
  if not statistics then return end
  if event[1] == "in" then statistics.messages_in = statistics.messages_in + 1 end
  if event[1] == "out" then statistics.messages_out = statistics.messages_out + 1 end
end

local function keep(state, event)
  local log = state.log
  if not log then return end
  log[#log + 1] = event
  if #log > state.log_length then table.remove(log, 1) end
end

-- The last ones of a log.
local function cut(log, length)
  local first <const> = math.max(1, #log - length + 1)
  return table.move(log, first, #log, 1, {})
end

-- What fails, or has had enough, is removed.
local function hand_on(state, event)
  for i = #state.installed, 1, -1 do
    local entry = state.installed[i]
    local passed, next_state = pcall(entry.fn, entry.state, event, state.name)
    if not passed or next_state == "done" then
      table.remove(state.installed, i)
    elseif next_state ~= nil then
      entry.state = next_state
    end
  end
end

-- Server --------------------------------------------------------------------------------------

local function is_needed(state)
  return state.is_traced or state.statistics or state.log or #state.installed > 0
end

-- With nothing left to do it lets go of the server and ends.
local function settle(state, reply)
  if is_needed(state) then return "reply", reply, state end
  core.system_cast(state.server, { "set_tracer", false })
  return "stop", "normal", reply, state
end

function M.init(server)
  core.trap_exit(true)
  core.monitor(server)
  local asked, tracer = core.system_call(server, { "set_tracer", core.self() })
  if not asked then return "error", tracer end
  if tracer ~= core.self() then return "error", { "already_started", tracer } end
  return "ok", {
    server = server, name = core.info(server, "name") or server, installed = {},
  }
end

M.handle_call = {
  trace = function(state, _, flag)
    state.is_traced = flag
    return settle(state, true)
  end,

  statistics = function(state, _, flag)
    local statistics = state.statistics
    if flag == "get" then
      if not statistics then return "reply", false end
      return "reply", {
        start_time = statistics.start_time, current_time = core.now(),
        reductions = core.info(state.server, "reductions") - statistics.reductions,
        messages_in = statistics.messages_in, messages_out = statistics.messages_out,
      }
    end
    if not flag then
      state.statistics = nil
    elseif not statistics then
      state.statistics = {
        start_time = core.now(), reductions = core.info(state.server, "reductions") or 0,
        messages_in = 0, messages_out = 0,
      }
    end
    return settle(state, true)
  end,

  log = function(state, _, flag, length)
    if flag == "get" then return "reply", state.log or {} end
    state.log_length = length or state.log and state.log_length or LOG_LENGTH
    state.log = flag and cut(state.log or {}, state.log_length) or nil
    return settle(state, true)
  end,

  install = function(state, _, id, wrapped, fn_state)
    for _, entry in ipairs(state.installed) do
      if entry.id == id then return "reply", true end
    end
    local is_had, fn = pcall(parcel.unwrap, wrapped)
    if not is_had then return settle(state, { tostring(fn) }) end
    if fn then table.insert(state.installed, 1, { id = id, fn = fn, state = fn_state }) end
    return settle(state, true)
  end,

  remove = function(state, _, id)
    for i, entry in ipairs(state.installed) do
      if entry.id == id then table.remove(state.installed, i) break end
    end
    return settle(state, true)
  end,

  no_debug = function(state)
    state.is_traced, state.statistics, state.log, state.installed = false, nil, nil, {}
    return settle(state, true)
  end,
}

M.handle_cast = {
  event = function(state, event)
    print_event(state, event)
    count(state, event)
    keep(state, event)
    hand_on(state, event)
  end,
}

M.handle_info = {
  DOWN = function(state, _, _, pid)
    if pid == state.server then return "stop", "normal" end
  end,
  -- It traps exits to have told of everything before it goes.
  EXIT = function(_, _, reason) return "stop", reason end,
  _ = function() end,
}

return M
