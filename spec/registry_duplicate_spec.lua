-- SPDX-License-Identifier: MIT
--- The built-in registry with duplicate keys: one key, many processes; and matching by value.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local function duplicate()
  return assert(registry.start_link { keys = "duplicate" })
end

--- A process that registers itself under `key` with each of the values, and then waits for "stop".
local function holder(names, key, ...)
  local test, values = pierrot.self(), table.pack(...)
  local pid = pierrot.spawn(function()
    for i = 1, values.n do assert(registry.register(names, key, values[i])) end
    pierrot.send(test, { "registered", pierrot.self() })
    pierrot.receive("stop")
  end)
  expect({ "registered", pid })
  return pid
end

describe("a duplicate registry", function()
  it("REG-003 keeps and counts all entries of a key, oldest first", alone(function()
    local names = duplicate()
    local other = holder(names, "key", "theirs")
    local me = pierrot.self()

    assert.is_true(registry.register(names, "key", "mine"))
    assert.is_true(registry.register(names, "key", "mine"))
    assert.is_true(registry.register(names, "key"))

    assert.same({ { other, "theirs" }, { me, "mine" }, { me, "mine" }, { me } },
      registry.lookup(names, "key"))
    assert.equal(4, registry.count(names, "key"))
    assert.equal(4, registry.count(names))
    assert.same({ "key", "key", "key", "key" }, registry.keys(names))
  end))

  it("REG-003 gives an empty list for a key that nobody has", alone(function()
    local names = duplicate()

    assert.same({}, registry.lookup(names, "key"))
    assert.equal(0, registry.count(names, "key"))
  end))

  it("REG-004 lists the keys of a process with their repeats", alone(function()
    local names = duplicate()
    local other = holder(names, "key", 1, 2)
    registry.register(names, "mine")
    registry.register(names, "key")

    assert.same({ "key", "key" }, registry.keys(names, other))
    assert.same({ "mine", "key" }, registry.keys(names, pierrot.self()))
    assert.same({}, registry.keys(names, support.dead()))
  end))

  it("REG-007 forgets the entries of a process that ended, whichever of the key they are",
    alone(function()
      for gone = 1, 3 do
        local names = duplicate()
        local pids = {}
        for i = 1, 3 do pids[i] = holder(names, "key", i) end
        local left = {}
        for i = 1, 3 do
          if i ~= gone then left[#left + 1] = { pids[i], i } end
        end

        pierrot.exit(pids[gone], "kill")
        await_down(pids[gone])

        assert.same(left, registry.lookup(names, "key"))
        assert.equal(2, registry.count(names, "key"))
        gen_server.stop(names)
      end
    end))

  it("REG-012 has no update_value", alone(function()
    local names = duplicate()
    registry.register(names, "key", 1)

    local text = support.error_text(function()
      registry.update_value(names, "key", function() error "called" end)
    end)

    assert.is_truthy(text:find("bad argument #1 to 'update_value'", 1, true))
    assert.same({ { pierrot.self(), 1 } }, registry.lookup(names, "key"))
  end))

  it("REG-013 takes all of the caller's entries of a key away, and no others", alone(function()
    local names = duplicate()
    registry.register(names, "key", 1)
    local other = holder(names, "key", 2)
    registry.register(names, "key", 3)
    registry.register(names, "other key", 4)

    assert.is_true(registry.unregister(names, "key"))

    assert.same({ { other, 2 } }, registry.lookup(names, "key"))
    assert.same({ { pierrot.self(), 4 } }, registry.lookup(names, "other key"))
    assert.same({ nil, "not_found" }, { registry.unregister(names, "key") })
  end))

  it("REG-017 dispatches to all entries at once", alone(function()
    local names = duplicate()
    local other = holder(names, "key", "theirs")
    registry.register(names, "key", "mine")
    local calls = {}

    assert.is_true(registry.dispatch(names, "key", function(list) calls[#calls + 1] = list end))
    registry.dispatch(names, "nobody", function(list) calls[#calls + 1] = list end)

    assert.same({ { { other, "theirs" }, { pierrot.self(), "mine" } } }, calls)
  end))

  it("publishes to many subscribers", alone(function()
    local names, test = duplicate(), pierrot.self()
    for i = 1, 100 do
      pierrot.spawn_link(function()
        registry.register(names, "topic", i)
        pierrot.send(test, "subscribed")
        pierrot.send(test, { "got", i, pierrot.receive({ "news" })[2] })
      end)
    end
    for _ = 1, 100 do expect("subscribed") end

    registry.dispatch(names, "topic", function(list)
      for _, entry in ipairs(list) do pierrot.send(entry[1], { "news", entry[2] * 2 }) end
    end)

    for i = 1, 100 do assert.equal(2 * i, expect({ "got", i })[3]) end
  end))

  it("creates under a key only when nobody living has it", alone(function()
    local names = duplicate()
    local first = holder(names, "key", 1)
    holder(names, "key", 2)

    assert.equal(first, registry.create(names, "key"))
    local made = registry.create(names, "other key")

    assert.same({ { made } }, registry.lookup(names, "other key"))
    assert.equal(made, registry.create(names, "other key"))
  end))

  it("holds very many entries of one key and of one process, and lets go of them", alone(function()
    local names = duplicate()
    for i = 1, 20000 do registry.register(names, "key", i) end
    for i = 1, 20000 do registry.register(names, i) end
    local other = holder(names, "key", "theirs")

    assert.equal(20001, registry.count(names, "key"))
    assert.equal(40000, #registry.keys(names, pierrot.self()))
    for i = 20000, 1, -1 do registry.unregister(names, i) end
    registry.unregister(names, "key")

    assert.same({ { other, "theirs" } }, registry.lookup(names, "key"))
    assert.equal(1, registry.count(names))
  end))

  it("ends who is registered when it ends", alone(function()
    local names = assert(registry.start { keys = "duplicate" })
    local refs = {}
    for i = 1, 3 do refs[i] = pierrot.monitor(holder(names, "key", 1, 2)) end

    gen_server.stop(names)

    for i = 1, 3 do assert.equal("shutdown", await_down(refs[i])) end
  end))
end)

describe("match", function()
  for _, kind in ipairs { "unique", "duplicate" } do
    it("REG-015 gives the entries whose value matches, by the patterns of receive: " .. kind,
      alone(function()
        local names = assert(registry.start_link { keys = kind })
        local me = pierrot.self()
        registry.register(names, "key", { "milk", 2, from = { "farm" } })
        local entry = { me, { "milk", 2, from = { "farm" } } }

        assert.same({ entry }, registry.match(names, "key", { "milk" }))
        assert.same({ entry }, registry.match(names, "key", { pierrot.any, 2 }))
        assert.same({ entry }, registry.match(names, "key", { from = { "farm" } }))
        assert.same({ entry },
          registry.match(names, "key", function(value) return value[2] > 1 end))
        assert.same({ entry }, registry.match(names, "key"))
        assert.same({}, registry.match(names, "key", { "eggs" }))
        assert.same({}, registry.match(names, "key", { [3] = pierrot.any }))
        assert.same({}, registry.match(names, "another key"))
      end))
  end

  it("REG-015 picks among the entries of a key", alone(function()
    local names = duplicate()
    for i = 1, 5 do registry.register(names, "key", i) end

    local me = pierrot.self()
    assert.same({ { me, 2 }, { me, 4 } }, registry.match(names, "key", function(value)
      return value % 2 == 0
    end))
    assert.same({ { me, 2 }, { me, 5 } }, registry.match(names, "key", pierrot.one_of(2, 5)))
  end))
end)

describe("partitions", function()
  it("REG-029 make no difference to what is registered, counted and listed", alone(function()
    for _, kind in ipairs { "unique", "duplicate" } do
      local names = assert(registry.start_link { keys = kind, partitions = 4 })
      local sum = 0
      for i = 1, 100 do registry.register(names, i, i) end

      for _, key in ipairs(registry.keys(names)) do sum = sum + key end

      assert.equal(5050, sum)
      assert.equal(100, registry.count(names))
      assert.equal(100, #registry.keys(names, pierrot.self()))
    end
  end))
end)
