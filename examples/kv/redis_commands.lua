-- SPDX-License-Identifier: MIT
--- What the Redis front of the key-value application understands, on one bucket. A text that is how
--- an integer is written is kept as one: so INCR is an operation of the bucket's.

local bucket = require "pierrot.bucket"
local glob = require "kv.glob"
local pierrot = require "pierrot"
local registry = require "pierrot.registry"
local resp = require "kv.resp"

local commands = {}

local NOT_INTEGER <const> = "ERR value is not an integer or out of range"

local function to_value(text)
  if #text < 21 and text:find "^%-?%d+$" then
    local number = math.tointeger(tonumber(text))
    if number and tostring(number) == text then return number end
  end
  return text
end

local function to_reply(value)
  if value == nil then return resp.NIL end
  return resp.bulk(value)
end

-- Keys and values -----------------------------------------------------------------------------

local function get(client, key)
  return to_reply(bucket.get(client.store, key))
end

local function set(client, key, value, condition, more)
  condition = condition and condition:upper()
  if more or (condition and condition ~= "NX") then return resp.failure "ERR syntax error" end
  if not condition then
    bucket.put(client.store, key, to_value(value))
    return resp.OK
  end
  return bucket.put_new(client.store, key, to_value(value)) and resp.OK or resp.NIL
end

local function del(client, ...)
  local n = 0
  for _, key in ipairs { ... } do
    if bucket.delete(client.store, key) ~= nil then n = n + 1 end
  end
  return resp.integer(n)
end

local function exists(client, ...)
  local n = 0
  for _, key in ipairs { ... } do
    if bucket.get(client.store, key) ~= nil then n = n + 1 end
  end
  return resp.integer(n)
end

-- The bucket refuses to add to what is no number, and adds as Lua does: beyond the end it is taken
-- back.
local function add(client, key, by)
  local done, sum = pcall(bucket.incr, client.store, key, by)
  if not done then
    if type(sum) == "string" then return resp.failure(NOT_INTEGER) end
    error(sum, 0)
  end
  local old = sum - by
  if (by > 0) ~= (sum > old) and by ~= 0 then
    bucket.incr(client.store, key, -by)
    return resp.failure "ERR increment or decrement would overflow"
  end
  return resp.integer(sum)
end

local function add_text(client, key, text, sign)
  local by = to_value(text)
  if type(by) ~= "number" then return resp.failure(NOT_INTEGER) end
  return add(client, key, sign * by)
end

local function keys(client, pattern)
  local parts, found = glob.compile(pattern), {}
  for _, key in ipairs(bucket.keys(client.store)) do
    if glob.matches(parts, key) then found[#found + 1] = key end
  end
  return resp.bulks(found)
end

local function mget(client, ...)
  local items = {}
  for i, key in ipairs { ... } do items[i] = to_reply(bucket.get(client.store, key)) end
  return resp.array(items)
end

local function mset(client, ...)
  local words = { ... }
  if #words % 2 == 1 then
    return resp.failure "ERR wrong number of arguments for 'mset' command"
  end
  for i = 1, #words, 2 do bucket.put(client.store, words[i], to_value(words[i + 1])) end
  return resp.OK
end

local function flush(client)
  bucket.clear(client.store)
  return resp.OK
end

-- Channels ------------------------------------------------------------------------------------

local function count_channels(client)
  local n = 0
  for _ in pairs(client.channels) do n = n + 1 end
  return n
end

local function about_channel(client, what, channel)
  return resp.array {
    resp.bulk(what), channel and resp.bulk(channel) or resp.NIL,
    resp.integer(count_channels(client)),
  }
end

local function subscribe(client, ...)
  local replies = {}
  for i, channel in ipairs { ... } do
    if not client.channels[channel] then
      registry.register(client.topics, channel)
      client.channels[channel] = true
    end
    replies[i] = about_channel(client, "subscribe", channel)
  end
  return table.concat(replies)
end

local function unsubscribe(client, ...)
  local channels = { ... }
  if #channels == 0 then
    for channel in pairs(client.channels) do channels[#channels + 1] = channel end
    if #channels == 0 then return about_channel(client, "unsubscribe", nil) end
  end
  local replies = {}
  for i, channel in ipairs(channels) do
    if client.channels[channel] then registry.unregister(client.topics, channel) end
    client.channels[channel] = nil
    replies[i] = about_channel(client, "unsubscribe", channel)
  end
  return table.concat(replies)
end

local function publish(client, channel, text)
  local n = 0
  registry.dispatch(client.topics, channel, function(subscribers)
    for _, subscriber in ipairs(subscribers) do
      pierrot.send(subscriber[1], { "message", channel, text })
    end
    n = #subscribers
  end)
  return resp.integer(n)
end

-- The connection ------------------------------------------------------------------------------

-- Only the protocol that every client begins with is spoken.
local function hello(_, version)
  if version and version ~= "2" then
    return resp.failure "NOPROTO unsupported protocol version"
  end
  return resp.array {
    resp.bulk "server", resp.bulk "redis", resp.bulk "version", resp.bulk "7.0.0",
    resp.bulk "proto", resp.integer(2), resp.bulk "mode", resp.bulk "standalone",
    resp.bulk "role", resp.bulk "master", resp.bulk "modules", resp.array {},
  }
end

local function ping(client, text)
  if next(client.channels) ~= nil then return resp.bulks { "pong", text or "" } end
  return text and resp.bulk(text) or resp.simple "PONG"
end

local function quit(client)
  client.is_over = true
  return resp.OK
end

local function config(_, verb, name)
  if verb:upper() == "GET" and name then return resp.bulks { name, "" } end
  return resp.failure "ERR unknown subcommand of 'config'"
end

local function ok() return resp.OK end

local function select_(_, index)
  return index == "0" and resp.OK or resp.failure "ERR DB index is out of range"
end

--- By name: the function, and how many words may follow it (at most nothing: any number).
commands.by_name = {
  GET = { get, 1, 1 }, SET = { set, 2 }, DEL = { del, 1 }, EXISTS = { exists, 1 },
  INCR = { function(client, key) return add(client, key, 1) end, 1, 1 },
  DECR = { function(client, key) return add(client, key, -1) end, 1, 1 },
  INCRBY = { function(client, key, by) return add_text(client, key, by, 1) end, 2, 2 },
  DECRBY = { function(client, key, by) return add_text(client, key, by, -1) end, 2, 2 },
  MGET = { mget, 1 }, MSET = { mset, 2 }, KEYS = { keys, 1, 1 },
  DBSIZE = { function(client) return resp.integer(bucket.size(client.store)) end, 0, 0 },
  FLUSHALL = { flush, 0 }, FLUSHDB = { flush, 0 },
  SUBSCRIBE = { subscribe, 1 }, UNSUBSCRIBE = { unsubscribe, 0 }, PUBLISH = { publish, 2, 2 },
  PING = { ping, 0, 1 }, ECHO = { function(_, text) return resp.bulk(text) end, 1, 1 },
  HELLO = { hello, 0 }, QUIT = { quit, 0 }, CONFIG = { config, 1 }, SELECT = { select_, 1, 1 },
  COMMAND = { function() return resp.array {} end, 0 }, CLIENT = { ok, 1 },
  INFO = { function() return resp.bulk "# Server\r\nredis_version:7.0.0\r\n" end, 0 },
}

-- What a subscriber may still say.
local FOR_SUBSCRIBERS <const> = { SUBSCRIBE = true, UNSUBSCRIBE = true, PING = true, QUIT = true }

local function unknown(words)
  return resp.failure(("ERR unknown command '%s'"):format(words[1]:sub(1, 64)))
end

--- The reply to a command.
---@param client table  store, topics, channels, is_over
---@param words string[]
---@return string
function commands.answer(client, words)
  local name = words[1]
  local known = commands.by_name[name]
  if not known then
    name = name:upper()
    known = commands.by_name[name]
    if not known then return unknown(words) end
  end
  local n = #words - 1
  if n < known[2] or (known[3] and n > known[3]) then
    return resp.failure(
      ("ERR wrong number of arguments for '%s' command"):format(name:lower()))
  end
  if next(client.channels) ~= nil and not FOR_SUBSCRIBERS[name] then
    return resp.failure(("ERR Can't execute '%s': only (UN)SUBSCRIBE / PING / QUIT are allowed " ..
      "in this context"):format(name:lower()))
  end
  return known[1](client, table.unpack(words, 2))
end

return commands
