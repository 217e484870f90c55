--- Completion: what the name before the cursor may become. Nothing is run for it: fields are read
--- raw, and only such __index that are tables are followed.

local pierrot = require "pierrot"
local core = require "pierrot.core"

local LEVELS <const> = 10 -- of __index
local WORDS_MAX <const> = 500

local KEYWORDS <const> = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

-- Words ----------------------------------------------------------------------------------------

local function add(found, word, prefix)
  if type(word) == "string" and word:sub(1, #prefix) == prefix then found[word] = true end
end

local function answer(prefix, found)
  local words = {}
  for word in next, found do words[#words + 1] = word end
  table.sort(words)
  for i = WORDS_MAX + 1, #words do words[i] = nil end
  return { #prefix, words }
end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil
end

local function index_of(value)
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  return type(index) == "table" and index or nil
end

-- Calls f(key, field) for all fields, also those by __index.
local function each_field(value, f)
  for _ = 1, LEVELS do
    if type(value) == "table" then
      for key, field in next, value do f(key, field) end
    end
    value = index_of(value)
    if value == nil then return end
  end
end

local function field_of(value, key)
  for _ = 1, LEVELS do
    local field = type(value) == "table" and rawget(value, key)
    if field then return field end
    value = index_of(value)
    if value == nil then return nil end
  end
end

-- Places ---------------------------------------------------------------------------------------

local function complete_global(prefix, bindings)
  local found = {}
  for key in next, _G do
    if is_name(key) then add(found, key, prefix) end
  end
  for _, name in ipairs(bindings:names()) do add(found, name, prefix) end
  for name in next, bindings.helpers do add(found, name, prefix) end
  for _, word in ipairs(KEYWORDS) do add(found, word, prefix) end
  return answer(prefix, found)
end

local function resolve(path, bindings)
  local value
  for name in path:gmatch "[%w_]+" do
    if value ~= nil then
      value = field_of(value, name)
    elseif bindings.cells[name] then
      value = bindings:get(name)
    else
      value = rawget(_G, name)
      if value == nil then value = bindings:get(name) end
    end
    if value == nil then return nil end
  end
  return value
end

local function complete_field(path, separator, prefix, bindings)
  local found = {}
  local value = resolve(path, bindings)
  each_field(value, function(key, field)
    if is_name(key) and (separator == "." or type(field) == "function") then
      add(found, key, prefix)
    end
  end)
  if value == pierrot then
    for _, name in ipairs(core.embedded()) do
      local part = name:match "^pierrot%.([%l_]+)$"
      if part then add(found, part, prefix) end
    end
  end
  return answer(prefix, found)
end

local function complete_module(prefix)
  local found = {}
  for name in next, package.loaded do add(found, name, prefix) end
  for name in next, package.preload do add(found, name, prefix) end
  for _, name in ipairs(core.embedded()) do
    if not name:find "^pierrot%.%w+%." then add(found, name, prefix) end -- parts of parts
  end
  return answer(prefix, found)
end

local function complete_registered(prefix)
  local found = {}
  for _, name in ipairs(pierrot.registered()) do
    if not name:find "[%c\"'\\]" then add(found, name, prefix) end
  end
  return answer(prefix, found)
end

-- The text of a string that the cursor stands in, and what stands before it; nil in code.
local function open_string(text)
  local quote, from
  for at = 1, #text do
    local byte = text:sub(at, at)
    if quote then
      if byte == quote and text:sub(at - 1, at - 1) ~= "\\" then quote = nil end
    elseif byte == '"' or byte == "'" then
      quote, from = byte, at
    end
  end
  if quote then return text:sub(from + 1), text:sub(1, from - 1) end
end

--- {n, words}: the words begin with the last n bytes of the text.
---@param text string what stands before the cursor
---@param bindings table see pierrot.repl.bindings
---@return { [1]: integer, [2]: string[] }
return function(text, bindings)
  local content, before = open_string(text)
  if content then
    if before:find "require%s*%(?%s*$" or before:find "%f[%w_]r%s*%(?%s*$" then
      return complete_module(content)
    end
    return complete_registered(content)
  end
  local path, separator, prefix = text:match "([%a_][%w_%.]*)([%.:])([%w_]*)$"
  if path then return complete_field(path, separator, prefix, bindings) end
  prefix = text:match "[%a_][%w_]*$"
  return prefix and complete_global(prefix, bindings) or { 0, {} }
end
