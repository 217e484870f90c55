-- SPDX-License-Identifier: MIT
-- The benchmark harness: repetitions, figures, fresh client processes, keys.
--
-- A workload script hands `main` a table of functions by workload name; the name to run is the
-- script's first argument. Each result is one line, `name <TAB> value <TAB> unit`; the value is
-- the median of 5 timed repetitions after one that warms up (BENCH_REPS changes the 5). With
-- BENCH_VERBOSE=1 every repetition's value goes to stderr as `#rep <TAB> name <TAB> value`. With
-- BENCH_SMOKE=1 all counts shrink a thousandfold: a test that the suite runs, not a measurement.

local logger = require "pierrot.logger"
local pierrot = require "pierrot"

local NS_PER_MS <const> = 1e6
local POLL_MS <const> = 1
local WAIT_LIMIT_MS <const> = 300000

local VERBOSE <const> = os.getenv("BENCH_VERBOSE") == "1"
local SMOKE <const> = os.getenv("BENCH_SMOKE") == "1"
local REPS <const> = tonumber(os.getenv("BENCH_REPS") or 5)

local M = {}

-- Placement. Far is the last scheduler: the other one of two, the same one of one.
M.near = { scheduler = 1 }
M.far = { scheduler = pierrot.schedulers() }

-- Figures

--- The value in the middle; of an even number the lower one.
---@param values number[]
---@return number
function M.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

---@param percent number
---@param sorted number[]
---@return number
function M.percentile(percent, sorted)
  return sorted[math.max(1, math.ceil(#sorted * percent / 100))]
end

local function show(value)
  if math.type(value) == "integer" then return tostring(value) end
  return string.format(value >= 1000 and "%.0f" or "%.3f", value)
end

--- Prints the median of `values`.
---@param name string
---@param unit string
---@param values number[]
function M.report(name, unit, values)
  if VERBOSE then
    for _, value in ipairs(values) do
      io.stderr:write("#rep\t", name, "\t", show(value), "\n")
    end
  end
  io.stdout:write(name, "\t", show(M.median(values)), "\t", unit, "\n")
  io.stdout:flush()
end

--- Runs `rep` once to warm up, then for the record; a list of what each returned.
---@generic T
---@param rep fun(): T
---@return T[]
function M.repetitions(rep)
  rep()
  local results = {}
  for i = 1, REPS do results[i] = rep() end
  return results
end

--- The list of `fn(value)`.
---@generic T, U
---@param values T[]
---@param fn fun(value: T): U
---@return U[]
function M.map(values, fn)
  local results = {}
  for i, value in ipairs(values) do results[i] = fn(value) end
  return results
end

--- Reports operations a second; `rep` returns the nanoseconds that `ops` of them took.
---@param name string
---@param unit string
---@param ops integer
---@param rep fun(): number
function M.rate(name, unit, ops, rep)
  M.report(name, unit, M.map(M.repetitions(rep), function(ns) return ops * 1e9 / ns end))
end

-- Running

--- Elapsed nanoseconds of `fn(...)`.
---@param fn function
---@return number
function M.timed(fn, ...)
  local start = pierrot.now()
  fn(...)
  return (pierrot.now() - start) * NS_PER_MS
end

--- Runs `fn` in a fresh process and returns its result; what ends that process is an error here.
---@generic T
---@param opts table  of spawn_opt
---@param fn fun(): T
---@return T
function M.in_process(opts, fn)
  local parent, tag = pierrot.self(), pierrot.make_ref()
  local spawn_opts = { monitor = true }
  for key, value in pairs(opts) do spawn_opts[key] = value end

  local _, monitor = pierrot.spawn_opt(spawn_opts, function()
    pierrot.send(parent, { tag, fn() })
  end)

  local msg = pierrot.receive(pierrot.one_of({ tag }, { "DOWN", monitor }))
  if msg[1] == "DOWN" then error("workload failed: " .. pierrot.inspect(msg[5]), 0) end
  pierrot.demonitor(monitor, { flush = true })
  return msg[2]
end

--- Waits until `condition` holds, looking every millisecond.
---@param condition fun(): any
function M.wait_until(condition)
  local deadline = pierrot.now() + WAIT_LIMIT_MS
  while not condition() do
    if pierrot.now() > deadline then error("waited in vain", 2) end
    pierrot.sleep(POLL_MS)
  end
end

--- Receives `message` n times.
---@param message any  a pattern
---@param n integer
function M.receive_count(message, n)
  local receive <const> = pierrot.receive
  for _ = 1, n do receive(message) end
end

--- Kills the processes and waits until they are gone.
---@param pids userdata[]
function M.stop_all(pids)
  local monitors = M.map(pids, pierrot.monitor)
  for _, pid in ipairs(pids) do
    pierrot.unlink(pid)
    pierrot.exit(pid, "kill")
  end
  for _, monitor in ipairs(monitors) do pierrot.receive({ "DOWN", monitor }) end
end

-- Material

--- How often a workload does something: `n`, or much less in a smoke test.
---@param n integer
---@return integer
function M.count(n)
  return SMOKE and math.max(n // 1000, 10) or n
end

--- The keys `prefix000001`, `prefix000002`, ..., in order or shuffled with a fixed seed.
---@param prefix string
---@param count integer
---@param order "in_order"|"shuffled"
---@return string[]
function M.keys(prefix, count, order)
  local keys = {}
  for i = 1, count do keys[i] = string.format("%s%06d", prefix, i) end
  if order == "shuffled" then
    math.randomseed(1, 2)
    for i = count, 2, -1 do
      local j = math.random(i)
      keys[i], keys[j] = keys[j], keys[i]
    end
  end
  return keys
end

--- The resident set of this program in bytes, as the operating system sees it.
---@return integer
function M.rss()
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match("VmRSS:%s+(%d+) kB")) * 1024
end

-- Entry

--- A workload that makes sense on two schedulers only.
---@param name string
---@param fn fun()
---@return fun()
function M.two_schedulers(name, fn)
  return function()
    if pierrot.schedulers() > 1 then return fn() end
    io.stderr:write("# ", name, ": needs 2 schedulers, skipped\n")
  end
end

--- Runs the workload that the command line names.
---@param workloads table<string, fun()>
function M.main(workloads)
  local name = arg[1]
  local workload = workloads[name] or error("unknown workload: " .. tostring(name), 0)
  logger.set_level("none")      -- crash reports are not timed
  workload()
end

return M
