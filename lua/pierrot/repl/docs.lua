--- What h() says of a function or a module: the comment above it, from its source. Functions in C
--- have none; for them there is a short table.

local core = require "pierrot.core"

local M = {}

local WIDTH <const> = 90

local IN_C <const> = {
  self = "self() -> pid of the calling process",
  send = "send(dest, msg) -> msg. To a pid, a name, a via or an alias; never waits",
  receive = "receive([pattern [, timeout]]) -> the first message that matches; nil, \"timeout\"",
  flush = "flush() -> all messages that wait, taken out of the mailbox; n is their number",
  link = "link(pid) -> true. From now on the two end together, unless they trap exits",
  unlink = "unlink(pid) -> true",
  unalias = "unalias(ref) -> whether it was an active alias of the caller",
  exit = "exit(reason) ends the caller; exit(pid, reason) sends an exit signal",
  trap_exit = "trap_exit(flag) -> the old flag. Exits of linked processes become messages",
  register = "register(name, pid) -> true; nil, reason",
  unregister = "unregister(name) -> true; nil, \"not_registered\"",
  whereis = "whereis(name) -> pid or nil",
  registered = "registered() -> list of names",
  is_alive = "is_alive(pid) -> boolean",
  processes = "processes() -> list of pids",
  memory = "memory() -> table of bytes",
  info = "info(pid [, item]) -> what is known of a process; nil for a dead one",
  read_timer = "read_timer(ref) -> ms left, or false",
  sleep = "sleep(ms). Others run meanwhile",
  yield = "yield(). Others run first",
  make_ref = "make_ref() -> a value that is equal to no other",
  now = "now() -> monotonic milliseconds, a float",
  is_pid = "is_pid(value) -> boolean",
  is_ref = "is_ref(value) -> boolean",
  schedulers = "schedulers() -> their number",
  halt = "halt([status]) ends the program in order",
}

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- The source text that a function was compiled from; nil when it is not to be had.
local function source_of(source)
  local path = source:match "^@(.*)$"
  if not path then return nil end
  local name = path:match "^(pierrot/.*)%.lua$"
  if name then
    local text = core.embedded((name:gsub("/init$", ""):gsub("/", ".")))
    if text then return text end
  end
  return read_file(path)
end

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
  for i = first, at - 1 do found[#found + 1] = (lines[i]:gsub("^%s*%-%-+%s?", "  ")) end
  return found
end

local function function_text(fn)
  local about = debug.getinfo(fn, "S")
  local text = source_of(about.source)
  if not text then return nil end
  local lines = split(text)
  local head = lines[about.linedefined]
  if not head then return nil end
  local result = { (head:gsub("^%s*", "")) }
  table.move(comment_above(lines, about.linedefined), 1, #lines, 2, result)
  result[#result + 1] = ("  (%s:%d)"):format(about.short_src, about.linedefined)
  return table.concat(result, "\n")
end

-- Where one of pierrot's modules gives a function in C its name, there is a comment.
local function text_at_name(module, name)
  local text = core.embedded(module)
  local lines = text and split(text) or {}
  for at, line in ipairs(lines) do
    if line:find("^M%." .. name .. " = ") then
      local result = comment_above(lines, at)
      table.insert(result, 1, module .. "." .. name)
      return #result > 1 and table.concat(result, "\n") or nil
    end
  end
end

local function c_text(fn)
  for name, text in next, IN_C do
    if core[name] == fn then return text end
  end
  for module, fields in next, package.loaded do
    if type(fields) == "table" and module:find "^pierrot" then
      for name, field in next, fields do
        local text = field == fn and text_at_name(module, name)
        if text then return text end
      end
    end
  end
end

local function module_name_of(value)
  for name, module in next, package.loaded do
    if module == value then return name end
  end
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

local function module_text(name, value)
  local fields = {}
  for key, field in next, value do
    if type(key) == "string" then
      fields[#fields + 1] = type(field) == "function" and key .. "()" or key
    end
  end
  table.sort(fields)
  local text = core.embedded(name)
  local head = text and text:match "^%-%-%-%s*([^\n]*)" or "a module"
  return name .. ": " .. head .. "\n" .. wrap(fields)
end

--- What is known of a value; never nil.
---@param value any
---@return string
function M.of(value)
  if type(value) == "function" then
    local text = c_text(value)
    if not text and debug.getinfo(value, "S").what ~= "C" then text = function_text(value) end
    return text or "nothing is written down about this function"
  elseif type(value) == "table" then
    local name = module_name_of(value)
    if name then return module_text(name, value) end
  end
  return "nothing is written down about this " .. type(value) .. "; i(x) tells what it is"
end

return M
