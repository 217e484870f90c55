--- Processes as a tree: each below the one that started it, or, where that has ended, below its
--- nearest ancestor that lives.

local pierrot = require "pierrot"

local ITEMS <const> = { "name", "ancestors", "initial_call", "mailbox", "status" }
local LINES_MAX <const> = 500

local M = {}

-- Where a process is in code that is not pierrot's own.
local function place_of(pid)
  for place in (pierrot.info(pid, "current_stacktrace") or ""):gmatch "\n\t([^\n:]+:%d+): in" do
    if not place:find "^pierrot/" then return place end
  end
end

-- Of a function that was spawned, which has no name, where it is says more.
local function what_runs(pid, about)
  local call = about.initial_call or "process"
  local place = call == "function" and place_of(pid)
  return place and "function at " .. place or call
end

local function describe(pid, about)
  local name = about.name and " " .. pierrot.inspect(about.name) or ""
  local mailbox = about.mailbox > 0 and (", %d in its mailbox"):format(about.mailbox) or ""
  return ("%s%s %s, %s%s"):format(tostring(pid), name, what_runs(pid, about), about.status,
    mailbox)
end

-- All that live, in the order in which they are listed, and what is known of each.
local function survey()
  local known, order = {}, {}
  for _, pid in ipairs(pierrot.processes()) do
    local about = pierrot.info(pid, ITEMS)
    if about then
      known[pid] = about
      order[#order + 1] = pid
    end
  end
  return known, order
end

local function parent_of(about, known)
  for _, ancestor in ipairs(about.ancestors) do
    if known[ancestor] then return ancestor end
  end
end

local function group(known, order)
  local roots, children = {}, {}
  for _, pid in ipairs(order) do
    local parent = parent_of(known[pid], known)
    local list = roots
    if parent then
      list = children[parent] or {}
      children[parent] = list
    end
    list[#list + 1] = pid
  end
  return roots, children
end

--- The lines of the tree below `top`, or of all.
---@param top? userdata pid
---@return string[]
function M.lines(top)
  local known, order = survey()
  local roots, children = group(known, order)
  local lines = {}
  local function add(pid, depth)
    if #lines >= LINES_MAX then return end
    lines[#lines + 1] = ("  "):rep(depth) .. describe(pid, known[pid])
    for _, child in ipairs(children[pid] or {}) do add(child, depth + 1) end
  end
  for _, pid in ipairs(top and known[top] and { top } or top and {} or roots) do add(pid, 0) end
  if #lines >= LINES_MAX then
    lines[#lines + 1] = ("… (%d processes in all)"):format(#order)
  end
  return lines
end

return M
