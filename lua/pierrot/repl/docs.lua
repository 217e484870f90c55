--- What h() says of a function or a module: of pierrot's own what its annotations say (the modules
--- pierrot.meta.*, which are only read), of others the comment above the function in its source.

local core = require "pierrot.core"

local M = {}

local WIDTH <const> = 90

-- Text -----------------------------------------------------------------------------------------

local function split(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  return lines
end

-- Comment lines that end just above line `at`, without their dashes.
local function comment_above(lines, at)
  local first = at
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do first = first - 1 end
  local found = {}
  for i = first, at - 1 do found[#found + 1] = (lines[i]:gsub("^%s*%-%-+%s?", "")) end
  return found
end

-- Annotations of parameters and results as one reads them; others are left out.
local function readable(line)
  local name, rest = line:match "^@param%s+(%S+)%s*(.*)$"
  if name then return ("  %s: %s"):format(name, (rest:gsub("pierrot%.", ""))) end
  rest = line:match "^@return%s+(.*)$"
  if rest then return "  -> " .. rest:gsub("pierrot%.", "") end
  if line:find "^@" then return nil end
  return "  " .. line
end

-- The head of a function and its comment.
local function entry(head, comment)
  local result = { head }
  for _, line in ipairs(comment) do result[#result + 1] = readable(line) end
  return table.concat(result, "\n")
end

-- Words with commas between them, in lines of some width.
local function wrap(words)
  local lines, line = {}, " "
  for i, word in ipairs(words) do
    if i < #words then word = word .. "," end
    if #line + #word > WIDTH then
      lines[#lines + 1] = line
      line = " "
    end
    line = line .. " " .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

-- Annotations ----------------------------------------------------------------------------------

-- The last part of a module's name, and the text of its annotations.
local function annotations(module)
  local short = module == "pierrot" and module or module:match "^pierrot%.([%w_]+)$"
  local text = short and core.embedded("pierrot.meta." .. short)
  return text and short, text
end

local function annotated(module, field)
  local short, text = annotations(module)
  if not short then return nil end
  local lines = split(text)
  local start = ("function %s.%s("):format(short, field)
  for at, line in ipairs(lines) do
    if line:sub(1, #start) == start then
      local head = line:gsub("^function ", ""):gsub("%s+end$", "")
      return entry(head, comment_above(lines, at))
    end
  end
end

-- Where pierrot's modules have the function, of several where it is written about.
local function annotated_text(fn)
  for module, fields in next, package.loaded do
    if type(fields) == "table" and annotations(module) then
      for field, value in next, fields do
        local text = rawequal(value, fn) and annotated(module, field)
        if text then return text end
      end
    end
  end
end

-- Sources --------------------------------------------------------------------------------------

local function read_file(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

local function source_text(fn)
  local about = debug.getinfo(fn, "S")
  local path = about.source:match "^@(.*)$"
  local text = path and read_file(path)
  local lines = text and split(text)
  local head = lines and lines[about.linedefined]
  if not head then return nil end
  local place = ("  (%s:%d)"):format(about.short_src, about.linedefined)
  return entry(head:gsub("^%s*", ""), comment_above(lines, about.linedefined)) .. "\n" .. place
end

-- Modules --------------------------------------------------------------------------------------

local function module_name_of(value)
  for name, module in next, package.loaded do
    if rawequal(module, value) then return name end
  end
end

-- What stands above the class of the annotations.
local function module_comment(name)
  local _, text = annotations(name)
  if not text then return {} end
  local lines = split(text)
  for at, line in ipairs(lines) do
    if line:find "^%-%-%-@class" then return comment_above(lines, at) end
  end
  return {}
end

local function module_text(name, value)
  local fields = {}
  for key, field in next, value do
    if type(key) == "string" then
      fields[#fields + 1] = type(field) == "function" and key .. "()" or key
    end
  end
  table.sort(fields)
  return entry(name, module_comment(name)) .. "\n" .. wrap(fields)
end

-- A module of pierrot's, by its name or the last part of it.
local function named_module(text)
  for _, name in ipairs { text, "pierrot." .. text } do
    if annotations(name) then return name end
  end
end

--- What is known of a value; never nil.
---@param value any
---@return string
function M.of(value)
  if type(value) == "function" then
    return annotated_text(value) or source_text(value)
      or "nothing is written down about this function"
  elseif type(value) == "table" then
    local name = module_name_of(value)
    if name then return module_text(name, value) end
  elseif type(value) == "string" then
    local name = named_module(value)
    if name then return module_text(name, require(name)) end
  end
  return "nothing is written down about this " .. type(value) .. "; i(x) tells what it is"
end

return M
