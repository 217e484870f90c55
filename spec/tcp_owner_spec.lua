-- SPDX-License-Identifier: MIT
--- Who owns a socket, and what becomes of it when its owner ends.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local alone, expect = support.alone, support.expect

--- A process that reports all it gets to the caller.
local function reporter()
  local me = pierrot.self()
  return pierrot.spawn_link(function()
    while true do pierrot.send(me, { "reported", pierrot.receive() }) end
  end)
end

describe("a socket", function()
  it("is closed when its owner ends", alone(function()
    local listener, port = sockets.listen()
    local client = sockets.connect(port)
    pierrot.spawn_link(function() assert(tcp.accept(listener)) end)

    assert.same({ nil, "closed" }, { tcp.recv(client) })
  end))

  it("is closed when its owner is killed", alone(function()
    local listener, port = sockets.listen()
    local client = sockets.connect(port)
    local me = pierrot.self()
    local owner = pierrot.spawn(function()
      pierrot.send(me, { "accepted", assert(tcp.accept(listener)) })
      pierrot.receive "never"
    end)
    local server = expect { "accepted" }[2]

    pierrot.exit(owner, "kill")

    assert.same({ nil, "closed" }, { tcp.recv(client) })
    assert.same({ nil, "closed" }, { tcp.recv(server) })
  end))

  it("lets what was sent go out when its owner ends", alone(function()
    local listener, port = sockets.listen()
    local client = sockets.connect(port)
    local data = ("z"):rep(60000)
    local owner = pierrot.spawn_link(function()
      local server = assert(tcp.accept(listener))
      -- Less than makes a sender wait; more than the system takes, when nobody reads.
      for _ = 1, 300 do
        pierrot.spawn(function() tcp.send(server, data) end)
      end
      pierrot.receive "stop"
    end)
    assert(tcp.recv(client, 1))
    pierrot.send(owner, "stop")
    support.await_down(owner)

    local received = 1
    repeat
      local more, reason = tcp.recv(client)
      received = received + #(more or "")
    until not more and assert(reason == "closed")
    assert.equal(0, received % #data)
  end))

  it("frees its port when its owner ends", alone(function()
    local ref, port
    local me = pierrot.self()
    local owner = pierrot.spawn(function()
      pierrot.send(me, { "port", select(2, sockets.listen()) })
      pierrot.receive "stop"
    end)
    port = expect { "port" }[2]
    ref = pierrot.monitor(owner)
    pierrot.send(owner, "stop")
    support.await_down(ref)

    local socket, reason
    repeat socket, reason = tcp.listen(port) until socket or reason ~= "eaddrinuse"
    assert(socket, reason)
  end))

  it("outlives the listener that it comes from", alone(function()
    local server, client = sockets.pair()

    tcp.send(client, "still here")

    assert.equal("still here", tcp.recv(server))
  end))

  it("leaves no process behind", alone(function()
    local before = #pierrot.processes()
    local owner = pierrot.spawn(function()
      for _ = 1, 10 do sockets.pair() end
    end)
    support.await_down(owner)

    while #pierrot.processes() > before do pierrot.yield() end
  end))

  it("may be used by others than its owner", alone(function()
    local server, client = sockets.pair()
    local me = pierrot.self()
    pierrot.spawn_link(function() tcp.send(client, "from another") end)
    pierrot.spawn_link(function() pierrot.send(me, { "read", tcp.recv(server) }) end)

    expect { "read", "from another" }
  end))
end)

describe("controlling_process", function()
  it("makes another process the owner", alone(function()
    local server, client = sockets.pair { active = true }
    local other = reporter()

    assert.is_true(tcp.controlling_process(server, other))

    tcp.send(client, "for the other")
    assert.same({ "tcp", server, "for the other" }, expect { "reported" }[2])
  end))

  it("lets the socket end with the new owner, no longer with the old", alone(function()
    local listener, port = sockets.listen()
    local client = sockets.connect(port)
    local second = support.idle()
    local first = pierrot.spawn_link(function()
      local server = assert(tcp.accept(listener))
      assert(tcp.controlling_process(server, second))
      tcp.send(server, "handed over")
    end)
    support.await_down(first)
    assert.equal("handed over", tcp.recv(client, 11))
    assert.same({ nil, "timeout" }, { tcp.recv(client, 0, 5) })

    pierrot.send(second, "stop")

    assert.same({ nil, "closed" }, { tcp.recv(client) })
  end))

  it("takes the messages along that wait, in order", alone(function()
    local server, client = sockets.pair { active = 2, packet = "line" }
    tcp.send(client, "one\ntwo\nthree\n")
    local passive = expect { "tcp_passive" }
    pierrot.send(pierrot.self(), passive)
    pierrot.send(pierrot.self(), "mine")
    local other = reporter()

    assert.is_true(tcp.controlling_process(server, other))
    tcp.setopts(server, { active = true })

    assert.same({ "tcp", server, "one" }, expect { "reported" }[2])
    assert.same({ "tcp", server, "two" }, expect { "reported" }[2])
    assert.same({ "tcp_passive", server }, expect { "reported" }[2])
    assert.same({ "tcp", server, "three" }, expect { "reported" }[2])
    assert.same({ "mine" }, support.mailbox())
  end))

  it("loses nothing and mixes nothing up while data comes", alone(function()
    local server, client = sockets.pair { active = true, packet = "line" }
    local n <const> = 2000
    pierrot.spawn_link(function()
      for i = 1, n do tcp.send(client, i .. "\n") end
    end)
    local me = pierrot.self()
    local other = pierrot.spawn_link(function()
      local list = {}
      repeat list[#list + 1] = pierrot.receive { "tcp" }[3] until list[#list] == tostring(n)
      pierrot.send(me, { "all", list })
    end)
    local first = expect { "tcp" }
    pierrot.send(other, first)

    assert.is_true(tcp.controlling_process(server, other))

    local list = expect { "all" }[2]
    assert.equal(n, #list)
    for i = 1, n do assert.equal(tostring(i), list[i]) end
  end))

  it("is the owner's alone", alone(function()
    local server = sockets.pair()
    local me = pierrot.self()
    pierrot.spawn_link(function()
      pierrot.send(me, { "it gave", select(2, tcp.controlling_process(server, pierrot.self())) })
    end)

    expect { "it gave", "not_owner" }
  end))

  it("fails for a dead process, and leaves the socket as it was", alone(function()
    local server, client = sockets.pair { active = true }

    assert.same({ nil, "noproc" }, { tcp.controlling_process(server, support.dead()) })

    tcp.send(client, "mine still")
    assert.same({ "tcp", server, "mine still" }, expect { "tcp" })
  end))

  it("may name the owner itself", alone(function()
    local server, client = sockets.pair { active = true, packet = "line" }
    tcp.send(client, "one\n")

    assert.is_true(tcp.controlling_process(server, pierrot.self()))

    assert.same({ "tcp", server, "one" }, expect { "tcp" })
  end))

  it("works for a listener", alone(function()
    local listener, port = sockets.listen()
    local other = support.idle()

    assert.is_true(tcp.controlling_process(listener, other))

    pierrot.send(other, "stop")
    support.await_down(other)
    repeat local socket, reason = tcp.connect("127.0.0.1", port) until not socket
      and reason == "econnrefused"
    assert.same({ nil, "closed" }, { tcp.accept(listener) })
  end))

  it("gives closed for a socket that is", alone(function()
    local server = sockets.pair()
    tcp.close(server)

    assert.same({ nil, "closed" }, { tcp.controlling_process(server, pierrot.self()) })
  end))

  it("refuses what is no process", alone(function()
    local server = sockets.pair()

    assert.matches("bad argument #2 to 'controlling_process' %(pid expected, got string%)",
      support.error_text(tcp.controlling_process, server, "somebody"))
  end))
end)
