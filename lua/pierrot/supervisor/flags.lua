--- The options of supervisors: their defaults, and what is wrong with them as a text.

local argument = require "pierrot.argument"

local DEFAULTS <const> = { max_restarts = 3, max_seconds = 5, auto_shutdown = "never" }

local STRATEGIES <const> = { one_for_one = true, one_for_all = true, rest_for_one = true }
local AUTO_SHUTDOWNS <const> = { never = true, any_significant = true, all_significant = true }

local M = {}

local function is_count(value)
  return argument.to_integer(value, 0) ~= nil
end

local function is_period(value)
  return type(value) == "number" and value > 0 and value < math.huge
end

local function is_name(value)
  return value == nil or type(value) == "string" or argument.is_via(value)
end

-- Option, test, what is expected. All know the first three, then come those of either kind.
local COMMON <const> = {
  { "max_restarts", is_count, "non-negative integer" },
  { "max_seconds", is_period, "positive number" },
  { "name", is_name, "string or via" },
}

local FIXED <const> = {
  { "strategy", function(value) return STRATEGIES[value] end,
    '"one_for_one", "one_for_all" or "rest_for_one"' },
  { "auto_shutdown", function(value) return AUTO_SHUTDOWNS[value] end,
    '"never", "any_significant" or "all_significant"' },
}

local DYNAMIC <const> = {
  { "strategy", function(value) return value == nil or value == "one_for_one" end,
    '"one_for_one"' },
  { "auto_shutdown", function(value) return value == "never" end, '"never"' },
  { "max_children", function(value) return value == nil or is_count(value) or
    value == "infinity" or value == math.huge end, 'non-negative integer or "infinity"' },
  { "extra_arguments", function(value) return value == nil or type(value) == "table" end,
    "list" },
}

local function value_of(opts, name)
  local value = opts[name]
  if value == nil then return DEFAULTS[name] end
  return value
end

local function find_fault(opts, rules)
  for _, rule in ipairs(rules) do
    local name, is_good, expected = rule[1], rule[2], rule[3]
    local value = value_of(opts, name)
    if value ~= value or not is_good(value) then
      return ("bad option '%s' (%s expected, got %s)"):format(name, expected, argument.show(value))
    end
  end
  return nil
end

local function read(opts, rules)
  if opts == nil then opts = {} end
  if type(opts) ~= "table" then
    return nil, ("bad options (table expected, got %s)"):format(argument.describe(opts))
  end
  local fault = find_fault(opts, rules) or find_fault(opts, COMMON)
  if fault then return nil, fault end
  local flags = {}
  for _, list in ipairs { rules, COMMON } do
    for _, rule in ipairs(list) do flags[rule[1]] = value_of(opts, rule[1]) end
  end
  return flags
end

--- The options of a supervisor, with the defaults; unknown ones are left out.
---@param opts any
---@return table|nil flags, string|nil fault
function M.read(opts)
  return read(opts, FIXED)
end

--- The same of a dynamic supervisor.
---@param opts any
---@return table|nil flags, string|nil fault
function M.read_dynamic(opts)
  local flags, fault = read(opts, DYNAMIC)
  if not flags then return nil, fault end
  local most = flags.max_children
  flags.max_children = type(most) == "number" and most or math.huge
  flags.extra_arguments = flags.extra_arguments or {}
  return flags
end

return M
