-- SPDX-License-Identifier: MIT
--- Locks of the built-in registry.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

--- A process that takes the lock, tells the test {"has", its name}, and holds it until told "go".
local function locker(names, key, name)
  local test = pierrot.self()
  return pierrot.spawn(function()
    registry.lock(names, key, function()
      pierrot.send(test, { "has", name })
      pierrot.receive("go")
    end)
    pierrot.send(test, { "left", name })
  end)
end

--- Returns when the registry has heard that the process asks for a lock: it watches it then.
local function await_asked(names, pid)
  local has_asked = false
  while not has_asked do
    pierrot.yield()
    for _, watched in ipairs(pierrot.info(names, "monitors")) do
      has_asked = has_asked or watched == pid
    end
  end
  return pid
end

describe("lock", function()
  it("REG-030 gives what the function returned, all of it", alone(function()
    local names = registry.start_link()

    assert.same({ 1, nil, 3, n = 3 }, table.pack(registry.lock(names, "key", function()
      return 1, nil, 3
    end)))
    assert.same({ n = 0 }, table.pack(registry.lock(names, "key", function() end)))
  end))

  it("REG-030 runs two processes at the same time under different keys", alone(function()
    local names = registry.start_link()

    local a, b = locker(names, "a", "first"), locker(names, "b", "second")

    expect({ "has", "first" })
    expect({ "has", "second" })
    pierrot.send(a, "go")
    pierrot.send(b, "go")
    expect({ "left", "first" })
    expect({ "left", "second" })
  end))

  it("REG-030 lets the second wait until the first is done, under the same key", alone(function()
    local names = registry.start_link()
    local first = locker(names, "key", "first")
    expect({ "has", "first" })
    await_asked(names, locker(names, "key", "second"))

    assert.is_nil((pierrot.receive({ "has", "second" }, 0)))
    pierrot.send(first, "go")

    expect({ "has", "second" })
  end))

  it("is given to those who wait in the order in which they came", alone(function()
    local names = registry.start_link()
    local pids = { locker(names, "key", 1) }
    expect({ "has", 1 })
    for i = 2, 5 do
      pids[i] = await_asked(names, locker(names, "key", i))
    end

    for i = 1, 5 do
      pierrot.send(pids[i], "go")
      if i < 5 then expect({ "has", i + 1 }) end
    end

    expect({ "left", 5 })
  end))

  for _, reason in ipairs { "kill", "no milk" } do
    it("is freed when its holder ends: " .. reason, alone(function()
      local names = registry.start_link()
      local first = locker(names, "key", "first")
      expect({ "has", "first" })
      await_asked(names, locker(names, "key", "second"))

      pierrot.exit(first, reason)

      expect({ "has", "second" })
    end))
  end

  it("passes over those who ended while they waited", alone(function()
    local names = registry.start_link()
    local first = locker(names, "key", "first")
    expect({ "has", "first" })
    local second = await_asked(names, locker(names, "key", "second"))
    await_asked(names, locker(names, "key", "third"))

    pierrot.exit(second, "kill")
    await_down(second)
    pierrot.send(first, "go")

    expect({ "has", "third" })
  end))

  it("is freed by an error, which reaches the caller", alone(function()
    local names = registry.start_link()

    local text = support.error_text(registry.lock, names, "key", function() error "no milk" end)

    assert.is_truthy(text:find "no milk$")
    locker(names, "key", "next")
    expect({ "has", "next" })
  end))

  it("may be taken again by who has it, and is free when the outermost is over", alone(function()
    local names = registry.start_link()

    registry.lock(names, "key", function()
      registry.lock(names, "key", function() end)
      await_asked(names, locker(names, "key", "other"))
      assert.is_nil((pierrot.receive({ "has", "other" }, 0)))
    end)

    expect({ "has", "other" })
  end))

  it("has keys of its own, apart from those of names", alone(function()
    local names = registry.start_link()

    registry.lock(names, "key", function()
      assert.is_true(registry.register(names, "key"))
      assert.is_true(registry.unregister(names, "key"))
      assert.equal(0, registry.count(names))
    end)
  end))

  it("is an exit when the registry ends meanwhile", alone(function()
    local names = registry.start()
    local test = pierrot.self()
    local first = locker(names, "key", "first")
    expect({ "has", "first" })
    local waiting = pierrot.spawn(function()
      pierrot.send(test, { "failed", support.exit_reason(registry.lock, names, "key", print)[1] })
    end)
    await_asked(names, waiting)

    gen_server.stop(names, "no milk")

    assert.equal("no milk", expect({ "failed" })[2])
    await_down(waiting)
    pierrot.send(first, "go")
    expect({ "left", "first" })
  end))

  it("REG-024 of an unknown registry is an exit with noproc", alone(function()
    assert.equal("noproc",
      support.exit_reason(registry.lock, "nobody has this name", "key", print)[1])
  end))

  for _, row in ipairs {
    { "a key that is none", { "key" }, print, "bad argument #2 to 'lock'" },
    { "what is no function", "key", "print", "bad argument #3 to 'lock'" },
  } do
    it("raises for " .. row[1], alone(function()
      local names = registry.start_link()

      local text = support.error_text(function() registry.lock(names, row[2], row[3]) end)

      assert.is_truthy(text:find(row[4], 1, true))
      assert.is_truthy(text:find("registry_lock_spec.lua", 1, true))
    end))
  end

  it("never has two holders, whoever ends at whatever moment, 1000 times", alone(function()
    local names, test, current = registry.start_link(), pierrot.self(), nil
    local function work()
      registry.lock(names, "key", function()
        assert(current == nil or not pierrot.is_alive(current))
        current = pierrot.self()
        pierrot.yield()
        assert(current == pierrot.self())
        current = nil
      end)
      pierrot.send(test, { "done", pierrot.self() })
    end

    local is_over, n_over, n_ended = {}, 0, 0
    local function note(pid) -- once, for one that was ended when it had just said that it is done
      if not is_over[pid] then n_over = n_over + 1 end
      is_over[pid] = true
    end
    for i = 1, 1000 do
      local survivor, ref = pierrot.spawn_monitor(work)
      local victim, victims_ref = pierrot.spawn_monitor(work)
      for _ = 1, i % 5 do pierrot.yield() end
      pierrot.exit(victim, "shutdown")
      if await_down(victims_ref) == "shutdown" then
        n_ended = n_ended + 1
        note(victim)
      end
      assert.equal("normal", await_down(ref), tostring(survivor))
    end

    for _, message in ipairs(support.mailbox()) do note(message[2]) end
    assert.equal(2000, n_over)
    assert.is_true(n_ended > 0)
  end))
end)
