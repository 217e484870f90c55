--- What a caller gets wrong, as errors that read like those of Lua's own functions.
--
-- `level` is as for error, counted from whoever calls these functions: 1 blames that function, 2
-- its caller.

local core = require "pierrot.core"

local M = {}

-- One via in another's place of a registry, and so on: more than these are none.
local MAX_VIAS <const> = 100

--- What a value is, as an error says it.
---@param value any
---@return string
function M.describe(value)
  if core.is_pid(value) then return "pid" end
  if core.is_ref(value) then return "ref" end
  if core.socket_holder(value) then return "socket" end
  if value ~= value then return "NaN" end
  return type(value)
end

--- A value that is shown whole.
---@param value any
---@return string
function M.show(value)
  return require "pierrot.inspect" (value)
end

--- The level of the innermost function that is not one of the library's, for mistakes that are
--- found below functions which others call, too.
---@return integer
function M.users_level()
  local level = 2
  local frame = debug.getinfo(level, "S")
  while frame and (frame.what == "C" or frame.source:find("^@pierrot/")) do
    level = level + 1
    frame = debug.getinfo(level, "S")
  end
  return frame and level - 1 or 1
end

--- bad argument #1 to 'spawn' (…)
---@param level integer
---@param arg integer
---@param fname string
---@param text string
function M.fail(level, arg, fname, text)
  error(("bad argument #%d to '%s' (%s)"):format(arg, fname, text), level + 1)
end

--- bad argument #1 to 'spawn' (function expected, got nil)
---@param level integer
---@param arg integer
---@param fname string
---@param expected string
---@param value any
function M.reject(level, arg, fname, expected, value)
  M.fail(level + 1, arg, fname, ("%s expected, got %s"):format(expected, M.describe(value)))
end

--- bad option 'name' (string expected, got 42)
---@param level integer
---@param name string
---@param expected string
---@param value any
function M.reject_option(level, name, expected, value)
  error(("bad option '%s' (%s expected, got %s)"):format(name, expected, M.show(value)), level + 1)
end

--- A table of options, each of a known name and of the type that `kinds` gives it (true: of any).
---@param level integer
---@param arg integer
---@param fname string
---@param opts any
---@param kinds table<string, string|boolean>
function M.check_options(level, arg, fname, opts, kinds)
  if type(opts) ~= "table" then M.reject(level + 1, arg, fname, "table of options", opts) end
  for name, value in next, opts do
    local kind = kinds[name]
    if not kind then
      M.fail(level + 1, arg, fname, "unknown option " .. M.show(name))
    elseif kind ~= true and type(value) ~= kind then
      M.reject_option(level + 1, name, kind, value)
    end
  end
end

local function is_timeout(value)
  return value == nil or value == "infinity" or (type(value) == "number" and value >= 0)
end

--- Milliseconds or "infinity"; nil where that is the same as leaving it out.
---@param level integer
---@param arg integer
---@param fname string
---@param value any
function M.check_timeout(level, arg, fname, value)
  if is_timeout(value) then return end
  local given = type(value) == "number" and M.show(value) or M.describe(value)
  M.fail(level + 1, arg, fname, "milliseconds expected, got " .. given)
end

--- The same of an option.
---@param level integer
---@param name string
---@param value any
function M.check_timeout_option(level, name, value)
  if not is_timeout(value) then M.reject_option(level + 1, name, "milliseconds", value) end
end

--- The value as an integer from least to most, also when it is a float like 1e6, as Lua's own
--- functions take it; nil when it is none.
---@param value any
---@param least integer
---@param most? integer
---@return integer|nil
function M.to_integer(value, least, most)
  local whole = type(value) == "number" and math.tointeger(value)
  if not whole or whole < least or (most and whole > most) then return nil end
  return whole
end

--- Whether the value can be a key of a registry: what a Lua table takes as a key and is no table.
---@param value any
---@return boolean
function M.is_key(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean" or (kind == "number" and value == value)
    or core.is_pid(value) or core.is_ref(value) or core.socket_holder(value) ~= nil
end

--- Whether the value is {"via", registry, key}.
---@param value any
---@return boolean
function M.is_via(value)
  for _ = 1, MAX_VIAS do
    if type(value) ~= "table" or value[1] ~= "via" or not M.is_key(value[3]) then return false end
    value = value[2]
    if type(value) == "string" or core.is_pid(value) then return true end
  end
  return false
end

--- Whether the value says where a server is: a pid, a name, a via.
---@param value any
---@return boolean
function M.is_server(value)
  return type(value) == "string" or core.is_pid(value) or M.is_via(value)
end

--- A server argument.
---@param level integer
---@param arg integer
---@param fname string
---@param value any
function M.check_server(level, arg, fname, value)
  if not M.is_server(value) then M.reject(level + 1, arg, fname, "pid, name or via", value) end
end

--- A ref.
---@param level integer
---@param arg integer
---@param fname string
---@param value any
function M.check_ref(level, arg, fname, value)
  if not core.is_ref(value) then M.reject(level + 1, arg, fname, "ref", value) end
end

return M
