-- SPDX-License-Identifier: MIT
--- What a registry makes by create with a start, and whom it is linked with.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local starts <const> = "spec.fixtures.starts"

--- Creates in a process of its own, and tells the test {"created", pid or nil, reason}.
local function create_elsewhere(names, key, start)
  local test = pierrot.self()
  return pierrot.spawn(function()
    local pid, reason = registry.create(names, key, start)
    pierrot.send(test, { "created", pid, reason })
    pierrot.receive("stop")
  end)
end

describe("what create has started", function()
  it("is linked with the registry alone", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "key", { starts, "trapping" })

    assert.same({ names }, pierrot.info(pid, "links"))
    assert.equal("milk", gen_server.call(pid, { "get", "milk" }))
  end))

  it("is linked with the registry though its start did not link it", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "key", { starts, "not_linked" })

    assert.same({ names }, pierrot.info(pid, "links"))
  end))

  it("may be named by module and function in one string", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "key", "spec.fixtures.starts:not_linked")

    assert.equal(pid, (registry.lookup(names, "key")))
  end))

  it("may have taken the key itself", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "key", { starts, "registered", names, "key" })

    assert.equal(pid, (registry.lookup(names, "key")))
    assert.equal(1, registry.count(names))
    assert.same({ names }, pierrot.info(pid, "links"))
  end))

  it("ends with the registry", alone(function()
    local names = registry.start()
    local pid = registry.create(names, "key", { starts, "not_linked" })
    local ref = pierrot.monitor(pid)

    gen_server.stop(names)

    assert.equal("shutdown", await_down(ref))
  end))

  it("stays linked when it gives its key back", alone(function()
    local names = registry.start_link()
    local Leaving = {
      init = function() return "ok", {} end,
      handle_call = {
        leave = function() return "reply", registry.unregister(names, "key") end,
      },
    }
    package.loaded["spec.leaving"] = Leaving
    local pid = registry.create(names, "key", "spec.leaving")
    package.loaded["spec.leaving"] = nil

    assert.is_true(gen_server.call(pid, { "leave" }))

    assert.is_nil((registry.lookup(names, "key")))
    assert.same({ names }, pierrot.info(pid, "links"))
  end))
end)

describe("a start that fails", function()
  local failures = {
    { "with a reason", { starts, "returns", nil, "no milk" }, "no milk" },
    { "without a reason", { starts, "returns" }, nil },
    { "by returning what is no pid", { starts, "returns", 42 }, { "bad_return_value", 42 } },
    { "by an exit", { starts, "exits", "no milk" }, "no milk" },
    { "by a normal exit", { starts, "exits", "normal" }, "normal" },
  }
  for _, row in ipairs(failures) do
    it("gives nil and the reason, and the key stays free: " .. row[1], alone(function()
      local names = registry.start_link()

      local pid, reason = registry.create(names, "key", row[2])

      assert.is_nil(pid)
      assert.same(row[3], reason)
      assert.is_true(pierrot.is_pid(registry.create(names, "key")))
    end))
  end

  it("by an error gives nil and the error", alone(function()
    local names = registry.start_link()

    local pid, reason = registry.create(names, "key", { starts, "raises", "no milk" })

    assert.is_nil(pid)
    assert.equal("error", reason[1])
    assert.equal("no milk", reason[2])
  end))

  it("because its process was killed gives all who wait the reason", alone(function()
    local names = registry.start_link()
    local test = pierrot.self()
    for _ = 1, 3 do
      create_elsewhere(names, "key", { starts, "slow", test })
    end
    local starting = expect { "starting" }
    local ref = pierrot.monitor(starting[3])

    pierrot.exit(starting[2], "kill")

    for _ = 1, 3 do
      assert.same({ "created", [3] = "killed" }, expect { "created" })
    end
    assert.equal("killed", await_down(ref))
    assert.is_true(pierrot.is_pid(registry.create(names, "key")))
  end))
end)

describe("while a start goes on", function()
  it("whoever takes the key is what create gives, and what was started ends", alone(function()
    local names = registry.start_link()
    create_elsewhere(names, "key", { starts, "slow", pierrot.self() })
    local starting = expect { "starting" }
    local ref = pierrot.monitor(starting[3])
    registry.register(names, "key")

    pierrot.send(starting[2], "go on")

    assert.equal(pierrot.self(), expect({ "created" })[2])
    assert.equal("shutdown", await_down(ref))
    assert.equal(pierrot.self(), (registry.lookup(names, "key")))
  end))

  it("a create of the same key waits, whatever it wants to start", alone(function()
    local names = registry.start_link()
    create_elsewhere(names, "key", { starts, "slow", pierrot.self() })
    local starting = expect { "starting" }
    create_elsewhere(names, "key")
    create_elsewhere(names, "key", { starts, "not_linked" })
    registry.create_async(names, "key")

    pierrot.send(starting[2], "go on")

    for _ = 1, 3 do
      assert.equal(starting[3], expect({ "created" })[2])
    end
    assert.equal(1, registry.count(names))
  end))

  it("those who wait may end", alone(function()
    local names = registry.start_link()
    local waiting = create_elsewhere(names, "key", { starts, "slow", pierrot.self() })
    local starting = expect { "starting" }
    pierrot.exit(waiting, "kill")
    await_down(waiting)

    pierrot.send(starting[2], "go on")
    await_down(starting[2])

    assert.equal(starting[3], (registry.lookup(names, "key")))
  end))

  for how, reason in pairs { kill = "killed", shutdown = "shutdown" } do
    it("the registry may end, and nothing of the start remains: " .. how, alone(function()
      local names = registry.start()
      local _, ref = pierrot.spawn_monitor(registry.create, names, "key",
        { starts, "slow", pierrot.self() })
      local starting = expect { "starting" }
      local refs = { pierrot.monitor(starting[2]), pierrot.monitor(starting[3]) }

      if how == "kill" then pierrot.exit(names, "kill") else gen_server.stop(names, how) end

      assert.equal(reason, await_down(ref)[1])
      for _, started in ipairs(refs) do
        assert.equal("killed", await_down(started))
      end
    end))
  end
end)

describe("who is registered", function()
  it("keeps a link that it had before it was", alone(function()
    local names = registry.start_link()

    registry.register(names, "key")
    registry.unregister(names, "key")

    assert.same({ names }, pierrot.info(pierrot.self(), "links"))
  end))

  it("is linked until its last name is gone", alone(function()
    local names = registry.start()
    registry.register(names, "one")
    registry.register(names, "two")

    registry.unregister(names, "one")
    assert.same({ names }, pierrot.info(pierrot.self(), "links"))
    registry.unregister(names, "two")

    assert.same({}, pierrot.info(pierrot.self(), "links"))
    gen_server.stop(names)
  end))

  it("is let go when it ends, though it has undone the link", alone(function()
    local names = registry.start_link()
    local pid, ref = pierrot.spawn_monitor(function()
      registry.register(names, "key")
      pierrot.unlink(names)
      pierrot.exit(pierrot.receive())
    end)
    pierrot.send(pid, "no milk")
    await_down(ref)

    assert.is_nil((registry.lookup(names, "key")))
    assert.is_true(registry.register(names, "key"))
  end))

  it("outlives a registry whose link it has undone", alone(function()
    local names = registry.start()
    registry.register(names, "key")
    pierrot.unlink(names)

    gen_server.stop(names)

    assert.is_false(pierrot.is_alive(names))
  end))

  it("stays registered whatever messages say", alone(function()
    local names = registry.start_link()
    registry.register(names, "key")

    pierrot.send(names, { "DOWN", pierrot.make_ref(), "process", pierrot.self(), "normal" })
    pierrot.send(names, { "EXIT", pierrot.self(), "normal" })
    registry.create(names, "other")

    assert.equal(pierrot.self(), (registry.lookup(names, "key")))
  end))

  it("is listed in the order of registration", alone(function()
    local names, keys = registry.start_link(), {}
    for i = 1, 100 do
      keys[i] = "key " .. i * 7919 % 1000
      registry.register(names, keys[i])
    end

    assert.same(keys, registry.keys(names))
    assert.same(keys, registry.keys(names, pierrot.self()))
  end))

  it("may be another, who is put there by register_pid", alone(function()
    local names, pid = registry.start_link(), support.idle()

    assert.is_true(registry.register_pid(names, "key", pid, "value"))

    assert.same({ pid, "value" }, { registry.lookup(names, "key") })
    assert.same({ nil, { "already_started", pid }, n = 2 },
      table.pack(registry.register_via(names, "key")))
  end))

  it("can have 1000 names at once, and lose them at once", alone(function()
    local names = registry.start_link()
    local pid, ref = pierrot.spawn_monitor(function()
      for i = 1, 1000 do
        registry.register(names, i)
      end
      pierrot.exit("shutdown")
    end)
    await_down(ref)

    assert.equal(0, registry.count(names))
    assert.same({}, registry.keys(names))
    assert.same({}, registry.keys(names, pid))
    assert.is_true(registry.register(names, 500))
  end))
end)

describe("a registry's spec and a bucket's", function()
  it("say how they are started and restarted", alone(function()
    assert.same({
      id = "pierrot.registry", start = { "pierrot.registry", "start_link", { name = "x" } },
      restart = "permanent", shutdown = 5000, type = "worker",
    }, registry.child_spec { name = "x" })
    assert.same({
      id = "pierrot.bucket", start = { "pierrot.bucket", "start_link" },
      restart = "temporary", shutdown = 5000, type = "worker",
    }, bucket.child_spec())
  end))
end)
