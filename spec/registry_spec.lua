-- SPDX-License-Identifier: MIT
--- The built-in registry with unique keys: names for processes, and buckets made on demand.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

--- A process that registers itself under `key`, does what it is sent as {"run", fn}, and is linked
--- to nobody but the registry.
local function holder(names, key, value)
  local test = pierrot.self()
  local pid = pierrot.spawn(function()
    pierrot.send(test, { "registered", registry.register(names, key, value) })
    pierrot.receive("stop")
  end)
  assert(expect({ "registered" })[2] == true)
  return pid
end

describe("a registry", function()
  it("may have a name", alone(function()
    local names = registry.start_link { name = "a named registry" }

    local pid = registry.create("a named registry", "shopping")

    assert.equal(names, pierrot.whereis("a named registry"))
    assert.equal(pid, (registry.lookup("a named registry", "shopping")))
    gen_server.stop(names)
  end))

  it("keeps its name when a second one wants it", alone(function()
    local first = registry.start_link { name = "a taken registry" }

    local second, reason = registry.start_link { name = "a taken registry" }

    assert.is_nil(second)
    assert.same({ "already_started", first }, reason)
    gen_server.stop(first)
  end))

  it("is linked to its starter by start_link, and not by start", alone(function()
    local linked, plain = registry.start_link(), registry.start()

    assert.same({ linked }, pierrot.info(pierrot.self(), "links"))
    gen_server.stop(plain)
  end))

  it("can be stopped as any gen_server", alone(function()
    local names = registry.start()

    assert.is_true(gen_server.stop(names))

    assert.is_false(pierrot.is_alive(names))
  end))

  it("lives on after messages and EXITs that it does not know", alone(function()
    local names = registry.start_link()
    pierrot.send(names, { "who", "are", "you" })
    pierrot.spawn_link(function()
      pierrot.exit(names, "no milk")
      pierrot.receive("never sent")
    end)

    assert.is_true(pierrot.is_pid(registry.create(names, "shopping")))
  end))

  it("REG-024 that nobody knows is an exit with noproc", alone(function()
    for _, unknown in ipairs { "nobody has this name", support.dead() } do
      assert.equal("noproc", support.exit_reason(registry.lookup, unknown, "key")[1])
      assert.equal("noproc", support.exit_reason(registry.create, unknown, "key")[1])
      assert.equal("noproc", support.exit_reason(registry.register, unknown, "key")[1])
      assert.equal("noproc", support.exit_reason(registry.unregister, unknown, "key")[1])
      assert.equal("noproc", support.exit_reason(registry.keys, unknown)[1])
      assert.equal("noproc", support.exit_reason(registry.count, unknown)[1])
    end
  end))

  for _, row in ipairs {
    { "keys", { keys = "some" } },
    { "name", { name = {} } },
  } do
    it("REG-028 raises for a bad option and names it: " .. row[1], alone(function()
      local text = support.error_text(function()
        local names = registry.start_link(row[2])
        return names
      end)

      assert.is_truthy(text:find(row[1], 1, true))
    end))
  end
end)

describe("register", function()
  it("REG-001 puts the caller under a free key, with a value", alone(function()
    local names = registry.start_link()

    assert.is_true(registry.register(names, "key", { "value" }))

    local pid, value = registry.lookup(names, "key")
    assert.equal(pierrot.self(), pid)
    assert.same({ "value" }, value)
  end))

  it("REG-001 needs no value", alone(function()
    local names = registry.start_link()

    assert.is_true(registry.register(names, "key"))

    local pid, value = registry.lookup(names, "key")
    assert.equal(pierrot.self(), pid)
    assert.is_nil(value)
  end))

  it("REG-002 gives already_registered with the holder, and the value stays", alone(function()
    local names = registry.start_link()
    local other = holder(names, "key", "first")

    local result, reason = registry.register(names, "key", "second")

    assert.is_nil(result)
    assert.same({ "already_registered", other }, reason)
    local pid, value = registry.lookup(names, "key")
    assert.equal(other, pid)
    assert.equal("first", value)
  end))

  it("REG-002 gives already_registered to the holder itself", alone(function()
    local names = registry.start_link()
    registry.register(names, "key", "first")

    local result, reason = registry.register(names, "key", "second")

    assert.is_nil(result)
    assert.same({ "already_registered", pierrot.self() }, reason)
  end))

  it("REG-005 takes 1 and 1.0 for one key, as a table does", alone(function()
    local names = registry.start_link()

    assert.is_true(registry.register(names, 1.0, "one"))
    assert.same({ nil, { "already_registered", pierrot.self() } },
      { registry.register(names, 1, "another") })
    assert.same({ 1 }, registry.keys(names))
    assert.equal("integer", math.type(registry.keys(names)[1]))
  end))

  it("may be done under several keys", alone(function()
    local names = registry.start_link()

    registry.register(names, "one", 1)
    registry.register(names, "two", 2)

    assert.equal(pierrot.self(), (registry.lookup(names, "one")))
    assert.equal(pierrot.self(), (registry.lookup(names, "two")))
  end))

  local keys = {
    { "the empty string", "" },
    { "a string with NULs", "a\0b" },
    { "blanks and an apostrophe", "mother's shopping list" },
    { "a long string", ("x"):rep(100000) },
    { "an integer", 42 },
    { "a float", 0.5 },
    { "false", false },
    { "a pid", pierrot.self() },
    { "a ref", pierrot.make_ref() },
  }
  for _, row in ipairs(keys) do
    it("takes as a key: " .. row[1], alone(function()
      local names, key = registry.start_link(), row[2]

      assert.is_true(registry.register(names, key))

      assert.equal(pierrot.self(), (registry.lookup(names, key)))
      assert.same({ key }, registry.keys(names))
      assert.is_true(registry.unregister(names, key))
      assert.is_nil((registry.lookup(names, key)))
    end))
  end

  it("REG-007 is undone when the process ends, whatever the reason", alone(function()
    local names = registry.start_link()
    for _, reason in ipairs { "normal", "no milk", "kill" } do
      local test = pierrot.self()
      local pid, ref = pierrot.spawn_monitor(function()
        registry.register(names, "key")
        pierrot.send(test, "ready")
        pierrot.receive("stop")
      end)
      expect "ready"

      pierrot.exit(pid, reason)
      pierrot.send(pid, "stop")
      await_down(ref)

      assert.is_nil((registry.lookup(names, "key")))
      assert.equal(0, registry.count(names))
    end
  end))

  it("REG-007 never leaves a key blocked by a dead process, 1000 times", alone(function()
    local names = registry.start_link()

    for i = 1, 1000 do
      local _, ref = pierrot.spawn_monitor(function()
        pierrot.exit({ registry.register(names, "key") })
      end)
      if await_down(ref)[1] ~= true then
        error("blocked in round " .. i)
      end
    end

    assert.is_nil((registry.lookup(names, "key")))
  end))

  it("links the holder, whose crash does not harm the registry", alone(function()
    local names = registry.start_link()
    local pid = holder(names, "key")
    assert.same({ names }, pierrot.info(pid, "links"))

    pierrot.exit(pid, "no milk")
    await_down(pid)

    assert.is_true(pierrot.is_pid(registry.create(names, "other")))
  end))

  it("keeps a copy of the value", alone(function()
    local names = registry.start_link()
    local value = { "before" }

    registry.register(names, "key", value)
    value[1] = "after"
    local _, kept = registry.lookup(names, "key")
    kept[1] = "changed"

    assert.same({ "before" }, (select(2, registry.lookup(names, "key"))))
  end))

  for title, key in pairs { ["NaN"] = 0 / 0, ["a table"] = {}, ["a function"] = print } do
    it("raises for a key that is " .. title, alone(function()
      local names = registry.start_link()

      support.error_text(function() registry.register(names, key) end)

      assert.equal(0, registry.count(names))
    end))
  end

  it("raises for a value that cannot be sent", alone(function()
    local names = registry.start_link()

    support.error_text(function() registry.register(names, "key", { print }) end)

    assert.equal(0, registry.count(names))
  end))
end)

describe("unregister", function()
  it("REG-013 takes the caller's own entry away", alone(function()
    local names = registry.start_link()
    registry.register(names, "key")
    registry.register(names, "other")

    assert.is_true(registry.unregister(names, "key"))

    assert.is_nil((registry.lookup(names, "key")))
    assert.equal(pierrot.self(), (registry.lookup(names, "other")))
  end))

  it("REG-013 gives not_found for a key of another or of nobody", alone(function()
    local names = registry.start_link()
    local other = holder(names, "key")

    assert.same({ nil, "not_found", n = 2 }, table.pack(registry.unregister(names, "key")))
    assert.same({ nil, "not_found", n = 2 }, table.pack(registry.unregister(names, "nobody")))

    assert.equal(other, (registry.lookup(names, "key")))
  end))

  it("frees the key for others at once", alone(function()
    local names = registry.start_link()
    registry.register(names, "key")

    registry.unregister(names, "key")

    local other = holder(names, "key")
    assert.equal(other, (registry.lookup(names, "key")))
  end))
end)

describe("update_value", function()
  it("REG-011 gives the new value and the old one", alone(function()
    local names = registry.start_link()
    registry.register(names, "key", 1)

    local new, old = registry.update_value(names, "key", function(value) return value + 1 end)

    assert.equal(2, new)
    assert.equal(1, old)
    assert.equal(2, (select(2, registry.lookup(names, "key"))))
  end))

  it("REG-011 gives not_found for a key of another or of nobody, and calls nothing",
    alone(function()
      local names = registry.start_link()
      holder(names, "key", 1)
      local calls = 0
      local function count() calls = calls + 1 end

      local others = table.pack(registry.update_value(names, "key", count))
      local nobodys = table.pack(registry.update_value(names, "nobody", count))

      assert.same({ nil, "not_found", n = 2 }, others)
      assert.same({ nil, "not_found", n = 2 }, nobodys)
      assert.equal(0, calls)
    end))

  it("lets an error of the function through and keeps the value", alone(function()
    local names = registry.start_link()
    registry.register(names, "key", 1)

    local text = support.error_text(registry.update_value, names, "key", function()
      error("no milk")
    end)

    assert.is_truthy(text:find("no milk", 1, true))
    assert.equal(1, (select(2, registry.lookup(names, "key"))))
  end))
end)

describe("the keys of a registry", function()
  it("REG-004 are listed, all or those of a process", alone(function()
    local names = registry.start_link()
    registry.register(names, "one")
    registry.register(names, "two")
    local other = holder(names, "three")

    local all, mine = registry.keys(names), registry.keys(names, pierrot.self())

    table.sort(all)
    table.sort(mine)
    assert.same({ "one", "three", "two" }, all)
    assert.same({ "one", "two" }, mine)
    assert.same({ "three" }, registry.keys(names, other))
  end))

  it("REG-004 of a process without entries, or a dead one, are none", alone(function()
    local names = registry.start_link()

    assert.same({}, registry.keys(names, pierrot.self()))
    assert.same({}, registry.keys(names, support.dead()))
  end))

  it("are counted, all or under one key", alone(function()
    local names = registry.start_link()
    registry.register(names, "one")
    registry.register(names, "two")

    assert.equal(2, registry.count(names))
    assert.equal(1, registry.count(names, "one"))
    assert.equal(0, registry.count(names, "three"))
  end))
end)

describe("dispatch", function()
  it("REG-017 calls the function in the caller with pid and value, and gives true",
    alone(function()
      local names = registry.start_link()
      local other = holder(names, "key", "value")
      local seen, ran_in = nil, nil

      local result = registry.dispatch(names, "key", function(entries)
        seen, ran_in = entries, pierrot.self()
      end)

      assert.is_true(result)
      assert.same({ { other, "value" } }, seen)
      assert.equal(pierrot.self(), ran_in)
    end))

  it("REG-017 does not call the function for a key that nobody has", alone(function()
    local names = registry.start_link()
    local calls = 0

    assert.is_true(registry.dispatch(names, "nobody", function() calls = calls + 1 end))

    assert.equal(0, calls)
  end))

  it("REG-019 lets an error of the function reach the caller alone", alone(function()
    local names = registry.start_link()
    local other = holder(names, "key")

    local text = support.error_text(registry.dispatch, names, "key", function()
      error("no milk")
    end)

    assert.is_truthy(text:find("no milk", 1, true))
    assert.is_true(pierrot.is_alive(other))
    assert.is_true(pierrot.is_alive(names))
  end))
end)

describe("a via", function()
  local Keeper = {
    init = function(arg) return "ok", arg end,
    handle_call = { get = function(state) return "reply", state end },
  }

  it("REG-025 is a name that all calls take", alone(function()
    local names = registry.start_link()
    local via = { "via", names, "server" }

    local pid = gen_server.start_link(Keeper, "state", { name = via })

    assert.equal(pid, (registry.lookup(names, "server")))
    assert.equal(pid, pierrot.whereis(via))
    assert.equal("state", gen_server.call(via, "get"))
    assert.is_true(gen_server.stop(via))
    assert.is_nil((registry.lookup(names, "server")))
  end))

  it("REG-025 has the value that it gives", alone(function()
    local names = registry.start_link()

    local pid = gen_server.start_link(Keeper, 1, { name = { "via", names, "server", "value" } })

    assert.same({ pid, "value" }, { registry.lookup(names, "server") })
  end))

  it("REG-025 that is taken gives already_started with the holder", alone(function()
    local names = registry.start_link()
    local via = { "via", names, "server" }
    local first = gen_server.start_link(Keeper, 1, { name = via })

    local second, reason = gen_server.start_link(Keeper, 2, { name = via })

    assert.is_nil(second)
    assert.same({ "already_started", first }, reason)
    assert.equal(1, gen_server.call(via, "get"))
  end))

  it("REG-025 may name its registry", alone(function()
    registry.start_link { name = "a via's registry" }
    local via = { "via", "a via's registry", "server" }

    gen_server.start_link(Keeper, "state", { name = via })

    assert.equal("state", gen_server.call(via, "get"))
  end))
end)

describe("create", function()
  local slow = "spec.fixtures.slow_start"

  it("makes a bucket by default", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "shopping")

    assert.is_true(bucket.put(pid, "milk", 1))
    assert.equal(pid, (registry.lookup(names, "shopping")))
  end))

  it("gives the pid that is there", alone(function()
    local names = registry.start_link()
    local other = holder(names, "key")

    assert.equal(other, registry.create(names, "key"))
  end))

  it("starts what a module and a function's name say, with arguments", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "counter", { "spec.fixtures.counter", "start_link", 41 })

    assert.equal(42, gen_server.call(pid, { "add", 1 }))
    assert.equal(pid, (registry.lookup(names, "counter")))
  end))

  it("starts what a module's name says, by its start_link", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "shopping", "pierrot.bucket")

    assert.equal(0, bucket.size(pid))
  end))

  it("gives nil and the reason of a start that fails, and the key stays free", alone(function()
    local names = registry.start_link()
    local me = pierrot.self()
    pierrot.spawn_link(function()
      local start = { slow, "fail", me, { "no", "milk" } }
      pierrot.send(me, { "result", table.pack(registry.create(names, "key", start)) })
      pierrot.receive("never sent")
    end)
    pierrot.send(expect({ "starting" })[2], "go on")

    assert.same({ nil, { "no", "milk" }, n = 2 }, expect({ "result" })[2])
    assert.is_nil((registry.lookup(names, "key")))
    assert.is_true(pierrot.is_pid(registry.create(names, "key")))
  end))

  it("gives nil and a reason for a module that is none, and lives on", alone(function()
    local names = registry.start_link()

    local pid, reason = registry.create(names, "key", { "no.such.module", "start_link" })

    assert.is_nil(pid)
    assert.is_not_nil(reason)
    assert.is_true(pierrot.is_pid(registry.create(names, "key")))
  end))

  it("starts once, however many callers race", alone(function()
    local names = registry.start_link()
    local me = pierrot.self()
    for _ = 1, 100 do
      pierrot.spawn_link(function()
        local pid = registry.create(names, "shopping")
        pierrot.send(me, { "created", pid })
        pierrot.receive("never sent")
      end)
    end

    local first = expect({ "created" })[2]
    for _ = 2, 100 do
      assert.equal(first, expect({ "created" })[2])
    end
    assert.equal(1, registry.count(names))
  end))

  it("starts once when a slow start is raced for: all get its pid", alone(function()
    local names = registry.start_link()
    local me = pierrot.self()
    for _ = 1, 10 do
      pierrot.spawn_link(function()
        local pid = registry.create(names, "shopping", { slow, "start_link", me })
        pierrot.send(me, { "created", pid })
        pierrot.receive("never sent")
      end)
    end
    local starter = expect({ "starting" })[2]
    pierrot.send(starter, "go on")

    local first = expect({ "created" })[2]
    for _ = 2, 10 do
      assert.equal(first, expect({ "created" })[2])
    end
    assert.equal(0, pierrot.flush().n)
  end))

  it("does not keep the callers of other keys waiting", alone(function()
    local names = registry.start_link()
    local me = pierrot.self()
    pierrot.spawn_link(function()
      registry.create(names, "slow", { slow, "start_link", me })
      pierrot.send(me, "slow is done")
      pierrot.receive("never sent")
    end)
    local starter = expect({ "starting" })[2]

    local quick = registry.create(names, "quick")

    assert.is_true(pierrot.is_pid(quick))
    assert.is_nil((registry.lookup(names, "slow")))
    pierrot.send(starter, "go on")
    expect "slow is done"
  end))

  it("as a cast gives true at once, and ensures the same", alone(function()
    local names = registry.start_link()

    assert.is_true(registry.create_async(names, "shopping"))

    local pid = registry.create(names, "shopping")
    assert.equal(1, registry.count(names))
    assert.equal(pid, (registry.lookup(names, "shopping")))
  end))

  it("as a cast gives true when there is no registry", alone(function()
    assert.is_true(registry.create_async("nobody has this name", "shopping"))
    assert.is_true(registry.create_async(support.dead(), "shopping"))
  end))

  it("makes another when the one that was there has ended", alone(function()
    local names = registry.start_link()
    local first = registry.create(names, "shopping")
    pierrot.exit(first, "kill")
    await_down(first)

    local second = registry.create(names, "shopping")

    assert.not_equal(first, second)
    assert.equal(second, (registry.lookup(names, "shopping")))
  end))

  it("links what it made with the registry, which a crash does not harm", alone(function()
    local names = registry.start_link()
    local pid = registry.create(names, "shopping")
    assert.same({ names }, pierrot.info(pid, "links"))

    pierrot.exit(pid, "no milk")
    await_down(pid)

    assert.is_true(pierrot.is_alive(names))
    assert.is_nil((registry.lookup(names, "shopping")))
  end))
end)

describe("the end of a registry", function()
  for _, row in ipairs {
    { "a stop", function(names) gen_server.stop(names) end, "shutdown" },
    { "a stop with a reason", function(names) gen_server.stop(names, "no milk") end, "shutdown" },
    { "a kill", function(names) pierrot.exit(names, "kill") end, "killed" },
  } do
    it("ends what it created and who is registered, after " .. row[1], alone(function()
      local names = registry.start()
      local refs = {
        pierrot.monitor(registry.create(names, "shopping")),
        pierrot.monitor(holder(names, "key")),
      }

      row[2](names)

      for _, ref in ipairs(refs) do
        assert.equal(row[3], await_down(ref))
      end
    end))
  end

  it("is an EXIT to a holder that traps exits", alone(function()
    pierrot.trap_exit(true)
    local names = registry.start()
    registry.register(names, "key")

    gen_server.stop(names)

    assert.same({ "EXIT", names, "shutdown" }, expect())
  end))

  it("does not concern who has unregistered", alone(function()
    pierrot.trap_exit(true)
    local names = registry.start()
    registry.register(names, "key")
    registry.unregister(names, "key")

    gen_server.stop(names)

    assert.equal(0, pierrot.flush().n)
  end))
end)
