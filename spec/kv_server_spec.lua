-- SPDX-License-Identifier: MIT
--- The key-value application over TCP, examples/kv_server.lua: the mission's walk, H and J3, and
--- clients that behave badly.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local servers = require "spec.kv_servers"
local server = require "kv.server"
local supervisor = require "pierrot.supervisor"

local alone, expect, await_down = support.alone, support.expect, support.await_down

local child, clients_of = servers.child, servers.clients_of

local function start(port)
  return servers.start(server, port)
end

-- Clients --------------------------------------------------------------------------------------

local function connect(port)
  return sockets.connect(port, { packet = "line" })
end

--- Sends a line and gives the next n lines of the answer.
local function ask(client, line, n)
  assert(tcp.send(client, line .. "\r\n"))
  local lines = {}
  for i = 1, n or 1 do lines[i] = assert(tcp.recv(client, 0, 5000)) end
  return table.concat(lines, "\n")
end

describe("an echo server", function()
  local function echo(socket)
    while true do
      local data, reason = tcp.recv(socket)
      if not data then return reason end
      assert(tcp.send(socket, data .. "\n"))
    end
  end

  local function serve(handle)
    local me = pierrot.self()
    local pid = pierrot.spawn(function()
      local listener, port = sockets.listen { packet = "line" }
      pierrot.send(me, { "port", port })
      while true do handle(assert(tcp.accept(listener))) end
    end)
    return expect { "port" }[2], pid
  end

  it("H1 of one process serves one client after the other", alone(function()
    local port, pid = serve(echo)
    local first, second = connect(port), connect(port)
    assert.equal("hello", ask(first, "hello"))

    tcp.send(second, "and me?\n")
    assert.same({ nil, "timeout" }, { tcp.recv(second, 0, 20) })
    tcp.close(first)

    assert.equal("and me?", tcp.recv(second))
    pierrot.exit(pid, "shutdown")
  end))

  it("H2 with linked tasks goes down with a client", alone(function()
    local port, pid = serve(function(socket)
      local handler = pierrot.spawn_link(function()
        pierrot.receive "yours"
        pierrot.exit { "shutdown", echo(socket) }
      end)
      tcp.controlling_process(socket, handler)
      pierrot.send(handler, "yours")
    end)
    local first, second = connect(port), connect(port)
    assert.equal("one", ask(first, "one"))
    assert.equal("two", ask(second, "two"))

    tcp.close(first)

    assert.same({ "shutdown", "closed" }, await_down(pid))
    assert.same({ nil, "closed" }, { tcp.recv(second) })
  end))
end)

describe("the key-value server", function()
  it("H3 serves 50 clients at once, and a leaving one hurts nobody", alone(function()
    local port, name = start()
    local clients = {}
    for i = 1, 50 do clients[i] = connect(port) end

    for i, client in ipairs(clients) do
      assert.equal("OK", ask(client, ("CREATE list%d"):format(i)))
    end
    clients_of(name, 50)
    for i = 1, 49 do tcp.close(clients[i]) end
    clients_of(name, 1)

    assert.equal("OK", ask(clients[50], "PUT list1 eggs 3"))
  end))

  it("H4 gets a new acceptor on the same port, and cuts no client", alone(function()
    local port, name = start(sockets.free_port())
    local old = connect(port)
    assert.equal("OK", ask(old, "CREATE shopping"))
    local acceptor = child(name, "acceptor")

    pierrot.exit(acceptor, "kill")

    assert.equal(port, expect { "listening" }[3])
    assert.is_true(acceptor ~= child(name, "acceptor"))
    assert.equal("OK", ask(connect(port), "PUT shopping milk 1"))
    assert.equal("1\nOK", ask(old, "GET shopping milk", 2))
  end))

  it("H4 cuts the client whose task is killed, and starts nothing for it", alone(function()
    local port, name = start()
    local first = connect(port)
    assert.equal("OK", ask(first, "CREATE shopping"))
    local handler = clients_of(name, 1)[1]
    local second = connect(port)
    assert.equal("OK", ask(second, "CREATE shopping"))
    local acceptor = child(name, "acceptor")

    pierrot.exit(handler, "kill")

    assert.same({ nil, "closed" }, { tcp.recv(first) })
    assert.equal("OK", ask(second, "PUT shopping milk 1"))
    assert.equal(acceptor, child(name, "acceptor"))
    clients_of(name, 1)
  end))

  it("H6 answers as the table says", alone(function()
    local client = connect((start()))

    assert.equal("UNKNOWN COMMAND", ask(client, "UNKNOWN shopping"))
    assert.equal("NOT FOUND", ask(client, "GET shopping eggs"))
    assert.equal("OK", ask(client, "CREATE shopping"))
    assert.equal("OK", ask(client, "PUT shopping eggs 3"))
    assert.equal("3\nOK", ask(client, "GET shopping eggs", 2))
    assert.equal("OK", ask(client, "DELETE shopping eggs"))
    assert.equal("\nOK", ask(client, "GET shopping eggs", 2))
  end))

  it("H6 ends each line with CR LF", alone(function()
    local client = assert(tcp.connect("127.0.0.1", (start())))

    tcp.send(client, "CREATE a\r\nPUT a b 3\r\nGET a b\r\n")

    assert.equal("OK\r\nOK\r\n3\r\nOK\r\n", tcp.recv(client, 15))
  end))

  it("H7 ends a client's task with shutdown when the client leaves", alone(function()
    local port, name = start()
    local client = connect(port)
    local ref = pierrot.monitor(clients_of(name, 1)[1])

    tcp.close(client)

    assert.equal("shutdown", await_down(ref))
  end))

  it("H8 begins with no bucket when it is started again, on the same port", alone(function()
    local port, name = start()
    local client = connect(port)
    ask(client, "CREATE shopping")

    supervisor.stop(name .. ".supervisor")

    assert.same({ nil, "closed" }, { tcp.recv(client) })
    assert.equal(port, (start(port)))
    assert.equal("NOT FOUND", ask(connect(port), "GET shopping eggs"))
  end))

  it("H8 loses a client whose process ends, without being told", alone(function()
    local port, name = start()
    local pid = pierrot.spawn(function()
      ask(connect(port), "CREATE shopping")
      pierrot.receive "never sent"
    end)
    local ref = pierrot.monitor(clients_of(name, 1)[1])

    pierrot.exit(pid, "kill")

    assert.equal("shutdown", await_down(ref))
  end))

  it("H7 says ERROR for another error, and ends that client's task with it", alone(function()
    local port, name = start()
    local client = connect(port)
    local ref = pierrot.monitor(clients_of(name, 1)[1])
    supervisor.terminate_child(name .. ".supervisor", "buckets")

    assert.equal("ERROR", ask(client, "GET shopping eggs"))
    assert.equal("noproc", await_down(ref)[1])
    assert.same({ nil, "closed" }, { tcp.recv(client) })
  end))

  it("J3 tells a subscriber of changes", alone(function()
    local port, name = start()
    local subscriber = connect(port)
    assert.equal("OK", ask(subscriber, "CREATE shopping"))
    tcp.send(subscriber, "SUBSCRIBE shopping\r\n")
    local writer = connect(port)
    -- It has subscribed when the bucket knows it.
    local bucket = require("pierrot.registry").lookup(name .. ".buckets", "shopping")
    while #pierrot.info(bucket, "monitors") == 0 do pierrot.yield() end

    assert.equal("OK", ask(writer, "PUT shopping milk 3"))
    assert.equal("milk SET TO 3", tcp.recv(subscriber, 0, 1000))
    assert.equal("OK", ask(writer, "DELETE shopping milk"))
    assert.equal("milk DELETED", tcp.recv(subscriber, 0, 1000))
  end))

  it("J3 ignores what a subscriber says, and forgets it when it leaves", alone(function()
    local port, name = start()
    local subscriber = connect(port)
    assert.equal("OK", ask(subscriber, "CREATE shopping"))
    local ref = pierrot.monitor(clients_of(name, 1)[1])
    tcp.send(subscriber, "SUBSCRIBE shopping\r\n" .. ("PUT shopping milk 1\r\n"):rep(100))
    local bucket = require("pierrot.registry").lookup(name .. ".buckets", "shopping")
    while #pierrot.info(bucket, "monitors") == 0 do pierrot.yield() end
    local writer = connect(port)
    assert.equal("OK", ask(writer, "PUT shopping eggs 2"))
    assert.equal("eggs SET TO 2", tcp.recv(subscriber))

    tcp.close(subscriber)

    assert.equal("shutdown", await_down(ref))
    while #pierrot.info(bucket, "monitors") > 0 do pierrot.yield() end
    assert.equal("\nOK", ask(writer, "GET shopping milk", 2))
  end))

  it("J3 knows no other commands, and no bucket that was not created", alone(function()
    local client = connect((start()))

    assert.equal("UNKNOWN COMMAND", ask(client, "WHATEVER"))
    assert.equal("UNKNOWN COMMAND", ask(client, "SUBSCRIBE"))
    assert.equal("NOT FOUND", ask(client, "SUBSCRIBE whatever"))
    assert.equal("NOT FOUND", ask(client, "GET whatever eggs"))
  end))
end)

-- Clients that behave badly --------------------------------------------------------------------

local function total_memory()
  collectgarbage()
  return pierrot.memory().total
end

describe("the key-value server lives on", function()
  it("after many connections that were dropped", alone(function()
    local port, name = start()
    for i = 1, 500 do
      local client = sockets.connect(port)
      if i % 2 == 0 then tcp.send(client, "CREATE half a li") end
      tcp.close(client)
    end
    clients_of(name, 0)

    assert.equal("OK", ask(connect(port), "CREATE shopping"))
  end))

  it("after binary rubbish", alone(function()
    local port = start()
    local client = sockets.connect(port)
    local rubbish = {}
    for i = 0, 4095 do rubbish[#rubbish + 1] = string.char((i * 7919 + i // 13) % 256) end
    tcp.send(client, table.concat(rubbish):gsub("\n", "") .. "\0\255\r\n")

    assert.equal("UNKNOWN COMMAND\r\n", tcp.recv(client, 17))
    assert.equal("OK", ask(connect(port), "CREATE shopping"))
  end))

  it("after a line that never ends, which it does not keep", alone(function()
    local port, name = start()
    local client = sockets.connect(port)
    local ref = pierrot.monitor(clients_of(name, 1)[1])
    local before = total_memory()

    local chunk, sent = ("x"):rep(1 << 20), true
    for _ = 1, 1024 do
      sent = tcp.send(client, chunk)
      if not sent then break end
    end

    assert.is_nil(sent)
    assert.equal("emsgsize", await_down(ref))
    assert.is_true(total_memory() - before < 6 << 20)
    assert.equal("OK", ask(connect(port), "CREATE shopping"))
  end))

  it("with clients that ask and never read, which wait alone", alone(function()
    local port = start()
    assert.equal("OK", ask(connect(port), "CREATE shopping"))
    local before = total_memory()
    local greedy = {}
    for i = 1, 3 do
      greedy[i] = pierrot.spawn_link(function()
        local client = sockets.connect(port)
        local questions = ("GET shopping eggs\r\n"):rep(1000)
        while tcp.send(client, questions) do end
      end)
    end
    -- In the end all of them wait: the server for room, they for the server.
    for _, pid in ipairs(greedy) do
      while pierrot.info(pid, "status") ~= "waiting" do pierrot.yield() end
    end

    assert.equal("OK", ask(connect(port), "PUT shopping eggs 1"))
    assert.is_true(total_memory() - before < 8 << 20)
  end))

  it("with a client that breaks off while it is answered", alone(function()
    local port, name = start()
    local writer = connect(port)
    assert.equal("OK", ask(writer, "CREATE shopping"))
    for _ = 1, 20 do
      local client = sockets.connect(port)
      tcp.send(client, ("GET shopping eggs\r\n"):rep(5000))
      assert(tcp.recv(client, 1))
      tcp.close(client)
    end
    clients_of(name, 1)

    assert.equal("OK", ask(writer, "PUT shopping eggs 1"))
  end))
end)

describe("the program kv_server", function()
  if not support.program then
    pending "needs the program: set PIERROT"
    return
  end

  it("says where it listens, and serves", alone(function()
    local program <close> = sockets.program("kv_server.lua", "0")

    assert.equal("OK", ask(connect(program.port), "CREATE shopping"))
  end))

  it("refuses what is no port", function()
    local output, errors, status = support.execute(
      support.command(support.program, support.root .. "/examples/kv_server.lua", "http"))

    assert.same({ "", "usage: kv_server.lua [PORT]\n", 1 }, { output, errors, status })
  end)
end)
