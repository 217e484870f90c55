-- SPDX-License-Identifier: MIT
--- The mission's walk, parts A to D, F1, G3 and G4: mailboxes, buckets, registries and monitors.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

package.path = support.root .. "/examples/?.lua;" .. package.path
local lua_registry = require "kv.registry"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- A ---------------------------------------------------------------------------

describe("a mailbox by hand", function()
  it("A1.1 gives back what was sent", alone(function()
    local sent = { "hello", "world" }

    local result = pierrot.send(pierrot.self(), sent)

    assert.equal(sent, result)
  end))

  it("A1.2 is read with alternatives", alone(function()
    pierrot.send(pierrot.self(), { "hello", "world" })

    local message = pierrot.receive(pierrot.one_of({ "hello" }, { "goodbye" }))

    assert.equal("world", message[2])
  end))

  it("A1.3 takes the time-limit branch, and not before the time is up", alone(function()
    local start = pierrot.now()

    local message, reason = pierrot.receive({ "hello" }, 40)

    assert.is_nil(message)
    assert.equal("timeout", reason)
    assert.is_true(pierrot.now() - start >= 40)
  end))

  it("A1.4 is emptied by flush", alone(function()
    pierrot.send(pierrot.self(), "hello")

    local first, second = pierrot.flush(), pierrot.flush()

    assert.same({ "hello", n = 1 }, first)
    assert.same({ n = 0 }, second)
  end))
end)

describe("a crash", function()
  it("A2.1 is logged with its pid and leaves the spawner alone", function()
    local output, errors, status = support.run_script [[
      local pierrot = require "pierrot"
      local pid, ref = pierrot.spawn_monitor(function() error("the milk is sour") end)
      pierrot.receive({ "DOWN", ref })
      io.write(tostring(pid))
    ]]

    assert.equal(0, status)
    assert.is_truthy(errors:find("the milk is sour", 1, true))
    assert.is_truthy(errors:find(output, 1, true))
  end)

  it("A2.2 takes the linked helper along, with the same reason", alone(function()
    local me = pierrot.self()
    local _, helper_ref = pierrot.spawn_monitor(function()
      pierrot.send(me, pierrot.spawn_link(function()
        pierrot.receive("go on")
        error("the milk is sour")
      end))
      pierrot.receive("never sent")
    end)
    local child = expect(pierrot.is_pid)
    local child_ref = pierrot.monitor(child)

    pierrot.send(child, "go on")

    local child_reason, helper_reason = await_down(child_ref), await_down(helper_ref)
    assert.equal("error", child_reason[1])
    assert.is_truthy(child_reason[2]:find("the milk is sour", 1, true))
    assert.same(child_reason, helper_reason)
  end))

  it("A2.3 is not what a return is: the linked helper lives and keeps its pid", alone(function()
    local me = pierrot.self()
    local helper = pierrot.spawn_link(function()
      local _, ref = pierrot.spawn_opt({ link = true, monitor = true }, function() end)
      await_down(ref)
      pierrot.send(me, { "alive", pierrot.self() })
    end)

    local message = expect({ "alive" })

    assert.equal(helper, message[2])
  end))
end)

-- A loop process that keeps values and answers whoever asks.
local function store_loop()
  local values = {}
  local handlers = {
    get = function(key, asker) pierrot.send(asker, values[key]) end,
    put = function(key, value) values[key] = value end,
  }
  while true do
    local message = pierrot.receive()
    handlers[message[1]](table.unpack(message, 2, 3))
  end
end

describe("a loop process as a store", function()
  it("A3.1 answers with nothing, which is a message, before any put", alone(function()
    local store = pierrot.spawn_link(store_loop)

    pierrot.send(store, { "get", "hello", pierrot.self() })
    pierrot.send(store, { "put", "done", true })
    pierrot.send(store, { "get", "done", pierrot.self() })
    expect(true)
    local waiting = pierrot.flush()
    assert.equal(1, waiting.n)
    assert.is_nil(waiting[1])
  end))

  it("A3.2 answers with what was put", alone(function()
    local store = pierrot.spawn_link(store_loop)

    pierrot.send(store, { "put", "hello", "world" })
    pierrot.send(store, { "get", "hello", pierrot.self() })

    assert.equal("world", expect())
  end))

  it("A3.3 answers by name", alone(function()
    local store = pierrot.spawn_link(store_loop)
    assert.is_true(pierrot.register("kv", store))

    pierrot.send("kv", { "put", "hello", "world" })
    pierrot.send("kv", { "get", "hello", pierrot.self() })

    assert.equal("world", expect())
    pierrot.unregister("kv")
  end))
end)

-- B ---------------------------------------------------------------------------

describe("a bucket", function()
  local pid

  before_each(function()
    pid = bucket.start_link()
  end)

  after_each(function()
    bucket.stop(pid)
  end)

  it("B1.1 holds nothing at first", function()
    assert.is_nil(bucket.get(pid, "milk"))
  end)

  it("B1.2 stores values by key", function()
    assert.is_true(bucket.put(pid, "milk", 3))

    assert.equal(3, bucket.get(pid, "milk"))
  end)

  it("B3 gives the value it had when a key is deleted, then nothing", function()
    bucket.put(pid, "milk", 3)

    assert.equal(3, bucket.delete(pid, "milk"))

    assert.is_nil(bucket.get(pid, "milk"))
  end)

  it("B3 deletes a key that was never put", function()
    assert.is_nil(bucket.delete(pid, "milk"))
  end)

  it("B5 is fresh in each test", function()
    assert.equal(0, bucket.size(pid))
  end)
end)

describe("a named bucket", function()
  it("B2 is used by its name alone", alone(function()
    bucket.start_link { name = "B2 used by name" }

    assert.is_true(bucket.put("B2 used by name", "milk", 3))

    assert.equal(3, bucket.get("B2 used by name", "milk"))
    bucket.stop("B2 used by name")
  end))

  it("B2 keeps its name when a second one wants it", alone(function()
    local first = bucket.start_link { name = "B2 taken" }
    bucket.put(first, "milk", 3)

    local second, reason = bucket.start_link { name = "B2 taken" }

    assert.is_nil(second)
    assert.same({ "already_started", first }, reason)
    assert.equal(3, bucket.get("B2 taken", "milk"))
    bucket.stop(first)
  end))
end)

local Busy = {}

function Busy.init() return "ok", {} end

Busy.handle_call = {
  wait = function() return "reply", pierrot.receive("go on") end,
  get = function() return "reply", 3 end,
}

describe("client and server", function()
  it("B4 make the second client wait for what the server does for the first", alone(function()
    local server = gen_server.start_link(Busy)
    local first = gen_server.send_request(server, { "wait" })
    local second = gen_server.send_request(server, { "get" })

    local early, reason = gen_server.wait_response(second, 20)
    pierrot.send(server, "go on")

    assert.is_nil(early)
    assert.equal("timeout", reason)
    assert.same({ true, "go on" }, { gen_server.receive_response(first) })
    assert.same({ true, 3 }, { gen_server.receive_response(second) })
  end))

  it("B4 delay nobody by what a client does on its own side", alone(function()
    local server = gen_server.start_link(Busy)
    local me = pierrot.self()
    pierrot.spawn_link(function()
      pierrot.send(me, { "got", gen_server.call(server, { "get" }) })
      pierrot.receive("never sent")
    end)
    assert.equal(3, expect({ "got" })[2])

    assert.equal(3, gen_server.call(server, { "get" }))
  end))
end)

-- C, D, F1, G -----------------------------------------------------------------

local function registry_walk(names)
  it("C1 finds what a cast created, once a call was answered", alone(function()
    local registry = names.start_link()

    assert.is_true(names.create_async(registry, "shopping"))
    local pid = names.create(registry, "shopping")

    assert.is_true(pierrot.is_pid(pid))
    assert.equal(pid, (names.lookup(registry, "shopping")))
  end))

  it("C2.1 finds nothing before it was created", alone(function()
    local registry = names.start_link()

    assert.is_nil((names.lookup(registry, "shopping")))
  end))

  it("C2.2 finds a bucket that was created", alone(function()
    local registry = names.start_link()

    local pid = names.create(registry, "shopping")

    assert.is_true(pierrot.is_alive(pid))
    assert.equal(pid, (names.lookup(registry, "shopping")))
  end))

  it("C2.3 gives buckets that store values", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")

    bucket.put(pid, "milk", 1)

    assert.equal(1, bucket.get(pid, "milk"))
  end))

  it("C2.4 keeps the bucket and its contents when it is created again", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")
    bucket.put(pid, "milk", 1)

    local again = names.create(registry, "shopping")

    assert.equal(pid, again)
    assert.equal(1, bucket.get(again, "milk"))
  end))

  it("C2.4 keeps the bucket when a cast creates it again", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")

    names.create_async(registry, "shopping")
    names.create(registry, "bogus")

    assert.equal(pid, (names.lookup(registry, "shopping")))
  end))

  it("C3 ends with its buckets when it is stopped", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")
    local ref = pierrot.monitor(pid)

    gen_server.stop(registry)

    assert.equal("shutdown", await_down(ref))
  end))

  it("D2 removes buckets on exit", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")

    assert.is_true(bucket.stop(pid))

    assert.is_nil((names.lookup(registry, "shopping")))
  end))

  it("D2.4 creates a new and empty bucket in place of one that ended", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")
    bucket.put(pid, "milk", 1)
    bucket.stop(pid)

    local new = names.create(registry, "shopping")

    assert.not_equal(pid, new)
    assert.equal(new, (names.lookup(registry, "shopping")))
    assert.is_nil(bucket.get(new, "milk"))
  end))

  it("D3 lives on after a message that it does not know", alone(function()
    local registry = names.start_link()
    local pid = names.create(registry, "shopping")

    pierrot.send(registry, { "who", "are", "you" })
    pierrot.send(registry, 42)

    assert.equal(pid, names.create(registry, "shopping"))
    assert.is_true(pierrot.is_alive(registry))
  end))

  it("F1 removes buckets on crash and keeps its pid", alone(function()
    local registry = names.start_link { name = "F1 survives" }
    local pid = names.create(registry, "shopping")

    bucket.stop(pid, "shutdown")

    assert.is_nil((names.lookup(registry, "shopping")))
    assert.equal(registry, pierrot.whereis("F1 survives"))
    gen_server.stop(registry)
  end))

  it("G3.2 always finds what was just created, 1000 times", alone(function()
    local registry = names.start_link()

    for i = 1, 1000 do
      local name = "shopping " .. i
      local pid = names.create(registry, name)
      if names.lookup(registry, name) ~= pid or names.create(registry, name) ~= pid then
        error("not the pid that was created, in round " .. i)
      end
    end
  end))

  for _, reason in ipairs { "normal", "shutdown" } do
    it("G4 never finds a bucket that ended with " .. reason .. ", 1000 times", alone(function()
      local registry = names.start_link()

      for i = 1, 1000 do
        bucket.stop(names.create(registry, "shopping"), reason)
        names.create(registry, "bogus")
        if names.lookup(registry, "shopping") ~= nil then
          error("found after its end, in round " .. i)
        end
      end
    end))
  end
end

describe("the built-in registry", function()
  local names = require "pierrot.registry"

  registry_walk(names)

  it("G3.1 may miss a bucket that is still being started", alone(function()
    local registry = names.start_link()
    local me = pierrot.self()
    local start = { "spec.fixtures.slow_start", "start_link", me }
    pierrot.spawn_link(function()
      pierrot.send(me, { "created", names.create(registry, "shopping", start) })
      pierrot.receive("never sent")
    end)
    local starter = expect({ "starting" })[2]

    local early = names.lookup(registry, "shopping")
    pierrot.send(starter, "go on")
    local created = expect({ "created" })[2]

    assert.is_nil(early)
    assert.is_true(pierrot.is_pid(created))
    assert.equal(created, (names.lookup(registry, "shopping")))
  end))

  it("G4 never finds a bucket that ended, even without a call in between", alone(function()
    local registry = names.start_link()

    for i = 1, 1000 do
      bucket.stop(names.create(registry, "shopping"))
      if names.lookup(registry, "shopping") ~= nil then
        error("found after its end, in round " .. i)
      end
    end
  end))
end)

describe("the registry in Lua", function()
  registry_walk(lua_registry)

  it("C1 handles a cast before the call that the same client makes next", alone(function()
    local registry = lua_registry.start_link()

    lua_registry.create_async(registry, "shopping")
    local pid = lua_registry.lookup(registry, "shopping")

    assert.is_true(pierrot.is_pid(pid))
  end))

  it("F1 dies of a bucket's crash while it links its buckets: lookup exits with noproc",
    alone(function()
      local registry = lua_registry.start { buckets = "linked" }
      local pid = lua_registry.create(registry, "shopping")
      local ref = pierrot.monitor(registry)

      bucket.stop(pid, "shutdown")
      local reason = support.exit_reason(lua_registry.lookup, registry, "shopping")

      local request = { "lookup", "shopping" }
      assert.same({ "noproc", { "gen_server", "call", registry, request, 5000 } }, reason)
      assert.equal("shutdown", await_down(ref))
    end))

  it("F1 lives on when a linked bucket ends normally", alone(function()
    local registry = lua_registry.start { buckets = "linked" }
    local pid = lua_registry.create(registry, "shopping")

    bucket.stop(pid)

    assert.is_nil(lua_registry.lookup(registry, "shopping"))
    lua_registry.stop(registry)
  end))

  it("G3.1 misses a bucket that another client's cast is on its way to create", alone(function()
    local Blocked = {
      init = lua_registry.init,
      handle_call = lua_registry.handle_call,
      handle_cast = lua_registry.handle_cast,
      handle_info = { block = function() pierrot.receive("go on") end },
    }
    local registry = gen_server.start_link(Blocked, {})
    pierrot.send(registry, { "block" })
    local lookup = gen_server.send_request(registry, { "lookup", "shopping" })
    local _, client = pierrot.spawn_monitor(lua_registry.create_async, registry, "shopping")
    await_down(client)

    pierrot.send(registry, "go on")

    assert.same({ true }, { gen_server.receive_response(lookup) })
    assert.is_true(pierrot.is_pid(lua_registry.lookup(registry, "shopping")))
  end))

  it("refuses a name that is no string before it asks the server", alone(function()
    local registry = lua_registry.start_link()

    local text = support.error_text(function() lua_registry.create(registry, 42) end)

    local expected = "bad argument #2 to 'create' (string expected, got number)"
    assert.is_truthy(text:find(expected, 1, true))
    assert.is_true(pierrot.is_alive(registry))
  end))
end)

describe("monitoring a bucket", function()
  it("D1 gives one DOWN with the same ref when it was stopped, and no EXIT", alone(function()
    local pid = bucket.start_link()
    local ref = pierrot.monitor(pid)

    assert.is_true(bucket.stop(pid))

    local messages = pierrot.flush()
    assert.same({ { "DOWN", ref, "process", pid, "normal" }, n = 1 }, messages)
    assert.equal(ref, messages[1][2])
  end))

  it("D1.5 gives nothing before the process ends", alone(function()
    local pid = support.idle()
    local ref = pierrot.monitor(pid)

    local early = pierrot.flush()
    pierrot.send(pid, "stop")

    assert.equal(0, early.n)
    assert.same({ "DOWN", ref, "process", pid, "normal" }, expect())
  end))
end)
