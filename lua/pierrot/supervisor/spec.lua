--- Child specs: their forms, defaults, and what is wrong with them as a text.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local ids = require "pierrot.supervisor.ids"

local M = {}

local RESTARTS <const> = { permanent = true, transient = true, temporary = true }
local TYPES <const> = { worker = true, supervisor = true }
local SENDABLE <const> = { string = true, number = true, boolean = true, table = true }
local WORKER_SHUTDOWN <const> = 5000

-- Checks ---------------------------------------------------------------------------------------

--- An id as a supervisor has it: a table is its own, for whoever made it may change it; a module,
--- which cannot be sent, goes by its name.
---@param id any
---@return any
function M.own_id(id)
  if type(id) ~= "table" then return id end
  local copy = core.snapshots({ id }, 1, 1)
  if not rawequal(copy, id) then return copy end
  return require("pierrot.start").module_name(id) or tostring(id)
end

local function own_modules(modules)
  if type(modules) ~= "table" then return modules end
  local list = {}
  for i, module in ipairs(modules) do list[i] = M.own_id(module) end
  return list
end

local function is_id(value)
  if value ~= value then return false end
  return SENDABLE[type(value)] or (type(value) == "userdata" and core.is_sendable(value))
end

local function is_start(value)
  if type(value) == "function" then return true end
  if type(value) ~= "table" or type(value[2]) ~= "string" then return false end
  return type(value[1]) == "string" or type(value[1]) == "table"
end

local function is_shutdown(value)
  if value == "brutal_kill" or value == "infinity" then return true end
  return type(value) == "number" and value >= 0
end

local function is_modules(value)
  if type(value) ~= "table" then return value == nil or value == "dynamic" end
  for _, module in ipairs(value) do
    if not is_id(module) then return false end
  end
  return true
end

-- Field, test, what is expected.
local RULES <const> = {
  { "id", is_id, "a value that can be sent" },
  { "start", is_start, "function or {module, function, …}" },
  { "restart", function(value) return RESTARTS[value] end,
    '"permanent", "transient" or "temporary"' },
  { "shutdown", is_shutdown, 'milliseconds, "brutal_kill" or "infinity"' },
  { "type", function(value) return TYPES[value] end, '"worker" or "supervisor"' },
  { "significant", function(value) return type(value) == "boolean" end, "boolean" },
  { "modules", is_modules, 'list or "dynamic"' },
}

local function fault_of(spec, field, expected, value)
  local whose = spec.id ~= nil and " " .. argument.show(spec.id) or ""
  return ("bad field '%s' of child spec%s (%s expected, got %s)"):format(field, whose, expected,
    argument.show(value))
end

-- "some.module:fn" is {"some.module", "fn"}.
local function read_start(start)
  local module, name
  if type(start) == "string" then module, name = start:match "^([^:]+):([%w_]+)$" end
  if module then return { module, name } end
  return start
end

local function with_defaults(spec)
  local kind = spec.type == nil and "worker" or spec.type
  local shutdown = spec.shutdown
  if shutdown == nil then shutdown = kind == "supervisor" and "infinity" or WORKER_SHUTDOWN end
  if shutdown == math.huge then shutdown = "infinity" end
  return {
    id = M.own_id(spec.id), start = read_start(spec.start), type = kind, shutdown = shutdown,
    modules = own_modules(spec.modules),
    restart = spec.restart == nil and "permanent" or spec.restart,
    significant = spec.significant or false,
  }
end

local function largest_index(list)
  local n = 0
  for key in next, list do
    if math.type(key) == "integer" and key > n then n = key end
  end
  return n
end

--- A spec table with its defaults, of its own; or what is wrong with it. Unknown fields are left
--- out. `any_id`: it needs none.
---@param spec table
---@param any_id? boolean
---@return table|nil child, string|nil fault
function M.check(spec, any_id)
  local child = with_defaults(spec)
  if any_id and child.id == nil then child.id = false end
  for _, rule in ipairs(RULES) do
    local field, is_good, expected = rule[1], rule[2], rule[3]
    if not is_good(child[field]) then return nil, fault_of(spec, field, expected, child[field]) end
  end
  if child.significant and child.restart == "permanent" then
    return nil, fault_of(spec, "significant", "false where restart is permanent", true)
  end
  if type(child.start) == "table" then
    local n = largest_index(child.start)
    child.start = table.move(child.start, 1, n, 1, { n = n })
  end
  if not child.modules then
    local module = type(child.start) == "table" and child.start[1]
    child.modules = { type(module) == "string" and module or nil }
  end
  return child
end

--- Whether the specs go together and with the options of their supervisor: what is wrong, or nil.
---@param list table[]
---@param auto_shutdown string
---@return string|nil fault
function M.fault_of_list(list, auto_shutdown)
  local known = ids.new()
  for _, child in ipairs(list) do
    local id = child.id
    if ids.find(known, id) then return "duplicate id of child specs: " .. argument.show(id) end
    ids.add(known, id, true)
    local fault = M.fault_of_significance(child, auto_shutdown)
    if fault then return fault end
  end
  return nil
end

--- A significant child wants a supervisor that looks at it.
---@param child table
---@param auto_shutdown string
---@return string|nil fault
function M.fault_of_significance(child, auto_shutdown)
  if not child.significant or auto_shutdown ~= "never" then return nil end
  return fault_of(child, "significant", 'false where auto_shutdown is "never"', true)
end

-- Forms ----------------------------------------------------------------------------------------

local function is_module(x)
  return type(x.child_spec) == "function" or type(x.init) == "function" or
    type(x.start_link) == "function"
end

local function load_module(module)
  if type(module) == "table" then return module end
  local loaded, found = pcall(require, module)
  if not loaded then return nil, tostring(found) end
  if type(found) ~= "table" then
    return nil, ("bad child spec (module expected, '%s' is a %s)"):format(module, type(found))
  end
  return found
end

-- What a child_spec says of its argument is said of whoever gave that: it is returned. Any other
-- error of it goes on as it is.
local function call_child_spec(child_spec, arg)
  local ok, spec = pcall(child_spec, arg)
  if ok then return spec end
  if type(spec) == "string" and spec:find "^bad " then return nil, spec end
  error(spec, 0)
end

local function from_module(module, arg)
  local loaded, fault = load_module(module)
  if not loaded then return nil, fault end
  if not is_module(loaded) then
    return nil, ("bad child spec (module%s has no child_spec, start_link or init)"):format(
      type(module) == "string" and " '" .. module .. "'" or "")
  end
  local spec
  if loaded.child_spec then
    spec, fault = call_child_spec(loaded.child_spec, arg)
    if fault then return nil, fault end
  else
    spec = require("pierrot.gen_server").child_spec(module, arg)
  end
  if type(spec) == "table" then return spec end
  return nil, ("bad child spec (table expected, child_spec gave %s)"):format(argument.show(spec))
end

--- The spec table of any form: a module by table or name, {module, arg}, or a spec itself.
---@param x any
---@return table|nil spec, string|nil fault
function M.expand(x)
  if type(x) == "string" then return from_module(x) end
  if type(x) ~= "table" then
    return nil, ("bad child spec (table, module or {module, arg} expected, got %s)")
      :format(argument.show(x))
  end
  if is_module(x) then return from_module(x) end
  local module = x[1]
  if x.id == nil and x.start == nil and (type(module) == "string" or type(module) == "table") then
    return from_module(module, x[2])
  end
  return x
end

--- A child of any form, checked, with its defaults; or what is wrong.
---@param x any
---@param any_id? boolean
---@return table|nil child, string|nil fault
function M.read(x, any_id)
  local spec, fault = M.expand(x)
  if not spec then return nil, fault end
  return M.check(spec, any_id)
end

-- What is in a list at no place of it: a single spec in its place, or children with names or beyond
-- a gap, would be passed over without a word.
local function stray_key(list)
  local n = #list
  for key in next, list do
    if key ~= "n" and (math.type(key) ~= "integer" or key < 1 or key > n) then return key end
  end
  return nil
end

--- A list of children.
---@param list any
---@return table[]|nil children, string|nil fault
function M.read_list(list)
  if type(list) ~= "table" then
    return nil, ("bad children (list expected, got %s)"):format(argument.show(list))
  end
  local stray = stray_key(list)
  if stray ~= nil then
    return nil, ("bad children (list expected, got a table with %s)"):format(argument.show(stray))
  end
  local children = {}
  for i = 1, #list do
    local child, fault = M.read(list[i])
    if not child then return nil, fault end
    children[i] = child
  end
  return children
end

return M
