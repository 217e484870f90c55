-- SPDX-License-Identifier: MIT
--- Sockets under pressure: slow readers, fast writers, many connections, no descriptors, peers that
--- break off.

local pierrot = require "pierrot"
local sockets = require "spec.sockets"
local support = require "spec.support"
local tcp = require "pierrot.tcp"

local alone, expect = support.alone, support.expect

local CHUNK <const> = ("x"):rep(1 << 16)

-- More than the system and a socket take together, whatever the system's buffers grow to.
local MUCH <const> = 2000

--- A process that sends MUCH chunks, then tells.
local function flood(socket)
  local me = pierrot.self()
  return pierrot.spawn_link(function()
    local sent, reason = true, nil
    for _ = 1, MUCH do
      sent, reason = tcp.send(socket, CHUNK)
      if not sent then break end
    end
    pierrot.send(me, { "flooded", sent or reason })
  end)
end

local function await_waiting(pid)
  while pierrot.info(pid, "status") ~= "waiting" do pierrot.yield() end
end

local function total_memory()
  collectgarbage()
  return pierrot.memory().total
end

describe("a fast writer", function()
  it("waits for a reader that does not read, within bounded memory", alone(function()
    local _, client = sockets.pair()
    local before = total_memory()

    await_waiting(flood(client))

    assert.is_true(total_memory() - before < 2 << 20)
    assert.is_nil((pierrot.receive({ "flooded" }, 0)))
  end))

  it("goes on when the reader does, and nothing is lost", alone(function()
    local server, client = sockets.pair()
    await_waiting(flood(client))

    for _ = 1, MUCH do assert.equal(#CHUNK, #assert(tcp.recv(server, #CHUNK))) end

    expect { "flooded", true }
  end))

  it("hears closed when the reader goes away", alone(function()
    local server, client = sockets.pair()
    await_waiting(flood(client))

    tcp.close(server)

    expect { "flooded", "closed" }
  end))

  it("gives up after send_timeout", alone(function()
    local _, client = sockets.pair(nil, { send_timeout = 20 })

    flood(client)

    expect { "flooded", "timeout" }
  end))

  it("sends whole packets after one that timed out", alone(function()
    local server, client = sockets.pair({ packet = 4 }, { packet = 4, send_timeout = 5 })
    local sent, reason
    repeat sent, reason = tcp.send(client, CHUNK) until not sent
    assert.equal("timeout", reason)
    assert.same({ nil, "timeout" }, { tcp.send(client, "dropped") })
    pierrot.spawn_link(function()
      tcp.setopts(client, { send_timeout = "infinity" })
      tcp.send(client, "the last")
    end)

    local packet
    repeat
      packet = assert(tcp.recv(server))
      assert.is_true(packet == "the last" or packet == CHUNK)
    until packet == "the last"
  end))

  it("has its turn before one that came later", alone(function()
    local server, client = sockets.pair({ packet = 4 }, { packet = 4 })
    for i = 1, 3 do
      local pid = pierrot.spawn_link(function()
        for _ = 1, MUCH // 3 do assert(tcp.send(client, i .. CHUNK)) end
      end)
      await_waiting(pid)
    end

    local n = { 0, 0, 0 }
    for _ = 1, MUCH // 3 * 3 do
      local from = math.tointeger(assert(tcp.recv(server)):sub(1, 1))
      n[from] = n[from] + 1
    end

    assert.same({ MUCH // 3, MUCH // 3, MUCH // 3 }, n)
  end))

  it("may be closed while it waits, and its peer hears the end", alone(function()
    local server, client = sockets.pair()
    await_waiting(flood(client))
    local me = pierrot.self()
    pierrot.spawn_link(function()
      tcp.close(client)
      pierrot.send(me, "closed")
    end)

    local data, reason
    repeat data, reason = tcp.recv(server) until not data

    assert.equal("closed", reason)
    expect "closed"
  end))
end)

describe("a line of a gigabyte", function()
  it("is refused within bounded memory", alone(function()
    local server, client = sockets.pair { packet = "line" }
    local before = total_memory()
    local writer = flood(client)

    assert.same({ nil, "emsgsize" }, { tcp.recv(server) })

    assert.is_true(total_memory() - before < 6 << 20)
    tcp.close(server)
    support.await_down(writer)
  end))
end)

describe("a peer that breaks off", function()
  it("in the middle of a reply ends the connection alone", alone(function()
    local listener, port = sockets.listen()
    for _ = 1, 20 do
      local client = sockets.connect(port)
      local server = assert(tcp.accept(listener))
      local writer = flood(server)
      assert(tcp.recv(client, 1))
      -- What it did not read makes the system reset the connection.
      tcp.close(client)

      expect { "flooded", "closed" }
      support.await_down(writer)
      assert.same({ nil, "closed" }, { tcp.recv(server) })
      tcp.close(server)
    end
  end))

  it("before it is accepted costs nothing", alone(function()
    local listener, port = sockets.listen()
    for _ = 1, 200 do
      local client = sockets.connect(port)
      tcp.close(client)
      local server = assert(tcp.accept(listener))
      assert.same({ nil, "closed" }, { tcp.recv(server) })
      tcp.close(server)
    end
    local client = sockets.connect(port)
    local server = assert(tcp.accept(listener))

    tcp.send(client, "all is well")

    assert.equal("all is well", tcp.recv(server))
  end))

  it("tells the owner of an active socket that it was closed", alone(function()
    local server, client = sockets.pair({ active = "once" })
    local writer = flood(server)
    assert(tcp.recv(client, 1))
    tcp.close(client)
    expect { "flooded", "closed" }
    support.await_down(writer)

    expect { "tcp_closed", server }
  end))
end)

-- Runs in a program of its own, with few descriptors.
local SHORTAGE <const> = [[
local pierrot, tcp = require "pierrot", require "pierrot.tcp"
local listener = assert(tcp.listen(0, { backlog = 100 }))
local _, port = tcp.sockname(listener)
local me = pierrot.self()

local clients = {}
repeat
  local client, why = tcp.connect("127.0.0.1", port)
  clients[#clients + 1] = client
until not client
assert(select(2, tcp.connect("127.0.0.1", port)) == "emfile")

local acceptor = pierrot.spawn_link(function()
  while true do
    local server = tcp.accept(listener)
    if not server then return end
    local pid = pierrot.spawn(function()
      pierrot.receive "yours"
      tcp.send(server, "hello")
      tcp.close(server)
    end)
    assert(tcp.controlling_process(server, pid))
    pierrot.send(pid, "yours")
  end
end)
-- Nothing can be accepted; the acceptor waits, and the rest goes on.
assert(select(2, tcp.recv(clients[1], 0, 100)) == "timeout")
tcp.close(table.remove(clients))

-- Now all of them are served, one after the other.
for _, client in ipairs(clients) do
  assert(tcp.recv(client, 5) == "hello")
  tcp.close(client)
end
local again = assert(tcp.connect("127.0.0.1", port))
assert(tcp.recv(again, 5) == "hello")
print(#clients > 10 and "served" or "few")
]]

local CROWD <const> = [[
local pierrot, tcp = require "pierrot", require "pierrot.tcp"
local n = tonumber((...))
local listener = assert(tcp.listen(0, { packet = "line", backlog = 4096 }))
local _, port = tcp.sockname(listener)
pierrot.spawn_link(function()
  while true do
    local server = tcp.accept(listener)
    if not server then return end
    local pid = pierrot.spawn(function()
      pierrot.receive "yours"
      while true do
        local line = tcp.recv(server)
        if not line then return end
        tcp.send(server, line:upper() .. "\n")
      end
    end)
    assert(tcp.controlling_process(server, pid))
    pierrot.send(pid, "yours")
  end
end)
local clients = {}
for i = 1, n do clients[i] = assert(tcp.connect("127.0.0.1", port, { packet = "line" })) end
for round = 1, 2 do
  for i, client in ipairs(clients) do assert(tcp.send(client, ("line %d\n"):format(i + round))) end
  for i, client in ipairs(clients) do assert(tcp.recv(client) == ("LINE %d"):format(i + round)) end
end
local live = #pierrot.processes()
for _, client in ipairs(clients) do tcp.close(client) end
while #pierrot.processes() > live - 3 * n do pierrot.yield() end
print("all of " .. n)
]]

local function run_with_descriptors(n, text, ...)
  local script <close> = support.temporary_file(text)
  local command = support.command(support.program, script.path, ...)
  return support.execute(("ulimit -n %d; %s"):format(n, command))
end

describe("when descriptors run out", function()
  it("accept waits for some, and goes on", function()
    if not support.program then return end

    local output, errors, status = run_with_descriptors(60, SHORTAGE)

    assert.equal("served\n", output)
    assert.matches("tcp: connections wait to be accepted, .*: \"emfile\"", errors)
    assert.equal(0, status)
  end)
end)

describe("thousands of connections", function()
  it("are served, and leave nothing behind", function()
    if not support.program then return end

    local output, errors, status = run_with_descriptors(4096, CROWD, "1500")

    assert.equal("", errors)
    assert.equal("all of 1500\n", output)
    assert.equal(0, status)
  end)
end)
