-- SPDX-License-Identifier: MIT
--- Processes that a registry tells of what is registered and unregistered; and bad options.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

--- Registers the test under `name` for as long as it lives.
local function listen(name)
  assert(pierrot.register(name, pierrot.self()))
end

describe("a listener", function()
  for _, kind in ipairs { "unique", "duplicate" } do
    it("REG-020 gets what is registered and unregistered: " .. kind, alone(function()
      listen "a listener"
      registry.start_link { name = "heard", keys = kind, listeners = { "a listener" } }
      local me = pierrot.self()

      registry.register("heard", "key", { "value" })
      assert.same({ "register", "heard", "key", me, { "value" } }, pierrot.receive(nil, 0))
      registry.unregister("heard", "key")
      assert.same({ "unregister", "heard", "key", me }, pierrot.receive(nil, 0))
      registry.register("heard", 7)
      assert.same({ "register", "heard", 7, me }, pierrot.receive(nil, 0))
    end))
  end

  it("REG-020 may be one of many, and knows the registry by its pid when it has no name",
    alone(function()
      local test = pierrot.self()
      for _, name in ipairs { "first", "second" } do
        pierrot.spawn_link(function()
          pierrot.register(name, pierrot.self())
          pierrot.send(test, "listening")
          while true do pierrot.send(test, { name, pierrot.receive() }) end
        end)
        expect "listening"
      end
      local names = registry.start_link { listeners = { "first", "second" } }

      registry.register(names, "key", 1)

      for _, name in ipairs { "first", "second" } do
        assert.same({ "register", names, "key", test, 1 }, expect({ name })[2])
      end
    end))

  it("gets one message when all entries of a key go", alone(function()
    listen "a listener"
    local names = registry.start_link { keys = "duplicate", listeners = { "a listener" } }
    for i = 1, 3 do registry.register(names, "key", i) end

    registry.unregister(names, "key")

    assert.equal(3, #pierrot.flush() - 1)
  end))

  it("gets what is created, and what takes a via-name", alone(function()
    listen "a listener"
    local names = registry.start_link { listeners = { "a listener" } }

    local created = registry.create(names, "created")
    local started = bucket.start_link { name = { "via", names, "started", "value" } }

    assert.same({ "register", names, "created", created }, expect())
    assert.same({ "register", names, "started", started, "value" }, expect())
  end))

  it("gets nothing of what fails, of updates, and of those who end", alone(function()
    listen "a listener"
    local names = registry.start_link { listeners = { "a listener" } }
    registry.register(names, "key", 1)
    local created = registry.create(names, "created")
    pierrot.flush()

    registry.register(names, "key", 2)
    registry.unregister(names, "nothing")
    registry.update_value(names, "key", function() return 3 end)
    pierrot.exit(created, "kill")
    await_down(created)
    registry.create(names, "key")

    assert.equal(0, pierrot.flush().n)
  end))

  it("that nobody is at the moment harms nobody", alone(function()
    local names = registry.start_link { listeners = { "nobody listens" } }

    assert.is_true(registry.register(names, "key"))
    assert.is_true(registry.unregister(names, "key"))
  end))
end)

describe("an option", function()
  for _, row in ipairs {
    { "keys", { keys = "some" } },
    { "keys", { keys = true } },
    { "name", { name = {} } },
    { "name", { name = 42, keys = "duplicate" } },
    { "partitions", { partitions = 0 } },
    { "partitions", { partitions = "two" } },
    { "partitions", { partitions = 1.5 } },
    { "listeners", { listeners = "a name" } },
    { "listeners", { listeners = { pierrot.self } } },
  } do
    for _, start in ipairs { "start", "start_link" } do
      it(("REG-028 that is bad raises at its line and is named: %s in %s (%s)"):format(row[1],
        start, type(row[2][row[1]])), alone(function()
        local text = support.error_text(function()
          local pid = registry[start](row[2])
          return pid
        end)

        assert.is_truthy(text:find(("bad option '%s'"):format(row[1]), 1, true), text)
        assert.is_truthy(text:find("registry_listener_spec.lua:", 1, true), text)
      end))
    end
  end

  it("REG-028 that is none raises at its line", alone(function()
    for _, opts in ipairs { 42, { listener = { "a name" } } } do
      local text = support.error_text(function()
        local pid = registry.start(opts)
        return pid
      end)

      assert.is_truthy(text:find("registry_listener_spec.lua:", 1, true), text)
    end
  end))
end)
