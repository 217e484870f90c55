-- SPDX-License-Identifier: MIT
--- Races, many rounds of each: what one side does meets the end of the other side, or what that one
--- does, at a random moment, and the outcome must be one of those that may be:
--- `pierrot -s 2 spec/stress/races.lua [ROUNDS [NAME]]`; on one scheduler as well. Prints a table
--- of how often each outcome was seen. With 10000 rounds or more each must be seen in one round of
--- a hundred, of some variant.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local rounds <const> = tonumber(arg[1]) or 20000
local patience_ms <const> = 20000
local late_ms <const> = 10000 -- a wake-up that is lost is made up for when patience is over
local is_alone <const> = pierrot.schedulers() == 1
local enough_rounds <const> = 10000

-- How the rounds of a race differ. Mostly the other side lives for a time that follows the outcomes
-- (see pace), and this side waits a little before its move: `spin` turns of a loop at most; on one
-- scheduler, `yields`. In `at_once` rounds of a hundred the other side does not wait at all. Where
-- this side follows, it is its wait that does, and the other side's is so long that it is mostly
-- there to begin with. Each variant has its share of the rounds.
local variants <const> = {
  { name = "short", spin = 500, yields = 20, at_once = 0 },
  { name = "at once", spin = 5000, yields = 20, at_once = 30 },
  { name = "follows", follows = true },
}
local variant

-- How long the other side lives, or a timer runs. It follows the outcomes: longer after one that
-- came too late for a race, shorter after any other, so that about half of them come too late. A
-- wait of this side's is shorter and longer the other way round.
local pace <const> = {
  mean = 100, life = 200, least = 2, most = is_alone and 400000 or 4000000, life_most = 5000,
  step = 1.03,
}

-- The other side, on the second scheduler ---------------------------------------

-- Answers each {racer, spin} with a process that ends by itself a moment later.
local function make_mortals()
  local p = require "pierrot"
  while true do
    local request = p.receive()
    local mortal = p.spawn(function()
      for _ = 1, request[2] do p.yield() end -- signals take effect between slices
      p.exit({ "shutdown", "gone" })
    end)
    p.send(request[1], { "mortal", mortal })
  end
end

-- The same with a server that is ended a moment later.
local function make_servers()
  local p = require "pierrot"
  local server = require "pierrot.gen_server"
  local Echo = {
    init = function() return "ok", {} end,
    handle_call = function(request)
      -- On one scheduler the call is nested in the caller: this lets the end come meanwhile.
      for _ = 1, request % 8 * 8 do p.yield() end
      return "reply", request
    end,
  }
  while true do
    local request = p.receive()
    local mortal = server.start(Echo)
    p.send(request[1], { "mortal", mortal })
    for _ = 1, request[2] do p.yield() end
    p.exit(mortal, { "shutdown", "gone" })
  end
end

-- Counts what arrives, until asked.
local function count_ticks()
  local p = require "pierrot"
  local count = 0
  while true do
    local message = p.receive()
    if message == "tick" then
      count = count + 1
    else
      p.send(message[1], { "count", count })
    end
  end
end

-- Answers each {racer, spin} with a server that it stops itself a moment later, and tells how that
-- went.
local function make_stopped()
  local p = require "pierrot"
  local server = require "pierrot.gen_server"
  local Plain = {
    init = function() return "ok", {} end,
    -- The end takes its time: the stop of the other side comes meanwhile.
    terminate = function() for _ = 1, math.random(0, 20) do p.yield() end end,
  }
  while true do
    local request = p.receive()
    local mortal = server.start(Plain)
    p.send(request[1], { "mortal", mortal })
    for _ = 1, request[2] do p.yield() end
    local passed, failure = pcall(server.stop, mortal, { "shutdown", "theirs" })
    p.send(request[1], { "stopped", passed or failure.reason[1] })
  end
end

-- Links with each {racer, moves}, and unlinks, as the moves say; then tells whether there is a
-- link, once all of the racer's have arrived.
local function mirror()
  local p = require "pierrot"
  p.trap_exit(true)
  while true do
    local request = p.receive()
    local racer = request[1]
    if racer == "EXIT" then return end
    for move in request[2]:gmatch "." do
      if move == "l" then p.link(racer) elseif move == "u" then p.unlink(racer) else p.yield() end
    end
    p.send(racer, { "done" })
    p.receive("settled")
    p.send(racer, { "links", #p.info(p.self(), "links") })
  end
end

local function elsewhere(fn, ...)
  return assert(pierrot.spawn_opt({ scheduler = is_alone and 1 or 2, link = true }, fn, ...))
end

-- This side ---------------------------------------------------------------------

local function expect(pattern)
  local message = pierrot.receive(pattern, patience_ms)
  if message == nil then
    error("it hung: nothing like " .. pierrot.inspect(pattern) .. " came; the mailbox holds "
      .. pierrot.inspect(pierrot.info(pierrot.self(), "messages")), 2)
  end
  return message
end

local function spin()
  local most = variant.follows and (2 * pace.mean) // 1 | 0
  if is_alone then
    for _ = 1, math.random(0, most or variant.yields) do pierrot.yield() end
  else
    for _ = 1, math.random(0, most or variant.spin) do end
  end
end

local function a_while()
  if variant.follows then return math.random(0, (2 * pace.life) // 1 | 0) end
  if math.random(100) <= variant.at_once then return 0 end
  return math.random(0, (2 * pace.mean) // 1 | 0)
end

local function bounded(mean, most)
  return math.max(pace.least, math.min(most, mean))
end

local function keep_pace(outcome, was_late)
  if variant.follows then
    was_late = not was_late
    -- In one of five rounds it is gone before anything has begun.
    local was_gone = outcome:find "^noproc" ~= nil
    local life = was_gone and pace.life * pace.step ^ 4 or pace.life / pace.step
    pace.life = is_alone and pace.life or bounded(life, pace.life_most)
  end
  pace.mean = bounded(was_late and pace.mean * pace.step or pace.mean / pace.step, pace.most)
end

local function next_mortal(maker)
  pierrot.send(maker, { pierrot.self(), a_while() })
  return expect({ "mortal" })[2]
end

local function name_of(reason)
  return type(reason) == "table" and tostring(reason[2]) or tostring(reason)
end

--- A race: its name; a function that prepares it and gives a round, which gives its outcome, and a
--- look at the whole in the end (or nil); the outcomes that may be: whether they came too late.
local races <const> = {
  { "link against exit", function()
    local maker = elsewhere(make_mortals)
    return function()
      local mortal = next_mortal(maker)
      spin()
      assert(pierrot.link(mortal))
      return name_of(expect({ "EXIT", mortal })[3])
    end
  end, { gone = false, noproc = true } },

  { "unlink against exit", function()
    local maker = elsewhere(make_mortals)
    return function()
      local mortal = next_mortal(maker)
      assert(pierrot.link(mortal))
      spin()
      assert(pierrot.unlink(mortal))
      local before = pierrot.receive({ "EXIT", mortal }, 0)
      pierrot.receive({ "DOWN", (pierrot.monitor(mortal)) }, patience_ms)
      assert(not pierrot.receive({ "EXIT", mortal }, 0), "an EXIT after unlink")
      return before and name_of(before[3]) or "unlinked"
    end
  end, { gone = true, noproc = true, unlinked = false } },

  { "monitor against exit", function()
    local maker = elsewhere(make_mortals)
    return function()
      local mortal = next_mortal(maker)
      spin()
      local ref = pierrot.monitor(mortal)
      return name_of(expect({ "DOWN", ref })[5])
    end
  end, { gone = false, noproc = true } },

  { "demonitor against exit", function()
    local maker = elsewhere(make_mortals)
    return function()
      local mortal = next_mortal(maker)
      local ref = pierrot.monitor(mortal)
      spin()
      local before = pierrot.receive({ "DOWN", ref }, 0)
      pierrot.demonitor(ref, { flush = true })
      pierrot.receive({ "DOWN", (pierrot.monitor(mortal)) }, patience_ms)
      assert(not pierrot.receive({ "DOWN", ref }, 0), "a DOWN after demonitor")
      return before and name_of(before[5]) or "silent"
    end
  end, { gone = true, noproc = true, silent = false } },

  { "call against server death", function()
    local maker = elsewhere(make_servers)
    return function(round)
      local server = next_mortal(maker)
      spin()
      local passed, answer = pcall(gen_server.call, server, round, patience_ms)
      if passed then
        assert(answer == round, "the answer to another request")
        return "answered"
      end
      return name_of(answer.reason[1])
    end
  end, { answered = false, gone = false, noproc = true } },

  { "timer against cancel", function()
    local sink = elsewhere(count_ticks)
    local n_fired = 0
    return function()
      local timer = pierrot.send_after(a_while() * 1e-4, sink, "tick")
      for _ = 1, math.random(0, 40) do pierrot.yield() end -- timers fire between slices
      if pierrot.cancel_timer(timer) then return "cancelled" end
      n_fired = n_fired + 1
      return "fired"
    end, function()
      pierrot.send(sink, { pierrot.self() })
      local count = expect({ "count" })[2]
      assert(count == n_fired, ("%d of %d ticks arrived"):format(count, n_fired))
    end
  end, { cancelled = false, fired = true } },

  { "stop against stop", function()
    local maker = elsewhere(make_stopped)
    return function()
      local server = next_mortal(maker)
      spin()
      local passed, failure = pcall(gen_server.stop, server, { "shutdown", "mine" })
      local mine = passed and "mine" or name_of(failure.reason[1])
      local theirs = expect({ "stopped" })[2]
      theirs = theirs == true and "theirs" or name_of(theirs)
      assert(passed == (theirs ~= "theirs"), "two have ended it: " .. mine .. ", " .. theirs)
      return mine .. ", " .. theirs
    end
  end, {
    ["mine, mine"] = false, ["mine, noproc"] = false, ["theirs, theirs"] = true,
    ["noproc, theirs"] = true,
  } },

  { "link against link, unlink", function()
    local other = elsewhere(mirror)
    local function moves()
      local list = {}
      for i = 1, math.random(1, 20) do
        list[i] = (math.random(2) == 1 and "l" or "u") .. ("y"):rep(math.random(0, 3) // 3)
      end
      return table.concat(list)
    end
    return function()
      pierrot.unlink(other)
      pierrot.send(other, { pierrot.self(), moves() })
      spin()
      for move in moves():gmatch "." do
        if move == "l" then pierrot.link(other) elseif move == "u" then pierrot.unlink(other) end
        if move == "y" then spin() end
      end
      -- What either has sent before this has arrived when the other answers.
      expect { "done" }
      pierrot.send(other, "settled")
      local theirs = expect({ "links" })[2]
      local mine = 0
      for _, pid in ipairs(pierrot.info(pierrot.self(), "links")) do
        if pid == other then mine = mine + 1 end
      end
      assert(mine == theirs, ("a link of one end only: %d here, %d there"):format(mine, theirs))
      return mine == 1 and "linked" or "not linked"
    end
  end, { linked = false, ["not linked"] = true } },

  { "name against exit", function()
    local maker = elsewhere(make_mortals)
    return function()
      local mortal = next_mortal(maker)
      spin()
      local registered, why = pierrot.register("racer", mortal)
      expect { "DOWN", (pierrot.monitor(mortal)) }
      assert(pierrot.whereis("racer") == nil, "a dead process has a name")
      return registered and "registered" or why
    end
  end, { registered = false, noproc = true } },
}

-- The outcomes of a race in each variant: {[variant] = {[outcome] = count}, rounds = of a variant}.
local function run(name, prepare, allowed)
  local seen, start = { rounds = rounds // #variants }, pierrot.now()
  local round, finish = prepare()
  for _, each in ipairs(variants) do
    variant = each
    pace.mean, pace.life = each.follows and not is_alone and 20000 or 100, 200
    local counts = {}
    seen[variant.name] = counts
    for i = 1, seen.rounds do
      local began = pierrot.now()
      local outcome = round(i)
      assert(pierrot.now() - began < late_ms, name .. ": a wake-up came late, or was lost")
      assert(allowed[outcome] ~= nil, name .. ": a wrong outcome, " .. pierrot.inspect(outcome))
      counts[outcome] = (counts[outcome] or 0) + 1
      keep_pace(outcome, allowed[outcome])
    end
  end
  if finish then finish() end
  assert(#pierrot.info(pierrot.self(), "messages") == 0, name .. ": messages are left over")
  return seen, (pierrot.now() - start) / 1000
end

-- The table, and the rule: what was never seen was never tried.

local COLUMNS <const> = "%-26s %-16s"

local function print_head()
  io.write(COLUMNS:format("race", "outcome"))
  for _, each in ipairs(variants) do io.write(("%10s"):format(each.name)) end
  print()
end

local function print_outcome(label, outcome, seen)
  local most = 0
  io.write(COLUMNS:format(label, outcome))
  for _, each in ipairs(variants) do
    local share = 100 * (seen[each.name][outcome] or 0) / seen.rounds
    io.write(("%8.1f %%"):format(share))
    most = math.max(most, share)
  end
  print()
  return most
end

local function print_race(name, allowed, seen, seconds)
  local outcomes, rare = {}, {}
  for outcome in pairs(allowed) do outcomes[#outcomes + 1] = outcome end
  table.sort(outcomes)
  for i, outcome in ipairs(outcomes) do
    local label = i == 1 and name or i == 2 and ("  %.1f s"):format(seconds) or ""
    if print_outcome(label, outcome, seen) < 1 then rare[#rare + 1] = outcome end
  end
  assert(rounds < enough_rounds or #rare == 0,
    name .. ": hardly ever " .. table.concat(rare, "; "))
end

pierrot.trap_exit(true)
print_head()
for _, row in ipairs(races) do
  local name, prepare, allowed = table.unpack(row)
  if not arg[2] or arg[2] == name then print_race(name, allowed, run(name, prepare, allowed)) end
end
print("all is well")
