-- SPDX-License-Identifier: MIT
--- The worker of a scenario, in Lua: does what the driver says and answers with what came of it.
--- The same as the worker of play.escript.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local server = require "spec.differential.server"

local worker = {}

local NEVER_MS <const> = 100000000

--- A result that is a list of messages, or of what has names; and one that is another's.
local function result(kind, list)
  list.kind = kind
  return list
end

-- The commands -------------------------------------------------------------------

-- Commands whose first argument is the name of what they make.
local MAKES <const> = {
  spawn = true, spawn_dead = true, monitor = true, monitor_tag = true, monitor_alias = true,
  bury = true, alias = true, alias_reply = true, timer = true, start_timer = true,
  start_timer0 = true,
  start = true, request = true,
}

local function made(state, kind, new, value)
  local name = new.new
  state.made[name] = value
  return { kind, name, value }
end

local function message_to(state, n)
  return { "m", state.me, n }
end

local function spawn_as(state, kind, new, how, new_ref, fn, ...)
  local options = { link = how == "link" or how == "both", monitor = new_ref ~= nil }
  local pid, ref = pierrot.spawn_opt(options, fn, ...)
  local list = { made(state, kind, new, pid) }
  if new_ref then list[2] = made(state, "ref", new_ref, ref) end
  return "ok", list
end

function worker.end_by(reason)
  if reason == "crash" then error("bug", 0) end
  if reason ~= "return" then pierrot.exit(reason) end
end

-- Timers that were due before have fired.
local function fence()
  local ref = pierrot.start_timer(0, pierrot.self(), "fence")
  pierrot.receive { "timeout", ref, "fence" }
end

local function left(ms)
  return ms and "left"
end

local function taken(pattern)
  local message = pierrot.receive(pattern, 0)
  if message == nil then return "timeout" end
  return message
end

local function drain()
  local messages = pierrot.flush()
  messages.n = nil
  return result("messages", messages)
end

local function response(ok, value)
  if ok then return { "reply", value } end
  if ok == nil then return "timeout" end
  return { "failed", value }
end

local function request_of(...)
  return { ... }
end

local STARTS <const> = {
  start = gen_server.start, link = gen_server.start_link, monitor = gen_server.start_monitor,
}

local function start_server(state, new, how, init, ...)
  local new_ref, name
  if how == "monitor" then
    new_ref, name = ...
  else
    name = ...
  end
  local pid, other = STARTS[how](server, init, { name = name })
  if pid then
    local list = { made(state, "server", new, pid) }
    if new_ref then list[2] = made(state, "ref", new_ref, other) end
    return "ok", list
  end
  if other == "ignore" then return "ignore" end
  return { "failed", other }
end

local commands <const> = {
  spawn = function(state, new, how, new_ref)
    return spawn_as(state, "worker", new, how, new_ref, worker.work, new.new)
  end,
  spawn_dead = function(state, new, how, reason, new_ref)
    return spawn_as(state, "corpse", new, how, new_ref, worker.end_by, reason)
  end,

  link = function(_, target) return pierrot.link(target) end,
  unlink = function(_, target) return pierrot.unlink(target) end,
  monitor = function(state, new, target)
    return "ok", { made(state, "ref", new, pierrot.monitor(target)) }
  end,
  monitor_tag = function(state, new, target, tag)
    return "ok", { made(state, "ref", new, pierrot.monitor(target, { tag = tag })) }
  end,
  monitor_alias = function(state, new, target, how)
    return "ok", { made(state, "ref", new, pierrot.monitor(target, { alias = how })) }
  end,
  demonitor = function(_, ref) return pierrot.demonitor(ref) end,
  demonitor_flush = function(_, ref) return pierrot.demonitor(ref, { flush = true }) end,
  demonitor_info = function(_, ref) return pierrot.demonitor(ref, { info = true }) end,
  demonitor_flush_info = function(_, ref)
    return pierrot.demonitor(ref, { flush = true, info = true })
  end,
  alias = function(state, new) return "ok", { made(state, "ref", new, pierrot.alias()) } end,
  alias_reply = function(state, new)
    return "ok", { made(state, "ref", new, pierrot.alias { reply = true }) }
  end,
  unalias = function(_, ref) return pierrot.unalias(ref) end,

  trap = function(_, flag) return pierrot.trap_exit(flag) end,
  catch_exit = function(_, reason) pierrot.exit(reason) end,
  signal = function(_, target, reason) return pierrot.exit(target, reason) end,
  send = function(state, target, n)
    pierrot.send(target, message_to(state, n))
    return "ok"
  end,
  drain = drain,
  take = function(_, n) return taken { "m", pierrot.any, n } end,
  take_down = function(_, ref) return taken { [2] = ref, [3] = "process" } end,
  take_exit = function(_, target) return taken { "EXIT", target } end,
  bury = function(state, new, target)
    local ref = pierrot.monitor(target)
    pierrot.exit(target, "kill")
    return pierrot.receive { "DOWN", ref }, { made(state, "ref", new, ref) }
  end,

  register = function(_, name, target) return pierrot.register(name, target) or false end,
  unregister = function(_, name) return pierrot.unregister(name) or false end,
  whereis = function(_, name) return pierrot.whereis(name) or "none" end,
  registered = function()
    local names = {}
    for _, name in ipairs(pierrot.registered()) do
      if name:find "^n_" then names[#names + 1] = name end
    end
    return result("names", names)
  end,
  alive = function(_, target) return pierrot.is_alive(target) end,

  timer = function(state, new, target, n)
    return "ok", { made(state, "ref", new,
      pierrot.send_after(NEVER_MS, target, message_to(state, n))) }
  end,
  start_timer = function(state, new, target, n)
    return "ok", { made(state, "ref", new, pierrot.start_timer(NEVER_MS, target, n)) }
  end,
  timer0 = function(state, target, n)
    pierrot.send_after(0, target, message_to(state, n))
    fence()
    return "ok"
  end,
  start_timer0 = function(state, new, target, n)
    local list = { made(state, "ref", new, pierrot.start_timer(0, target, n)) }
    fence()
    return "ok", list
  end,
  cancel = function(_, timer) return left(pierrot.cancel_timer(timer)) end,
  cancel_async = function(_, timer) return pierrot.cancel_timer(timer, { async = true }) end,
  read = function(_, timer) return left(pierrot.read_timer(timer)) end,

  links = function() return result("names", pierrot.info(pierrot.self(), "links")) end,
  monitors = function() return result("names", pierrot.info(pierrot.self(), "monitors")) end,
  trapping = function() return pierrot.info(pierrot.self(), "trap_exit") end,

  start = start_server,
  call = function(_, target, ...) return gen_server.call(target, request_of(...)) end,
  call_timeout = function(_, target, request)
    return gen_server.call(target, request_of(request), 20)
  end,
  cast = function(_, target, ...)
    gen_server.cast(target, request_of(...))
    return "ok"
  end,
  request = function(state, new, target, ...)
    return "ok", { made(state, "ref", new, gen_server.send_request(target, request_of(...))) }
  end,
  response = function(_, id) return response(gen_server.receive_response(id, 0)) end,
  wait_response = function(_, id) return response(gen_server.wait_response(id, 0)) end,
  stop = function(_, target, reason) return gen_server.stop(target, reason, "infinity") end,
}

-- Running them -------------------------------------------------------------------

-- What is to end the process is not caught.
local endings <const> = {
  exit = function(reason) pierrot.exit(reason) end,
  crash = function() error("bug", 0) end,
  ["return"] = function() pierrot.exit("normal") end,
}

-- Whether the i-th argument is the name of something new: the first, and the ref of a child.
local function is_new(verb, i, word)
  if i == 1 then return MAKES[verb] end
  return word:find "^m" and (verb == "spawn" or verb == "spawn_dead" or verb == "start")
end

-- The values of the arguments; nil when one is known to nobody.
local function resolve(state, verb, arguments)
  local values = {}
  for i, argument in ipairs(arguments) do
    local value = argument.value
    if argument.is_unknown then
      value = state.made[argument.word]
      if value == nil then
        if not is_new(verb, i, argument.word) then return nil end
        value = { new = argument.word }
      end
    end
    values[i] = value
  end
  return values
end

local function failure(raised)
  if type(raised) ~= "table" or raised.class ~= "exit" then return "raised" end
  local reason = raised.reason
  if type(reason) == "table" and type(reason[2]) == "table" and reason[2][1] == "gen_server" then
    reason = reason[1]
  end
  return { "raised", reason }
end

local function run(state, command)
  local verb = command.verb
  local values = resolve(state, verb, command)
  if not values then return { value = "unknown" } end
  if endings[verb] then endings[verb](table.unpack(values)) end
  local passed, value, list = pcall(commands[verb], state, table.unpack(values))
  if not passed then return { value = failure(value) } end
  return { value = value, made = list }
end

function worker.work(name)
  local state = { me = name, made = {} }
  local wanted = pierrot.one_of({ "$run" }, { "$sync" })
  while true do
    local message = pierrot.receive(wanted)
    if message[1] == "$sync" then
      -- A porter, which passes a sync on, is at no step.
      if message[3] > 0 then pierrot.send(pierrot.self(), { "mark", message[3] }) end
      pierrot.send(message[2], { "$synced", pierrot.self() })
    else
      local results = {}
      for i, command in ipairs(message[3]) do results[i] = run(state, command) end
      pierrot.send(message[2], { "$ran", results })
    end
  end
end

return worker
