-- SPDX-License-Identifier: MIT
--- A crowd of processes: starts very many, has each answer, stops each, twice over, and compares
-- the bytes in use before and afterwards. Tables that grew with the first crowd may stay as large;
-- the second crowd must not add to them.

local pierrot = require "pierrot"

local crowd = {}

-- What tables of the runtime may keep of their largest size, a process of the first crowd; and what
-- the second crowd may add in all.
local bytes_kept_each <const> = 40
local bytes_added <const> = 1000000

local function bytes_in_use()
  collectgarbage()
  collectgarbage()
  return pierrot.memory().total
end

local function report(text, ...)
  print(text:format(...))
end

--- Runs `step(i)` for 1 to count and reports how long one took.
local function run_phase(name, count, step)
  local start = pierrot.now()
  for i = 1, count do
    step(i)
  end
  local elapsed_ms = pierrot.now() - start
  report("%-8s %8.2f s, %8.0f ns each", name, elapsed_ms / 1000, elapsed_ms * 1e6 / count)
end

---@class crowd.plan
---@field what string
---@field count integer
---@field start fun(number: integer): pid
---@field check fun(pid: pid, number: integer): boolean
---@field stop fun(pid: pid)

-- One crowd comes and goes. Gives the bytes in use afterwards.
local function run_once(plan, pids)
  local count = plan.count
  local processes_before = #pierrot.processes()
  local before = bytes_in_use()

  run_phase("start", count, function(i) pids[i] = assert(plan.start(i)) end)
  local during = bytes_in_use()
  report("bytes each: %.0f", (during - before) / count)
  assert(#pierrot.processes() == processes_before + count, "not all of them live")
  run_phase("answer", count, function(i)
    if not plan.check(pids[i], i) then
      error("a wrong answer of number " .. i)
    end
  end)
  run_phase("stop", count, function(i) plan.stop(pids[i]) end)

  local after = bytes_in_use()
  report("bytes kept: %d", after - before)
  assert(#pierrot.processes() == processes_before, "some of them live on")
  return after
end

--- Carries out the plan. Ends the program with status 1 if an answer was wrong or bytes were kept.
---@param plan crowd.plan
function crowd.run(plan)
  report("%d %s", plan.count, plan.what)
  local pids = {}
  for i = 1, plan.count do
    pids[i] = false
  end

  local before = bytes_in_use()
  local first = run_once(plan, pids)
  local second = run_once(plan, pids)

  assert(first - before <= bytes_kept_each * plan.count, "bytes were kept")
  assert(second - first <= bytes_added, "the second crowd kept bytes")
  print("all is well")
end

return crowd
