--- tcp: sockets owned by processes. A socket is held by a C actor (src/actor/tcp_listener.c and
-- src/actor/tcp_stream.c), which lives on the scheduler where it was made; these are its clients.

local argument = require "pierrot.argument"
local core = require "pierrot.core"

local holder <const>, request <const> = core.socket_holder, core.request_for_ever

local M = {}

local LOCAL <const> = "127.0.0.1"
local BACKLOG <const> = 1024
local LONGEST <const> = 1 << 30
local COUNT_MAX <const> = 32767

-- Options --------------------------------------------------------------------------------------

local PACKETS <const> = { raw = "raw", line = "line", [1] = 1, [2] = 2, [4] = 4 }
local PACKETS_TEXT <const> = '"raw", "line", 1, 2 or 4'
local ACTIVES_TEXT <const> = 'boolean, "once" or a count'

local function is_integer_in(value, low, high)
  return math.type(value) == "integer" and value >= low and value <= high
end

local function is_active(value, low)
  return type(value) == "boolean" or value == "once" or is_integer_in(value, low, COUNT_MAX)
end

local CHANGEABLE <const> = {
  packet = true, active = true, nodelay = "boolean", buffer = true, send_timeout = true,
}
local LISTEN <const> = { ip = "string", backlog = true, reuseaddr = "boolean" }
for name, kind in pairs(CHANGEABLE) do LISTEN[name] = kind end

local function check_number(level, opts, name, low, high)
  local value = opts[name]
  if value ~= nil and not is_integer_in(value, low, high) then
    argument.reject_option(level + 1, name, ("integer from %d to %d"):format(low, high), value)
  end
end

-- IPv4 in full; of IPv6 the looks, the system knows the rest.
local function is_address(text)
  if text:find ":" then return text:find "^[%x:.]+%%?%w*$" ~= nil end
  local parts = { text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  for _, part in ipairs(parts) do
    if #part > 3 or tonumber(part) > 255 then return false end
  end
  return #parts == 4
end

-- Of a socket that is made (low count 1), or is there already.
local function check_options(level, arg, fname, opts, kinds, low)
  argument.check_options(level + 1, arg, fname, opts, kinds)
  if opts.packet ~= nil and not PACKETS[opts.packet] then
    argument.reject_option(level + 1, "packet", PACKETS_TEXT, opts.packet)
  end
  if opts.active ~= nil and not is_active(opts.active, low) then
    argument.reject_option(level + 1, "active", ACTIVES_TEXT, opts.active)
  end
  check_number(level + 1, opts, "buffer", 1, LONGEST)
  check_number(level + 1, opts, "backlog", 0, 1 << 30)
  argument.check_timeout_option(level + 1, "send_timeout", opts.send_timeout)
end

-- In ms; nil for one that never comes.
local function limit_of(timeout)
  if timeout == "infinity" or timeout == math.huge then return nil end
  return timeout
end

-- What the actor is told of them.
local function encode(opts, extra)
  extra.packet = PACKETS[opts.packet]
  extra.active, extra.nodelay, extra.buffer = opts.active, opts.nodelay, opts.buffer
  if opts.send_timeout ~= nil then
    extra.send_timeout = limit_of(opts.send_timeout) or "infinity"
  end
  return extra
end

-- Requests -------------------------------------------------------------------------------------

-- An actor that has ended has closed its socket, whatever it ended with.
local function closed_or_raise(failure)
  if type(failure) == "table" and failure.class == "exit" then return nil, "closed" end
  error(failure, 0)
end

-- A failure comes as a table of its reason, or as nil when there was no memory to say more.
local function result_of(answered, reply)
  if not answered then return closed_or_raise(reply) end
  if reply == nil then return nil, "enomem" end
  if type(reply) == "table" then return nil, reply[1] end
  return reply
end

-- An actor that cannot begin ends with {"shutdown", reason}.
local function why_not_started(why)
  if type(why) == "table" then return why[2] end
  return why
end

local function ask(actor, ...)
  return result_of(pcall(request, actor, ...))
end

-- The actor of a socket; it is called by the public function of that name.
local function check_socket(fname, socket)
  local actor = holder(socket)
  if not actor then argument.reject(3, 1, fname, "socket", socket) end
  return actor
end

local function check_port(fname, arg, port, low)
  if not is_integer_in(port, low, 65535) then
    local expected = ("port from %d to 65535"):format(low)
    local given = type(port) == "number" and argument.show(port) or argument.describe(port)
    argument.fail(3, arg, fname, ("%s expected, got %s"):format(expected, given))
  end
end

-- Making sockets -------------------------------------------------------------------------------

--- Listens on a port; 0 takes a free one, which sockname tells. The options are also those of the
--- connections that are accepted.
---@param port integer
---@param opts? table ip, backlog, reuseaddr, packet, active, nodelay, buffer, send_timeout
---@return userdata|nil socket, string? reason
function M.listen(port, opts)
  opts = opts == nil and {} or opts
  check_port("listen", 1, port, 0)
  check_options(2, 2, "listen", opts, LISTEN, 1)
  local ip = opts.ip or LOCAL
  if not is_address(ip) then
    argument.reject_option(2, "ip", "address in numbers", ip)
  end
  local actor, why = core.start_actor({ link = false }, "tcp_listener", encode(opts, {
    ip = ip, port = port, owner = core.self(), backlog = opts.backlog or BACKLOG,
    reuseaddr = opts.reuseaddr ~= false,
  }))
  if not actor then return nil, why_not_started(why) end
  return core.socket_of(actor)
end

--- Waits for the next connection; it belongs to the caller.
---@param listener userdata
---@param timeout? number|string ms; for ever when left out
---@return userdata|nil socket, string? reason
function M.accept(listener, timeout)
  local actor = check_socket("accept", listener)
  argument.check_timeout(2, 2, "accept", timeout)
  return ask(actor, "accept", limit_of(timeout))
end

--- Connects to a host, by name or address; the socket belongs to the caller.
---@param host string
---@param port integer
---@param opts? table as those of listen; ip is where to connect from
---@param timeout? number|string ms; for ever when left out
---@return userdata|nil socket, string? reason
function M.connect(host, port, opts, timeout)
  opts = opts == nil and {} or opts
  if type(host) ~= "string" then argument.reject(2, 1, "connect", "string", host) end
  check_port("connect", 2, port, 0)
  check_options(2, 3, "connect", opts, LISTEN, 1)
  argument.check_timeout(2, 4, "connect", timeout)
  if opts.ip ~= nil and not is_address(opts.ip) then
    argument.reject_option(2, "ip", "address in numbers", opts.ip)
  end
  if host == "" or host:find "\0" then return nil, "nxdomain" end
  local actor, why = core.start_actor({ link = false }, "tcp_stream",
    encode(opts, { owner = core.self() }))
  if not actor then return nil, why_not_started(why) end
  local connected, reason = ask(actor, "connect", host, port, opts.ip or "", limit_of(timeout))
  if not connected then return nil, reason end
  return core.socket_of(actor)
end

-- Using them -----------------------------------------------------------------------------------

--- Waits for data of a passive socket: the next line or packet; of a raw one exactly n bytes, or
--- what there is when n is left out or 0.
---@param socket userdata
---@param n? integer
---@param timeout? number|string ms; for ever when left out
---@return string|nil data, string? reason
function M.recv(socket, n, timeout)
  local actor = check_socket("recv", socket)
  n = n == nil and 0 or n
  if not is_integer_in(n, 0, math.maxinteger) then
    local given = type(n) == "number" and argument.show(n) or argument.describe(n)
    argument.fail(2, 2, "recv", "number of bytes expected, got " .. given)
  end
  argument.check_timeout(2, 3, "recv", timeout)
  return ask(actor, "recv", n, limit_of(timeout))
end

-- Strings in lists in lists … in one list. `open` holds the lists that are being walked. Gives what
-- is wrong with them, if anything is.
local function flatten(data, parts, open)
  if open[data] then return "list holds itself" end
  open[data] = true
  for i = 1, #data do
    local item, problem = data[i], nil
    if type(item) == "table" then
      problem = flatten(item, parts, open)
    elseif type(item) == "string" or type(item) == "number" then
      parts[#parts + 1] = item
    else
      problem = "strings in the list expected, got " .. argument.describe(item)
    end
    if problem then return problem end
  end
  open[data] = nil
  return nil
end

local function bytes_of(data)
  if type(data) == "number" then return tostring(data) end
  if type(data) ~= "table" then argument.reject(3, 2, "send", "string or list of strings", data) end
  local parts = {}
  local problem = flatten(data, parts, {})
  if problem then argument.fail(3, 2, "send", problem) end
  return table.concat(parts)
end

--- Sends; waits while more is on its way than the other side takes.
---@param socket userdata
---@param data string|number|table a string, or a list of strings and lists
---@return true|nil, string? reason
function M.send(socket, data)
  local actor = check_socket("send", socket)
  if type(data) ~= "string" then data = bytes_of(data) end
  return ask(actor, "send", data)
end

--- Closes a socket, when what was sent has gone out. Closing what is closed is no failure.
---@param socket userdata
---@return true
function M.close(socket)
  local actor = check_socket("close", socket)
  ask(actor, "close")
  return true
end

local HOWS <const> = { read = true, write = true, read_write = true }

--- Ends one direction: "write" tells the other side that no more comes, after what was sent.
---@param socket userdata
---@param how string "read", "write" or "read_write"
---@return true|nil, string? reason
function M.shutdown(socket, how)
  local actor = check_socket("shutdown", socket)
  if not HOWS[how] then
    argument.fail(2, 2, "shutdown",
      ('"read", "write" or "read_write" expected, got %s'):format(argument.show(how)))
  end
  return ask(actor, "shutdown", how)
end

-- A success is a table here, as a failure is: it has two fields.
local function ask_address(actor, tag)
  local answered, reply = pcall(request, actor, tag)
  if not answered then return closed_or_raise(reply) end
  if reply == nil then return nil, "enomem" end
  if reply[2] == nil then return nil, reply[1] end
  return reply[1], reply[2]
end

--- Where this end of it is.
---@param socket userdata
---@return string|nil ip, integer|string port or reason
function M.sockname(socket)
  local actor = check_socket("sockname", socket)
  return ask_address(actor, "sockname")
end

--- Where the other end of it is.
---@param socket userdata
---@return string|nil ip, integer|string port or reason
function M.peername(socket)
  local actor = check_socket("peername", socket)
  return ask_address(actor, "peername")
end

--- Changes options: packet, active (counts add up), nodelay, buffer, send_timeout. What is there
--- already is delivered by them.
---@param socket userdata
---@param opts table
---@return true|nil, string? reason
function M.setopts(socket, opts)
  local actor = check_socket("setopts", socket)
  check_options(2, 2, "setopts", opts, CHANGEABLE, -COUNT_MAX - 1)
  return ask(actor, "setopts", encode(opts, {}))
end

-- Owners ---------------------------------------------------------------------------------------

local MESSAGES <const> = { tcp = true, tcp_closed = true, tcp_error = true, tcp_passive = true }

-- What the old owner has not taken yet goes on to the new one.
local function pass_on(socket, pid)
  local function is_its(message)
    return type(message) == "table" and MESSAGES[message[1]] and message[2] == socket
  end
  local message, why = core.receive(is_its, 0)
  while message ~= nil or why == nil do
    core.send(pid, message)
    message, why = core.receive(is_its, 0)
  end
end

--- Gives the socket to another process, with the messages of it that wait here. The owner's alone.
---@param socket userdata
---@param pid userdata
---@return true|nil, string? reason
function M.controlling_process(socket, pid)
  local actor = check_socket("controlling_process", socket)
  if not core.is_pid(pid) then argument.reject(2, 2, "controlling_process", "pid", pid) end
  local held, why = ask(actor, "begin_hand_over")
  if not held then return nil, why end
  if pid ~= core.self() and not core.is_alive(pid) then
    ask(actor, "hand_over", core.self())
    return nil, "noproc"
  end
  if pid ~= core.self() then pass_on(socket, pid) end
  return ask(actor, "hand_over", pid)
end

return M
