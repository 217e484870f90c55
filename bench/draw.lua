-- SPDX-License-Identifier: MIT
-- Draws what bench/plot has measured:  draw.lua DATA FOLDER [MARKDOWN_FILE]
--
-- DATA: lines `kind <TAB> N <TAB> ns <TAB> bytes`, and behind a # where it was measured. Written
-- are FOLDER/time.svg and FOLDER/memory.svg, and the table into the block `bench/plot` of the file.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../?.lua;" .. package.path

local block = require "bench.block"

local WIDTH <const>, HEIGHT <const> = 720, 420
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 70, 110, 40, 50
local COLOURS <const> = { "#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b", "#444444" }

local CHARTS <const> = {
  { column = "ns", file = "time.svg", title = "CPU time of one, in ns, where there are N" },
  { column = "bytes", file = "memory.svg", title = "Memory of one, in bytes, where there are N" },
}

local function read_data(path)
  local kinds, by_kind, where = {}, {}, "?"
  for line in io.lines(path) do
    local kind, n, ns, bytes = line:match("^([^#\t]+)\t(%d+)\t([%d.]+)\t(-?[%d.]+)$")
    if kind then
      if not by_kind[kind] then
        by_kind[kind] = {}
        kinds[#kinds + 1] = kind
      end
      table.insert(by_kind[kind], { n = tonumber(n), ns = tonumber(ns), bytes = tonumber(bytes) })
    end
    where = line:match("^# (.+)") or where
  end
  return { kinds = kinds, by_kind = by_kind, where = where }
end

-- The chart: both axes by powers of ten.

local function decades(data, column)
  local low, high = math.huge, -math.huge
  for _, points in pairs(data.by_kind) do
    for _, point in ipairs(points) do
      low = math.min(low, math.max(point[column], 1))
      high = math.max(high, math.max(point[column], 1))
    end
  end
  return math.floor(math.log(low, 10) + 1e-9), math.max(1, math.ceil(math.log(high, 10) - 1e-9))
end

local function scale(low, high, from, to)
  return function(value)
    local at = (math.log(math.max(value, 1), 10) - low) / math.max(high - low, 1)
    return from + at * (to - from)
  end
end

local function show_power(power)
  if power < 3 then return ("%d"):format(10 ^ power) end
  return ("%d%s"):format(10 ^ (power % 3), ({ " 000", " 000 000" })[power // 3] or "…")
end

local function line(x1, y1, x2, y2, colour)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>'):format(
    x1, y1, x2, y2, colour)
end

local function text(x, y, anchor, words, colour)
  return ('<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>'):format(
    x, y, anchor, colour or "#222222", words)
end

local function add_grid(svg, x_of, y_of, x_powers, y_powers)
  for power = x_powers[1], x_powers[2] do
    local x = x_of(10 ^ power)
    svg[#svg + 1] = line(x, TOP, x, HEIGHT - BOTTOM, "#dddddd")
    svg[#svg + 1] = text(x, HEIGHT - BOTTOM + 18, "middle", show_power(power))
  end
  for power = y_powers[1], y_powers[2] do
    local y = y_of(10 ^ power)
    svg[#svg + 1] = line(LEFT, y, WIDTH - RIGHT, y, "#dddddd")
    svg[#svg + 1] = text(LEFT - 8, y + 4, "end", show_power(power))
  end
end

-- Labels at the right end, moved apart where lines end close together.
local function place_labels(data, column, y_of)
  local labels = {}
  for i, kind in ipairs(data.kinds) do
    local points = data.by_kind[kind]
    labels[i] = { kind = kind, colour = COLOURS[i] or "#000000", y = y_of(points[#points][column]) }
  end
  table.sort(labels, function(a, b) return a.y < b.y end)
  for i = 2, #labels do labels[i].y = math.max(labels[i].y, labels[i - 1].y + 15) end
  return labels
end

local function add_lines(svg, data, column, x_of, y_of)
  for i, kind in ipairs(data.kinds) do
    local colour, path = COLOURS[i] or "#000000", {}
    for _, point in ipairs(data.by_kind[kind]) do
      local x, y = x_of(point.n), y_of(point[column])
      path[#path + 1] = ("%.1f,%.1f"):format(x, y)
      svg[#svg + 1] = ('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>'):format(x, y, colour)
    end
    svg[#svg + 1] = ('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>'):format(
      table.concat(path, " "), colour)
  end
end

local function draw(data, chart)
  local low, high = decades(data, chart.column)
  local n_low, n_high = math.huge, 0
  for _, points in pairs(data.by_kind) do
    n_low = math.min(n_low, points[1].n)
    n_high = math.max(n_high, points[#points].n)
  end
  local x_powers = {
    math.floor(math.log(n_low, 10) + 1e-9), math.ceil(math.log(n_high, 10) - 1e-9),
  }
  local x_of = scale(x_powers[1], x_powers[2], LEFT, WIDTH - RIGHT)
  local y_of = scale(low, high, HEIGHT - BOTTOM, TOP)
  local svg = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" '
      .. 'font-size="12">'):format(WIDTH, HEIGHT),
    ('<rect width="%d" height="%d" fill="#ffffff"/>'):format(WIDTH, HEIGHT),
    text(LEFT, 22, "start", chart.title),
    text(WIDTH - RIGHT, HEIGHT - 12, "end", "N"),
    text(LEFT, HEIGHT - 12, "start", data.where, "#888888"),
  }
  add_grid(svg, x_of, y_of, x_powers, { low, high })
  add_lines(svg, data, chart.column, x_of, y_of)
  for _, label in ipairs(place_labels(data, chart.column, y_of)) do
    svg[#svg + 1] = text(WIDTH - RIGHT + 8, label.y + 4, "start", label.kind, label.colour)
  end
  svg[#svg + 1] = "</svg>\n"
  return table.concat(svg, "\n")
end

-- The table

local function find(points, n)
  for _, point in ipairs(points) do
    if point.n == n then return point end
  end
end

local function numbers(data)
  local seen, list = {}, {}
  for _, points in pairs(data.by_kind) do
    for _, point in ipairs(points) do
      if not seen[point.n] then
        seen[point.n] = true
        list[#list + 1] = point.n
      end
    end
  end
  table.sort(list)
  return list
end

local function table_of(data)
  local lines = { data.where .. ".", "" }
  local head, rule = { "each of N =" }, { "---" }
  for _, n in ipairs(numbers(data)) do
    head[#head + 1] = (tostring(n):reverse():gsub("(%d%d%d)", "%1 "):reverse():gsub("^ ", ""))
    rule[#rule + 1] = "---:"
  end
  lines[#lines + 1] = "| " .. table.concat(head, " | ") .. " |"
  lines[#lines + 1] = "| " .. table.concat(rule, " | ") .. " |"
  for _, chart in ipairs(CHARTS) do
    for _, kind in ipairs(data.kinds) do
      local row = { kind .. ", " .. chart.column }
      for _, n in ipairs(numbers(data)) do
        local point = find(data.by_kind[kind], n)
        row[#row + 1] = point and ("%.0f"):format(point[chart.column]) or ""
      end
      lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function main(data_path, folder, markdown)
  local data = read_data(data_path)
  if #data.kinds == 0 then error("no figures in " .. data_path, 0) end
  for _, chart in ipairs(CHARTS) do
    local file <close> = assert(io.open(folder .. "/" .. chart.file, "w"))
    assert(file:write(draw(data, chart)))
  end
  if markdown then assert(block.replace(markdown, "bench/plot", table_of(data))) end
end

main(arg[1], arg[2], arg[3])
