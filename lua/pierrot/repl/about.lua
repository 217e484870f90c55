--- What i() says of a value: its type, and what is particular to it.

local core = require "pierrot.core"
local pierrot = require "pierrot"

local M = {}

local function count(value)
  local n = 0
  for _ in next, value do n = n + 1 end
  return n
end

local function add_meta(lines, value)
  local meta = debug.getmetatable(value)
  if meta ~= nil then lines[#lines + 1] = "metatable: " .. pierrot.inspect(meta) end
end

local ABOUT <const> = {
  string = function(lines, value)
    lines[#lines + 1] = ("length: %d bytes"):format(#value)
    local n = utf8.len(value)
    lines[#lines + 1] = n and ("UTF-8: %d characters"):format(n) or "UTF-8: no"
  end,

  number = function(lines, value)
    lines[#lines + 1] = "kind: " .. math.type(value)
    if math.type(value) == "integer" then lines[#lines + 1] = ("in base 16: 0x%x"):format(value) end
  end,

  table = function(lines, value)
    lines[#lines + 1] = ("entries: %d, of them in sequence: %d"):format(count(value), rawlen(value))
    add_meta(lines, value)
    for name, module in next, package.loaded do
      if module == value then lines[#lines + 1] = "module: " .. pierrot.inspect(name) end
    end
  end,

  ["function"] = function(lines, value)
    local about = debug.getinfo(value, "Su")
    lines[#lines + 1] = "written in: " .. about.what
    if about.what == "C" then return end
    lines[#lines + 1] = ("defined: %s:%d"):format(about.short_src, about.linedefined)
    lines[#lines + 1] = ("parameters: %d%s"):format(about.nparams, about.isvararg and ", …" or "")
    for i = 1, about.nups do
      local name, upvalue = debug.getupvalue(value, i)
      if name ~= "_ENV" then
        lines[#lines + 1] = ("upvalue %s: %s"):format(name, pierrot.inspect(upvalue))
      end
    end
  end,

  thread = function(lines, value)
    lines[#lines + 1] = "status: " .. coroutine.status(value)
  end,

  userdata = add_meta,
}

local function add_process(lines, pid)
  local info = pierrot.info(pid)
  if not info then
    lines[#lines + 1] = "alive: no"
    return
  end
  local items = {}
  for item in next, info do items[#items + 1] = item end
  table.sort(items)
  for _, item in ipairs(items) do
    local value = info[item]
    local text = item == "current_stacktrace" and value:gsub("\n", "\n  ") or pierrot.inspect(value)
    lines[#lines + 1] = item .. ": " .. text
  end
end

-- Of one end of a socket, which may have neither.
local function add_end(lines, title, ip, port)
  lines[#lines + 1] = ip and ("%s: %s port %d"):format(title, ip, port) or title .. ": " .. port
end

local function add_socket(lines, socket)
  local tcp = require "pierrot.tcp"
  add_end(lines, "here", tcp.sockname(socket))
  add_end(lines, "there", tcp.peername(socket))
end

--- The lines about a value.
---@param value any
---@return string[]
function M.lines(value)
  if pierrot.is_pid(value) then
    local lines = { "type: pid" }
    add_process(lines, value)
    return lines
  elseif pierrot.is_ref(value) then
    return { "type: ref" }
  elseif core.socket_holder(value) then
    local lines = { "type: socket" }
    add_socket(lines, value)
    return lines
  end
  local lines = { "type: " .. type(value) }
  local add = ABOUT[type(value)]
  if add then add(lines, value) end
  return lines
end

return M
