-- SPDX-License-Identifier: MIT
--- The gen_server of scenarios, in Lua: the same as the server of play.escript.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"

local server = {}

local inits <const> = {
  plain = function(state) return "ok", state end,
  trap = function(state)
    pierrot.trap_exit(true)
    return "ok", state
  end,
  ignore = function() return "ignore" end,
  crash = function() error("bug", 0) end,
  stop = function(_, reason) return "stop", reason end,
  exit = function(_, reason) pierrot.exit(reason) end,
  continue = function(state) return "ok", state, { "continue", "begun" } end,
}

function server.init(how)
  local tag, reason = how, nil
  if type(how) == "table" then tag, reason = how[1], how[2] end
  return inits[tag]({ count = 0, log = {} }, reason)
end

local function log(state, entry)
  state.log[#state.log + 1] = entry
end

server.handle_call = {
  mark = function(state, _, step)
    log(state, { "mark", step })
    return "reply", "ok"
  end,
  log = function(state)
    local entries = state.log
    state.log = {}
    return "reply", entries
  end,
  echo = function(_, _, value) return "reply", value end,
  count = function(state) return "reply", state.count end,
  hold = function(state, from)
    state.held = from
    return "noreply"
  end,
  release = function(state, _, value)
    local held = state.held
    if held then gen_server.reply(held, value) end
    state.held = nil
    return "reply", held ~= nil
  end,
  early = function(_, from, value)
    gen_server.reply(from, value)
    return "noreply"
  end,
  stop = function(_, _, reason) return "stop", reason end,
  stop_reply = function(state, _, reason) return "stop", reason, "done", state end,
  crash = function() error("bug", 0) end,
  exit = function(_, _, reason) pierrot.exit(reason) end,
  bad = function() return "nonsense" end,
  continue = function(state, _, value) return "reply", "ok", state, { "continue", value } end,
  link = function(_, _, target) return "reply", pierrot.link(target) end,
  unlink = function(_, _, target) return "reply", pierrot.unlink(target) end,
  monitor = function(_, _, target)
    pierrot.monitor(target)
    return "reply", "ok"
  end,
  signal = function(_, _, target, reason) return "reply", pierrot.exit(target, reason) end,
}

server.handle_cast = {
  add = function(state, n) state.count = state.count + n end,
  crash = function() error("bug", 0) end,
  exit = function(_, reason) pierrot.exit(reason) end,
  stop = function(_, reason) return "stop", reason end,
}

function server.handle_continue(value, state)
  log(state, { "continued", value })
end

function server.handle_info(message, state)
  log(state, message)
end

function server.terminate(reason, state)
  if state.held then gen_server.reply(state.held, { "last", reason }) end
end

return server
