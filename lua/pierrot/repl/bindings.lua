--- The names that the prompt knows besides the globals: what was declared `local` there, `_`, and,
--- where no global has the name, the prompt's own functions.
--
-- A binding is a cell: a function whose first upvalue holds the value, and which closures share.

local Bindings = {}
Bindings.__index = Bindings

local M = {}

local function new_cell(value)
  return function() return value end
end

--- Bindings without any value yet.
---@param helpers table<string, any> found where neither a binding nor a global has the name
---@return table
function M.new(helpers)
  return setmetatable({ cells = {}, helpers = helpers, lent = {} }, Bindings)
end

--- Whether the name is not to be taken for a global.
---@param name string
---@return boolean
function Bindings:has(name)
  if self.cells[name] then return true end
  return rawget(_G, name) == nil and self.helpers[name] ~= nil
end

--- The cell of a name. One of the prompt's own functions is lent: if it is assigned to, it becomes
--- a binding (see settle).
---@param name string
---@return function
function Bindings:cell(name)
  local cell = self.cells[name] or self.lent[name]
  if not cell then
    cell = new_cell(self.helpers[name])
    self.lent[name] = cell
  end
  return cell
end

--- The value of a name; globals do not count.
---@param name string
---@return any
function Bindings:get(name)
  local cell = self.cells[name]
  if cell then return cell() end
  return self.helpers[name]
end

---@param name string
---@param value any
function Bindings:set(name, value)
  local cell = self.cells[name]
  if cell then debug.setupvalue(cell, 1, value) else self.cells[name] = new_cell(value) end
end

--- Takes over what the getter returns, in the order of `names`: its upvalues by their cells, and
--- constants, which are none, by value.
---@param getter function
---@param names string[]
function Bindings:keep(getter, names)
  if type(getter) ~= "function" or names == nil then return end -- not called by what code.lua adds
  local values = table.pack(getter())
  for i, name in ipairs(names) do self.cells[name] = new_cell(values[i]) end
  local i, name = 1, debug.getupvalue(getter, 1)
  while name do
    if self.cells[name] then debug.upvaluejoin(self.cells[name], 1, getter, i) end
    i = i + 1
    name = debug.getupvalue(getter, i)
  end
end

--- After an input: what it has assigned to a lent name becomes a binding.
function Bindings:settle()
  for name, cell in next, self.lent do
    if cell() ~= self.helpers[name] then self.cells[name] = cell end
  end
  self.lent = {}
end

--- Names of all bindings, sorted.
---@return string[]
function Bindings:names()
  local names = {}
  for name in next, self.cells do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Forgets a binding.
---@param name string
function Bindings:forget(name)
  self.cells[name] = nil
end

return M
