-- SPDX-License-Identifier: MIT
--- Plays scenarios in pierrot and in Erlang and compares what came of them:
--- `lua5.4 spec/differential/compare.lua PIERROT [COUNT [SEED [BATCH [brief]]]]`, in the folder
--- that holds spec/. Prints "N scenarios, 0 differences", or the first one that differs, made as
--- small as it gets (not with brief). So many scenarios are played at a time (2000).

package.path = "./?.lua;" .. package.path
local generate = require "spec.differential.generate"

local program <const> = assert(arg[1], "the path of pierrot is missing")
local count <const> = tonumber(arg[2]) or 1000
local seed <const> = tonumber(arg[3]) or 1
local batch <const> = tonumber(arg[4]) or 2000
local is_brief <const> = arg[5] == "brief"

-- Files and programs ---------------------------------------------------------------

local function temporary()
  local path = os.tmpname()
  return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

local function write(path, scenarios)
  local file <close> = assert(io.open(path, "w"))
  for _, scenario in ipairs(scenarios) do
    file:write("scenario ", scenario.id, "\n", table.concat(scenario.lines, "\n"), "\n")
  end
end

local function read(path)
  local outcomes, current = {}, nil
  for line in io.lines(path) do
    local id = line:match "^scenario (%d+)$"
    if id then
      current = {}
      outcomes[tonumber(id)] = current
    elseif current then
      current[#current + 1] = line
    end
  end
  return outcomes
end

local function run(command, scenarios)
  local input <close> = temporary()
  local output <close> = temporary()
  local errors <close> = temporary()
  write(input.path, scenarios)
  local ok = os.execute(("timeout -k 1 600 %s %s %s >%s 2>&1")
    :format(command, input.path, output.path, errors.path))
  local file <close> = assert(io.open(errors.path))
  return read(output.path), not ok and file:read("a") or nil
end

local function run_erlang(scenarios)
  local outcomes, failure = run("escript spec/differential/play.escript", scenarios)
  if failure then error("Erlang failed: " .. failure, 0) end
  return outcomes
end

-- Without preemption: no burst is torn apart by a clock.
local function run_pierrot(scenarios, n_schedulers)
  return run(("%s --preempt off -s %d spec/differential/play.lua"):format(program, n_schedulers),
    scenarios)
end

-- Outcomes that mean the same are made equal ------------------------------------------

local function is_end(text)
  return text:find "^%(EXIT " or text:find "^%(%S+ %S+ process "
end

-- What is left of a start that failed, see docs/differential.md.
local function is_left_over(text)
  return text:find "^%(EXIT pid%?" or text:find "^%(%S+ ref%? process "
end

-- Messages of one step from different senders have no order, nor have the EXIT and the DOWN of one
-- end.
local function sort_step(messages)
  local by_sender, senders = {}, {}
  for _, message in ipairs(messages) do
    local list = by_sender[message.sender]
    if not list then
      list = {}
      by_sender[message.sender] = list
      senders[#senders + 1] = message.sender
    end
    list[#list + 1] = message.text
  end
  table.sort(senders)
  local sorted = {}
  for _, sender in ipairs(senders) do
    local run_of_ends = {}
    local function close_run()
      table.sort(run_of_ends)
      table.move(run_of_ends, 1, #run_of_ends, #sorted + 1, sorted)
      run_of_ends = {}
    end
    for _, text in ipairs(by_sender[sender]) do
      if is_end(text) then
        run_of_ends[#run_of_ends + 1] = text
      else
        close_run()
        sorted[#sorted + 1] = text
      end
    end
    close_run()
  end
  return sorted
end

-- From line i on: the messages and the marks among them, by steps.
local function take_messages(lines, i, out)
  local step, last = {}, nil
  local function close(mark)
    for _, text in ipairs(sort_step(step)) do
      out[#out + 1] = ("m %s %s"):format(mark, text)
    end
    step = {}
  end
  local pending = {}
  while lines[i] and lines[i]:find "^[mk] " do
    local mark = lines[i]:match "^k (%d+)$"
    if not mark then
      local sender, text = lines[i]:match "^m (%S+) (.*)$"
      if not is_left_over(text) then pending[#pending + 1] = { sender = sender, text = text } end
    else
      -- One step may have several marks: what was caused may cause more.
      if mark ~= last then
        close(last)
        last = mark
      end
      table.move(pending, 1, #pending, #step + 1, step)
      pending = {}
    end
    i = i + 1
  end
  close(last)
  step = pending
  close("now")
  return i
end

local function take_deaths(lines, i, out)
  local deaths = {}
  while lines[i] and lines[i]:find "^d " do
    deaths[#deaths + 1] = lines[i]
    i = i + 1
  end
  table.sort(deaths)
  table.move(deaths, 1, #deaths, #out + 1, out)
  return i
end

-- The steps in which whoever acts ends.
local function last_steps(lines, scenario)
  local actors, ended = {}, {}
  for _, line in ipairs(scenario.lines) do
    local actor = line:match "^%S+"
    if actor ~= "worker" then actors[#actors + 1] = actor end
  end
  for _, line in ipairs(lines) do
    local number, name = line:match "^d (%d+) (%S+)"
    if number and actors[tonumber(number)] == name then ended[number] = true end
  end
  return ended
end

local function normalised(lines, scenario)
  local out, i = {}, 1
  local ended = last_steps(lines, scenario)
  while lines[i] do
    if ended[lines[i]:match "^r (%d+)"] then
      -- Whether it still told what it had seen when its end came, nobody can say.
      i = i + 1
      while lines[i] and lines[i]:find "^[mk] " do i = i + 1 end
    elseif lines[i]:find "^[mk] " then
      i = take_messages(lines, i, out)
    elseif lines[i]:find "^d " then
      i = take_deaths(lines, i, out)
    else
      out[#out + 1] = lines[i]
      i = i + 1
    end
  end
  return out
end

-- Differences ----------------------------------------------------------------------

-- The place of the first line that differs, and the two lists; nil when there is none.
local function difference(scenario, ours, theirs)
  theirs = normalised(theirs, scenario)
  if not ours then return 1, { "nothing: pierrot ended or hung" }, theirs end
  ours = normalised(ours, scenario)
  for i = 1, math.max(#ours, #theirs) do
    if ours[i] ~= theirs[i] then return i, ours, theirs end
  end
end

-- The scenarios that differ, on so many schedulers.
local function compare(scenarios, theirs, n_schedulers)
  if #scenarios == 0 then return {} end
  local ours, failure = run_pierrot(scenarios, n_schedulers)
  local differing = {}
  for _, scenario in ipairs(scenarios) do
    if difference(scenario, ours[scenario.id], theirs[scenario.id]) then
      differing[#differing + 1] = {
        scenario = scenario, n_schedulers = n_schedulers, ours = ours[scenario.id],
        failure = failure,
      }
    end
  end
  return differing
end

-- What Erlang does now one way and now another is free: the clock may end a turn of its processes
-- in the middle of a burst. So it is asked again.
local function confirmed(differing)
  for _ = 1, 2 do
    if #differing == 0 then return differing end
    local scenarios, still = {}, {}
    for i, found in ipairs(differing) do
      scenarios[i] = { id = i, lines = found.scenario.lines }
    end
    local theirs = run_erlang(scenarios)
    for i, found in ipairs(differing) do
      found.theirs = theirs[i]
      if difference(found.scenario, found.ours, theirs[i]) then still[#still + 1] = found end
    end
    differing = still
  end
  return differing
end

-- Everything that can be taken away is, one line or command at a time, as long as they differ.
local function smaller(scenario)
  local candidates = {}
  local function add(lines)
    candidates[#candidates + 1] = { id = #candidates + 1, lines = lines }
  end
  local lines = scenario.lines
  local chunk = #lines // 2
  while chunk >= 1 do
    for from = 1, #lines, chunk do
      local rest = table.move(lines, 1, from - 1, 1, {})
      add(table.move(lines, from + chunk, #lines, #rest + 1, rest))
    end
    chunk = chunk // 2
  end
  for i, line in ipairs(lines) do
    local actor, commands = line:match "^(%S+) (.* ; .*)$"
    local parts = {}
    for part in (commands or ""):gmatch "[^;]+" do parts[#parts + 1] = part:match "^ *(.-) *$" end
    for skip = 1, #parts do
      local rest = table.move(parts, 1, skip - 1, 1, {})
      table.move(parts, skip + 1, #parts, #rest + 1, rest)
      local shorter = table.move(lines, 1, #lines, 1, {})
      shorter[i] = actor .. " " .. table.concat(rest, " ; ")
      add(shorter)
    end
  end
  return candidates
end

local function shrink(scenario, n_schedulers)
  while true do
    local candidates = smaller(scenario)
    local found = compare(candidates, run_erlang(candidates), n_schedulers)
    local best
    for _, differing in ipairs(found) do
      if not best or #table.concat(differing.scenario.lines, "\n") < #table.concat(best.lines, "\n")
      then
        best = differing.scenario
      end
    end
    if not best then return scenario end
    scenario = best
  end
end

local function show_outcomes(scenario, ours, theirs, failure)
  local at, mine
  at, mine, theirs = difference(scenario, ours, theirs)
  print(("\nat outcome %d:"):format(at))
  for i = math.max(1, at - 8), at - 1 do print("           " .. mine[i]) end
  for i = at, math.min(at + 2, #mine) do print("  pierrot  " .. mine[i]) end
  for i = at, math.min(at + 2, #theirs) do print("  Erlang   " .. theirs[i]) end
  if failure then print("pierrot said: " .. failure) end
end

-- The smallest scenario that differs as this one does, or this one where it did so by chance.
local function show(found)
  local scenario = { id = 1, lines = shrink(found.scenario, found.n_schedulers).lines }
  local ours, failure = run_pierrot({ scenario }, found.n_schedulers)
  local theirs = run_erlang({ scenario })[1]
  if difference(scenario, ours[1], theirs) then
    print("the smallest of its kind:\n\n" .. table.concat(scenario.lines, "\n"))
    show_outcomes(scenario, ours[1], theirs, failure)
  else
    print("not each time:\n\n" .. table.concat(found.scenario.lines, "\n"))
    show_outcomes(found.scenario, found.ours, found.theirs, found.failure)
  end
end

local function select_spread(scenarios)
  local spread = {}
  for _, scenario in ipairs(scenarios) do
    if scenario.is_spread then spread[#spread + 1] = scenario end
  end
  return spread
end

local differing, n_played = {}, 0
for first = 1, count, batch do
  local scenarios = {}
  for id = first, math.min(count, first + batch - 1) do
    local is_spread = id % 2 == 0
    scenarios[#scenarios + 1] =
      { id = id, is_spread = is_spread, lines = generate.scenario(seed, id, is_spread) }
  end
  n_played = n_played + #scenarios
  local theirs = run_erlang(scenarios)
  differing = compare(scenarios, theirs, 1)
  local spread = compare(select_spread(scenarios), theirs, 2)
  table.move(spread, 1, #spread, #differing + 1, differing)
  differing = confirmed(differing)
  if #differing > 0 then break end
end

if #differing > 0 and not is_brief then
  local first = differing[1]
  print(("scenario %d of seed %d differs on %d scheduler(s);")
    :format(first.scenario.id, seed, first.n_schedulers))
  show(first)
  print()
end
print(("%d scenarios, %d difference%s"):format(n_played, #differing, #differing == 1 and "" or "s"))
os.exit(#differing == 0)
