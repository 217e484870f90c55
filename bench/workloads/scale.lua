-- SPDX-License-Identifier: MIT
-- What one costs where there are N: `scale.lua KIND N` prints a line
-- `kind <TAB> N <TAB> ns each <TAB> bytes each`. bench/plot runs it for each kind and number.
--
-- A round makes N of a kind, so that they are there all at once, and takes them away again. Few
-- are made so often that all in all about as many are counted as where there are many. Time: the
-- program's CPU time, the median of the repetitions; nothing here waits for time to pass. Bytes:
-- growth of memory().total by the first N, garbage collected before and after.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local gen_server = require "pierrot.gen_server"
local harness = require "bench.harness"
local pierrot = require "pierrot"
local registry = require "pierrot.registry"
local server = require "bench.server"

local OPERATIONS <const> = harness.count(200000)
local FAR_MS <const> = 600000
local REGISTRY <const> = "bench.scale"

-- By kind: prepare(n), once; made = make(n, prepared); take(n, made, prepared).
local kinds = {}

-- Sent to a mailbox in which they wait, received.
kinds.message = {
  make = function(n)
    local send <const>, self <const> = pierrot.send, pierrot.self()
    for i = 1, n do send(self, { "msg", i }) end
  end,
  take = function(n)
    local receive <const> = pierrot.receive
    for _ = 1, n do receive() end
  end,
}

-- Spawned, waiting in a receive, killed, its DOWN received.
kinds.process = {
  make = function(n)
    local spawn <const>, receive <const> = pierrot.spawn, pierrot.receive
    local pids, waiting = {}, 0
    local function idle()
      waiting = waiting + 1
      receive("stop")
    end
    for i = 1, n do pids[i] = spawn(idle) end
    while waiting < n do pierrot.yield() end
    return pids
  end,
  take = function(_, pids) harness.stop_all(pids) end,
}

-- The same with gen_servers.
kinds.server = {
  make = function(n)
    local start <const> = gen_server.start
    local pids = {}
    for i = 1, n do pids[i] = start(server, { "small", i }) end
    return pids
  end,
  take = kinds.process.take,
}

-- Armed and cancelled.
kinds.timer = {
  make = function(n)
    local send_after <const>, self <const> = pierrot.send_after, pierrot.self()
    local refs = {}
    for i = 1, n do refs[i] = send_after(FAR_MS + i % 1000, self, "expired") end
    return refs
  end,
  take = function(n, refs)
    local cancel_timer <const> = pierrot.cancel_timer
    for i = 1, n do cancel_timer(refs[i]) end
  end,
}

-- Registered in a registry, looked up, unregistered.
kinds.name = {
  prepare = function(n)
    assert(registry.start_link { name = REGISTRY })
    return harness.keys("name-", n, "in_order")
  end,
  make = function(n, names)
    local register <const>, lookup <const> = registry.register, registry.lookup
    local self <const> = pierrot.self()
    for i = 1, n do
      register(REGISTRY, names[i])
      if lookup(REGISTRY, names[i]) ~= self then error("a name is missing") end
    end
    return names
  end,
  take = function(n, names)
    local unregister <const> = registry.unregister
    for i = 1, n do unregister(REGISTRY, names[i]) end
  end,
}

local function settled_memory()
  collectgarbage()
  collectgarbage()
  return pierrot.memory().total
end

local function bytes_each(kind, n, prepared)
  local before = settled_memory()
  local made = kind.make(n, prepared)
  local grown = settled_memory() - before
  kind.take(n, made)
  return grown / n
end

local function ns_each(kind, n, prepared)
  local rounds = math.max(1, OPERATIONS // n)
  collectgarbage()
  local started = os.clock()
  for _ = 1, rounds do kind.take(n, kind.make(n, prepared)) end
  return (os.clock() - started) * 1e9 / (rounds * n)
end

local function main(name, n)
  local kind = kinds[name] or error("unknown kind: " .. tostring(name), 0)
  harness.in_process({}, function()
    local prepared = kind.prepare and kind.prepare(n)
    local bytes = bytes_each(kind, n, prepared)
    local times = harness.repetitions(function() return ns_each(kind, n, prepared) end)
    print(("%s\t%d\t%.1f\t%.1f"):format(name, n, harness.median(times), bytes))
  end)
end

if arg[1] == "--list" then
  local names = {}
  for name in pairs(kinds) do names[#names + 1] = name end
  table.sort(names)
  print(table.concat(names, " "))
else
  main(arg[1], math.tointeger(tonumber(arg[2])) or error("not a number: " .. tostring(arg[2]), 0))
end
