-- SPDX-License-Identifier: MIT
--- The mission's walk, parts E and F: the registry of buckets under supervisors, as an application.

local pierrot = require "pierrot"
local application = require "pierrot.application"
local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

package.path = support.root .. "/examples/?.lua;" .. package.path
local registry = require "kv.registry"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- A supervisor that has dealt with the end of this child.
local function crash(sup, pid)
  local ref = pierrot.monitor(pid)
  pierrot.exit(pid, "kill")
  await_down(ref)
  trees.settle(sup)
end

-- The supervisor of a registry that its options name.
local function start_registry(options)
  return trees.start { { registry, options } }
end

-- E -------------------------------------------------------------------------------------------

describe("a supervised registry", function()
  trees.quiet(setup, teardown)

  it("E1.1 has a spec of its module and options", function()
    local options = { name = "E1.1" }

    local spec = gen_server.child_spec("kv.registry", options)

    assert.equal("kv.registry", spec.id)
    assert.same({ "kv.registry", "start_link", options }, spec.start)
  end)

  it("E1.2 is its supervisor's only child", alone(function()
    local sup = trees.start { { "kv.registry", {} } }

    local list = supervisor.which_children(sup)

    assert.same({ { id = "kv.registry", pid = list[1].pid, type = "worker",
      modules = { "kv.registry" } } }, list)
    assert.is_true(pierrot.is_alive(list[1].pid))
  end))

  it("E1.3 is another process after a request that it does not know", alone(function()
    local sup = trees.start { { "kv.registry", {} } }
    local old = trees.pids(sup)["kv.registry"]

    local reason = support.exit_reason(gen_server.call, old, { "who are you?" })

    assert.same({ "bad_call", { "who are you?" } }, reason[1])
    local new = trees.pids(sup)["kv.registry"]
    assert.is_true(new ~= old and pierrot.is_alive(new))
    assert.is_true(pierrot.is_alive(sup))
  end))

  it("E1.3 is named in the log when it crashes", function()
    local path = ("package.path = %q .. '/examples/?.lua;' .. package.path\n"):format(support.root)
    local script = path .. [[
        local gen_server = require "pierrot.gen_server"
        local supervisor = require "pierrot.supervisor"
        local sup = supervisor.start_link({ { "kv.registry", { name = "larder" } } },
          { strategy = "one_for_one" })
        pcall(gen_server.call, "larder", { "who are you?" })
      ]]

    local _, errors = support.run_script(script)

    assert.is_truthy(errors:find('"larder"', 1, true), errors)
    assert.is_truthy(errors:find('child "kv.registry"', 1, true), errors)
  end)

  it("E2 works by its name, and again after a crash, with the old buckets forgotten",
    alone(function()
      local sup = start_registry { name = "E2" }
      local old = registry.create("E2", "shopping")
      local old_ref = pierrot.monitor(old)
      assert.equal(old, registry.lookup("E2", "shopping"))

      crash(sup, pierrot.whereis "E2")

      assert.equal("killed", await_down(old_ref))
      assert.is_nil(registry.lookup("E2", "shopping"))
      local new = registry.create("E2", "shopping")
      assert.equal(new, registry.lookup("E2", "shopping"))
      assert.is_true(new ~= old)
    end))
end)

describe("the key-value application", function()
  trees.quiet(setup, teardown)

  local function stop()
    return application.stop "kv.application"
  end

  it("E3.1 answers by its registry's name", alone(function()
    assert.is_true(application.start "kv.application")

    local pid = registry.create("kv.names", "shopping")

    assert.equal(pid, registry.lookup("kv.names", "shopping"))
    assert.same({ "buckets", "registry" }, trees.ids "kv")
    stop()
  end))

  it("E3.2 is not started twice", alone(function()
    application.start "kv.application"

    assert.same({ nil, { "already_started", "kv.application" } },
      { application.start "kv.application" })
    stop()
  end))

  it("E3.3 is gone when it is stopped, with all its processes", alone(function()
    application.start "kv.application"
    local pids = { registry.create("kv.names", "shopping") }
    for _, name in ipairs { "kv", "kv.names", "kv.buckets" } do
      pids[#pids + 1] = pierrot.whereis(name)
    end
    assert.equal(4, #pids)

    assert.is_true(stop())

    for _, pid in ipairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
  end))

  it("E3.4 starts after what it needs, and not before", alone(function()
    package.loaded["spec.needed"] = { start = function()
      return supervisor.start_link({}, { strategy = "one_for_one" })
    end }
    local app = { applications = { "spec.needed" }, start = require("kv.application").start }

    assert.same({ nil, { "not_started", "spec.needed" } }, { application.start(app) })
    local started = application.ensure_all_started(app)

    assert.equal("spec.needed", started[1])
    assert.is_true(started[2] == app)
    application.stop(app)
    application.stop "spec.needed"
    package.loaded["spec.needed"] = nil
  end))
end)

-- F -------------------------------------------------------------------------------------------

describe("a registry whose buckets have a supervisor of their own", function()
  trees.quiet(setup, teardown)

  local function start()
    pierrot.trap_exit(true)
    local buckets = assert(dynamic_supervisor.start_link())
    return registry.start_link { supervisor = buckets }, buckets
  end

  it("F1.4 survives a bucket that is shut down, and forgets it", alone(function()
    local names = start()
    local pid = registry.create(names, "shopping")

    bucket.stop(pid, "shutdown")

    assert.is_nil(registry.lookup(names, "shopping"))
    assert.is_true(pierrot.is_alive(names))
  end))

  it("F4.5 does not see the buckets of another one", alone(function()
    local first, buckets = start()
    local second = registry.start_link { supervisor = buckets }

    local one, other = registry.create(first, "shopping"), registry.create(second, "shopping")

    assert.is_true(one ~= other)
    bucket.put(one, "milk", 1)
    assert.is_nil(bucket.get(other, "milk"))
    assert.equal(2, dynamic_supervisor.count_children(buckets).active)
  end))
end)

describe("a dynamic supervisor of buckets", function()
  trees.quiet(setup, teardown)

  local function start(name)
    pierrot.trap_exit(true)
    return assert(dynamic_supervisor.start_link { name = name })
  end

  it("F2 starts a bucket by its name", alone(function()
    start "F2"

    local pid = dynamic_supervisor.start_child("F2", bucket)

    assert.is_true(bucket.put(pid, "eggs", 3))
    assert.equal(3, bucket.get(pid, "eggs"))
  end))

  it("F3 has no zombies: a temporary bucket is gone for good", alone(function()
    local sup = start "F3"
    local pid = dynamic_supervisor.start_child(sup, bucket)

    crash(sup, pid)

    assert.equal(0, dynamic_supervisor.count_children(sup).specs)
  end))

  it("F3 starts an empty one that nobody knows when it is permanent", alone(function()
    local sup = start "F3"
    local pid = dynamic_supervisor.start_child(sup,
      supervisor.child_spec(bucket, { restart = "permanent" }))
    bucket.put(pid, "eggs", 3)

    crash(sup, pid)

    assert.equal(1, dynamic_supervisor.count_children(sup).active)
    local new = dynamic_supervisor.which_children(sup)[1].pid
    assert.is_true(new ~= pid)
    assert.is_nil(bucket.get(new, "eggs"))
  end))

  it("F5 brings a named bucket back when it is killed by its name", alone(function()
    local sup = trees.start {
      supervisor.child_spec({ bucket, { name = "shopping" } }, { restart = "permanent" }),
    }
    bucket.put("shopping", "milk", 1)
    assert.equal(1, bucket.get("shopping", "milk"))
    local pid = pierrot.whereis "shopping"

    crash(sup, pid)

    assert.is_true(pierrot.whereis "shopping" ~= pid)
    assert.is_nil(bucket.get("shopping", "milk"))
  end))
end)

describe("the order and strategy of the application", function()
  trees.quiet(setup, teardown)

  local kv = require "kv.application"

  -- Names of its own, since the trees of two tests may overlap in time.
  local function start(step)
    pierrot.trap_exit(true)
    return assert(kv.start {
      name = step, registry = step .. " names", buckets = step .. " buckets",
    })
  end

  it("F4.1 is buckets first, then the registry; one for all", alone(function()
    assert.same({ "buckets", "registry" }, trees.ids(start "F4.1"))
  end))

  for step, id in pairs { ["F4.2"] = "registry", ["F4.3"] = "buckets" } do
    it(step .. " begins anew with both when the " .. id .. " are killed", alone(function()
      local top, names = start(step), step .. " names"
      local before, old = trees.pids(top), {}
      for i, name in ipairs { "shopping", "garden" } do
        old[i] = pierrot.monitor(registry.create(names, name))
      end

      crash(top, before[id])

      local after = trees.pids(top)
      assert.is_true(after.buckets ~= before.buckets and after.registry ~= before.registry)
      for _, ref in ipairs(old) do await_down(ref) end
      for _, name in ipairs { "shopping", "garden" } do
        assert.is_nil(registry.lookup(names, name))
        assert.is_true(pierrot.is_alive(registry.create(names, name)))
      end
    end))
  end

  it("F4.4 stops the registry before the buckets", alone(function()
    local top = start "F4.4"
    local pids = trees.pids(top)
    local names = { [pierrot.monitor(pids.buckets)] = "buckets" }
    names[pierrot.monitor(pids.registry)] = "registry"

    supervisor.stop(top)

    local order = {}
    for i = 1, 2 do order[i] = names[expect({ "DOWN" })[2]] end
    assert.same({ "registry", "buckets" }, order)
  end))
end)
