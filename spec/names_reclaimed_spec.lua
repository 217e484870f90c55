-- SPDX-License-Identifier: MIT
--- Names and keys cost nothing once they are used no more, however many there have been.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone = support.alone

-- What a table may keep of its former size, the allocator of an arena, and so on.
local slack <const> = 2000000

local function bytes_in_use()
  collectgarbage()
  collectgarbage()
  return pierrot.memory().total
end

--- Uses `count` names that were never used before and checks that memory is as it was afterwards.
local function check_reclaimed(count, use)
  local function use_some(prefix, n)
    for i = 1, n do
      use(prefix .. i)
    end
  end
  use_some("one of the names that come before the count: ", count // 10)
  local before = bytes_in_use()

  use_some("one of very many names that nobody uses twice: ", count)

  local growth = bytes_in_use() - before
  assert.is_true(growth < slack, growth .. " bytes more in use")
end

describe("names that are used no more", function()
  it("cost nothing: registered, looked up, unregistered", alone(function()
    local me = pierrot.self()

    check_reclaimed(100000, function(name)
      pierrot.register(name, me)
      assert(pierrot.whereis(name) == me)
      pierrot.unregister(name)
      assert(pierrot.whereis(name) == nil)
    end)
  end))

  it("cost nothing: of processes that ended", alone(function()
    check_reclaimed(100000, function(name)
      local _, ref = pierrot.spawn_opt({ name = name, monitor = true }, function() end)
      pierrot.receive { "DOWN", ref }
    end)
  end))

  it("cost nothing: looked up, sent to and monitored, though nobody had them",
    alone(function()
      check_reclaimed(100000, function(name)
        pierrot.whereis(name)
        gen_server.cast(name, "hello")
        pcall(pierrot.send, name, "hello")
        pierrot.receive { "DOWN", pierrot.monitor(name) }
      end)
    end))

  it("cost nothing: registered and unregistered in a registry", alone(function()
    local names = registry.start_link()

    check_reclaimed(100000, function(name)
      registry.register(names, name, name)
      assert(registry.lookup(names, name))
      registry.unregister(names, name)
    end)
  end))

  it("cost nothing: created in a registry, and ended", alone(function()
    local names = registry.start_link()

    check_reclaimed(100000, function(name)
      bucket.stop(registry.create(names, name))
      assert(registry.lookup(names, name) == nil)
    end)
  end))

  it("cost nothing: looked up in a registry in vain", alone(function()
    local names = registry.start_link()

    check_reclaimed(100000, function(name)
      registry.lookup(names, name)
      registry.unregister(names, name)
      registry.keys(names)
      pierrot.whereis { "via", names, name }
    end)
  end))

  it("cost nothing: put into a bucket and deleted", alone(function()
    local pid = bucket.start_link()

    check_reclaimed(100000, function(name)
      bucket.put(pid, name, { name })
      assert(bucket.delete(pid, name))
    end)
  end))

  it("cost nothing: sent in messages, as keys and values", alone(function()
    check_reclaimed(100000, function(name)
      pierrot.send(pierrot.self(), { [name] = name })
      pierrot.receive()
    end)
  end))

  it("cost nothing: of timers that were cancelled", alone(function()
    check_reclaimed(100000, function(name)
      pierrot.cancel_timer(pierrot.send_after(1000000, name, name))
    end)
  end))
end)

describe("what processes hold", function()
  it("costs nothing once they have ended", alone(function()
    check_reclaimed(20000, function(name)
      local pid, ref = pierrot.spawn_monitor(function()
        pierrot.put(name, name)
        pierrot.alias()
        pierrot.monitor(pierrot.self())
        pierrot.send_after(1000000, pierrot.self(), name)
        pierrot.send(pierrot.self(), { name })
        pierrot.receive("stop")
      end)
      pierrot.send(pid, "stop")
      pierrot.receive { "DOWN", ref }
    end)
  end))

  it("costs nothing in a bucket they were subscribed to", alone(function()
    local pid = bucket.start_link()

    check_reclaimed(20000, function()
      local _, ref = pierrot.spawn_monitor(bucket.subscribe, pid)
      pierrot.receive { "DOWN", ref }
    end)
  end))

  it("costs nothing in timers and calls that came to nothing", alone(function()
    local silent = gen_server.start_link {
      init = function() return "ok", {} end,
      handle_call = {
        ping = function() return "reply", "pong" end,
        _ = function() return "noreply" end,
      },
    }

    check_reclaimed(20000, function(name)
      pcall(gen_server.call, silent, name, 0)
      gen_server.receive_response(gen_server.send_request(silent, name), 0)
      gen_server.call(silent, "ping")
    end)
  end))

  it("costs nothing once they were killed", alone(function()
    check_reclaimed(20000, function(name)
      local pid, ref = pierrot.spawn_monitor(function()
        pierrot.send(pierrot.self(), { name })
        pcall(function()
          coroutine.wrap(function() pierrot.receive("never sent") end)()
        end)
      end)
      pierrot.yield()
      pierrot.exit(pid, "kill")
      pierrot.receive { "DOWN", ref }
    end)
  end))
end)
