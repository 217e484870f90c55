-- SPDX-License-Identifier: MIT
--- Several schedulers: where processes start, messages and signals between schedulers, and
-- functions that travel.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local function index_of(pid)
  return pierrot.info(pid, "scheduler")
end

describe("the schedulers", function()
  it("are counted", function()
    local count = pierrot.schedulers()

    assert.equal("integer", math.type(count))
    assert.is_true(count >= 1)
  end)

  it("start a process where its starter runs, unless told otherwise", alone(function()
    local here = index_of(pierrot.self())

    assert.equal(here, index_of(support.idle()))
    assert.equal(here, index_of(bucket.start_link()))
    local pid = pierrot.spawn_opt({ scheduler = "local", link = true }, pierrot.receive, "stop")
    assert.equal(here, index_of(pid))
  end))

  it("can be picked by index", alone(function()
    local here = index_of(pierrot.self())

    local pid = pierrot.spawn_opt({ scheduler = here, link = true }, pierrot.receive, "stop")

    assert.equal(here, index_of(pid))
  end))

  for title, index in pairs {
    ["beyond their number"] = pierrot.schedulers() + 1,
    ["below all"] = -1,
    ["a fraction"] = 1.5,
    ["a word of no meaning"] = "elsewhere",
    ["a boolean"] = true,
  } do
    it("are refused when the index is " .. title, alone(function()
      assert.has_error(function()
        pierrot.spawn_opt({ scheduler = index }, function() end)
      end)
    end))
  end
end)

if not support.has_two_schedulers then
  pending("messages and functions between schedulers: there is only one scheduler")
  return
end

--- Starts fn on another scheduler, linked to the test. Its arguments are copied.
local function spawn_elsewhere(fn, ...)
  return pierrot.spawn_opt({ scheduler = support.elsewhere(), link = true }, fn, ...)
end

describe("a process on another scheduler", function()
  it("runs there", alone(function()
    local elsewhere = support.elsewhere()

    local pid = spawn_elsewhere("spec.fixtures.remote:scheduler", pierrot.self())

    assert.is_true(pierrot.is_pid(pid))
    assert.equal(elsewhere, expect({ "runs on" })[2])
  end))

  it("can be one of many that any spreads", alone(function()
    local seen = {}
    for _ = 1, 100 do
      local pid = pierrot.spawn_opt({ scheduler = "any", link = true },
        "spec.fixtures.remote:echo", pierrot.self())
      seen[index_of(pid)] = true
    end

    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.equal(pierrot.schedulers(), count)
  end))

  it("is placed by any where least runs, however many are idle there", alone(function()
    for _ = 1, 50 do support.idle() end

    local seen = {}
    for _ = 1, pierrot.schedulers() do
      pierrot.spawn_opt({ scheduler = "any", link = true }, "spec.fixtures.remote:spin",
        pierrot.self())
      seen[#seen + 1] = expect({ "spins on" })[2]
    end

    table.sort(seen)
    for index = 1, pierrot.schedulers() do
      assert.equal(index, seen[index])
    end
  end))

  it("gets messages in order and answers in order", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())

    for i = 1, 10000 do
      pierrot.send(pid, i)
    end

    for i = 1, 10000 do
      if expect({ "echo" })[2] ~= i then
        error("out of order at " .. i)
      end
    end
  end))

  it("gets a flood of tables whole and in order", alone(function()
    local count <const> = 50000
    local pid = spawn_elsewhere("spec.fixtures.remote:check_order", pierrot.self(), count)

    for i = 1, count do
      pierrot.send(pid, { "item", i, tostring(i) })
    end

    assert.same({ "in order", count }, expect())
  end))

  it("may leave a flood in its mailbox for good, and its sender goes on", alone(function()
    local count <const> = 50000
    local pid = spawn_elsewhere("spec.fixtures.remote:only", pierrot.self(), "please")

    for i = 1, count do
      pierrot.send(pid, { "item", i })
    end
    pierrot.send(pid, { "please", "now" })

    assert.same({ "took", { "please", "now" }, count }, expect())
  end))

  it("gets tables of every shape as they were sent", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())
    local shared = { "inner" }
    for _, message in ipairs {
      {}, { false }, { "a" }, { 1, 2.5, -0.0, math.maxinteger, true }, { "", "\0", ("x"):rep(300) },
      { 1, 2, 3, 4, 5, 6, 7, 8 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { [2] = "hole" }, { [0] = 0, 1 },
      { x = 1, [1] = 2 }, { [1] = "in the hash", [2] = "too", [4] = "behind a hole" },
      { [1.5] = 1 }, { shared, shared }, { pid, pierrot.make_ref() }, { key = { shared } },
    } do
      pierrot.send(pid, message)

      assert.same(message, expect({ "echo" })[2])
    end
  end))

  it("is monitored as any other", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())
    local ref = pierrot.monitor(pid)

    pierrot.send(pid, "stop")

    assert.equal("normal", await_down(ref))
    assert.is_false(pierrot.is_alive(pid))
  end))

  it("MSG-012 has its messages arrive before its DOWN", alone(function()
    for _ = 1, 200 do
      local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())
      local ref = pierrot.monitor(pid)
      pierrot.send(pid, "stop")

      if not pierrot.match({ "echo", "stop" }, expect()) then
        error("something came before the message")
      end
      assert.equal("normal", await_down(ref))
    end
  end))

  it("ends with the process it is linked to, and the other way round", alone(function()
    local test = pierrot.self()
    for _, first in ipairs { "there", "here" } do
      local here, here_ref = pierrot.spawn_monitor(function()
        local there = spawn_elsewhere("spec.fixtures.remote:echo", test)
        pierrot.send(test, { "there", there })
        pierrot.receive("never sent")
      end)
      local there = expect({ "there" })[2]
      local there_ref = pierrot.monitor(there)

      pierrot.exit(first == "there" and there or here, "no milk")

      assert.equal("no milk", await_down(there_ref))
      assert.equal("no milk", await_down(here_ref))
    end
  end))

  it("is found by its name, and finds names here", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())

    assert.is_true(pierrot.register("named elsewhere", pid))

    assert.equal(pid, pierrot.whereis("named elsewhere"))
    pierrot.send("named elsewhere", "hello")
    assert.same({ "echo", "hello" }, expect())
    pierrot.unregister("named elsewhere")
  end))

  it("can be killed", alone(function()
    pierrot.trap_exit(true)
    local pid = spawn_elsewhere(function()
      while true do end
    end)
    local ref = pierrot.monitor(pid)

    pierrot.exit(pid, "kill")

    assert.equal("killed", await_down(ref))
  end))

  it("sends timers across", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())

    pierrot.send_after(5, pid, "later")

    assert.same({ "echo", "later" }, expect())
  end))

  it("fires and cancels timers for another scheduler", alone(function()
    local pid = spawn_elsewhere("spec.fixtures.remote:echo", pierrot.self())
    local ref = pierrot.send_after(100000, pid, "never")

    assert.is_true(pierrot.read_timer(ref) <= 100000)
    assert.is_true(pierrot.cancel_timer(ref) <= 100000)
    assert.is_false(pierrot.read_timer(ref))
  end))

  it("uses an alias of a process here", alone(function()
    local alias = pierrot.alias { reply = true }

    spawn_elsewhere("spec.fixtures.remote:tell", alias, "hello")

    assert.equal("hello", expect({ "told" })[2])
    assert.is_false(pierrot.unalias(alias))
  end))
end)

describe("a server on another scheduler", function()
  it("is started, called, cast to and stopped", alone(function()
    local elsewhere = support.elsewhere()

    local pid = gen_server.start_link("spec.fixtures.counter", 5, { scheduler = elsewhere })

    assert.equal(elsewhere, gen_server.call(pid, "scheduler"))
    assert.equal(6, gen_server.call(pid, { "add", 1 }))
    gen_server.cast(pid, { "add", 10 })
    assert.equal(16, gen_server.call(pid, "get"))
    assert.is_true(gen_server.stop(pid))
    assert.is_false(pierrot.is_alive(pid))
  end))

  it("may be a module given as a table, which is carried", alone(function()
    local step = 2
    local Stepper = {
      init = function(start) return "ok", start end,
      handle_call = {
        step = function(state) return "reply", state + step, state + step end,
      },
    }

    local pid = gen_server.start_link(Stepper, 5, { scheduler = support.elsewhere() })

    assert.equal(7, gen_server.call(pid, "step"))
    assert.equal(9, gen_server.call(pid, "step"))
  end))

  it("fails to start as any other", alone(function()
    local Failing = { init = function() return "stop", "no milk" end }

    local pid, reason = gen_server.start(Failing, nil, { scheduler = support.elsewhere() })

    assert.is_nil(pid)
    assert.equal("no milk", reason)
  end))

  it("answers many calls of many clients here and there", alone(function()
    local pid = gen_server.start_link("spec.fixtures.counter", 0,
      { scheduler = support.elsewhere() })
    local refs = {}
    for i = 1, 10 do
      local scheduler = i % 2 == 0 and support.elsewhere() or "local"
      local _
      _, refs[i] = pierrot.spawn_opt({ scheduler = scheduler, monitor = true }, function(server)
        for _ = 1, 200 do
          gen_server.call(server, { "add", 1 })
        end
      end, pid)
    end

    for _, ref in ipairs(refs) do
      assert.equal("normal", await_down(ref))
    end
    assert.equal(2000, gen_server.call(pid, "get"))
  end))

  it("may be a bucket", alone(function()
    local pid = bucket.start_link { scheduler = support.elsewhere() }

    assert.is_true(bucket.put(pid, "milk", { 1, { 2 } }))

    assert.same({ 1, { 2 } }, bucket.get(pid, "milk"))
    assert.equal(support.elsewhere(), index_of(pid))
  end))
end)

describe("a registry", function()
  it("is read from another scheduler, at once", alone(function()
    local names = registry.start_link()
    local pid = registry.create(names, "shopping")

    spawn_elsewhere(function(test, reg)
      local names_there = require "pierrot.registry"
      local found = names_there.lookup(reg, "shopping")
      pierrot.send(test, { "found", found })
      pierrot.receive("never sent")
    end, pierrot.self(), names)

    assert.equal(pid, expect({ "found" })[2])
  end))

  it("G4 never gives a dead process to another scheduler, 1000 times", alone(function()
    local names = registry.start_link()

    spawn_elsewhere(function(test, reg)
      local names_there = require "pierrot.registry"
      local bucket_there = require "pierrot.bucket"
      for i = 1, 1000 do
        bucket_there.stop(names_there.create(reg, "shopping"))
        if names_there.lookup(reg, "shopping") ~= nil then
          pierrot.exit("found after its end, in round " .. i)
        end
      end
      pierrot.send(test, "done")
      pierrot.receive("never sent")
    end, pierrot.self(), names)

    expect "done"
  end))
end)

describe("a function that travels", function()
  it("has its upvalues copied", alone(function()
    local test = pierrot.self()
    local shared = { count = 1 }

    spawn_elsewhere(function()
      shared.count = shared.count + 1
      pierrot.send(test, { "there", shared.count })
    end)

    assert.same({ "there", 2 }, expect())
    assert.equal(1, shared.count)
  end))

  it("takes along the functions it uses", alone(function()
    local test = pierrot.self()
    local function double(n) return 2 * n end
    local function quadruple(n) return double(double(n)) end

    spawn_elsewhere(function() pierrot.send(test, quadruple(5)) end)

    assert.equal(20, expect())
  end))

  it("takes along itself", alone(function()
    local test = pierrot.self()
    local function factorial(n) return n == 0 and 1 or n * factorial(n - 1) end

    spawn_elsewhere(function() pierrot.send(test, factorial(10)) end)

    assert.equal(3628800, expect())
  end))

  it("shares over there the upvalue that two functions share here", alone(function()
    local test = pierrot.self()
    local count = 0
    local function increment() count = count + 1 end
    local function read() return count end

    spawn_elsewhere(function()
      increment()
      increment()
      pierrot.send(test, read())
    end)

    assert.equal(2, expect())
    assert.equal(0, count)
  end))

  it("finds loaded modules and their functions by name", alone(function()
    local test = pierrot.self()
    local insert = table.insert

    spawn_elsewhere(function()
      local list = {}
      insert(list, "a")
      table.insert(list, string.upper("b"))
      pierrot.send(test, list)
    end)

    assert.same({ "a", "B" }, expect())
  end))

  it("has the globals over there", alone(function()
    local test = pierrot.self()

    spawn_elsewhere(function()
      pierrot.send(test, { type(print), type(os.time()), type(rawget(_G, "describe")) })
    end)

    assert.same({ "function", "number", "nil" }, expect())
  end))

  it("has the package.path and the package.cpath of here", alone(function()
    local test = pierrot.self()

    spawn_elsewhere(function() pierrot.send(test, { package.path, package.cpath }) end)

    assert.same({ package.path, package.cpath }, expect())
  end))

  it("hands its arguments on, trailing nils kept", alone(function()
    spawn_elsewhere(function(test, ...) pierrot.send(test, select("#", ...)) end,
      pierrot.self(), nil, 2, nil)

    assert.equal(3, expect())
  end))

  it("keeps pids, refs and long strings in its upvalues", alone(function()
    local test, ref, text = pierrot.self(), pierrot.make_ref(), ("x"):rep(100000)

    spawn_elsewhere(function() pierrot.send(test, { ref, text, pierrot.is_ref(ref) }) end)

    assert.same({ ref, text, true }, expect())
  end))

  it("fails with an error and a traceback as any other", alone(function()
    pierrot.trap_exit(true)
    local pid = spawn_elsewhere(function() error("no milk") end)

    local message = expect { "EXIT", pid }

    assert.equal("error", message[3][1])
    assert.is_truthy(message[3][2]:find("scheduler_spec.lua:%d+: no milk"))
  end))

  it("raises an error that names the upvalue which cannot be carried", alone(function()
    local handle = io.tmpfile()

    local text = support.error_text(function()
      local pid = spawn_elsewhere(function() handle:write("hello") end)
      return pid
    end)

    assert.is_truthy(text:find("handle", 1, true))
    handle:close()
  end))

  it("raises an error that names a coroutine among its upvalues", alone(function()
    local worker = coroutine.create(function() end)

    local text = support.error_text(function()
      local pid = spawn_elsewhere(function() coroutine.resume(worker) end)
      return pid
    end)

    assert.is_truthy(text:find("worker", 1, true))
  end))
end)
