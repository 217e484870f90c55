--- Functions that travel: a function, or a module given as a table, as values that can be sent, and
--- whole again on another scheduler.
--
-- What loaded modules hold goes by name; other Lua functions go as code with their upvalues, other
-- tables by their contents. Packed, a scalar is itself and everything else a node:
--
--   { kind = "name", "module", field, … }         what that module holds over there
--   { kind = "globals" }                          the globals over there
--   { kind = "table", keys = {…}, values = {…}, meta = node }
--   { kind = "function", code = "…", n = number of upvalues, cells = {…} }
--   { kind = "cell", value = … }                  an upvalue; functions share cells as they do here
--
-- One thing is one node, however often it occurs, and a message keeps sharing and cycles.

local core = require "pierrot.core"

local LEVELS <const> = 2 -- fields of fields of modules go by name

-- What makes a pattern of a table has a name as well.
core.one_of_metatable = getmetatable(core.one_of())

local M = {}

-- Names ----------------------------------------------------------------------------------------

local function sorted_names(modules)
  local names = {}
  for name in next, modules do
    if type(name) == "string" and name ~= "_G" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function extend(path, key)
  local longer = table.move(path, 1, #path, 1, { kind = "name" })
  longer[#longer + 1] = key
  return longer
end

-- Whether a module's value goes by its name. A userdata of that name over there is another one, but
-- for the one that is a pattern.
local function is_named(value)
  local kind = type(value)
  return kind == "function" or kind == "table" or value == core.any
end

-- Enters what a module or one of its fields holds, the first name of each. Names of strings and
-- numbers alone can be sent.
local function enter_fields(index, path, value, level, found)
  for key, field in next, value do
    if is_named(field) and not index[field]
      and (type(key) == "string" or math.type(key) == "integer") then
      index[field] = extend(path, key)
      if type(field) == "table" and level < LEVELS then
        found[#found + 1] = { index[field], field, level + 1 }
      end
    end
  end
end

-- Of the globals only what Lua itself has put there is sure to be over there.
local function enter_globals(index)
  for key, field in next, _G do
    if type(field) == "function" and not index[field] and debug.getinfo(field, "S").what == "C" then
      index[field] = { kind = "name", "_G", key }
    end
  end
end

-- From values to nodes of kind "name".
local function make_index()
  local modules, index, found = package.loaded, {}, {}
  for _, name in ipairs(sorted_names(modules)) do
    local module = modules[name]
    if is_named(module) and not index[module] and module ~= _G then
      index[module] = { kind = "name", name }
      if type(module) == "table" then found[#found + 1] = { index[module], module, 1 } end
    end
  end
  -- Breadth first: short names before long ones.
  local at = 1
  while found[at] do
    local path, value, level = table.unpack(found[at])
    enter_fields(index, path, value, level, found)
    at = at + 1
  end
  enter_globals(index)
  return index
end

-- Packing --------------------------------------------------------------------------------------

local SCALARS <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local function is_scalar(value)
  local kind = type(value)
  return SCALARS[kind] or (kind == "userdata" and core.is_sendable(value))
end

-- What stands in the way of a function.
local function describe(value)
  if type(value) == "function" then return "a C function" end
  return "a " .. type(value)
end

local function place_of(fn)
  local info = debug.getinfo(fn, "S")
  return ("<%s:%d>"):format(info.short_src, info.linedefined)
end

-- The node of a value that is no scalar; it is filled when its turn comes. `context` says
-- where the value was found.
local function new_node(pack, value, context)
  local node
  pack.index = pack.index or make_index()
  if value == _G then
    node = { kind = "globals" }
  elseif pack.index[value] then
    node = pack.index[value]
  elseif type(value) == "table" then
    node = { kind = "table" }
  elseif type(value) == "function" and debug.getinfo(value, "S").what ~= "C" then
    node = { kind = "function" }
  else
    error({ carry = ("cannot carry %s: %s"):format(context, describe(value)) }, 0)
  end
  pack.nodes[value] = node
  if node.kind == "table" or node.kind == "function" then
    pack.queue[#pack.queue + 1] = { node, value, context }
  end
  return node
end

local function encode(pack, value, context)
  if is_scalar(value) then return value end
  return pack.nodes[value] or new_node(pack, value, context)
end

local function fill_table(pack, node, value, context)
  local keys, values, n = {}, {}, 0
  for key, field in next, value do
    n = n + 1
    keys[n], values[n] = encode(pack, key, context), encode(pack, field, context)
  end
  node.keys, node.values = keys, values
  local meta = debug.getmetatable(value)
  if meta then node.meta = encode(pack, meta, context) end
end

local function cell_of(pack, fn, i)
  local name, value = debug.getupvalue(fn, i)
  if name == "_ENV" then return { kind = "cell", value = { kind = "globals" } } end
  local id = debug.upvalueid(fn, i)
  local cell = pack.cells[id]
  if not cell then
    cell = { kind = "cell" }
    pack.cells[id] = cell
    cell.value = encode(pack, value, ("upvalue '%s' of function %s"):format(name, place_of(fn)))
  end
  return cell
end

local function fill_function(pack, node, fn)
  node.code = string.dump(fn)
  node.n = debug.getinfo(fn, "u").nups
  node.cells = {}
  for i = 1, node.n do node.cells[i] = cell_of(pack, fn, i) end
end

local function pack_value(value, context)
  local pack = { nodes = {}, cells = {}, queue = {} }
  local root, at = encode(pack, value, context), 1
  while pack.queue[at] do
    local node, source, where = table.unpack(pack.queue[at])
    if node.kind == "table" then
      fill_table(pack, node, source, where)
    else
      fill_function(pack, node, source)
    end
    pack.queue[at] = false -- not held longer than it is used
    at = at + 1
  end
  return root
end

-- Runs pack_value; what cannot be carried is an error of the caller's caller, or (level 2) of that
-- one's caller.
local function checked(level, value, context)
  local ok, packed = pcall(pack_value, value, context)
  if ok then return packed end
  if type(packed) == "table" and packed.carry then error(packed.carry, level + 2) end
  error(packed, 0)
end

--- A function as a value that can be sent; a string "some.module:fn" names one.
---@param fn function|string
---@param level? integer whose error it is: 1, the caller's; 2, the caller's caller's
---@return any packed
function M.pack(fn, level)
  if type(fn) == "string" then
    local module, name = fn:match "^([^:]+):([%w_]+)$"
    if module then return { kind = "name", module, name } end
  end
  if type(fn) ~= "function" then
    error(("bad argument #1 to 'pack' (function expected, got %s)"):format(type(fn)), 2)
  end
  local packed = checked(level or 1, fn, "a function")
  return packed
end

--- A module given as a table: by name when it is loaded under one, else by its contents.
---@param module table|string a string names a module
---@param level? integer whose error it is: 1, the caller's; 2, the caller's caller's
---@return any packed
function M.pack_module(module, level)
  if type(module) == "string" then return { kind = "name", module } end
  if type(module) ~= "table" then
    error(("bad argument #1 to 'pack_module' (table expected, got %s)"):format(type(module)), 2)
  end
  local packed = checked(level or 1, module, "a module")
  return packed
end

-- Unpacking ------------------------------------------------------------------------------------

local function find_by_name(node)
  local value = require(node[1])
  for i = 2, #node do
    local field = value[node[i]]
    if field == nil then
      error(("%s has no '%s' on this scheduler"):format(table.concat(node, ".", 1, i - 1), node[i]),
        0)
    end
    value = field
  end
  return value
end

-- The value of a node; tables and functions are filled when their turn in the queue comes.
local function make(unpack, node)
  local value
  if node.kind == "globals" then
    value = _G
  elseif node.kind == "name" then
    value = find_by_name(node)
  elseif node.kind == "table" then
    value = {}
  else
    value = assert(load(node.code, "carried function", "b"))
  end
  unpack.values[node] = value
  if node.kind == "table" or node.kind == "function" then
    unpack.queue[#unpack.queue + 1] = node
  end
  return value
end

local function decode(unpack, value)
  if type(value) ~= "table" then return value end
  local made = unpack.values[value]
  if made == nil then made = make(unpack, value) end
  return made
end

-- The first function with an upvalue owns it, the others join.
local function fill_upvalue(unpack, fn, i, cell)
  local owner = unpack.owners[cell]
  if owner then
    debug.upvaluejoin(fn, i, owner.fn, owner.i)
  else
    unpack.owners[cell] = { fn = fn, i = i }
    debug.setupvalue(fn, i, decode(unpack, cell.value))
  end
end

local function fill(unpack, node)
  local value = unpack.values[node]
  if node.kind == "function" then
    for i = 1, node.n do fill_upvalue(unpack, value, i, node.cells[i]) end
    return
  end
  for i = 1, #node.keys do
    value[decode(unpack, node.keys[i])] = decode(unpack, node.values[i])
  end
  if node.meta then
    unpack.metas[#unpack.metas + 1] = { value, decode(unpack, node.meta) }
  end
end

--- What was packed, whole again.
---@param packed any
---@return any
function M.unpack(packed)
  local unpack = { values = {}, owners = {}, metas = {}, queue = {} }
  local root, at = decode(unpack, packed), 1
  while unpack.queue[at] do
    fill(unpack, unpack.queue[at])
    at = at + 1
  end
  -- Last, so that a __gc stands in its metatable when that is set, and nothing is called before.
  for _, pair in ipairs(unpack.metas) do debug.setmetatable(pair[1], pair[2]) end
  return root
end

-- What the new process runs over there ---------------------------------------------------------

local function set_paths(payload)
  if payload.path and package.path ~= payload.path then package.path = payload.path end
  if payload.cpath and package.cpath ~= payload.cpath then package.cpath = payload.cpath end
end

local function failure(value)
  if type(value) == "table" and value.class == "exit" then return { value.reason } end
  return { { "error", value, debug.traceback(nil, 2) } }
end

-- The server's module; it takes its via-name, which must stand before init runs.
local function prepare(payload)
  local module = M.unpack(payload.module)
  local via = payload.via
  if via then
    local registered, why = require("pierrot.registry").register_via(via[2], via[3], via[4])
    if not registered then return nil, why end
  end
  return module
end

--- Runs a spawned function with its arguments, or makes a server ready: "ok", module, arg, name; or
--- "fail", reason.
---@param payload table path, cpath, kind ("spawn", "server"), fn or module, args or arg, name, via
function M.boot(payload)
  set_paths(payload)
  if payload.kind == "spawn" then
    local fn, args = M.unpack(payload.fn), payload.args or { n = 0 }
    return fn(table.unpack(args, 1, args.n))
  end
  local ok, module, why = xpcall(prepare, failure, payload)
  if not ok then return "fail", module[1] end
  if module == nil then return "fail", why end
  return "ok", module, payload.arg, payload.name
end

return M
