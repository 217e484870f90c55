-- SPDX-License-Identifier: MIT
--- Sockets: making them, sending and receiving bytes, ending them. Packets, active sockets, owners
--- and pressure have specs of their own.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local alone, expect, error_text = support.alone, support.expect, support.error_text

--- Not every container has a table of hosts.
local function knows_localhost()
  local hosts <close> = io.open("/etc/hosts")
  return hosts and hosts:read("a"):find("localhost", 1, true) ~= nil
end

describe("a socket as a value", function()
  it("is neither a pid nor a ref", alone(function()
    local listener = sockets.listen()

    assert.is_false(pierrot.is_pid(listener))
    assert.is_false(pierrot.is_ref(listener))
  end))

  it("prints as what it is", alone(function()
    local listener = sockets.listen()

    assert.matches("^#Socket<0%.%d+%.%d+>$", tostring(listener))
    assert.equal(("{%s}"):format(listener), pierrot.inspect { listener })
  end))

  it("is the same value after it was sent", alone(function()
    local listener = sockets.listen()
    local me = pierrot.self()
    local echo = pierrot.spawn_opt({ scheduler = "any", link = true }, function(to)
      require("pierrot").send(to, require("pierrot").receive())
    end, me)

    pierrot.send(echo, { [listener] = listener })

    assert.same({ [listener] = listener }, expect { [listener] = pierrot.any })
  end))

  it("can be a key of a bucket", alone(function()
    local bucket = require("pierrot.bucket").start_link()
    local listener = sockets.listen()

    pierrot.bucket.put(bucket, listener, listener)

    assert.equal(listener, pierrot.bucket.get(bucket, listener))
    assert.same({ listener }, pierrot.bucket.keys(bucket))
  end))

  it("is no address to send messages to", alone(function()
    local listener = sockets.listen()

    assert.matches("%(pid, name or via expected, got socket%)",
      error_text(pierrot.send, listener, "hello"))
  end))
end)

describe("listen", function()
  it("takes a free port for 0 and tells it by sockname", alone(function()
    local listener = assert(tcp.listen(0))

    local ip, port = tcp.sockname(listener)

    assert.equal("127.0.0.1", ip)
    assert.equal("integer", math.type(port))
    assert.is_true(port > 0)
  end))

  it("fails on a port that is taken", alone(function()
    local _, port = sockets.listen()

    assert.same({ nil, "eaddrinuse" }, { tcp.listen(port) })
  end))

  it("leaves no process behind when it fails", alone(function()
    local _, port = sockets.listen()
    local n = #pierrot.processes()

    tcp.listen(port)

    assert.equal(n, #pierrot.processes())
  end))

  it("can have its port again as soon as close has returned", alone(function()
    for _ = 1, 20 do
      local listener, port = sockets.listen()
      tcp.close(listener)
      local again = assert(tcp.listen(port))
      tcp.close(again)
    end
  end))

  it("can have the port of connections that were cut", alone(function()
    local listener, port = sockets.listen()
    local client = sockets.connect(port)
    local server = assert(tcp.accept(listener))
    tcp.close(listener)
    tcp.close(server)
    tcp.close(client)

    assert(tcp.listen(port))
  end))

  it("takes an address of IPv6", alone(function()
    local listener = tcp.listen(0, { ip = "::1" })
    if not listener then return end -- this machine has none
    local ip, port = tcp.sockname(listener)
    local client = assert(tcp.connect("::1", port))
    local server = assert(tcp.accept(listener))

    assert(tcp.send(client, "six"))

    assert.equal("::1", ip)
    assert.equal("six", tcp.recv(server))
    assert.same({ "::1", port }, { tcp.peername(client) })
  end))

  it("fails for an address that is not this machine's", alone(function()
    assert.same({ nil, "eaddrnotavail" }, { tcp.listen(0, { ip = "192.0.2.1" }) })
  end))

  it("refuses bad arguments", alone(function()
    local bad = {
      { "bad argument #1 to 'listen' %(port from 0 to 65535 expected, got string%)", "80" },
      { "port from 0 to 65535 expected, got 65536", 65536 },
      { "port from 0 to 65535 expected, got %-1", -1 },
      { "bad argument #2 to 'listen' %(table of options expected, got number%)", 0, 1 },
      { "bad argument #2 to 'listen' %(unknown option \"colour\"%)", 0, { colour = 1 } },
      { "bad option 'packet' %(.* expected, got 3%)", 0, { packet = 3 } },
      { "bad option 'active' %(.* expected, got \"twice\"%)", 0, { active = "twice" } },
      { "bad option 'active' %(.* expected, got 0%)", 0, { active = 0 } },
      { "bad option 'ip' %(.* expected, got \"1%.2%.3\"%)", 0, { ip = "1.2.3" } },
      { "bad option 'buffer' %(.* expected, got 0%)", 0, { buffer = 0 } },
      { "bad option 'backlog' %(.* expected, got %-1%)", 0, { backlog = -1 } },
      { "bad option 'nodelay' %(boolean expected, got 1%)", 0, { nodelay = 1 } },
      { "bad option 'send_timeout' %(milliseconds expected, got %-1%)", 0, { send_timeout = -1 } },
    }
    for _, case in ipairs(bad) do
      assert.matches(case[1], error_text(tcp.listen, table.unpack(case, 2)))
    end
  end))
end)

describe("connect", function()
  it("makes a connection that accept gives to the other side", alone(function()
    local server, client = sockets.pair()

    local _, from_port = tcp.sockname(client)

    assert.same({ "127.0.0.1", from_port }, { tcp.peername(server) })
  end))

  it("finds a host by its name", knows_localhost() and alone(function()
    local _, port = sockets.listen()

    assert(tcp.connect("localhost", port))
  end) or function()
    pending("no /etc/hosts here that names localhost")
  end)

  it("is refused where nobody listens", alone(function()
    assert.same({ nil, "econnrefused" }, { tcp.connect("127.0.0.1", sockets.free_port()) })
  end))

  it("leaves no process behind when it fails", alone(function()
    local port = sockets.free_port()
    local before = pierrot.processes()

    tcp.connect("127.0.0.1", port)

    assert.equal(#before, #pierrot.processes())
  end))

  it("fails for a name that nobody has", alone(function()
    local socket, reason = tcp.connect("no-such-host.invalid", 80)

    assert.is_nil(socket)
    assert.is_true(reason == "nxdomain" or reason == "eai_again", reason)
    assert.same({ nil, "nxdomain" }, { tcp.connect("", 80) })
    assert.same({ nil, "nxdomain" }, { tcp.connect("local\0host", 80) })
  end))

  it("gives up after its timeout", alone(function()
    -- The queue of a listener that accepts nothing fills; then nothing answers.
    local _, port = sockets.listen { backlog = 0 }
    local socket, reason
    for _ = 1, 20 do
      socket, reason = tcp.connect("127.0.0.1", port, nil, 30)
      if not socket then break end
    end

    assert.is_nil(socket)
    assert.equal("timeout", reason)
  end))

  it("connects from the address that is asked for", alone(function()
    local listener, port = sockets.listen { ip = "0.0.0.0" }
    local client = sockets.connect(port, { ip = "127.0.0.2" })

    assert.equal("127.0.0.2", (tcp.peername(assert(tcp.accept(listener)))))
    assert.equal("127.0.0.2", (tcp.sockname(client)))
  end))

  it("refuses bad arguments", alone(function()
    assert.matches("bad argument #1 to 'connect' %(string expected, got number%)",
      error_text(tcp.connect, 1, 80))
    assert.matches("bad argument #2 to 'connect' %(port .* expected, got nil%)",
      error_text(tcp.connect, "localhost"))
    assert.matches("bad argument #3 to 'connect' %(unknown option \"speed\"%)",
      error_text(tcp.connect, "localhost", 80, { speed = 1 }))
    assert.matches("bad argument #4 to 'connect' %(milliseconds expected, got %-5%)",
      error_text(tcp.connect, "localhost", 80, nil, -5))
  end))
end)

describe("accept", function()
  it("gives up after its timeout", alone(function()
    local listener = sockets.listen()

    assert.same({ nil, "timeout" }, { tcp.accept(listener, 10) })
    assert.same({ nil, "timeout" }, { tcp.accept(listener, 0) })
  end))

  it("gives what is there at once, even for a timeout of 0", alone(function()
    local listener, port = sockets.listen()
    sockets.connect(port)

    assert(tcp.accept(listener, 0))
  end))

  it("loses no connection to a caller that gave up or ended", alone(function()
    local listener, port = sockets.listen()
    tcp.accept(listener, 1)
    local waiting, ref = pierrot.spawn_monitor(function() tcp.accept(listener) end)
    pierrot.yield()
    pierrot.exit(waiting, "shutdown")
    support.await_down(ref)
    local client = sockets.connect(port)

    local server = assert(tcp.accept(listener))

    assert(tcp.send(client, "here"))
    assert.equal("here", tcp.recv(server))
  end))

  it("serves several callers, each once", alone(function()
    local listener, port = sockets.listen()
    local me = pierrot.self()
    for _ = 1, 5 do
      pierrot.spawn_link(function()
        local socket = assert(tcp.accept(listener))
        pierrot.send(me, { "accepted", tcp.recv(socket) })
      end)
    end

    local clients = {}
    for i = 1, 5 do
      clients[i] = sockets.connect(port)
      tcp.send(clients[i], "client " .. i)
    end

    local seen = {}
    for _ = 1, 5 do seen[expect { "accepted" }[2]] = true end
    for i = 1, 5 do assert.is_true(seen["client " .. i]) end
  end))

  it("hears of it when the listener is closed", alone(function()
    local listener = sockets.listen()
    local me = pierrot.self()
    pierrot.spawn_link(function()
      pierrot.send(me, "about to")
      pierrot.send(me, { "accept gave", tcp.accept(listener) })
      pierrot.send(me, { "accept gave", select(2, tcp.accept(listener)) })
    end)
    expect "about to"

    tcp.close(listener)

    expect { "accept gave", "closed" }
  end))

  it("is no business of a connection, nor recv one of a listener", alone(function()
    local _, client = sockets.pair()
    local listener = sockets.listen()

    assert.same({ nil, "einval" }, { tcp.accept(client) })
    assert.same({ nil, "enotconn" }, { tcp.recv(listener) })
    assert.same({ nil, "enotconn" }, { tcp.send(listener, "x") })
    assert.same({ nil, "enotconn" }, { tcp.peername(listener) })
  end))
end)

describe("recv", function()
  it("gives what is there", alone(function()
    local server, client = sockets.pair()

    tcp.send(client, "milk")

    assert.equal("milk", tcp.recv(server))
  end))

  it("waits for exactly as many bytes as are asked for", alone(function()
    local server, client = sockets.pair()
    tcp.send(client, "abc")

    assert.equal("a", tcp.recv(server, 1))
    assert.same({ nil, "timeout" }, { tcp.recv(server, 3, 10) })
    tcp.send(client, "defg")
    assert.equal("bcd", tcp.recv(server, 3))
    assert.equal("efg", tcp.recv(server, 3))
  end))

  it("waits for more bytes than are ever read ahead", alone(function()
    local server, client = sockets.pair()
    local data = ("0123456789abcdef"):rep(1 << 16)
    pierrot.spawn_link(function() tcp.send(client, data) end)

    assert.is_true(tcp.recv(server, #data) == data)
  end))

  it("carries any bytes", alone(function()
    local server, client = sockets.pair()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local data = table.concat(bytes)

    tcp.send(client, data)

    assert.equal(data, tcp.recv(server, 256))
  end))

  it("gives what came before the end, then closed", alone(function()
    local server, client = sockets.pair()
    tcp.send(client, "last words")
    tcp.close(client)

    assert.equal("last words", tcp.recv(server))
    assert.same({ nil, "closed" }, { tcp.recv(server) })
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))

  it("gives closed for bytes that never come, and keeps those that did", alone(function()
    local server, client = sockets.pair()
    tcp.send(client, "abc")
    tcp.close(client)

    assert.same({ nil, "closed" }, { tcp.recv(server, 10) })
    assert.equal("abc", tcp.recv(server))
  end))

  it("keeps its bytes for others when its caller ends", alone(function()
    local server, client = sockets.pair()
    local waiting, ref = pierrot.spawn_monitor(function() tcp.recv(server) end)
    pierrot.yield()
    pierrot.exit(waiting, "shutdown")
    support.await_down(ref)

    tcp.send(client, "still there")

    assert.equal("still there", tcp.recv(server))
  end))

  it("serves its callers in the order in which they came", alone(function()
    local server, client = sockets.pair()
    local me = pierrot.self()
    for i = 1, 3 do
      pierrot.spawn_link(function()
        pierrot.send(me, { "waits", i })
        pierrot.send(me, { "got", i, tcp.recv(server, 1) })
      end)
      expect { "waits", i }
    end

    tcp.send(client, "abc")

    assert.same({ "got", 1, "a" }, expect { "got" })
    assert.same({ "got", 2, "b" }, expect { "got" })
    assert.same({ "got", 3, "c" }, expect { "got" })
  end))

  it("suspends its caller alone", alone(function()
    local server = sockets.pair()
    local me = pierrot.self()
    pierrot.spawn_link(function() tcp.recv(server) end)
    pierrot.spawn_link(function() pierrot.send(me, "I still run") end)

    expect "I still run"
  end))

  it("refuses bad arguments", alone(function()
    local server = sockets.pair()

    assert.matches("bad argument #1 to 'recv' %(socket expected, got pid%)",
      error_text(tcp.recv, pierrot.self()))
    assert.matches("bad argument #1 to 'recv' %(socket expected, got nil%)", error_text(tcp.recv))
    assert.matches("bad argument #2 to 'recv' %(number of bytes expected, got %-1%)",
      error_text(tcp.recv, server, -1))
    assert.matches("bad argument #2 to 'recv' %(number of bytes expected, got 1%.5%)",
      error_text(tcp.recv, server, 1.5))
    assert.matches("bad argument #3 to 'recv' %(milliseconds expected, got string%)",
      error_text(tcp.recv, server, 0, "soon"))
  end))

  it("gives enomem for more bytes than a packet can have", alone(function()
    local server = sockets.pair()

    assert.same({ nil, "enomem" }, { tcp.recv(server, 1 << 40) })
  end))
end)

describe("send", function()
  it("takes strings, numbers, and lists of them", alone(function()
    local server, client = sockets.pair()

    assert.is_true(tcp.send(client, { "a", { "b", { 1, "c" } }, {}, "d" }))
    assert.is_true(tcp.send(client, 42))

    assert.equal("ab1cd42", tcp.recv(server, 7))
  end))

  it("takes the empty string", alone(function()
    local server, client = sockets.pair()

    assert.is_true(tcp.send(client, ""))
    tcp.send(client, "x")

    assert.equal("x", tcp.recv(server))
  end))

  it("refuses what is no data", alone(function()
    local _, client = sockets.pair()
    local endless = {}
    endless[1] = endless

    assert.matches("bad argument #2 to 'send' %(string or list of strings expected, got boolean%)",
      error_text(tcp.send, client, true))
    assert.matches("bad argument #2 to 'send' %(strings in the list expected, got boolean%)",
      error_text(tcp.send, client, { "a", { false } }))
    assert.matches("bad argument #2 to 'send' %(list holds itself%)",
      error_text(tcp.send, client, endless))
  end))

  it("gives closed when the other side has gone", alone(function()
    local server, client = sockets.pair()
    tcp.close(server)

    local sent, reason = true, nil
    while sent do sent, reason = tcp.send(client, "anybody?") end

    assert.equal("closed", reason)
  end))
end)

describe("close", function()
  it("ends what waits for the socket, and all that comes later", alone(function()
    local server = sockets.pair()
    local me = pierrot.self()
    pierrot.spawn_link(function()
      pierrot.send(me, "about to")
      pierrot.send(me, { "recv gave", select(2, tcp.recv(server)) })
    end)
    expect "about to"

    assert.is_true(tcp.close(server))

    expect { "recv gave", "closed" }
    assert.same({ nil, "closed" }, { tcp.recv(server) })
    assert.same({ nil, "closed" }, { tcp.send(server, "x") })
    assert.same({ nil, "closed" }, { tcp.shutdown(server, "write") })
    assert.same({ nil, "closed" }, { tcp.setopts(server, { active = true }) })
    assert.same({ nil, "closed" }, { tcp.sockname(server) })
    assert.same({ nil, "closed" }, { tcp.peername(server) })
    assert.is_true(tcp.close(server))
  end))

  it("returns when all that was sent has gone out", alone(function()
    local server, client = sockets.pair()
    local data = ("x"):rep(8 << 20)
    local me = pierrot.self()
    pierrot.spawn_link(function()
      assert(tcp.send(client, data))
      tcp.close(client)
      pierrot.send(me, "closed")
    end)

    assert.equal(#data, #assert(tcp.recv(server, #data)))
    expect "closed"
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))
end)

describe("shutdown", function()
  it("tells the other side that no more comes, which may answer still", alone(function()
    local server, client = sockets.pair()
    tcp.send(client, "a question")

    assert.is_true(tcp.shutdown(client, "write"))

    assert.equal("a question", tcp.recv(server))
    assert.same({ nil, "closed" }, { tcp.recv(server) })
    assert.is_true(tcp.send(server, "the answer"))
    assert.equal("the answer", tcp.recv(client))
    assert.same({ nil, "closed" }, { tcp.send(client, "more") })
  end))

  it("lets what was sent go out first", alone(function()
    local server, client = sockets.pair()
    local data = ("y"):rep(4 << 20)
    pierrot.spawn_link(function()
      tcp.send(client, data)
      tcp.shutdown(client, "write")
      pierrot.receive "never"
    end)

    assert.equal(#data, #assert(tcp.recv(server, #data)))
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))

  it("ends reading for a reader that waits", alone(function()
    local server, client = sockets.pair()

    assert.is_true(tcp.shutdown(server, "read"))

    assert.same({ nil, "closed" }, { tcp.recv(server) })
    assert.is_true(tcp.send(server, "still"))
    assert.equal("still", tcp.recv(client))
  end))

  it("refuses an unknown direction", alone(function()
    local server = sockets.pair()

    assert.matches([[bad argument #2 to 'shutdown' %(.* expected, got "up"%)]],
      error_text(tcp.shutdown, server, "up"))
  end))
end)

describe("a socket of another scheduler", function()
  local function elsewhere(code)
    return alone(function()
      if support.has_two_schedulers then code(support.elsewhere()) end
    end)
  end

  it("is used from here as one of this scheduler", elsewhere(function(scheduler)
    pierrot.spawn_opt({ scheduler = scheduler, link = true }, function(to)
      local there, net = require "pierrot", require "pierrot.tcp"
      local listener = assert(net.listen(0))
      there.send(to, { "listens", listener, select(2, net.sockname(listener)) })
      there.receive "stop"
    end, pierrot.self())
    local message = expect { "listens" }
    local client = assert(tcp.connect("127.0.0.1", message[3]))

    local server = assert(tcp.accept(message[2]))

    assert.same({ nil, "timeout" }, { tcp.recv(server, 0, 5) })
    assert(tcp.send(client, "over there"))
    assert.equal("over there", tcp.recv(server, 10))
    assert(tcp.send(server, ("back"):rep(1 << 18)))
    assert.equal(1 << 20, #assert(tcp.recv(client, 1 << 20)))
    assert.is_true(tcp.close(server))
    assert.same({ nil, "closed" }, { tcp.recv(client) })
  end))

  it("sends its messages here when it is active", elsewhere(function(scheduler)
    pierrot.spawn_opt({ scheduler = scheduler, link = true }, function(to)
      local there, net = require "pierrot", require "pierrot.tcp"
      local listener = assert(net.listen(0, { active = true }))
      there.send(to, { "listens", listener, select(2, net.sockname(listener)) })
      there.receive "stop"
    end, pierrot.self())
    local message = expect { "listens" }
    local client = assert(tcp.connect("127.0.0.1", message[3]))
    local server = assert(tcp.accept(message[2]))

    tcp.send(client, "hello")
    assert.same({ "tcp", server, "hello" }, expect { "tcp" })
    tcp.close(client)
    expect { "tcp_closed", server }
  end))
end)
