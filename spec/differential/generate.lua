-- SPDX-License-Identifier: MIT
--- Writes scenarios, each from a seed and a number. Those of `is_spread` have their workers on two
--- schedulers, so they hold nothing whose outcome depends on who is faster.
---
--- What happens is not foreseen here: an actor may have died, a name may be taken. Only the rules
--- that keep an outcome certain are kept, and they stand beside what they forbid.

local generate = {}

local REASONS <const> = {
  "normal", "boom", "shutdown", "shutdown:gone", "kill", "killed", "boom", "bang", "noproc",
}
local DEMONITORS <const> = {
  "demonitor ", "demonitor_flush ", "demonitor_info ", "demonitor_flush_info ",
}
local NAMES <const> = { "@a", "@b", "@c", "@d" }
local SERVER_NAMES <const> = { "@s", "@t" }

local random <const> = math.random

local function pick(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

-- What a scenario has by now -------------------------------------------------------

local function fresh(self, kind)
  self.n[kind] = (self.n[kind] or 0) + 1
  local name = kind .. self.n[kind]
  local list = self.all[kind]
  if not list then
    list = {}
    self.all[kind] = list
  end
  list[#list + 1] = name
  return name
end

local function any(self, kind)
  local list = self.all[kind]
  return list and pick(list)
end

local function number(self)
  self.value = self.value + 1
  return self.value
end

local function worker(self)
  return any(self, "w")
end

-- Workers most of all, but servers, and what is long dead, too.
local function target(self)
  if chance(15) and self.all.s then return any(self, "s") end
  if chance(8) and self.all.c then return any(self, "c") end
  return worker(self)
end

local function target_or_name(self)
  return chance(12) and pick(NAMES) or target(self)
end

local function reason()
  return pick(REASONS)
end

local function owned(self, me)
  local list = self.refs[me]
  if list and #list > 0 and not chance(8) then return pick(list) end
  return any(self, "m")
end

local function fresh_ref(self, me)
  local ref = fresh(self, "m")
  self.refs[me] = self.refs[me] or {}
  table.insert(self.refs[me], ref)
  return ref
end

-- The DOWN of one that is dead may be there at once or a moment later: so a ref that is new in a
-- burst is given up by what does not show it. But to flush is to wait: not where others must not
-- run.
local function given_up(self, me, before, may_wait)
  local list = self.refs[me]
  local i = list and random(#list) or 0
  if i > 0 and i <= before then
    return (may_wait and pick(DEMONITORS) or pick { "demonitor ", "demonitor_info " }) .. list[i]
  end
  return may_wait and i > 0 and "demonitor_flush " .. list[i] or "alias " .. fresh_ref(self, me)
end

local function n_refs(self, me)
  return self.refs[me] and #self.refs[me] or 0
end

-- Commands of one word of time -----------------------------------------------------

local ALIASES <const> = { "explicit_unalias", "demonitor", "reply_demonitor" }
local HOWS <const> = { "plain", "link", "monitor", "both" }
local INITS <const> = {
  "plain", "plain", "plain", "trap", "trap", "trap", "continue", "ignore", "crash", "stop:boom",
  "stop:normal", "stop:shutdown", "exit:boom", "exit:normal",
}

local function spawned(self, me, verb, name, extra)
  local how = pick(HOWS)
  local ref = (how == "monitor" or how == "both") and " " .. fresh_ref(self, me) or ""
  return verb .. " " .. name .. " " .. how .. extra .. ref
end

local function requested(self)
  local makers = {
    function() return "echo " .. number(self) end,
    function() return "count" end,
    function() return "release " .. number(self) end,
    function() return "early " .. number(self) end,
    function() return "continue " .. number(self) end,
    function() return "stop " .. reason() end,
    function() return "stop_reply " .. reason() end,
    function() return "crash" end,
    function() return "exit " .. reason() end,
    function() return "bad" end,
    function() return "link " .. worker(self) end,
    function() return "unlink " .. worker(self) end,
    function() return "monitor " .. target(self) end,
    function() return "signal " .. worker(self) .. " " .. reason() end,
  }
  return makers[random(chance(60) and 5 or #makers)]()
end

local function server(self)
  if chance(20) then return pick(SERVER_NAMES) end
  return any(self, "s") or pick(SERVER_NAMES)
end

-- {weight, function(self, me) -> command or nil}.
local singles <const> = {
  { 5, function(self, me) return spawned(self, me, "spawn", fresh(self, "w"), "") end },
  { 4, function(self, me)
    local how = pick { "return", "crash", reason(), reason() }
    return spawned(self, me, "spawn_dead", fresh(self, "c"), " " .. how)
  end },
  { 14, function(self) return "link " .. target(self) end },
  { 6, function(self) return "unlink " .. target(self) end },
  { 10, function(self, me)
    return "monitor " .. fresh_ref(self, me) .. " " .. target_or_name(self)
  end },
  { 2, function(self, me)
    return "monitor_tag " .. fresh_ref(self, me) .. " " .. target_or_name(self) .. " tagged"
  end },
  { 5, function(self, me)
    return "monitor_alias " .. fresh_ref(self, me) .. " " .. target_or_name(self) .. " "
      .. pick(ALIASES)
  end },
  { 7, function(self, me)
    local ref = owned(self, me)
    return ref and pick(DEMONITORS) .. ref
  end },
  { 2, function(self, me) return "alias " .. fresh_ref(self, me) end },
  { 2, function(self, me) return "alias_reply " .. fresh_ref(self, me) end },
  { 3, function(self, me)
    local ref = owned(self, me)
    return ref and "unalias " .. ref
  end },
  { 9, function() return "trap " .. tostring(chance(75)) end },
  { 1, function() return "catch_exit " .. reason() end },
  { 9, function(self) return "signal " .. target(self) .. " " .. reason() end },
  { 1, function(_, me) return "signal " .. me .. " " .. reason() end },
  { 3, function() return "exit " .. reason() end },
  { 1, function() return "crash" end },
  { 1, function() return "return" end },
  { 7, function(self) return "send " .. target_or_name(self) .. " " .. number(self) end },
  { 6, function(self)
    local ref = any(self, "m")
    return ref and "send " .. ref .. " " .. number(self)
  end },
  { 4, function() return "drain" end },
  { 1, function(self) return "take " .. random(math.max(1, self.value)) end },
  { 2, function(self, me)
    local ref = owned(self, me)
    return ref and "take_down " .. ref
  end },
  { 1, function(self) return "take_exit " .. target(self) end },
  { 6, function(self) return "register " .. pick(NAMES) .. " " .. target(self) end },
  { 2, function() return "unregister " .. pick(NAMES) end },
  { 2, function() return "whereis " .. pick(NAMES) end },
  { 1, function() return "registered" end },
  { 2, function(self) return "alive " .. target(self) end },
  { 2, function(self)
    return "timer " .. fresh(self, "t") .. " " .. target_or_name(self) .. " " .. number(self)
  end },
  { 2, function(self)
    return "start_timer " .. fresh(self, "t") .. " " .. target_or_name(self) .. " "
      .. number(self)
  end },
  { 2, function(self) return "timer0 " .. target_or_name(self) .. " " .. number(self) end },
  { 1, function(self)
    return "start_timer0 " .. fresh(self, "t") .. " " .. target_or_name(self) .. " "
      .. number(self)
  end },
  { 4, function(self)
    local timer = any(self, "t")
    return timer and pick { "cancel ", "cancel_async ", "read ", "read " } .. timer
  end },
  { 1, function() return pick { "links", "monitors", "trapping" } end },
  { 6, function(self, me)
    local name = fresh(self, "s")
    local how = pick { "start", "link", "link", "monitor" }
    local words = "start " .. name .. " " .. how .. " " .. pick(INITS)
    if how == "monitor" then words = words .. " " .. fresh_ref(self, me) end
    return chance(35) and words .. " " .. pick(SERVER_NAMES) or words
  end },
  -- A call of a worker would wait for ever, and one of `hold` until somebody else is asked.
  { 9, function(self) return "call " .. server(self) .. " " .. requested(self) end },
  { 1, function(self) return "call_timeout " .. worker(self) .. " ask" end },
  { 4, function(self)
    local what = pick { "add 1", "add 1", "add 1", "crash", "exit " .. reason(),
      "stop " .. reason() }
    return "cast " .. server(self) .. " " .. what
  end },
  { 5, function(self)
    local what = chance(50) and "hold" or requested(self)
    local to = chance(80) and server(self) or target(self)
    return "request " .. fresh(self, "q") .. " " .. to .. " " .. what
  end },
  { 5, function(self)
    local request = any(self, "q")
    return request and pick { "response ", "wait_response " } .. request
  end },
  { 3, function(self) return "stop " .. server(self) .. " " .. reason() end },
}

local function total(list)
  local sum = 0
  for _, row in ipairs(list) do sum = sum + row[1] end
  return sum
end

local function weighted(list, sum)
  local at = random(sum)
  for _, row in ipairs(list) do
    at = at - row[1]
    if at <= 0 then return row[2] end
  end
end

local SUM <const> = total(singles)

local function single(self, me)
  local command
  repeat command = weighted(singles, SUM)(self, me) until command
  return command
end

-- Several commands without a pause -------------------------------------------------

-- Signals of one process to another, of all kinds: they arrive in their order. After an exit signal
-- nobody knows when the other side ends; so no link, which would raise or not.
local function pair(self, me)
  local other = target(self)
  local n, may_link = random(3, 8), other ~= me
  local before = n_refs(self, me)
  local commands = {}
  for i = 1, n do
    local kind = random(self.is_spread and 3 or 7)
    if kind == 1 then
      commands[i] = "send " .. other .. " " .. number(self)
    elseif kind == 2 then
      commands[i] = "monitor " .. fresh_ref(self, me) .. " " .. other
    elseif kind == 3 then
      commands[i] = "signal " .. other .. " " .. reason()
      may_link = false
    elseif kind == 4 then
      commands[i] = given_up(self, me, before, may_link)
    elseif kind == 5 then
      commands[i] = may_link and "link " .. other or "unlink " .. other
    elseif kind == 6 then
      commands[i] = "unlink " .. other
    else
      -- Asking whether it lives gives it the time to end.
      commands[i] = may_link and "alive " .. other or "unlink " .. other
    end
  end
  return commands
end

-- What one does to oneself.
local function alone(self, me)
  local before = n_refs(self, me)
  local commands = {}
  for i = 1, random(2, 6) do
    commands[i] = pick {
      "trap " .. tostring(chance(60)), "send " .. me .. " " .. number(self), "link " .. me,
      "unlink " .. me, "monitor " .. fresh_ref(self, me) .. " " .. me,
      given_up(self, me, before, true),
      "drain", "alive " .. me,
      "alias " .. fresh_ref(self, me), "unalias " .. (owned(self, me) or "m1"), "trapping",
      "timer0 " .. me .. " " .. number(self), "whereis " .. pick(NAMES), "catch_exit boom",
    }
  end
  -- The last: in Erlang a trap set after it can still decide what becomes of it.
  if chance(30) then
    commands[#commands + 1] = "signal " .. me .. " " .. (chance(40) and reason() or "normal")
  end
  return commands
end

-- A child that ends at once, and what is done before it had a chance to.
local function birth(self, me)
  local child = fresh(self, "c")
  local before = n_refs(self, me)
  local commands = {
    spawned(self, me, "spawn_dead", child, " " .. pick { "return", "crash", reason() }),
  }
  for i = 2, random(2, 5) do
    commands[i] = pick {
      "unlink " .. child, given_up(self, me, before, false), "send " .. child .. " 0",
      "monitor " .. fresh_ref(self, me) .. " " .. child, "link " .. child,
    }
  end
  return commands
end

-- The dead, and what has not been seen of them yet. Whom they take along is not to be seen here.
local function funeral(self, me)
  local other = worker(self)
  if other == me then return alone(self, me) end
  local commands = { "bury " .. fresh_ref(self, me) .. " " .. other }
  for i = 2, random(2, 7) do
    commands[i] = pick {
      "link " .. other, "unlink " .. other, "send " .. other .. " 0", "alive " .. other,
      "monitor " .. fresh_ref(self, me) .. " " .. other, "register " .. pick(NAMES) .. " " .. other,
      given_up(self, me, 0, true), "signal " .. other .. " boom",
    }
  end
  return commands
end

local bursts <const> = { pair, alone, birth, funeral }

-- Between two schedulers a signal is on its way for a moment: those who do not wait for the end of
-- something cannot say what they see of it.
local spread_bursts <const> = { pair }

local function step(self)
  local me = worker(self)
  if chance(22) then
    local commands = pick(self.is_spread and spread_bursts or bursts)(self, me)
    return me .. " " .. table.concat(commands, " ; ")
  end
  return me .. " " .. single(self, me)
end

--- The lines of scenario number `id`.
---@param seed integer
---@param id integer
---@param is_spread boolean
---@return string[]
function generate.scenario(seed, id, is_spread)
  math.randomseed(seed, id)
  local self = { all = {}, n = {}, refs = {}, value = 0, is_spread = is_spread }
  local lines = {}
  for i = 1, random(5, 7) do
    lines[i] = ("worker %s %d"):format(fresh(self, "w"), i)
  end
  for _, name in ipairs(self.all.w) do
    if chance(55) then lines[#lines + 1] = name .. " trap true" end
  end
  for _ = 1, random(20, 40) do lines[#lines + 1] = step(self) end
  return lines
end

return generate
