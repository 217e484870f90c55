-- SPDX-License-Identifier: MIT
--- Sockets with packets: lines, and packets after their length.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local alone, expect = support.alone, support.expect

describe("a socket of lines", function()
  it("gives each line without its end", alone(function()
    local server, client = sockets.pair { packet = "line" }

    tcp.send(client, "one\ntwo\r\n\r\n\nfive\rstill five\r\r\n")

    assert.equal("one", tcp.recv(server))
    assert.equal("two", tcp.recv(server))
    assert.equal("", tcp.recv(server))
    assert.equal("", tcp.recv(server))
    assert.equal("five\rstill five\r", tcp.recv(server))
    assert.same({ nil, "timeout" }, { tcp.recv(server, 0, 0) })
  end))

  it("waits for the end of a line that comes in pieces", alone(function()
    local server, client = sockets.pair { packet = "line" }
    local me = pierrot.self()
    pierrot.spawn_link(function() pierrot.send(me, { "line", tcp.recv(server) }) end)

    for byte in ("slowly\r\n"):gmatch "." do
      tcp.send(client, byte)
      pierrot.yield()
    end

    expect { "line", "slowly" }
  end))

  it("sends what it is given", alone(function()
    local server, client = sockets.pair { packet = "line" }

    tcp.send(server, "no end")

    assert.equal("no end", tcp.recv(client, 6))
  end))

  it("carries any bytes but the end", alone(function()
    local server, client = sockets.pair { packet = "line" }
    local rubbish = {}
    for i = 0, 255 do
      if i ~= 10 then rubbish[#rubbish + 1] = string.char(i) end
    end
    local line = table.concat(rubbish)

    tcp.send(client, { line, "\n" })

    assert.equal(line, tcp.recv(server))
  end))

  it("gives closed for a last line without an end", alone(function()
    local server, client = sockets.pair { packet = "line" }
    tcp.send(client, "whole\nhalf")
    tcp.close(client)

    assert.equal("whole", tcp.recv(server))
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))

  it("takes a line as long as buffer, and none that is longer", alone(function()
    for _, ending in ipairs { "\n", "\r\n" } do
      local server, client = sockets.pair { packet = "line", buffer = 10 }
      tcp.send(client, { "0123456789", ending, "0123456789a", ending })

      assert.equal("0123456789", tcp.recv(server))
      assert.same({ nil, "emsgsize" }, { tcp.recv(server) })
      assert.same({ nil, "closed" }, { tcp.recv(server) })
    end
  end))

  it("can still be sent to after a line that was too long", alone(function()
    local server, client = sockets.pair { packet = "line", buffer = 100 }
    tcp.send(client, ("x"):rep(1000))
    assert.same({ nil, "emsgsize" }, { tcp.recv(server) })

    tcp.send(server, "ERROR\r\n")

    assert.equal("ERROR\r\n", tcp.recv(client))
  end))

  it("finds a long line in linear time", alone(function()
    local server, client = sockets.pair { packet = "line", buffer = 8 << 20 }
    local line = ("x"):rep(8 << 20)
    pierrot.spawn_link(function() tcp.send(client, { line, "\n" }) end)

    assert.equal(#line, #assert(tcp.recv(server)))
  end))
end)

describe("a socket of packets", function()
  local headers = {
    [1] = function(n) return string.pack(">I1", n) end,
    [2] = function(n) return string.pack(">I2", n) end,
    [4] = function(n) return string.pack(">I4", n) end,
  }

  for packet, header in pairs(headers) do
    it(("adds a length of %d bytes and takes it away"):format(packet), alone(function()
      local server, client = sockets.pair({ packet = packet }, { packet = packet })

      tcp.send(client, "")
      tcp.send(client, { "mi", "lk" })
      tcp.send(client, ("z"):rep(255))

      assert.equal("", tcp.recv(server))
      assert.equal("milk", tcp.recv(server))
      assert.equal(("z"):rep(255), tcp.recv(server))
    end))

    it(("has its length of %d bytes big end first"):format(packet), alone(function()
      local server, client = sockets.pair({ packet = packet })

      tcp.send(client, header(3) .. "abc")
      assert.equal("abc", tcp.recv(server))

      tcp.send(server, "defgh")
      assert.equal(header(5) .. "defgh", tcp.recv(client, packet + 5))
    end))
  end

  it("refuses to send what its length cannot say", alone(function()
    local server, client = sockets.pair({ packet = 1 }, { packet = 1 })

    assert.same({ nil, "emsgsize" }, { tcp.send(client, ("x"):rep(256)) })

    tcp.send(client, "short")
    assert.equal("short", tcp.recv(server))
  end))

  it("carries megabytes", alone(function()
    local server, client = sockets.pair({ packet = 4 }, { packet = 4 })
    local data = ("0123456789"):rep(500000)
    pierrot.spawn_link(function() tcp.send(client, data) end)

    assert.is_true(tcp.recv(server) == data)
  end))

  it("refuses a packet longer than buffer as soon as its length is known", alone(function()
    local server, client = sockets.pair { packet = 4, buffer = 100 }

    tcp.send(client, string.pack(">I4", 100) .. ("x"):rep(100) .. string.pack(">I4", 101))

    assert.equal(100, #tcp.recv(server))
    assert.same({ nil, "emsgsize" }, { tcp.recv(server) })
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))

  it("does not believe in a packet of 4 GB", alone(function()
    local server, client = sockets.pair { packet = 4 }

    tcp.send(client, "\255\255\255\255")

    assert.same({ nil, "emsgsize" }, { tcp.recv(server) })
  end))
end)

describe("setopts", function()
  it("changes the packets of what was not delivered yet", alone(function()
    local server, client = sockets.pair { packet = "line" }
    tcp.send(client, "HELLO 5\nabcdeBYE\n")
    assert.equal("HELLO 5", tcp.recv(server))

    assert.is_true(tcp.setopts(server, { packet = "raw" }))
    assert.equal("abcde", tcp.recv(server, 5))
    assert.is_true(tcp.setopts(server, { packet = "line" }))
    assert.equal("BYE", tcp.recv(server))
  end))

  it("of a listener is for the connections to come", alone(function()
    local listener, port = sockets.listen()
    assert.is_true(tcp.setopts(listener, { packet = 2 }))
    local client = sockets.connect(port, { packet = 2 })
    local server = assert(tcp.accept(listener))

    tcp.send(server, "two")

    assert.equal("two", tcp.recv(client))
  end))

  it("takes nodelay, buffer and send_timeout", alone(function()
    local server, client = sockets.pair { packet = "line" }

    assert.is_true(tcp.setopts(server, { nodelay = true, buffer = 3, send_timeout = "infinity" }))

    tcp.send(client, "abcd\n")
    assert.same({ nil, "emsgsize" }, { tcp.recv(server) })
  end))

  it("refuses what it does not know, or cannot change", alone(function()
    local server = sockets.pair()

    for _, name in ipairs { "backlog", "ip", "reuseaddr", "colour" } do
      assert.matches(("bad argument #2 to 'setopts' %%(unknown option \"%s\"%%)"):format(name),
        support.error_text(tcp.setopts, server, { [name] = 1 }))
    end
  end))
end)
