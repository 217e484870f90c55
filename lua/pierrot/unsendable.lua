--- Why a value cannot be sent: the text of the error, with the place of what stands in the way.

local core = require "pierrot.core"
local inspect = require "pierrot.inspect"

local STEPS <const> = 20 -- of a path, the last ones

local SENDABLE <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local function is_sendable(value)
  local kind = type(value)
  return SENDABLE[kind] or (kind == "userdata" and core.is_sendable(value))
end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$"
end

-- A search goes over tables in the order in which they are found, however deep they lie: queue
-- holds them, parents the place in it of the table that each was found in, steps under which key.
local function new_search(root)
  return { queue = { root }, parents = { 0 }, steps = { "" }, seen = { [root] = true } }
end

local function add(search, parent, step, value)
  if search.seen[value] then return end
  search.seen[value] = true
  local n = #search.queue + 1
  search.queue[n], search.parents[n], search.steps[n] = value, parent, step
end

local function step_of(key)
  if is_name(key) then return "." .. key end
  return "[" .. (type(key) == "table" and "a table" or inspect(key)) .. "]"
end

local function path_to(search, at, last)
  local steps = { last }
  while search.parents[at] ~= 0 and #steps < STEPS do
    table.insert(steps, 1, search.steps[at])
    at = search.parents[at]
  end
  return (search.parents[at] ~= 0 and "…" or "") .. table.concat(steps)
end

local function place(words, path)
  if words == "" and path == "" then return "" end
  if path == "" then return " (" .. words .. ")" end
  return (" (%sat %s)"):format(words == "" and "" or words .. " ", path)
end

-- Looks at one table; the text when something in it cannot be sent.
local function look_into(search, at)
  for key, value in next, search.queue[at] do
    if type(key) == "table" then
      add(search, at, "[a table]", key)
    elseif not is_sendable(key) then
      return ("cannot send a %s%s"):format(type(key), place("as a key", path_to(search, at)))
    end
    if type(value) == "table" then
      add(search, at, step_of(key), value)
    elseif not is_sendable(value) then
      return ("cannot send a %s%s"):format(type(value),
        place("", path_to(search, at, step_of(key))))
    end
  end
  return nil
end

--- The first thing in the value that cannot be sent.
---@param value any
---@return string
return function(value)
  if type(value) ~= "table" then return "cannot send a " .. type(value) end
  local search, at = new_search(value), 1
  while search.queue[at] do
    local text = look_into(search, at)
    if text then return text end
    at = at + 1
  end
  return "cannot send a " .. type(value)
end
