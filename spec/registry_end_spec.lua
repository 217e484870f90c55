-- SPDX-License-Identifier: MIT
--- What becomes of the processes that a registry has started when it ends; and races of starts,
--- stops and lookups.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local starts <const> = "spec.fixtures.starts"

local ends = {
  { "stop", function(names) gen_server.stop(names) end, "shutdown" },
  { "stop with a reason", function(names) gen_server.stop(names, "no milk") end, "shutdown" },
  { "kill", function(names) pierrot.exit(names, "kill") end, "killed" },
}

describe("a server that create has started, and that traps exits,", function()
  for _, row in ipairs(ends) do
    it("terminates as a supervisor's child does when the registry ends: " .. row[1],
      alone(function()
        local names = registry.start()
        local pid = registry.create(names, "key", { starts, "telling", pierrot.self() })
        local ref = pierrot.monitor(pid)

        row[2](names)

        assert.same({ "terminate", row[3] }, expect())
        assert.equal(row[3], await_down(ref))
      end))
  end

  it("does so on another scheduler, too", alone(function()
    if not support.has_two_schedulers then return pending "there is only one scheduler" end
    for _, row in ipairs(ends) do
      local names = registry.start()
      local there = { scheduler = support.elsewhere() }
      local pid = registry.create(names, "key", { starts, "telling", pierrot.self(), there })
      local ref = pierrot.monitor(pid)

      row[2](names)

      assert.same({ "terminate", row[3] }, expect())
      assert.equal(row[3], await_down(ref))
    end
  end))

  it("is a child of the registry", alone(function()
    local names = registry.start_link()

    local pid = registry.create(names, "key", { starts, "telling", pierrot.self() })

    assert.equal(names, pierrot.info(pid, "parent"))
    assert.equal(names, gen_server.call(pid, "parent"))
    assert.equal(names, pierrot.info(pid, "ancestors")[1])
  end))

  it("ends when its start is still under way", alone(function()
    for _, row in ipairs(ends) do
      local names, test = registry.start(), pierrot.self()
      pierrot.spawn(function()
        registry.create(names, "key", { starts, "telling_slowly", test })
      end)
      local pid = expect({ "starting" })[2]

      row[2](names)

      await_down(pid)
      expect({ "terminate" })
    end
  end))

  it("is killed when it does not end in time, as is any process that heeds nothing",
    alone(function()
      local names, me = registry.start(), pierrot.self()
      local refs = {}
      for i = 1, 3 do
        local pid = registry.create(names, i, { starts, "telling", me })
        refs[i] = pierrot.monitor(pid)
        if i < 3 then gen_server.cast(pid, "sulk") end
      end
      refs[4] = pierrot.monitor((registry.create(names, 4, { starts, "deaf" })))

      local time <close> = support.stop_time()
      gen_server.stop(names)

      assert.equal("shutdown", await_down(refs[3]))
      time.advance(4999)
      assert.is_nil((pierrot.receive({ "DOWN" }, 0)))
      time.advance(1)
      for _, i in ipairs { 1, 2, 4 } do assert.equal("killed", await_down(refs[i])) end
    end))

  it("leaves nothing of the registry's behind", alone(function()
    local names = registry.start()
    local pid = registry.create(names, "key", { starts, "telling", pierrot.self() })
    local ref = pierrot.monitor(pid)
    local helpers = {}

    gen_server.stop(names)
    for _, other in ipairs(pierrot.info(pid, "monitored_by") or {}) do
      if other ~= pierrot.self() then helpers[#helpers + 1] = pierrot.monitor(other) end
    end
    await_down(ref)

    for _, helper in ipairs(helpers) do await_down(helper) end
  end))
end)

describe("a suspended registry", function()
  it("G3.1 is read as ever, and creates when it goes on", alone(function()
    local sys = require "pierrot.sys"
    local names = registry.start_link()
    registry.register(names, "me", 1)

    sys.suspend(names)
    registry.create_async(names, "shopping")
    assert.is_nil((registry.lookup(names, "shopping")))
    assert.same({ pierrot.self(), 1 }, { registry.lookup(names, "me") })
    assert.same({ "me" }, registry.keys(names))
    assert.equal(1, registry.count(names))
    assert.equal(pierrot.self(), pierrot.whereis { "via", names, "me" })
    sys.resume(names)
    assert.is_true(registry.unregister(names, "me"))

    assert.is_true(pierrot.is_pid((registry.lookup(names, "shopping"))))
  end))
end)

describe("a race", function()
  local schedulers = support.has_two_schedulers and { "local", "any" } or { "local" }

  for _, scheduler in ipairs(schedulers) do
    it("G3.2 never hides what was just created, 1000 times: registry " .. scheduler,
      alone(function()
        local names = registry.start_link { scheduler = scheduler }

        for i = 1, 1000 do
          local pid = registry.create(names, "key " .. i)
          assert.equal(pid, (registry.lookup(names, "key " .. i)))
          assert.equal(pid, registry.create(names, "key " .. i))
        end

        assert.equal(1000, registry.count(names))
      end))

    for _, reason in ipairs { "normal", "shutdown" } do
      it(("G4 never finds what has ended with %s, 1000 times: registry %s"):format(reason,
        scheduler), alone(function()
        local names = registry.start_link { scheduler = scheduler }

        for _ = 1, 1000 do
          local pid = registry.create(names, "shopping")
          bucket.stop(pid, reason)
          assert.is_nil((registry.lookup(names, "shopping")))
          assert.is_true(pierrot.is_pid((registry.create(names, "bogus"))))
          assert.is_nil((registry.lookup(names, "shopping")))
        end
      end))
    end

    it("of creates, stops and lookups gives living buckets or nothing: registry " .. scheduler,
      alone(function()
        local names, test = registry.start_link { scheduler = scheduler }, pierrot.self()
        local function work(count)
          for i = 1, count do
            local key = i % 3
            local pid = assert(registry.create(names, key))
            pcall(bucket.put, pid, "milk", i)
            if i % 2 == 0 then pcall(bucket.stop, pid) end
            local found = registry.lookup(names, key)
            assert(found == nil or pierrot.is_pid(found))
          end
          pierrot.send(test, "done")
        end

        for _ = 1, 4 do pierrot.spawn_opt({ link = true, scheduler = scheduler }, work, 250) end
        for _ = 1, 4 do expect "done" end

        for key = 0, 2 do
          assert.is_true(pierrot.is_alive((registry.create(names, key))))
        end
        assert.equal(3, registry.count(names))
      end))
  end

  it("of duplicate names and reads on all schedulers shows no dead process and no lost value",
    alone(function()
      local topics, test = registry.start_link { keys = "duplicate" }, pierrot.self()
      local function write(first)
        for round = 1, 100 do
          for i = first, first + 4 do assert(registry.register(topics, "topic", { i, round })) end
          if round % 2 == 0 then assert(registry.unregister(topics, "topic")) end
        end
        pierrot.send(test, "done")
      end
      local function read()
        for _ = 1, 100 do
          for _, entry in ipairs(registry.lookup(topics, "topic")) do
            assert(pierrot.is_pid(entry[1]) and entry[2][1] and entry[2][2])
          end
          registry.match(topics, "topic", { 1 })
          assert(#registry.keys(topics) >= 0 and registry.count(topics, "topic") >= 0)
          pierrot.yield()
        end
        pierrot.send(test, "done")
      end

      for i = 1, 4 do
        local where = support.has_two_schedulers and i % 2 + 1 or nil
        pierrot.spawn_opt({ link = true, scheduler = where }, write, i * 10)
        pierrot.spawn_opt({ link = true, scheduler = where }, read)
      end
      for _ = 1, 8 do expect "done" end

      assert.same({}, registry.lookup(topics, "topic"))
      assert.equal(0, registry.count(topics))
    end))

  it("of registering the same key has one winner, 1000 times", alone(function()
    local names, test = registry.start_link(), pierrot.self()
    for i = 1, 1000 do
      for _ = 1, 3 do
        pierrot.spawn(function()
          pierrot.send(test, { i, (registry.register(names, i)) })
          pierrot.receive({ "over", i })
        end)
      end
      local n_won = 0
      for _ = 1, 3 do n_won = n_won + (expect({ i })[2] and 1 or 0) end
      assert.equal(1, n_won)
      pierrot.exit((registry.lookup(names, i)), "shutdown")
      assert.is_true(registry.register(names, i))
      registry.unregister(names, i)
    end
  end))
end)
