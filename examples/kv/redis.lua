-- SPDX-License-Identifier: MIT
--- The key-value application behind the protocol of Redis. A client's task reads what has come,
--- answers all commands in it, and sends the answers as one.

local pierrot = require "pierrot"
local acceptor = require "kv.acceptor"
local bucket = require "pierrot.bucket"
local commands = require "kv.redis_commands"
local registry = require "pierrot.registry"
local resp = require "kv.resp"
local tcp = require "pierrot.tcp"

local redis = {}

local SEND_TIMEOUT <const> = 30000
local PORTION <const> = 256 * 1024

local function send(socket, text)
  if text == "" then return end
  local sent, reason = tcp.send(socket, text)
  if not sent then pierrot.exit(reason == "closed" and "shutdown" or { "shutdown", reason }) end
end

-- What comes in ---------------------------------------------------------------------------------

-- A subscriber waits for messages of both kinds; what is published to it is sent at once.
local function receive_as_subscriber(client)
  tcp.setopts(client.socket, { active = "once" })
  while true do
    local message = pierrot.receive()
    local kind, first, second = table.unpack(message)
    if kind == "message" then
      send(client.socket, resp.bulks { "message", first, second })
    elseif kind == "tcp" then
      return second
    elseif kind == "tcp_closed" or kind == "tcp_error" then
      pierrot.exit "shutdown"
    end
  end
end

-- More bytes; at least `missing` of them when that is known.
local function receive(client, missing)
  if next(client.channels) ~= nil then return receive_as_subscriber(client) end
  local data, reason = tcp.recv(client.socket, missing or 0)
  if not data then pierrot.exit(reason == "closed" and "shutdown" or { "shutdown", reason }) end
  return data
end

-- Answers the commands that are there as a whole. Gives what is missing of the next one. Few bytes
-- can ask for many: what they get goes out in portions.
local function answer_all(client, reader)
  local replies, n_bytes = {}, 0
  local words, missing = reader:next()
  while words do
    local reply = words[1] and commands.answer(client, words) or ""
    replies[#replies + 1] = reply
    n_bytes = n_bytes + #reply
    if n_bytes > PORTION then
      send(client.socket, table.concat(replies))
      replies, n_bytes = {}, 0
    end
    if client.is_over then break end
    words, missing = reader:next()
  end
  if type(missing) == "string" then
    client.is_over = true
    replies[#replies + 1] = resp.failure("ERR Protocol error: " .. missing)
  end
  send(client.socket, table.concat(replies))
  return missing
end

local function serve(socket, server)
  local client = {
    socket = socket, store = pierrot.whereis(server.name .. ".store"),
    topics = server.name .. ".topics", channels = {}, is_over = false,
  }
  local reader, missing = resp.reader(), nil
  repeat
    reader:feed(receive(client, missing))
    missing = answer_all(client, reader)
  until client.is_over
  tcp.close(socket)
end

--- Starts a server, linked to the caller.
---@param options { port: integer, ip: string?, name: string?, ready: userdata? }
---@return userdata|nil pid, any reason
function redis.start_link(options)
  local name = options.name or "kv_redis"
  return acceptor.start_link {
    port = options.port, ip = options.ip, name = name, ready = options.ready, serve = serve,
    socket = { nodelay = true, send_timeout = SEND_TIMEOUT },
    children = {
      {
        id = "store", restart = "permanent",
        start = function() return bucket.start_link { name = name .. ".store" } end,
      },
      {
        id = "topics", restart = "permanent",
        start = function()
          return registry.start_link { name = name .. ".topics", keys = "duplicate" }
        end,
      },
    },
  }
end

return redis
