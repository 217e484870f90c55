-- SPDX-License-Identifier: MIT
--- Clients that do whatever can be done with a socket, on all schedulers: `sockets.lua [CLIENTS
--- [SEED]]`. What they get back must be what they sent; in the end no process and no descriptor is
--- left over.

local pierrot = require "pierrot"
local tcp = require "pierrot.tcp"

local n_clients <const> = tonumber(arg[1]) or 400
local seed <const> = tonumber(arg[2]) or 1

-- The server: echoes lines; some handlers give up in the middle.

local function serve(socket, index)
  local n_lines = 0
  while true do
    local line = tcp.recv(socket)
    if not line then return end
    n_lines = n_lines + 1
    if index % 11 == 0 and n_lines > 3 then pierrot.exit "shutdown" end
    if not tcp.send(socket, { line, "\n" }) then return end
  end
end

local function accept_clients(to)
  local listener = assert(tcp.listen(0, { packet = "line", backlog = 4096, buffer = 1 << 20 }))
  pierrot.send(to, { "listens", listener, select(2, tcp.sockname(listener)) })
  local index = 0
  while true do
    local socket = tcp.accept(listener)
    if not socket then return end
    index = index + 1
    local number = index
    local pid = pierrot.spawn(function()
      pierrot.receive("yours", 10000)
      serve(socket, number)
    end)
    tcp.controlling_process(socket, pid)
    pierrot.send(pid, "yours")
  end
end

-- A client; it is carried to other schedulers. What it cannot do because its socket was cut is no
-- failure; a wrong answer is.

local function behave(port, number, chance)
  local there, net = require "pierrot", require "pierrot.tcp"
  local state = chance
  local function random(n)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33) % n
  end
  local socket = assert(net.connect("127.0.0.1", port, { packet = "line" }))

  local function exchange(size)
    local line = ("%d:%s"):format(number, ("x"):rep(size))
    if not net.send(socket, line .. "\n") then return end
    local answer = net.recv(socket)
    assert(answer == nil or answer == line, "a wrong answer")
  end

  local actions <const> = {
    [0] = function() exchange(random(100)) end,
    function() exchange(random(200000)) end,
    function() net.recv(socket, 0, random(3)) end,
    function()
      net.setopts(socket, { active = "once" })
      if net.send(socket, number .. "\n") then
        local message = there.receive(function(m)
          return type(m) == "table" and (m[1] == "tcp" or m[1] == "tcp_closed")
        end)
        assert(message[1] == "tcp_closed" or message[3] == tostring(number), "a wrong message")
      end
      net.setopts(socket, { active = false })
    end,
    function()
      local new = there.spawn(function()
        there.receive("yours", 10000)
        exchange(10)
      end)
      net.controlling_process(socket, new)
      there.send(new, "yours")
      there.exit "shutdown"
    end,
    function()
      net.send(socket, "half a line")
      there.exit "shutdown"
    end,
    function()
      net.shutdown(socket, "write")
      assert(net.recv(socket) == nil)
      there.exit "shutdown"
    end,
    function() net.close(socket) there.exit "shutdown" end,
    function()
      net.send(socket, ("y"):rep(300000) .. "\n")
      there.exit(there.self(), "shutdown")
    end,
  }
  for _ = 1, 20 do
    local choice = random(40)
    actions[choice < 9 and choice or 0]()
  end
end

-- Counting ------------------------------------------------------------------------------------

local function count_descriptors()
  local file <close> = assert(io.open("/proc/self/stat", "r"))
  local pipe <close> = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(file:read "n")))
  return pipe:read "n"
end

local function until_left(n_processes)
  local deadline = pierrot.now() + 30000
  while #pierrot.processes() > n_processes do
    assert(pierrot.now() < deadline, "processes are left over")
    pierrot.sleep(5)
  end
end

local n_processes <const> = #pierrot.processes()
local n_descriptors <const> = count_descriptors()

local acceptor = pierrot.spawn(accept_clients, pierrot.self())
local port = pierrot.receive { "listens" }[3]
local failures = 0
for i = 1, n_clients do
  local _, ref = pierrot.spawn_opt(
    { scheduler = i % pierrot.schedulers() + 1, monitor = true }, behave, port, i, seed * 1000 + i)
  pierrot.put(ref, true)
end
for _ = 1, n_clients do
  local down = assert(pierrot.receive({ "DOWN" }, 60000))
  if down[5] ~= "normal" and down[5] ~= "shutdown" then
    failures = failures + 1
    io.stderr:write(pierrot.inspect(down[5]), "\n")
  end
end
pierrot.exit(acceptor, "shutdown")
until_left(n_processes)
-- The pipe of a count may be counted at its other end too: so one that is too high is repeated.
local n_left
for _ = 1, 20 do
  n_left = math.max(0, count_descriptors() - n_descriptors)
  if n_left == 0 then break end
end
print(("%d clients, %d failures, %d descriptors left over"):format(n_clients, failures, n_left))
os.exit(failures == 0 and n_left == 0)
