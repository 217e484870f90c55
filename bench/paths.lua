-- SPDX-License-Identifier: MIT
-- The core paths whose instructions bench/instructions counts: `paths.lua NAME N` takes one of them
-- N times.

local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local registry = require "pierrot.registry"

local receive <const>, send <const> = pierrot.receive, pierrot.send

local Server = {}
function Server.init(state) return "ok", state end
Server.handle_call = {
  lookup = function(state, _, key) return "reply", state[key] end,
}
Server.handle_cast = {
  add = function(state, n) state.total = state.total + n end,
}

local paths = {}

function paths.call(n)
  local server = gen_server.start_link(Server, { key = 1 })
  for _ = 1, n do gen_server.call(server, { "lookup", "key" }) end
end

function paths.cast(n)
  local server = gen_server.start_link(Server, { total = 0 })
  for i = 1, n do
    gen_server.cast(server, { "add", 1 })
    if i % 1000 == 0 then pierrot.yield() end
  end
  gen_server.call(server, { "lookup", "total" })
end

function paths.send(n)
  local main = pierrot.self()
  local sink = pierrot.spawn(function()
    for _ = 1, n do receive() end
    send(main, "done")
  end)
  for i = 1, n do
    send(sink, { "msg", i })
    if i % 100 == 0 then pierrot.yield() end
  end
  receive("done")
end

--- As send, received by a pattern.
function paths.send_by_pattern(n)
  local main, pattern <const> = pierrot.self(), { "msg", pierrot.any }
  local sink = pierrot.spawn(function()
    for _ = 1, n do receive(pattern) end
    send(main, "done")
  end)
  for i = 1, n do
    send(sink, { "msg", i })
    if i % 100 == 0 then pierrot.yield() end
  end
  receive("done")
end

function paths.ping_pong(n)
  local self = pierrot.self()
  local peer = pierrot.spawn_link(function()
    while true do send(receive()[2], "pong") end
  end)
  for _ = 1, n do
    send(peer, { "ping", self })
    receive("pong")
  end
end

--- The same while much waits for one that is busy.
function paths.ping_pong_beside(n)
  local busy = pierrot.spawn_link(function() pierrot.sleep(math.huge) end)
  pierrot.yield()
  for i = 1, 1000 do send(busy, { "junk", i }) end
  paths.ping_pong(n)
end

--- What Lua takes for the table of a message: made, and collected.
function paths.table_alone(n)
  for i = 1, n do
    local _ = { "msg", i }
  end
end

function paths.spawn_exit(n)
  local function nothing() end
  for _ = 1, n do
    local _, ref = pierrot.spawn_monitor(nothing)
    receive({ "DOWN", ref })
  end
end

function paths.receive_by_ref(n)
  local self = pierrot.self()
  for i = 1, 1000 do send(self, { "junk", i }) end
  for _ = 1, n do
    local ref = pierrot.make_ref()
    send(self, { ref, "reply" })
    receive({ ref })
  end
  pierrot.flush()
end

--- A conversation beside so many messages that nobody wants.
function paths.reply_by_ref(n)
  local self = pierrot.self()
  local peer = pierrot.spawn_link(function()
    while true do
      local msg = receive()
      send(msg[2], { msg[1], "reply" })
    end
  end)
  for i = 1, 20000 do send(self, { "junk", i }) end
  for _ = 1, n do
    local ref = pierrot.make_ref()
    send(peer, { ref, self })
    receive({ ref, "reply" })
  end
end

function paths.registry_lookup(n)
  local names = registry.start_link()
  registry.create(names, "shopping")
  for _ = 1, n do registry.lookup(names, "shopping") end
end

function paths.bucket_get(n)
  local shopping = bucket.start_link()
  bucket.put(shopping, "milk", 3)
  for _ = 1, n do bucket.get(shopping, "milk") end
end

if arg[1] == "--list" then
  local names = {}
  for name in pairs(paths) do names[#names + 1] = name end
  table.sort(names)
  print(table.concat(names, "\n"))
else
  paths[arg[1]](math.tointeger(arg[2]))
end
