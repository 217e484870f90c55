--- A map whose keys are the ids of children: any values that can be sent, tables equal by what they
--- hold. Whatever the keys are, finding one costs the same however many there are.

local same = require "pierrot.same"

local M = {}

-- The text of a value, the same for equal ones: 1 and 1.0 are equal, tables are told apart later.
local function show(value)
  if math.type(value) == "float" then
    if value ~= value then return "nan" end
    value = math.tointeger(value) or value
  end
  local kind = type(value)
  return kind == "table" and kind or kind .. tostring(value)
end

-- A text that tables of equal contents have in common, and others hardly ever.
local function digest(id)
  local parts = {}
  for key, value in next, id do parts[#parts + 1] = show(key) .. "=" .. show(value) end
  table.sort(parts)
  return table.concat(parts, ",")
end

--- An empty map.
---@return table
function M.new()
  return { plain = {}, digests = {} }
end

-- The list of entries where a table's is, and its place in it.
local function seek(map, id)
  local text = digest(id)
  local list = map.digests[text]
  for i, entry in ipairs(list or {}) do
    if same(entry.id, id) then return text, list, i end
  end
  return text, list, nil
end

--- The value of that id, or nil.
---@param map table
---@param id any
---@return any
function M.find(map, id)
  if type(id) ~= "table" then return map.plain[id] end
  local _, list, i = seek(map, id)
  return i and list[i].value
end

--- Gives the id a value; it has none so far.
---@param map table
---@param id any
---@param value any
function M.add(map, id, value)
  if type(id) ~= "table" then
    map.plain[id] = value
    return
  end
  local text = digest(id)
  local list = map.digests[text] or {}
  map.digests[text] = list
  list[#list + 1] = { id = id, value = value }
end

--- Forgets the id.
---@param map table
---@param id any
function M.remove(map, id)
  if type(id) ~= "table" then
    map.plain[id] = nil
    return
  end
  local text, list, i = seek(map, id)
  if not i then return end
  table.remove(list, i)
  if #list == 0 then map.digests[text] = nil end
end

return M
