-- SPDX-License-Identifier: MIT
--- The key-value application over TCP: lines in, lines out. SUBSCRIBE turns a connection into one
--- that is told of the changes of a bucket.

local pierrot = require "pierrot"
local acceptor = require "kv.acceptor"
local bucket = require "pierrot.bucket"
local command = require "kv.command"
local registry = require "pierrot.registry"
local tcp = require "pierrot.tcp"

local server = {}

local LONGEST_LINE <const> = 64 * 1024
local SEND_TIMEOUT <const> = 30000

-- The answer of some lines, each with its end; a client that does not take it is given up.
local function answer(socket, text)
  local sent, reason = tcp.send(socket, text:gsub("\n", "\r\n") .. "\r\n")
  if not sent then pierrot.exit(reason == "closed" and "shutdown" or reason) end
end

-- A subscriber --------------------------------------------------------------------------------

-- Changes and the socket's messages come to one mailbox. One line at a time is taken from the
-- client and dropped, so that it cannot fill that.
local function tell_changes(socket, pid)
  local watch = pierrot.monitor(pid)
  bucket.subscribe(pid)
  tcp.setopts(socket, { active = "once" })
  while true do
    local message = pierrot.receive()
    local kind, first, second = table.unpack(message)
    if kind == "put" then
      answer(socket, ("%s SET TO %s"):format(first, second))
    elseif kind == "delete" then
      answer(socket, ("%s DELETED"):format(first))
    elseif kind == "tcp" then
      tcp.setopts(socket, { active = "once" })
    elseif kind == "tcp_closed" or (kind == "DOWN" and first == watch) then
      pierrot.exit "shutdown"
    elseif kind == "tcp_error" then
      pierrot.exit(second)
    end
  end
end

local function subscribe(socket, names, name)
  local pid = registry.lookup(names, name)
  if not pid then return answer(socket, "NOT FOUND") end
  return tell_changes(socket, pid)
end

-- A client ------------------------------------------------------------------------------------

local function answer_line(socket, names, line)
  local name = line:match "^%s*SUBSCRIBE%s+(%S+)%s*$"
  if name then return subscribe(socket, names, name) end
  return answer(socket, command.answer(line, registry, names))
end

local function serve(socket, options)
  local names = options.name .. ".buckets"
  while true do
    local line, reason = tcp.recv(socket)
    if reason == "closed" then pierrot.exit "shutdown" end
    local done, failure = pcall(function()
      if not line then pierrot.exit(reason) end
      answer_line(socket, names, line)
    end)
    if not done then
      if failure.reason ~= "shutdown" then tcp.send(socket, "ERROR\r\n") end
      error(failure, 0)
    end
  end
end

--- Starts a server, linked to the caller.
---@param options { port: integer, ip: string?, name: string?, ready: userdata? }
---@return userdata|nil pid, any reason
function server.start_link(options)
  local name = options.name or "kv"
  return acceptor.start_link {
    port = options.port, ip = options.ip, name = name, ready = options.ready, serve = serve,
    socket = { packet = "line", buffer = LONGEST_LINE, send_timeout = SEND_TIMEOUT },
    children = {
      {
        id = "buckets", restart = "permanent",
        start = function() return registry.start_link { name = name .. ".buckets" } end,
      },
    },
  }
end

return server
