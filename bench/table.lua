-- SPDX-License-Identifier: MIT
-- Prints the table of bench/compare:  table.lua RESULTS SCHEDULERS [MARKDOWN_FILE...]
--
-- RESULTS holds lines `side <TAB> name <TAB> value <TAB> unit`; the sides are "beam" and "pierrot",
-- and "beam_one" and "pierrot_one" for call_pairs on one scheduler. Of several values the median
-- counts. A line `#otp <TAB> release` names the BEAM's release.
--
-- In a Markdown file the block `bench/compare, N scheduler(s)` is written, see block.lua.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../?.lua;" .. package.path

local block = require "bench.block"
local budgets = require "bench.budgets"
local harness = require "bench.harness"
local machine = require "bench.machine"

local HEADINGS <const> = { "figure", "unit", "BEAM", "pierrot", "ratio", "must", "aim", "verdict" }

-- Reading

local function read_results(path)
  local sides, order, units, otp = {}, {}, {}, nil
  for line in io.lines(path) do
    local side, name, value, unit = line:match("^([^#\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)$")
    if side then
      local side_values = sides[side] or {}
      sides[side] = side_values
      if not side_values[name] then
        side_values[name] = {}
        if side == "pierrot" then order[#order + 1] = name end
      end
      table.insert(side_values[name], tonumber(value))
      units[name] = unit
    end
    otp = otp or line:match("^#otp\t(.+)$")
  end
  for _, values in pairs(sides) do
    for name, list in pairs(values) do values[name] = harness.median(list) end
  end
  return { sides = sides, order = order, units = units, otp = otp }
end

-- A figure of our own making: how many times more call_pairs do on several schedulers.
local function add_gain(results)
  local sides = results.sides
  local function gain(side)
    local one, all = sides[side .. "_one"], sides[side]
    if one and one.call_pairs and all and all.call_pairs then
      all.call_pairs_gain = all.call_pairs / one.call_pairs
    end
  end
  gain("beam")
  gain("pierrot")
  if sides.pierrot and sides.pierrot.call_pairs_gain then
    for i, name in ipairs(results.order) do
      if name == "call_pairs" then table.insert(results.order, i + 1, "call_pairs_gain") end
    end
    results.units.call_pairs_gain = "x of one"
  end
end

-- Judging

local function more_is_better(unit)
  return unit:find("/s$") ~= nil or unit == "x of one"
end

local function times_better(unit, theirs, ours)
  if not theirs or theirs == 0 or ours == 0 then return nil end
  return more_is_better(unit) and ours / theirs or theirs / ours
end

-- What the budget bounds: the ratio, or the figure itself.
local function verdict(budget, ours, ratio)
  local value = ratio
  if budget.limit then value = ours end
  if not value then return "" end
  local function reaches(bound)
    if budget.limit == "most" then return value <= bound end
    return value >= bound
  end
  return reaches(budget.aim) and "aim" or reaches(budget.must) and "must" or "below"
end

-- Showing

local function show_number(value)
  if not value then return "-" end
  if value < 1000 then return (string.format("%.3f", value):gsub("%.?0+$", "")) end
  local digits = string.format("%.0f", value)
  return (digits:reverse():gsub("(%d%d%d)", "%1 "):reverse():gsub("^ ", ""))
end

local function show_ratio(ratio)
  return ratio and string.format("%.2fx", ratio) or "-"
end

local function show_bound(budget, bound)
  if not bound then return "" end
  if budget.limit then return (budget.limit == "most" and "<= " or ">= ") .. show_number(bound) end
  return string.format("%.4gx", bound)
end

local function make_row(results, schedulers, name)
  local budget = budgets[name] or {}
  local ours = results.sides.pierrot[name]
  local theirs = (results.sides.beam or {})[budget.beam or name]
  local unit = results.units[name]
  local ratio = times_better(unit, theirs, ours)
  local applies = budget.must and (budget.schedulers or 1) == schedulers
  return {
    name, unit, show_number(theirs), show_number(ours), show_ratio(ratio),
    applies and show_bound(budget, budget.must) or "",
    applies and show_bound(budget, budget.aim) or "",
    applies and verdict(budget, ours, ratio) or "",
  }
end

local function widths(rows)
  local result = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do result[i] = math.max(result[i] or 0, #cell) end
  end
  return result
end

-- The first two columns and the last hold words, the others numbers.
local function show_rows(rows, before, between, after, on_heading)
  local width = widths(rows)
  local lines = {}
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(width[i] - #cell)
      cells[i] = (i <= 2 or i == #row) and cell .. pad or pad .. cell
    end
    local line = before .. table.concat(cells, between) .. after
    lines[#lines + 1] = (line:gsub("%s+$", "")) .. "\n"
    if n == 1 then lines[#lines + 1] = on_heading end
  end
  return table.concat(lines)
end

local function plural(schedulers)
  return ("%d scheduler%s"):format(schedulers, schedulers == 1 and "" or "s")
end

local function headline(results, schedulers)
  return ("%s; %s; %s"):format(machine(), plural(schedulers),
    results.otp and "BEAM: Erlang/OTP " .. results.otp or "no BEAM figures")
end

local function markdown(rows, results, schedulers)
  return headline(results, schedulers) .. ".\n\n"
    .. show_rows(rows, "| ", " | ", " |", "| --- | --- " .. ("| ---: "):rep(5) .. "| --- |\n")
    .. "\nThe ratio is how many times better than the BEAM: faster, or smaller.\n"
end

local function main(results_path, schedulers, ...)
  local results = read_results(results_path)
  if #results.order == 0 then error("no figures of ours", 0) end
  add_gain(results)
  local rows = { HEADINGS }
  for _, name in ipairs(results.order) do rows[#rows + 1] = make_row(results, schedulers, name) end

  print(headline(results, schedulers))
  print()
  io.write(show_rows(rows, "", "  ", "", ""))
  for _, path in ipairs { ... } do
    local text = markdown(rows, results, schedulers)
    local done, reason = block.replace(path, "bench/compare, " .. plural(schedulers), text)
    if not done then
      io.stderr:write(reason, "\n")
      os.exit(1)
    end
  end
end

main(arg[1], tonumber(arg[2]), table.unpack(arg, 3))
