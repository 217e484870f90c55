-- SPDX-License-Identifier: MIT
--- The key-value application behind the protocol of Redis, examples/kv_redis.lua: its parts,
--- clients that behave badly, and Redis's own clients where they are installed.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local servers = require "spec.kv_servers"
local glob = require "kv.glob"
local redis = require "kv.redis"
local resp = require "kv.resp"

local alone = support.alone

describe("a pattern of keys", function()
  local rows = {
    { "*", "", true }, { "*", "anything", true }, { "", "", true }, { "", "a", false },
    { "h?llo", "hello", true }, { "h?llo", "hllo", false }, { "h*llo", "heeeello", true },
    { "h*llo", "hell", false }, { "h[ae]llo", "hallo", true }, { "h[ae]llo", "hillo", false },
    { "h[^e]llo", "hallo", true }, { "h[^e]llo", "hello", false }, { "h[a-c]t", "hbt", true },
    { "h[a-c]t", "hdt", false }, { "a\\*b", "a*b", true }, { "a\\*b", "axb", false },
    { "*a*b*c", "xxaxxbxxc", true }, { "*a*b*c", "xxaxxcxxb", false }, { "[", "a", false },
    { "[a-", "a", true }, { "\\", "\\", true }, { "a.b%", "a.b%", true }, { "**a", "ba", true },
  }
  for _, row in ipairs(rows) do
    it(("%q %s %q"):format(row[1], row[3] and "fits" or "does not fit", row[2]), function()
      assert.equal(row[3], glob.matches(glob.compile(row[1]), row[2]))
    end)
  end

  it("takes bounded time, however many stars it has", function()
    local parts = glob.compile(("*a"):rep(200) .. "b")

    assert.is_false(glob.matches(parts, ("a"):rep(2000)))
  end)
end)

describe("the reader of commands", function()
  local function read_all(pieces)
    local reader, commands = resp.reader(), {}
    for _, piece in ipairs(pieces) do
      reader:feed(piece)
      local words, why = reader:next()
      while words do
        commands[#commands + 1] = words
        words, why = reader:next()
      end
      if type(why) == "string" then return commands, why end
    end
    return commands
  end

  local two <const> = "*2\r\n$3\r\nGET\r\n$4\r\nmi\r\n\r\n*1\r\n$0\r\n\r\n"

  it("reads commands, one after the other", function()
    assert.same({ { "GET", "mi\r\n" }, { "" } }, (read_all { two }))
  end)

  it("reads them in whatever pieces they come", function()
    for size = 1, #two - 1 do
      local pieces = {}
      for at = 1, #two, size do pieces[#pieces + 1] = two:sub(at, at + size - 1) end
      assert.same({ { "GET", "mi\r\n" }, { "" } }, (read_all(pieces)))
    end
  end)

  it("reads lines as they are typed", function()
    local pieces = { "SET  a 1\r\n\r\nPI", "NG\n" }

    assert.same({ { "SET", "a", "1" }, {}, { "PING" } }, (read_all(pieces)))
  end)

  it("says how much is missing when it knows", function()
    local reader = resp.reader()
    reader:feed "*1\r\n$100\r\nabc"

    assert.same({ nil, 99 }, { reader:next() })
  end)

  local wrong = {
    { "*1\r\nGET\r\n", "expected '%$', got 'G'" },
    { "*x\r\n", "invalid multibulk length" },
    { "*99999999999\r\n", "invalid multibulk length" },
    { "*2000000\r\n", "invalid multibulk length" },
    { "*1\r\n$-1\r\n", "invalid bulk length" },
    { "*1\r\n$999999999\r\n", "invalid bulk length" },
    { "*" .. ("1"):rep(40), "invalid multibulk length" },
    { ("x"):rep(70000), "too big inline request" },
  }
  for _, row in ipairs(wrong) do
    it(("refuses %q"):format(row[1]:sub(1, 20)), function()
      local _, why = read_all { row[1] }

      assert.matches(row[2], why)
    end)
  end
end)

-- The server -----------------------------------------------------------------------------------

local function start()
  return servers.start(redis)
end

local function connect(port)
  return sockets.connect(port)
end

local function ask(client, command, answer)
  assert(tcp.send(client, command .. "\r\n"))
  assert.equal(answer, (tcp.recv(client, #answer, 5000)))
end

describe("the Redis server", function()
  it("keeps values", alone(function()
    local client = connect((start()))

    ask(client, "PING", "+PONG\r\n")
    ask(client, "GET milk", "$-1\r\n")
    ask(client, "SET milk three", "+OK\r\n")
    ask(client, "get milk", "$5\r\nthree\r\n")
    ask(client, "SET milk four NX", "$-1\r\n")
    ask(client, "EXISTS milk milk eggs", ":2\r\n")
    ask(client, "MSET a 1 b 2", "+OK\r\n")
    ask(client, "MGET a b c", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n")
    ask(client, "DBSIZE", ":3\r\n")
    ask(client, "KEYS m*", "*1\r\n$4\r\nmilk\r\n")
    ask(client, "DEL milk a nothing", ":2\r\n")
    ask(client, "FLUSHALL", "+OK\r\n")
    ask(client, "DBSIZE", ":0\r\n")
  end))

  it("counts, and gives back texts as they were", alone(function()
    local client = connect((start()))

    ask(client, "INCR n", ":1\r\n")
    ask(client, "INCRBY n 41", ":42\r\n")
    ask(client, "DECR n", ":41\r\n")
    ask(client, "GET n", "$2\r\n41\r\n")
    for _, text in ipairs { "007", "1.0", "0x10", "1e3", "-0", "9223372036854775808" } do
      ask(client, "SET t " .. text, "+OK\r\n")
      ask(client, "GET t", ("$%d\r\n%s\r\n"):format(#text, text))
      ask(client, "INCR t", "-ERR value is not an integer or out of range\r\n")
    end
    ask(client, "SET n 9223372036854775807", "+OK\r\n")
    ask(client, "INCR n", "-ERR increment or decrement would overflow\r\n")
    ask(client, "GET n", "$19\r\n9223372036854775807\r\n")
  end))

  it("refuses what it does not know", alone(function()
    local client = connect((start()))

    ask(client, "LPUSH a b", "-ERR unknown command 'LPUSH'\r\n")
    ask(client, "GET", "-ERR wrong number of arguments for 'get' command\r\n")
    ask(client, "SET a b EX 10", "-ERR syntax error\r\n")
    ask(client, "HELLO 3", "-NOPROTO unsupported protocol version\r\n")
    ask(client, "PING", "+PONG\r\n")
  end))

  it("answers commands in one piece in order", alone(function()
    local client = connect((start()))
    local commands, answers = {}, {}
    for i = 1, 3000 do
      commands[i] = ("SET k%d %d\r\nGET k%d\r\n"):format(i, i, i)
      answers[i] = "+OK\r\n" .. resp.bulk(i)
    end
    local all = table.concat(answers)
    pierrot.spawn_link(function() tcp.send(client, commands) end)

    assert.equal(all, tcp.recv(client, #all))
  end))

  it("carries values of megabytes", alone(function()
    local client = connect((start()))
    local value = ("0123456789"):rep(300000)
    tcp.send(client, resp.bulks { "SET", "big", value })
    assert.equal("+OK\r\n", tcp.recv(client, 5))

    tcp.send(client, "GET big\r\n")

    local answer = resp.bulk(value)
    assert.is_true(tcp.recv(client, #answer) == answer)
  end))

  it("publishes to those who subscribe", alone(function()
    local port = start()
    local one, two, other = connect(port), connect(port), connect(port)
    ask(one, "SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
    ask(two, "SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
    local message = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"

    ask(other, "PUBLISH news hello", ":2\r\n")

    assert.equal(message, tcp.recv(one, #message))
    assert.equal(message, tcp.recv(two, #message))
    ask(one, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    ask(one, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n")
    ask(one, "GET a", "$-1\r\n")
    ask(other, "PUBLISH news hello", ":1\r\n")
    ask(other, "PUBLISH nobody hello", ":0\r\n")
  end))

  it("forgets a subscriber that leaves", alone(function()
    local port, name = start()
    local client, other = connect(port), connect(port)
    ask(client, "SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")

    tcp.close(client)

    while pierrot.registry.count(name .. ".topics") > 0 do pierrot.yield() end
    ask(other, "PUBLISH news hello", ":0\r\n")
  end))

  it("says what is wrong with the protocol, and closes", alone(function()
    local port = start()
    for _, rubbish in ipairs { "*1\r\nGET\r\n", "*x\r\n", ("x"):rep(100000) } do
      local client = connect(port)
      tcp.send(client, rubbish)
      assert.matches("^%-ERR Protocol error: ", (tcp.recv(client)))
      tcp.close(client)
    end

    ask(connect(port), "PING", "+PONG\r\n")
  end))

  it("keeps no more than a little of what asks for much", alone(function()
    local port = start()
    local client = connect(port)
    tcp.send(client, resp.bulks { "SET", "big", ("x"):rep(1 << 20) })
    assert.equal("+OK\r\n", tcp.recv(client, 5))
    collectgarbage()
    local before = pierrot.memory().total

    -- 2 GB in answers, which nobody reads.
    assert(tcp.send(client, ("GET big\r\n"):rep(2000)))
    ask(connect(port), "PING", "+PONG\r\n")

    collectgarbage()
    assert.is_true(pierrot.memory().total - before < 16 << 20)
  end))
end)

-- Redis's own clients --------------------------------------------------------------------------

local function is_installed(name)
  return os.execute("command -v " .. name .. " >/dev/null 2>&1") == true
end

describe("Redis's own clients", function()
  if not support.program then
    pending "need the program: set PIERROT"
    return
  elseif not (is_installed "redis-cli" and is_installed "redis-benchmark") then
    pending "are not installed: Debian's package redis-tools has them"
    return
  end

  it("are served", function()
    local program <close> = sockets.program("kv_redis.lua", "0")
    local input <close> = support.temporary_file [[
PING
SET milk "three bottles"
GET milk
INCR eggs
INCRBY eggs 11
INCR milk
EXISTS milk eggs bread
KEYS e*
DEL milk eggs
DBSIZE
PUBLISH news hello
NOSUCH command
]]

    local output, errors, status = support.execute(
      support.command("redis-cli", "-p", tostring(program.port)) .. " <" .. input.path)

    assert.equal("", errors)
    assert.equal(0, status)
    assert.equal([[
PONG
OK
three bottles
1
12
ERR value is not an integer or out of range

2
eggs
2
0
0
ERR unknown command 'NOSUCH'

]], output)
  end)

  for _, pipeline in ipairs { "1", "16" } do
    it("measure it without an error, " .. pipeline .. " requests at a time", function()
      local program <close> = sockets.program("kv_redis.lua", "0")

      local output, errors, status = support.execute(support.command("redis-benchmark", "-p",
        tostring(program.port), "-t", "set,get", "-n", "20000", "-c", "50", "-P", pipeline, "-q"))

      assert.equal("", errors)
      assert.equal(0, status)
      assert.matches("SET: [%d.]+ requests per second", output)
      assert.matches("GET: [%d.]+ requests per second", output)
    end)
  end
end)
