-- SPDX-License-Identifier: MIT
--- Names in a registry, {"via", registry, key}, wherever a process is named.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local Keeper = {
  init = function(arg) return "ok", arg end,
  handle_call = {
    get = function(state) return "reply", state end,
    late = function(_, from)
      gen_server.reply(from, "late")
      return "noreply"
    end,
  },
  handle_cast = { tell = function(state, pid) pierrot.send(pid, { "told", state }) end },
  handle_info = { tell = function(state, pid) pierrot.send(pid, { "told", state }) end },
}

-- The ways to say which registry.
local function ways(name)
  local names = assert(registry.start_link { name = name })
  return { names, name, { "via", assert(registry.start_link()), "registry" } }, names
end

describe("a via", function()
  it("REG-025 names its registry by pid, by name, or by a via", alone(function()
    local registries, names = ways "a registry"
    bucket.start_link { name = { "via", names, "shopping" } }
    local outer = registries[3][2]
    local inner = registry.start_link { name = registries[3] }

    assert.equal(inner, pierrot.whereis(registries[3]))
    assert.equal(inner, (registry.lookup(outer, "registry")))
    for _, reg in ipairs(registries) do
      local via = { "via", reg, "stores" }
      local pid = assert(bucket.start_link { name = via })
      bucket.put(via, "milk", 1)
      assert.equal(1, bucket.get(pid, "milk"))
      assert.equal(pid, pierrot.whereis(via))
      assert.is_true(bucket.stop(via))
    end
  end))

  it("REG-025 is taken by all that take a server", alone(function()
    local names, me = registry.start_link(), pierrot.self()
    local via = { "via", names, "key" }
    local pid = gen_server.start_link(Keeper, "state", { name = via })

    assert.equal("state", gen_server.call(via, "get"))
    assert.equal("late", gen_server.call(via, "late", 1000))
    assert.is_true(gen_server.cast(via, { "tell", me }))
    assert.same({ "told", "state" }, expect({ "told" }))
    pierrot.send(via, { "tell", me })
    assert.same({ "told", "state" }, expect({ "told" }))
    pierrot.send_after(0, via, { "tell", me })
    assert.same({ "told", "state" }, expect({ "told" }))
    local id = gen_server.send_request(via, "get")
    assert.same({ true, "state" }, { gen_server.receive_response(id) })
    assert.same({ { via, "state" } }, (gen_server.multi_call({ via }, "get")))
    assert.is_true(gen_server.abcast({ via }, { "tell", me }))
    assert.same({ "told", "state" }, expect({ "told" }))
    assert.equal(pid, pierrot.whereis(via))
    local ref = pierrot.monitor(via)
    assert.is_true(gen_server.stop(via))
    assert.same({ "DOWN", ref, "process", pid, "normal" }, expect())
  end))

  it("REG-025 gives already_started, whatever is started under it", alone(function()
    local names = registry.start_link()
    local via = { "via", names, "key" }
    local first = bucket.start_link { name = via }

    assert.same({ nil, { "already_started", first } }, { bucket.start_link { name = via } })
    assert.same({ nil, { "already_started", first } }, { bucket.start { name = via } })
    assert.same({ nil, { "already_started", first } }, { registry.start { name = via } })
    assert.same({ nil, { "already_started", first } },
      { gen_server.start(Keeper, 1, { name = via }) })
    assert.same({ nil, { "already_started", first } },
      { gen_server.start_link(Keeper, 1, { name = via }) })
    assert.equal(1, registry.count(names))
    assert.same({ names, first }, pierrot.info(pierrot.self(), "links"))
  end))

  it("REG-025 gives the value that it names", alone(function()
    local names = registry.start_link()
    local a = bucket.start_link { name = { "via", names, "a", { 1 } } }
    local b = gen_server.start_link(Keeper, 1, { name = { "via", names, "b" } })

    assert.same({ a, { 1 } }, { registry.lookup(names, "a") })
    assert.same({ b }, { registry.lookup(names, "b") })
  end))

  it("REG-025 names supervisors and agents, too", alone(function()
    local agent = require "pierrot.agent"
    local dynamic_supervisor = require "pierrot.dynamic_supervisor"
    local supervisor = require "pierrot.supervisor"
    local task_supervisor = require "pierrot.task_supervisor"
    local names = registry.start_link()
    local function via(key) return { "via", names, key } end

    local top = supervisor.start_link({ { "pierrot.bucket", { name = via "child" } } },
      { strategy = "one_for_one", name = via "top" })
    local dynamic = dynamic_supervisor.start_link { name = via "dynamic" }
    local tasks = task_supervisor.start_link { name = via "tasks" }
    local state = agent.start_link(function() return 7 end, { name = via "state" })

    for key, pid in pairs { top = top, dynamic = dynamic, tasks = tasks, state = state } do
      assert.equal(pid, (registry.lookup(names, key)))
    end
    assert.equal(pierrot.whereis(via "child"), supervisor.which_children(via "top")[1].pid)
    local child = dynamic_supervisor.start_child(via "dynamic", { "pierrot.bucket" })
    assert.is_true(dynamic_supervisor.terminate_child(via "dynamic", child))
    task_supervisor.start_child(via "tasks", pierrot.send, pierrot.self(), "done")
    expect "done"
    assert.equal(7, agent.get(via "state", function(value) return value end))
    assert.same({ nil, { "already_started", top } },
      { supervisor.start_link({}, { strategy = "one_for_one", name = via "top" }) })
    assert.same({ nil, { "already_started", state } },
      { agent.start(function() return 8 end, { name = via "state" }) })
    for _, key in ipairs { "top", "dynamic", "tasks", "state" } do
      assert.is_true(gen_server.stop(via(key)))
    end
    assert.equal(0, registry.count(names))
  end))

  it("takes any key", alone(function()
    local names = registry.start_link()
    for _, key in ipairs { "", "a\0b", 1, 1.5, true, false, names } do
      local via = { "via", names, key }
      local pid = bucket.start_link { name = via }
      assert.equal(pid, pierrot.whereis(via))
    end
  end))

  it("holds before init runs", alone(function()
    local names = registry.start_link()
    local via, test = { "via", names, "key" }, pierrot.self()
    local Looking = { init = function()
      pierrot.send(test, { "init", pierrot.whereis(via) })
      return "ok", {}
    end }

    local pid = gen_server.start_link(Looking, nil, { name = via })

    assert.same({ "init", pid }, expect())
  end))

  it("is free again when init fails", alone(function()
    local names = registry.start_link()
    local via = { "via", names, "key" }
    local Failing = { init = function() return "stop", "no milk" end }

    assert.same({ nil, "no milk" }, { gen_server.start(Failing, nil, { name = via }) })

    assert.equal(0, registry.count(names))
    assert.is_true(pierrot.is_pid((bucket.start_link { name = via })))
  end))

  it("of a timer is looked up when it fires", alone(function()
    local names, me = registry.start_link(), pierrot.self()
    local via = { "via", names, "key" }
    local told

    -- The timer must not fire before the name has changed hands: else once more, with more time.
    local ms = 1
    while ms < 5000 and not told do
      local first = gen_server.start_link(Keeper, "first", { name = via })
      pierrot.send_after(ms, via, { "tell", me })
      pierrot.send_after(ms, me, "fired")
      gen_server.stop(first)
      local second = gen_server.start_link(Keeper, "second", { name = via })
      expect "fired"
      gen_server.stop(second)
      told = pierrot.receive({ "told", "second" }, 0)
      ms = 2 * ms
    end

    assert.same({ "told", "second" }, told)
  end))
end)

describe("a via that names nobody", function()
  local function vias()
    local names = registry.start_link()
    return { { "via", names, "nobody" }, { "via", "no such registry", "key" },
      { "via", support.dead(), "key" } }
  end

  it("fails as any unknown name does", alone(function()
    for _, via in ipairs(vias()) do
      assert.is_nil(pierrot.whereis(via))
      assert.is_true(gen_server.cast(via, "nothing"))
      assert.equal("noproc", support.exit_reason(gen_server.call, via, "get")[1])
      assert.equal("noproc", support.exit_reason(gen_server.stop, via)[1])
      assert.equal("noproc", support.exit_reason(bucket.get, via, "key")[1])
      assert.is_truthy(support.error_text(function() pierrot.send(via, "milk") end)
        :find("registry_via_spec.lua", 1, true))
      local ref = pierrot.monitor(via)
      assert.same({ "DOWN", ref, "process", via, "noproc" }, pierrot.receive(nil, 0))
      assert.same({ {}, { via } }, { gen_server.multi_call({ via }, "get") })
      assert.same({ false, "noproc" },
        { gen_server.receive_response(gen_server.send_request(via, "get")) })
      assert.is_true(pierrot.is_ref(pierrot.send_after(0, via, "milk")))
    end
  end))

  it("that can lead nowhere is the caller's mistake", alone(function()
    local names = registry.start_link()
    local calls <const> = {
      function(via) pierrot.send(via, "milk") end,
      function(via) gen_server.call(via, "get") end,
      function(via) gen_server.stop(via) end,
      function(via) pierrot.monitor(via) end,
      function(via) return (pierrot.whereis(via)) end,
      function(via) return (gen_server.start(Keeper, 1, { name = via })) end,
      function(via) return (bucket.start { name = via }) end,
    }
    local before, endless = #pierrot.processes(), { "via", nil, "key" }
    endless[2] = endless
    for _, via in ipairs {
      endless, { "via", names }, { "via", names, {} }, { "via", names, 0 / 0 }, { "via", 5, "key" },
      { "via", { "via", names }, "key" },
    } do
      for _, call in ipairs(calls) do
        local text = support.error_text(call, via)
        assert.is_truthy(text:find "^[^:]*registry_via_spec.lua:%d+: bad ", text)
      end
    end
    assert.equal(before, #pierrot.processes())
  end))

  it("is a failed start when there is no such registry", alone(function()
    for _, reg in ipairs { "no such registry", support.dead() } do
      local opts = { name = { "via", reg, "key" } }
      local before = #pierrot.processes()
      for _, start in ipairs {
        function() return bucket.start(opts) end,
        function() return registry.start(opts) end,
        function() return gen_server.start(Keeper, 1, opts) end,
      } do
        local pid, reason = start()
        assert.is_nil(pid)
        assert.equal("noproc", reason[1])
      end
      assert.equal(before, #pierrot.processes())
    end
  end))
end)

describe("a via on a duplicate registry", function()
  local via

  local function raises(what, fn)
    local text = support.error_text(fn)
    assert.is_truthy(text:find("registry_via_spec.lua:", 1, true), text)
    assert.is_truthy(text:find(what, 1, true), text)
    assert.is_truthy(text:find("unique", 1, true), text)
    assert.is_truthy(text:find("duplicate", 1, true), text)
  end

  for _, row in ipairs {
    { "gen_server.start", "'name'",
      function() return (gen_server.start(Keeper, 1, { name = via })) end },
    { "gen_server.start_link", "'name'",
      function() return (gen_server.start_link(Keeper, 1, { name = via })) end },
    { "bucket.start_link", "'name'", function() return (bucket.start_link { name = via }) end },
    { "registry.start", "'name'", function() return (registry.start { name = via }) end },
    { "supervisor.start_link", "'name'", function()
      local opts = { strategy = "one_for_one", name = via }
      return (require "pierrot.supervisor".start_link({}, opts))
    end },
    { "dynamic_supervisor.start_link", "'name'",
      function() return (require "pierrot.dynamic_supervisor".start_link { name = via }) end },
    { "agent.start", "'name'",
      function() return (require "pierrot.agent".start(print, { name = via })) end },
    { "send", "'send'", function() return (pierrot.send(via, 1)) end },
    { "whereis", "'whereis'", function() return (pierrot.whereis(via)) end },
    { "monitor", "'monitor'", function() return (pierrot.monitor(via)) end },
    { "send_after", "'send_after'", function() return (pierrot.send_after(0, via, 1)) end },
    { "call", "'call'", function() return (gen_server.call(via, "get")) end },
    { "cast", "'cast'", function() return (gen_server.cast(via, "get")) end },
    { "stop", "'stop'", function() return (gen_server.stop(via)) end },
    { "multi_call", "'multi_call'", function() return (gen_server.multi_call({ via }, "get")) end },
    { "bucket.get", "'get'", function() return (bucket.get(via, "key")) end },
    { "registry.lookup", "'lookup'", function() return (registry.lookup(via, "key")) end },
  } do
    it("REG-026 raises at its line: " .. row[1], alone(function()
      via = { "via", registry.start_link { keys = "duplicate" }, "key" }
      registry.register(via[2], "key", 1)

      raises(row[2], row[3])

      assert.equal(1, registry.count(via[2]))
    end))
  end
end)

describe("a process started under a via", function()
  it("ends with the registry", alone(function()
    local names = registry.start()
    local refs = {
      pierrot.monitor((bucket.start { name = { "via", names, "a" } })),
      pierrot.monitor((gen_server.start(Keeper, 1, { name = { "via", names, "b" } }))),
    }

    gen_server.stop(names)

    for _, ref in ipairs(refs) do assert.equal("shutdown", await_down(ref)) end
  end))

  it("leaves its starter alone when it was not linked", alone(function()
    local names = registry.start_link()

    local pid = bucket.start { name = { "via", names, "a" } }

    assert.same({ names }, pierrot.info(pierrot.self(), "links"))
    assert.same({ names }, pierrot.info(pid, "links"))
  end))
end)
