-- SPDX-License-Identifier: MIT
--- Histories of a supervisor from a seed and a number, as lines of text; docs/differential.md says
--- what each means.

local IDS <const> = { "a", "b", "c", "d", "e" }
local REASONS <const> = { "normal", "shutdown", "shutdown_x", "sour", "kill" }
local STRATEGIES <const> = { "one_for_one", "one_for_all", "rest_for_one" }
local AUTO_SHUTDOWNS <const> = { "never", "never", "any_significant", "all_significant" }
local OUTCOMES <const> = { "ok", "ok", "ok", "error", "ignore", "exit" }
local MAX_STARTS <const> = 4 -- with an outcome of their own; the later ones are "ok"

local function one_of(list)
  return list[math.random(#list)]
end

local function plan()
  local outcomes = {}
  for i = 1, math.random(0, MAX_STARTS) do outcomes[i] = one_of(OUTCOMES) end
  return #outcomes == 0 and "-" or table.concat(outcomes, ",")
end

-- Mostly what a supervisor takes: a permanent child, or any that nobody looks at, is significant to
-- nobody.
local function significance(auto_shutdown, restart)
  local is_senseless = auto_shutdown == "never" or restart == "permanent"
  return tostring(math.random() < (is_senseless and 0.03 or 0.3))
end

-- So many ids, each once.
local function some_ids(n)
  local chosen, seen = {}, {}
  for _ = 1, n do
    local id = one_of(IDS)
    if not seen[id] then chosen[#chosen + 1] = id end
    seen[id] = true
  end
  return chosen
end

local function joined(list)
  return #list == 0 and "-" or table.concat(list, ";")
end

local steps = {}

function steps.start(flags)
  local restart = one_of { "permanent", "transient", "temporary" }
  return { "start", one_of(IDS), restart, significance(flags.auto_shutdown, restart), plan() }
end

function steps.ask() return { one_of { "terminate", "restart", "delete" }, one_of(IDS) } end

steps["end"] = function() return { "end", one_of(IDS), one_of(REASONS) } end

function steps.burst()
  local ends = some_ids(math.random(4))
  for i, id in ipairs(ends) do ends[i] = id .. ":" .. one_of(REASONS) end
  local asked = one_of { "nothing", "stop", "terminate", "restart", "delete" }
  return { "burst", joined(ends), asked, one_of(IDS) }
end

-- Not temporary: one that is known and was never started is kept by the one, and not by the other,
-- when its first start is ignored.
function steps.change(flags)
  flags.auto_shutdown = one_of(AUTO_SHUTDOWNS)
  local specs = some_ids(math.random(0, 4))
  for i, id in ipairs(specs) do
    local restart = one_of { "permanent", "transient" }
    local significant = significance(flags.auto_shutdown, restart)
    specs[i] = table.concat({ id, restart, significant, plan() }, ":")
  end
  return { "change", one_of(STRATEGIES), one_of { 1, 3, 6 }, flags.auto_shutdown, joined(specs) }
end

-- How often each comes, in all of 20.
local SHARES <const> = { start = 7, ask = 5, ["end"] = 4, burst = 3, change = 1 }

local function bag()
  local kinds = {}
  for _, kind in ipairs { "start", "ask", "end", "burst", "change" } do
    for _ = 1, SHARES[kind] do kinds[#kinds + 1] = kind end
  end
  return kinds
end

--- The lines of a history; the same for the same two numbers.
return function(seed, number)
  math.randomseed(seed, number)
  local flags, kinds = { auto_shutdown = one_of(AUTO_SHUTDOWNS) }, bag()
  local lines = {
    ("supervisor %s %d %s"):format(one_of(STRATEGIES), one_of { 0, 1, 3, 6 }, flags.auto_shutdown),
  }
  for _ = 1, math.random(5, 25) do
    lines[#lines + 1] = table.concat(steps[one_of(kinds)](flags), " ")
  end
  return lines
end
