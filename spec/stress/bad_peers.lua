-- SPDX-License-Identifier: MIT
--- Peers that behave badly to examples/kv_server.lua, one kind after the other, while an honest
--- client goes on asking: `bad_peers.lua [PERCENT [KIND]]`, 100 % being the figures of docs/tcp.md.
---
--- The server is a program of its own. In the end it must live and have no client left, and, where
--- all is done, it must never have had more memory than it may. Of a row: how often the honest
--- client was answered, its slowest answer in ms, and the most memory of the server in MiB.

local pierrot = require "pierrot"
local task = require "pierrot.task"
local tcp = require "pierrot.tcp"

local percent <const> = tonumber(arg[1]) or 100
local only <const> = arg[2]

local MEMORY_MAX <const> = 32 * 1024 -- KiB of the server, at any time
local DESCRIPTORS <const> = 300 -- of the server, for the kind that uses them up

local function share(n) return math.max(1, n * percent // 100) end

-- The server -----------------------------------------------------------------------------------

-- Closed, a server ends.
local Server <const> = {}

function Server.__close(server)
  os.execute("kill " .. server.pid)
  server.pipe:close()
end

local function launch(setup)
  local program = arg[-1]
  for i = -1, -100, -1 do
    if not arg[i] then break end
    program = arg[i]
  end
  local pipe = assert(io.popen(("%s echo $$; exec %s -s 1 examples/kv_server.lua 0 2>&1"):format(
    setup or "", program)))
  local pid = pipe:read "n"
  local said = pipe:read "L" and pipe:read "L"
  local port = math.tointeger(tonumber(said:match "port (%d+)"))
  return setmetatable({ pid = pid, port = port, pipe = pipe }, Server)
end

local function status_of(server, field)
  local file <close> = io.open(("/proc/%d/status"):format(server.pid))
  local text = file and file:read "a" or ""
  return tonumber(text:match(field .. ":%s*(%d+)")) or error "the server has ended"
end

local function count_descriptors(server)
  local pipe <close> = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(server.pid)))
  return pipe:read "n"
end

-- Clients --------------------------------------------------------------------------------------

local function connect(server, opts)
  return assert(tcp.connect("127.0.0.1", server.port, opts or { packet = "line" }))
end

-- Asks until it is told to stop; gives how often it was answered, and what the slowest took. It is
-- carried to another scheduler where there is one.
local function ask_on(port)
  local there, net = require "pierrot", require "pierrot.tcp"
  local socket = assert(net.connect("127.0.0.1", port, { packet = "line" }))
  local n, slowest = 0, 0
  assert(net.send(socket, "CREATE honest\r\n") and net.recv(socket, 0, 20000) == "OK")
  while not there.receive("stop", 1) do
    local start = there.now()
    assert(net.send(socket, "PUT honest milk 3\r\n"))
    local answer, why = net.recv(socket, 0, 20000)
    assert(answer == "OK", why)
    n, slowest = n + 1, math.max(slowest, there.now() - start)
  end
  there.exit { "shutdown", n, slowest }
end

-- Runs f(i) for 1 to n, so many at a time; what fails because its socket was cut is no failure.
local function each(n, width, f)
  local indexes = {}
  for i = 1, n do indexes[i] = i end
  local opts <const> = {
    max_concurrency = width, ordered = false, timeout = "infinity", scheduler = "local",
  }
  for _ in task.async_stream(indexes, f, opts) do end -- luacheck: ignore 542
end

-- The kinds ------------------------------------------------------------------------------------

local kinds <const> = {}

local function add(name, amount, run) kinds[#kinds + 1] = { name, amount, run } end

add("connections opened and dropped", 10000, function(server, n)
  each(n, 100, function() tcp.close(connect(server)) end)
end)

add("half lines, then the end", 2000, function(server, n)
  each(n, 100, function()
    local socket = connect(server)
    tcp.send(socket, "PUT shopping mi")
    tcp.close(socket)
  end)
end)

-- The server stops reading after 64 KB of it.
add("MB of one line", 1024, function(server, n)
  local socket = connect(server, { send_timeout = 5000 })
  local chunk = ("x"):rep(1 << 20)
  for _ = 1, n do
    if not tcp.send(socket, chunk) then break end
  end
  tcp.close(socket)
end)

add("KB of rubbish each, 200 peers", 256, function(server, n)
  local bytes = {}
  for i = 1, 1024 do bytes[i] = string.char((i * 7919 + (i >> 3)) & 255) end
  local rubbish = table.concat(bytes)
  each(200, 50, function()
    local socket = connect(server, { send_timeout = 1000, active = true })
    for _ = 1, n do
      if not tcp.send(socket, rubbish) then break end
    end
    tcp.close(socket)
  end)
end)

add("peers that send a byte now and then", 1000, function(server, n)
  local sockets = {}
  for i = 1, n do sockets[i] = connect(server) end
  for byte in ("GET shopp"):gmatch "." do
    for _, socket in ipairs(sockets) do tcp.send(socket, byte) end
  end
  for _, socket in ipairs(sockets) do tcp.close(socket) end
end)

-- What is not read when a socket closes makes it a reset.
add("resets in the middle of a reply", 1000, function(server, n)
  each(n, 50, function()
    local socket = connect(server, { packet = "raw" })
    tcp.send(socket, ("GET shopping milk\r\n"):rep(50))
    tcp.recv(socket, 4)
    tcp.close(socket)
  end)
end)

add("peers that never read the replies", 100, function(server, n)
  each(n, 50, function()
    local socket = connect(server, { packet = "raw", send_timeout = 200 })
    local requests = ("WHATEVER\r\n"):rep(10000)
    for _ = 1, 100 do
      if not tcp.send(socket, requests) then break end
    end
    tcp.close(socket)
  end)
end)

add("connections beyond the descriptors", 2 * DESCRIPTORS, function(server)
  local sockets = {}
  for i = 1, 2 * DESCRIPTORS do sockets[i] = connect(server) end
  for _, socket in ipairs(sockets) do tcp.close(socket) end
  -- Those in the queue are accepted, and found to have ended, before this one.
  local socket = connect(server)
  tcp.send(socket, "GET shopping milk\r\n")
  assert(tcp.recv(socket, 0, 20000) == "NOT FOUND")
  tcp.close(socket)
end)

-- One after the other --------------------------------------------------------------------------

local function until_idle(server, n_descriptors)
  local deadline = pierrot.now() + 20000
  while count_descriptors(server) > n_descriptors do
    assert(pierrot.now() < deadline, "the server still has clients")
    pierrot.sleep(20)
  end
end

local function run_kind(kind)
  local name, amount, run = table.unpack(kind)
  local runs_out = name:find "descriptors"
  local server <close> = launch(runs_out and ("ulimit -n %d;"):format(DESCRIPTORS))
  local n_descriptors = count_descriptors(server)
  local n = runs_out and amount or share(amount)
  local honest, ref = pierrot.spawn_opt(
    { scheduler = pierrot.schedulers(), monitor = true }, ask_on, server.port)
  local start = pierrot.now()
  run(server, n)
  local seconds = (pierrot.now() - start) / 1000
  pierrot.send(honest, "stop")
  local reason = pierrot.receive({ "DOWN", ref })[5]
  assert(reason[1] == "shutdown", pierrot.inspect(reason))
  until_idle(server, n_descriptors)
  local peak = status_of(server, "VmHWM")
  print(("| %6d %-36s | %6.2f | %8d | %7.1f | %6.1f |"):format(n, name, seconds, reason[2],
    reason[3], peak / 1024))
  return percent < 100 or peak <= MEMORY_MAX
end

print "| what the peers do                           |      s | answered | slowest | peak   |"
print "| --- | ---: | ---: | ---: | ---: |"
local is_bounded = true
for _, kind in ipairs(kinds) do
  if not only or kind[1]:find(only, 1, true) then is_bounded = run_kind(kind) and is_bounded end
end
if not is_bounded then print(("the server took more than %d KiB"):format(MEMORY_MAX)) end
os.exit(is_bounded)
