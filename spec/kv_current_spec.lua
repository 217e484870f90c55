-- SPDX-License-Identifier: MIT
--- The key-value application as its later edition tells it: buckets under a supervisor, named in
--- the built-in registry, that tell subscribers of changes. The numbers are the story's steps.

local pierrot = require "pierrot"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local registry = require "pierrot.registry"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local buckets <const> = {
  ["the built-in bucket"] = require "pierrot.bucket",
  ["a bucket in Lua"] = require "examples.kv.bucket",
}

--- The application's processes. Gives the top supervisor.
local function start_application()
  return assert(supervisor.start_link({
    { "pierrot.registry", { name = "kv registry" } },
    { "pierrot.dynamic_supervisor", { name = "kv buckets" } },
  }, { strategy = "one_for_one", name = "kv" }))
end

local function via(name)
  return { "via", "kv registry", name }
end

local function create(module, name, overrides)
  return dynamic_supervisor.start_child("kv buckets",
    supervisor.child_spec({ module, { name = via(name) } }, overrides or {}))
end

local function lookup(name)
  return pierrot.whereis(via(name))
end

for title, module in pairs(buckets) do
  describe("J1 " .. title .. " by any name", function()
    local name <const> = "the neighbour's shopping list"

    it("J1.1 is nothing before it is created", alone(function()
      local top = start_application()

      assert.is_nil(lookup(name))
      supervisor.stop(top)
    end))

    it("J1.2 is found once it is created", alone(function()
      local top = start_application()

      local pid = create(module, name)

      assert.equal(pid, lookup(name))
      assert.equal(pid, (registry.lookup("kv registry", name)))
      assert.is_true(module.put(via(name), "milk", 3))
      assert.equal(3, module.get(pid, "milk"))
      supervisor.stop(top)
    end))

    it("J1.3 is already started with the same pid when it is created again", alone(function()
      local top = start_application()
      local pid = create(module, name)

      assert.same({ nil, { "already_started", pid } }, { create(module, name) })

      assert.equal(1, dynamic_supervisor.count_children("kv buckets").active)
      assert.equal(pid, lookup(name))
      supervisor.stop(top)
    end))

    it("J1.4 may have a number, a boolean, a pid or a ref for its name, but no table",
      alone(function()
        local top = start_application()
        for _, key in ipairs { "", "\0", 1, 1.5, -1 << 63, true, false, top, pierrot.make_ref() } do
          local pid = create(module, key)
          assert.equal(pid, lookup(key))
        end

        assert.equal(lookup(1), lookup(1.0))
        assert.is_nil((create(module, { "shopping" })))
        supervisor.stop(top)
      end))

    it("F5.1 is another and empty one soon after it was killed, when it is permanent",
      alone(function()
        local top = start_application()
        local pid = create(module, "shopping", { restart = "permanent" })
        module.put(via "shopping", "milk", 1)

        pierrot.exit(lookup "shopping", "kill")
        await_down(pid)
        local again = lookup "shopping"
        while not again do
          pierrot.yield()
          again = lookup "shopping"
        end

        assert.is_true(pierrot.is_pid(again) and again ~= pid)
        assert.is_nil(module.get(via "shopping", "milk"))
        supervisor.stop(top)
      end))

    it("leaves nothing behind when the application stops", alone(function()
      local top = start_application()
      local pids = { top, create(module, "a"), create(module, "b") }
      for _, part in ipairs { "kv registry", "kv buckets" } do
        pids[#pids + 1] = pierrot.whereis(part)
      end

      supervisor.stop(top)

      for _, pid in ipairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
      for _, part in ipairs { "kv", "kv registry", "kv buckets" } do
        assert.is_nil((pierrot.whereis(part)))
      end
    end))
  end)

  describe("J2 " .. title, function()
    local pid

    -- Supervised, as the story has it.
    local function start()
      local sup = assert(dynamic_supervisor.start_link())
      pid = assert(dynamic_supervisor.start_child(sup, { module }))
    end

    it("B1 holds nothing at first, and stores values by key", alone(function()
      start()

      assert.is_nil(module.get(pid, "milk"))
      assert.is_true(module.put(pid, "milk", 3))

      assert.equal(3, module.get(pid, "milk"))
    end))

    it("B2 is used by its name alone, which is taken then", alone(function()
      local first = module.start_link { name = "a bucket's name" }

      assert.is_true(module.put("a bucket's name", "milk", 3))

      assert.equal(3, module.get("a bucket's name", "milk"))
      assert.same({ nil, { "already_started", first } },
        { module.start_link { name = "a bucket's name" } })
      module.stop "a bucket's name"
    end))

    it("B3 gives the value it had when a key is deleted, then nothing", alone(function()
      start()
      module.put(pid, "milk", 3)

      assert.equal(3, module.delete(pid, "milk"))

      assert.is_nil(module.get(pid, "milk"))
      assert.is_nil(module.delete(pid, "eggs"))
    end))

    it("B6 is a temporary worker", alone(function()
      assert.equal("temporary", module.child_spec({}).restart)
    end))

    it("J2.2 tells who has subscribed of each put", alone(function()
      start()
      module.subscribe(pid)

      module.put(pid, "milk", 3)

      assert.same({ "put", "milk", 3, pid }, expect())
    end))

    it("J2.3 tells who has subscribed of what others delete", alone(function()
      start()
      module.put(pid, "milk", 3)
      module.subscribe(pid)

      pierrot.spawn(module.delete, pid, "milk")

      assert.same({ "delete", "milk", pid }, expect())
    end))

    it("J2.4 forgets a subscriber that ends", alone(function()
      start()
      local subscriber, ref = pierrot.spawn_monitor(function()
        module.subscribe(pid)
        module.get(pid, "milk")
        pierrot.exit(#pierrot.info(pid, "monitors"))
      end)
      assert.equal(1, await_down(ref))

      module.get(pid, "milk")

      assert.same({}, pierrot.info(pid, "monitors"))
      assert.is_false(pierrot.is_alive(subscriber))
    end))
  end)
end
