-- SPDX-License-Identifier: MIT
--- Active sockets: what comes in is sent to their owner.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local alone, expect = support.alone, support.expect

describe("an active socket", function()
  it("sends what comes to its owner", alone(function()
    local server, client = sockets.pair { active = true, packet = "line" }

    tcp.send(client, "one\ntwo\n")

    assert.same({ "tcp", server, "one" }, expect { "tcp" })
    assert.same({ "tcp", server, "two" }, expect { "tcp" })
  end))

  it("says that it was closed, after all that came", alone(function()
    local server, client = sockets.pair { active = true, packet = "line" }
    tcp.send(client, "last\nhalf a line")
    tcp.close(client)

    assert.same({ "tcp", server, "last" }, expect(nil))
    assert.same({ "tcp_closed", server }, expect(nil))
    assert.same({ nil, "closed" }, { tcp.send(server, "x") })
  end))

  it("says nothing when its own side closes it", alone(function()
    local server, client = sockets.pair { active = true }
    tcp.close(server)
    tcp.recv(client)

    assert.same({}, support.mailbox())
  end))

  it("says that a line was too long, then that it was closed", alone(function()
    local server, client = sockets.pair { active = true, packet = "line", buffer = 10 }

    tcp.send(client, ("x"):rep(20))

    assert.same({ "tcp_error", server, "emsgsize" }, expect(nil))
    assert.same({ "tcp_closed", server }, expect(nil))
  end))

  it("is not to be received from", alone(function()
    local server = sockets.pair { active = true }

    assert.same({ nil, "einval" }, { tcp.recv(server) })
  end))

  it("sends to whom accepted it", alone(function()
    local listener, port = sockets.listen { active = true }
    local me = pierrot.self()
    pierrot.spawn_link(function()
      tcp.accept(listener)
      pierrot.send(me, { "it got", pierrot.receive { "tcp" }[3] })
    end)
    local client = sockets.connect(port)

    tcp.send(client, "hello")

    expect { "it got", "hello" }
  end))
end)

describe("a socket that is active once", function()
  it("sends one packet, and is passive then", alone(function()
    local server, client = sockets.pair { active = "once", packet = "line" }
    tcp.send(client, "one\ntwo\nthree\n")

    assert.same({ "tcp", server, "one" }, expect(nil))
    assert.equal("two", tcp.recv(server))
    assert.same({}, support.mailbox())
    tcp.setopts(server, { active = "once" })
    assert.same({ "tcp", server, "three" }, expect(nil))
    assert.same({}, support.mailbox())
  end))

  it("lets the other side wait for an owner that is slow", alone(function()
    local server, client = sockets.pair { active = "once" }
    local sender = pierrot.spawn_link(function()
      while tcp.send(client, ("x"):rep(100000)) do end
    end)
    expect { "tcp" }

    -- It comes to wait in its send, however long it may run before.
    while pierrot.info(sender, "status") ~= "waiting" do pierrot.yield() end
    assert.same({}, support.mailbox())
    tcp.close(server)
  end))

  it("says that it was closed only when it is active", alone(function()
    local server, client = sockets.pair { active = "once" }
    tcp.send(client, "one")
    expect { "tcp", server, "one" }
    tcp.close(client)
    assert.same({ nil, "closed" }, { tcp.recv(server) })
    assert.same({}, support.mailbox())

    tcp.setopts(server, { active = "once" })

    expect { "tcp_closed", server }
  end))
end)

describe("a socket that is active for a count", function()
  it("sends so many packets, then says that it is passive", alone(function()
    local server, client = sockets.pair { active = 2, packet = "line" }
    tcp.send(client, "one\ntwo\nthree\n")

    assert.same({ "tcp", server, "one" }, expect(nil))
    assert.same({ "tcp", server, "two" }, expect(nil))
    assert.same({ "tcp_passive", server }, expect(nil))
    assert.equal("three", tcp.recv(server))
  end))

  it("adds counts up, down to passive", alone(function()
    local server, client = sockets.pair { active = 1, packet = "line" }
    tcp.setopts(server, { active = 2 })
    tcp.setopts(server, { active = -1 })
    tcp.send(client, "one\ntwo\nthree\n")

    assert.same({ "tcp", server, "one" }, expect(nil))
    assert.same({ "tcp", server, "two" }, expect(nil))
    assert.same({ "tcp_passive", server }, expect(nil))
    tcp.setopts(server, { active = -5 })
    assert.same({ "tcp_passive", server }, expect(nil))
    assert.is_true(tcp.setopts(server, { active = 32767 }))
    assert.same({ nil, "einval" }, { tcp.setopts(server, { active = 2 }) })
  end))
end)

describe("setopts of active", function()
  it("turns a passive socket active, with what is there already", alone(function()
    local server, client = sockets.pair { packet = "line" }
    tcp.send(client, "one\ntwo\n")
    assert.equal("one", tcp.recv(server))

    assert.is_true(tcp.setopts(server, { active = true }))

    assert.same({ "tcp", server, "two" }, expect(nil))
  end))

  it("turns an active socket passive", alone(function()
    local server, client = sockets.pair { active = true, packet = "line" }

    assert.is_true(tcp.setopts(server, { active = false }))

    tcp.send(client, "for recv\n")
    assert.equal("for recv", tcp.recv(server))
    assert.same({}, support.mailbox())
  end))
end)
