-- SPDX-License-Identifier: MIT
--- Plays histories of a supervisor in pierrot and in Erlang and compares what came of them:
--- `lua5.4 spec/differential/supervisor/compare.lua PIERROT [COUNT [SEED]]`, in the folder that
--- holds spec/. Prints "N histories, 0 differences", or the first one that differs, without the
--- steps that it needs not.

package.path = "./?.lua;" .. package.path
local generate = require "spec.differential.supervisor.generate"

local HERE <const> = "spec/differential/supervisor/"
local program <const> = assert(arg[1], "the path of pierrot is missing")
local count <const> = tonumber(arg[2]) or 500
local seed <const> = tonumber(arg[3]) or 1

-- Files and programs ---------------------------------------------------------------------------

local function temporary()
  local path = os.tmpname()
  return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

local function write(path, histories)
  local file <close> = assert(io.open(path, "w"))
  for i, lines in ipairs(histories) do
    file:write("history ", i, "\n", table.concat(lines, "\n"), "\n")
  end
end

-- By history, what came of it as one text.
local function read(path)
  local outcomes = {}
  for line in io.lines(path) do
    local number = line:match "^history (%d+)$"
    if number then outcomes[#outcomes + 1] = {} else table.insert(outcomes[#outcomes], line) end
  end
  return outcomes
end

local function run(command, histories)
  local input <close> = temporary()
  local output <close> = temporary()
  write(input.path, histories)
  local passed = os.execute(("timeout -k 1 100 %s %s %s"):format(command, input.path, output.path))
  local outcomes = read(output.path)
  if not passed then
    io.stderr:write(command, " ended or hung in history ", #outcomes, "\n")
  end
  return outcomes
end

local function play(histories)
  local ours = run(("%s --preempt off %splay.lua"):format(program, HERE), histories)
  local theirs = run(("escript %splay.escript"):format(HERE), histories)
  return ours, theirs
end

-- Differences ----------------------------------------------------------------------------------

-- The place of the first line that differs; nil: none does.
local function difference(ours, theirs)
  ours, theirs = ours or {}, theirs or {}
  for i = 1, math.max(#ours, #theirs) do
    if ours[i] ~= theirs[i] then return i end
  end
  return nil
end

local function differs(lines)
  local ours, theirs = play { lines }
  return difference(ours[1], theirs[1]) ~= nil
end

-- Takes out one step after the other as long as it still differs.
local function shortened(lines)
  local i = #lines
  while i > 1 do
    local fewer = table.move(lines, 1, #lines, 1, {})
    table.remove(fewer, i)
    if differs(fewer) then lines = fewer end
    i = i - 1
  end
  return lines
end

local function show(lines)
  local ours, theirs = play { lines }
  local at = difference(ours[1], theirs[1]) or 0
  for i, line in ipairs(lines) do
    print(line)
    if i > 1 and i <= at then print("    " .. tostring(ours[1][i - 1])) end
  end
  print("  pierrot: " .. tostring(ours[1][at]))
  print("  Erlang:  " .. tostring(theirs[1][at]))
end

-- All ------------------------------------------------------------------------------------------

local histories = {}
for number = 1, count do histories[number] = generate(seed, number) end
local ours, theirs = play(histories)
for number, lines in ipairs(histories) do
  if difference(ours[number], theirs[number]) then
    print(("history %d of seed %d differs"):format(number, seed))
    show(shortened(lines))
    os.exit(1)
  end
end
print(("%d histories, 0 differences"):format(count))
