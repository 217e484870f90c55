-- SPDX-License-Identifier: MIT
--- A crowd of processes: starts very many, has each answer, stops each, and compares the bytes in
-- use before and afterwards.

local pierrot = require "pierrot"

local crowd = {}

-- What tables of the runtime may keep of their largest size, a process.
local bytes_kept_each <const> = 40

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

--- Carries out the plan. Ends the program with status 1 if an answer was wrong or bytes were kept.
---@param plan crowd.plan
function crowd.run(plan)
  local count = plan.count
  report("%d %s", count, plan.what)
  local pids = {}
  for i = 1, count do
    pids[i] = false
  end
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

  local kept = bytes_in_use() - before
  report("bytes kept: %d", kept)
  assert(#pierrot.processes() == processes_before, "some of them live on")
  assert(kept <= bytes_kept_each * count, "bytes were kept")
  print("all is well")
end

return crowd
