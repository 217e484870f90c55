-- SPDX-License-Identifier: MIT
--- Plays scenarios: pierrot play.lua SCENARIOS OUTCOMES. The language, and the form of the
--- outcomes, are told in docs/differential.md; play.escript is the same in Erlang, part by part.

local gen_server = require "pierrot.gen_server"
local logger = require "pierrot.logger"
local pierrot = require "pierrot"

local PATIENCE_MS <const> = 20000

local outcomes

local function emit(...)
  outcomes:write(...)
  outcomes:write "\n"
end

-- Values -------------------------------------------------------------------------

local function show(self, value)
  if type(value) ~= "table" then
    if pierrot.is_pid(value) then return self.names[value] or "pid?" end
    if pierrot.is_ref(value) then return self.names[value] or "ref?" end
    return tostring(value)
  end
  if value[1] == "error" and #value == 3 and type(value[3]) == "string" then
    return "(error " .. show(self, value[2]) .. ")"
  end
  if value[1] == "cancel_timer" then
    return ("(cancel_timer %s %s)"):format(show(self, value[2]), value[3] and "left" or "false")
  end
  if value[1] == "$gen_call" then
    return "(gen_call " .. show(self, value[2][1]) .. " " .. show(self, value[3]) .. ")"
  end
  local words = {}
  for i, element in ipairs(value) do words[i] = show(self, element) end
  return "(" .. table.concat(words, " ") .. ")"
end

local function constant(word)
  if word == "true" then return true end
  if word == "false" then return false end
  local tag, value = word:match "^(.*):(.*)$"
  if tag then return { tag, value } end
  return math.tointeger(tonumber(word)) or word
end

-- A word as a worker gets it: a value, where it names one.
local function argument(self, word)
  local value = self.values[word]
  if value ~= nil then return { word = word, value = value } end
  if word:find "^[wscmtq]%d+$" then return { word = word, is_unknown = true } end
  if word:find "^@" then return { word = word, value = "n_" .. word:sub(2) } end
  return { word = word, value = constant(word) }
end

local function know(self, name, value)
  self.values[name] = value
  self.names[value] = name
end

-- The driver ---------------------------------------------------------------------

local function enter(self, name, kind, pid)
  know(self, name, pid)
  table.insert(self.living,
    { name = name, kind = kind, pid = pid, monitor = pierrot.monitor(pid) })
end

local function find(self, field, value)
  for i, entry in ipairs(self.living) do
    if entry[field] == value then return entry, i end
  end
end

local function died(self, pid, reason)
  local entry, place = find(self, "pid", pid)
  if not entry then return end
  table.remove(self.living, place)
  emit("d ", self.step, " ", entry.name, " ", show(self, reason))
end

local function expect(pattern, what)
  local message = pierrot.receive(pattern, PATIENCE_MS)
  if not message then error("it hung: no " .. what, 0) end
  return message
end

local function sender(self, message)
  local tag = message[1]
  if tag == "m" then return message[2] end
  if tag == "EXIT" then return show(self, message[2]) end
  if message[3] == "process" then return show(self, message[4]) end
  if tag == "$gen_call" then return show(self, message[2][1]) end
  return "-"
end

local function tell_messages(self, messages)
  for _, message in ipairs(messages) do
    if message[1] == "mark" then
      emit("k ", message[2])
    else
      emit("m ", sender(self, message), " ", show(self, message))
    end
  end
end

local function tell_names(self, list)
  local words = {}
  for i, value in ipairs(list) do words[i] = show(self, value) end
  table.sort(words)
  emit("r ", self.step, " ", table.concat(words, " "))
end

local function tell(self, result)
  for _, made in ipairs(result.made or {}) do
    local kind, name, value = table.unpack(made)
    if kind == "worker" or kind == "server" then
      enter(self, name, kind, value)
    else
      know(self, name, value)
    end
  end
  local value = result.value
  local kind = type(value) == "table" and value.kind
  if kind == "messages" then
    emit("r ", self.step, " messages")
    tell_messages(self, value)
  elseif kind == "names" then
    tell_names(self, value)
  else
    emit("r ", self.step, " ", show(self, value))
  end
end

local function command(self, entry, commands)
  pierrot.send(entry.pid, { "$run", pierrot.self(), commands })
  local answer = expect(pierrot.one_of({ "$ran" }, { "DOWN", entry.monitor }), "answer")
  if answer[1] == "DOWN" then
    emit("r ", self.step, " ended")
    died(self, entry.pid, answer[5])
    return
  end
  for _, result in ipairs(answer[2]) do tell(self, result) end
end

local function collect_deaths(self)
  local down = pierrot.receive({ "DOWN" }, 0)
  while down do
    died(self, down[4], down[5])
    down = pierrot.receive({ "DOWN" }, 0)
  end
end

-- What was on its way between schedulers has arrived, and what it caused there too.
local function visit_schedulers(self)
  for _ = 1, 2 do
    for _, pid in ipairs(self.porters) do
      pierrot.send(pid, { "$sync", pierrot.self(), 0 })
      expect({ "$synced", pid }, "porter")
    end
  end
end

-- All that the step caused has come to rest, and each mailbox has a mark after it.
local function settle(self)
  local n_living
  repeat
    visit_schedulers(self)
    n_living = #self.living
    local round = table.move(self.living, 1, n_living, 1, {})
    for _, entry in ipairs(round) do
      if entry.kind == "worker" then
        pierrot.send(entry.pid, { "$sync", pierrot.self(), self.step })
      end
    end
    for _, entry in ipairs(round) do
      if entry.kind == "server" then
        if not pcall(gen_server.call, entry.pid, { "mark", self.step }, PATIENCE_MS) then
          died(self, entry.pid, expect({ "DOWN", entry.monitor }, "end of a server")[5])
        end
      else
        local answer = expect(
          pierrot.one_of({ "$synced", entry.pid }, { "DOWN", entry.monitor }), "sync")
        if answer[1] == "DOWN" then died(self, entry.pid, answer[5]) end
      end
    end
    collect_deaths(self)
  until #self.living == n_living
end

local function commands_of(self, words)
  local commands, current = {}, nil
  for word in words:gmatch "%S+" do
    if word == ";" then
      current = nil
    elseif not current then
      current = { verb = word }
      commands[#commands + 1] = current
    else
      current[#current + 1] = argument(self, word)
    end
  end
  return commands
end

local function step(self, line)
  local actor, words = line:match "^(%S+) (.*)$"
  if actor == "worker" then
    local name, scheduler = words:match "^(%S+) (%d+)$"
    scheduler = (scheduler - 1) % pierrot.schedulers() + 1
    enter(self, name, "worker",
      pierrot.spawn_opt({ scheduler = scheduler }, "spec.differential.worker:work", name))
    return
  end
  self.step = self.step + 1
  local entry = find(self, "name", actor)
  if entry then
    command(self, entry, commands_of(self, words))
  else
    emit("r ", self.step, " absent")
  end
  settle(self)
end

local function look_at(self, entry)
  emit("look ", entry.name)
  if entry.kind == "worker" then
    command(self, entry, commands_of(self, "drain ; links ; monitors ; trapping"))
  else
    local entries = gen_server.call(entry.pid, "log", PATIENCE_MS)
    entries.kind = "messages"
    tell(self, { value = entries })
  end
end

local function clean_up(self)
  for _, entry in ipairs(self.living) do
    pierrot.exit(entry.pid, "kill")
    expect({ "DOWN", entry.monitor }, "end")
  end
  for name, value in pairs(self.values) do
    if name:find "^t" then pierrot.cancel_timer(value) end
  end
  if #pierrot.processes() > self.n_processes then error("a process is left over", 0) end
end

local function play(lines, from, porters)
  local self = {
    values = {}, names = {}, living = {}, step = 0, porters = porters,
    n_processes = #pierrot.processes(),
  }
  local i = from
  while lines[i] and not lines[i]:find "^scenario " do
    step(self, lines[i])
    i = i + 1
  end
  self.step = self.step + 1
  local living = table.move(self.living, 1, #self.living, 1, {})
  for _, entry in ipairs(living) do look_at(self, entry) end
  clean_up(self)
  return i
end

-- One process on each scheduler beside this one.
local function start_porters()
  local porters = {}
  for i = 2, pierrot.schedulers() do
    porters[i - 1] = pierrot.spawn_opt({ scheduler = i }, "spec.differential.worker:work", "porter")
  end
  return porters
end

local function play_all(path)
  local lines, porters = {}, start_porters()
  for line in io.lines(path) do lines[#lines + 1] = line end
  local i = 1
  while lines[i] do
    emit(lines[i])
    outcomes:flush()
    i = play(lines, i + 1, porters)
  end
end

logger.set_level "none"
outcomes = assert(io.open(arg[2], "w"))
local passed, failure = xpcall(play_all, debug.traceback, arg[1])
outcomes:close()
if not passed then
  io.stderr:write(pierrot.inspect(failure), "\n")
  os.exit(1)
end
