-- SPDX-License-Identifier: MIT
--- Races between two schedulers, many rounds of each: what one side does meets the end of the other
--- side at a random moment, and the outcome must be one of those that may be:
--- `pierrot -s 2 spec/stress/races.lua [ROUNDS]`.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local rounds <const> = tonumber(arg[1]) or 20000
local patience_ms <const> = 20000
local spin_most <const> = 500

-- How long the other side lives, or a timer runs. It follows the outcomes: longer after one that
-- came too late for a race, shorter after any other, so that about half of them come too late.
local pace <const> = { mean = 100, least = 2, most = 100000, step = 1.03 }

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
    handle_call = function(request) return "reply", request end,
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

local function elsewhere(fn)
  return assert(pierrot.spawn_opt({ scheduler = 2, link = true }, fn))
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
  for _ = 1, math.random(0, spin_most) do end
end

local function a_while()
  return math.random(0, (2 * pace.mean) // 1 | 0)
end

local function keep_pace(was_late)
  local mean = was_late and pace.mean * pace.step or pace.mean / pace.step
  pace.mean = math.max(pace.least, math.min(pace.most, mean))
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
      local ref = pierrot.monitor(next_mortal(maker))
      spin()
      local before = pierrot.receive({ "DOWN", ref }, 0)
      pierrot.demonitor(ref, { flush = true })
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

local function show(counts)
  local words = {}
  for outcome, count in pairs(counts) do
    words[#words + 1] = outcome .. " " .. count
  end
  table.sort(words)
  return table.concat(words, ", ")
end

local function run(name, prepare, allowed)
  local counts, start = {}, pierrot.now()
  pace.mean = 100
  local round, finish = prepare()
  for i = 1, rounds do
    local outcome = round(i)
    assert(allowed[outcome] ~= nil, name .. ": a wrong outcome, " .. pierrot.inspect(outcome))
    counts[outcome] = (counts[outcome] or 0) + 1
    keep_pace(allowed[outcome])
  end
  if finish then finish() end
  local elapsed_ms = pierrot.now() - start
  print(("%-26s %6.2f s  %s"):format(name, elapsed_ms / 1000, show(counts)))
  assert(#pierrot.info(pierrot.self(), "messages") == 0, name .. ": messages are left over")
end

assert(pierrot.schedulers() > 1, "races need two schedulers: pierrot -s 2 …")
pierrot.trap_exit(true)
for _, row in ipairs(races) do
  run(table.unpack(row))
end
print("all is well")
