-- SPDX-License-Identifier: MIT
--- Processes: spawning them, how they end, exit signals, and their own dictionary.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, dead = support.alone, support.await_down, support.dead
local end_of, expect, idle = support.end_of, support.expect, support.idle

describe("spawn", function()
  it("PROC-001 gives a pid at once, and the function runs in its own process", alone(function()
    local test = pierrot.self()

    local pid = pierrot.spawn(function() pierrot.send(test, { "i am", pierrot.self() }) end)

    assert.is_true(pierrot.is_pid(pid))
    assert.not_equal(test, pid)
    assert.same({ "i am", pid }, expect())
  end))

  it("PROC-001 does not wait for the process", alone(function()
    local pid = pierrot.spawn_link(function() pierrot.receive("never sent") end)

    assert.is_true(pierrot.is_alive(pid))
  end))

  it("hands its arguments on, trailing nils kept", alone(function()
    local test = pierrot.self()

    pierrot.spawn(function(...)
      pierrot.send(test, { select("#", ...), (...), (select(2, ...)) })
    end, "one", 2, nil, nil)

    assert.same({ 4, "one", 2 }, expect())
  end))

  it("copies its arguments", alone(function()
    local test = pierrot.self()
    local arg = { value = 1 }

    local pid = pierrot.spawn(function(given)
      pierrot.receive("go on")
      pierrot.send(test, given.value)
    end, arg)
    arg.value = 2
    pierrot.send(pid, "go on")

    assert.equal(1, expect())
  end))

  it("raises for an argument that cannot be sent, and starts nothing", alone(function()
    local test = pierrot.self()

    local text = support.error_text(function()
      local pid = pierrot.spawn(function() pierrot.send(test, "ran") end, { callback = print })
      return pid
    end)

    assert.is_truthy(text:find("cannot send a function", 1, true))
    pierrot.yield()
    assert.equal(0, pierrot.flush().n)
  end))

  it("takes the name of a module's function", alone(function()
    local pid, ref = pierrot.spawn_monitor("spec.fixtures.remote:tell", pierrot.self(), "hello")

    assert.same({ "told", "hello", pid }, expect { "told" })
    assert.equal("normal", await_down(ref))
  end))

  it("links in one step with spawn_link", alone(function()
    pierrot.trap_exit(true)

    local pid = pierrot.spawn_link(function() pierrot.exit("done") end)

    assert.same({ "EXIT", pid, "done" }, expect())
  end))

  it("monitors in one step with spawn_monitor", alone(function()
    local pid, ref = pierrot.spawn_monitor(function() pierrot.exit("done") end)

    assert.same({ "DOWN", ref, "process", pid, "done" }, expect())
  end))
end)

describe("spawn_opt", function()
  it("gives a pid alone without options", alone(function()
    local values = table.pack(pierrot.spawn_opt({}, function() end))

    assert.equal(1, values.n)
    assert.is_true(pierrot.is_pid(values[1]))
  end))

  it("links and monitors in one step", alone(function()
    pierrot.trap_exit(true)

    local pid, ref = pierrot.spawn_opt({ link = true, monitor = true }, function()
      pierrot.exit("done")
    end)

    assert.same({ "EXIT", pid, "done" }, expect { "EXIT" })
    assert.same({ "DOWN", ref, "process", pid, "done" }, expect { "DOWN" })
  end))

  it("registers the name before the function runs", alone(function()
    local test = pierrot.self()

    local pid = pierrot.spawn_opt({ name = "spawn_opt named", link = true }, function()
      pierrot.send(test, { "held by", pierrot.whereis("spawn_opt named") })
      pierrot.receive("stop")
    end)

    assert.equal(pid, expect({ "held by" })[2])
    assert.equal(pid, pierrot.whereis("spawn_opt named"))
    pierrot.send(pid, "stop")
    await_down(pid)
  end))

  it("gives already_registered when the name is taken, and starts nothing", alone(function()
    local test = pierrot.self()
    local holder = idle()
    pierrot.register("spawn_opt taken", holder)

    local values = table.pack(pierrot.spawn_opt({ name = "spawn_opt taken" }, function()
      pierrot.send(test, "ran")
    end))

    assert.same({ nil, "already_registered", n = 2 }, values)
    pierrot.unregister("spawn_opt taken")
    pierrot.yield()
    assert.equal(0, pierrot.flush().n)
  end))

  it("takes a name that the options have from a function", alone(function()
    -- What is copied could take the room of the name, which is as large as seven values.
    local lists = {}
    for i = 1, 30000 do lists[i] = { 1, 2, 3, 4, 5, 6, 7 } end
    local options = setmetatable({}, { __index = function(_, key)
      return key == "name" and ("n"):rep(87) or nil
    end })

    local pid = pierrot.spawn_opt(options, function() pierrot.receive("never sent") end, lists)

    assert.equal(pid, pierrot.whereis(("n"):rep(87)))
    pierrot.exit(pid, "kill")
  end))

  it("bounds the mailbox with max_queue: what comes beyond it is dropped and counted",
    alone(function()
      local pid, ref = pierrot.spawn_opt({ max_queue = 3, monitor = true }, function()
        pierrot.receive("stop")
      end)

      for i = 1, 10 do
        pierrot.send(pid, i)
      end

      assert.equal(3, pierrot.info(pid, "mailbox"))
      assert.same({ 1, 2, 3 }, pierrot.info(pid, "messages"))
      assert.equal(7, pierrot.info(pid, "dropped"))
      pierrot.exit(pid, "done")
      assert.equal("done", await_down(ref))
    end))

  it("does not count the calls that fail since the mailbox is full", alone(function()
    local pid = pierrot.spawn_opt({ max_queue = 1, link = true }, function()
      pierrot.receive("stop")
    end)
    pierrot.send(pid, "fills it")

    local reason = support.exit_reason(gen_server.call, pid, "get")
    local asked = { gen_server.receive_response(gen_server.send_request(pid, "get")) }
    pierrot.send(pid, "dropped")

    assert.equal("overload", reason[1])
    assert.same({ false, "overload" }, asked)
    assert.equal(1, pierrot.info(pid, "dropped"))
  end))

  it("lets EXIT and DOWN into a mailbox that is full", alone(function()
    local test = pierrot.self()
    local watched = pierrot.spawn(function() pierrot.receive("stop") end)
    pierrot.spawn_opt({ max_queue = 1, link = true }, function()
      pierrot.trap_exit(true)
      pierrot.link(watched)
      local ref = pierrot.monitor(watched)
      pierrot.send(pierrot.self(), "fills it")
      pierrot.send(test, "ready")
      support.await_down(ref)
      pierrot.send(test, pierrot.flush())
    end)
    expect "ready"

    pierrot.send(watched, "stop")

    assert.same({ "fills it", { "EXIT", watched, "normal" }, n = 2 }, expect())
  end))
end)

describe("the end of a process", function()
  it("PROC-002 is normal when its function returns", alone(function()
    local pid, ref = pierrot.spawn_monitor(function() return "whatever" end)

    local reason = await_down(ref)

    assert.equal("normal", reason)
    assert.is_false(pierrot.is_alive(pid))
  end))

  it("PROC-003 by an uncaught error has the value and a traceback", alone(function()
    local reason = end_of(function() error("no milk") end)

    assert.equal("error", reason[1])
    assert.is_truthy(reason[2]:find("process_spec%.lua:%d+: no milk"))
    assert.is_truthy(reason[3]:find("process_spec", 1, true))
    assert.equal(3, #reason)
  end))

  it("PROC-003 by an error of Lua's own has its text and a traceback", alone(function()
    local reason = end_of(function()
      local milk = tonumber("milk")
      return milk.price
    end)

    assert.equal("error", reason[1])
    assert.is_truthy(reason[2]:find("attempt to index a nil value (local 'milk')", 1, true))
  end))

  for title, value in pairs {
    ["a string"] = "no milk",
    ["a number"] = 42,
    ["false"] = false,
    ["a table"] = { code = 7, { "nested" } },
  } do
    it("PROC-003 keeps an error value that is " .. title, alone(function()
      local reason = end_of(function() error(value, 0) end)

      assert.equal("error", reason[1])
      assert.same(value, reason[2])
      assert.equal("string", type(reason[3]))
    end))
  end

  it("PROC-003 keeps an error value that is nil", alone(function()
    local reason = end_of(function() error(nil) end)

    assert.equal("error", reason[1])
    assert.is_nil(reason[2])
    assert.equal("string", type(reason[3]))
  end))

  it("PROC-003 keeps an error value that no message can hold as its text", alone(function()
    local reason = end_of(function() error(print, 0) end)

    assert.equal("error", reason[1])
    assert.equal(pierrot.inspect(print), reason[2])
  end))

  it("PROC-003 keeps what a message can hold of a table that is an error value", alone(function()
    local reason = end_of(function() error({ code = 7, callback = print }) end)

    assert.equal(7, reason[2].code)
    assert.equal(pierrot.inspect(print), reason[2].callback)
  end))

  it("PROC-003 comes of recursion without end, too", alone(function()
    local function dig(n) return 1 + dig(n + 1) end

    local reason = end_of(dig, 1)

    assert.equal("error", reason[1])
    assert.is_truthy(reason[2]:find("stack overflow", 1, true))
  end))

  for title, reason in pairs {
    ["a string"] = "no milk",
    ["a table"] = { "shutdown", { "for", "the night" } },
    ["a number"] = 42,
    ["false"] = false,
  } do
    it("PROC-004 is the very reason it exits with: " .. title, alone(function()
      assert.same(reason, end_of(function() pierrot.exit(reason) end))
    end))
  end

  it("PROC-004 is normal when it exits without a reason", alone(function()
    assert.equal("normal", end_of(function() pierrot.exit() end))
  end))

  it("PROC-006 has a large nested reason in full depth, by links and by monitors",
    alone(function()
      pierrot.trap_exit(true)
      local reason = { "bottom" }
      for i = 1, 500 do
        reason = { i, inner = reason, list = { i, tostring(i) } }
      end

      local _, ref = pierrot.spawn_opt({ link = true, monitor = true }, pierrot.exit, reason)

      assert.same(reason, await_down(ref))
      assert.same(reason, expect({ "EXIT" })[3])
    end))

  it("keeps the text of what a message cannot hold in an exit reason", alone(function()
    local reason = end_of(function() pierrot.exit({ "bad", print }) end)

    assert.same({ "bad", pierrot.inspect(print) }, reason)
  end))

  it("is one moment: it is dead to everybody before anyone hears of it", alone(function()
    local pid, ref = pierrot.spawn_opt({ monitor = true, name = "dead at once" }, function()
      pierrot.receive("stop")
    end)
    pierrot.send(pid, "stop")

    await_down(ref)

    assert.is_false(pierrot.is_alive(pid))
    assert.is_nil(pierrot.whereis("dead at once"))
    assert.is_nil(pierrot.info(pid))
  end))

  it("is told in the order in which links and monitors were made", alone(function()
    pierrot.trap_exit(true)
    local pid = pierrot.spawn(function() pierrot.receive("stop") end)
    local first = pierrot.monitor(pid)
    pierrot.link(pid)
    local second = pierrot.monitor(pid)

    pierrot.send(pid, "stop")
    await_down(second)

    assert.same({
      { "DOWN", first, "process", pid, "normal" },
      { "EXIT", pid, "normal" },
      n = 2,
    }, pierrot.flush())
  end))

  it("PROC-020 never gives its pid to a later process", alone(function()
    local old = dead()
    local old_text = tostring(old)

    for _ = 1, 10000 do
      local pid, ref = pierrot.spawn_monitor(function() end)
      if pid == old or tostring(pid) == old_text then
        error("the pid of a dead process came back")
      end
      pierrot.receive({ "DOWN", ref })
    end

    assert.is_false(pierrot.is_alive(old))
  end))
end)

describe("an exit", function()
  it("is an object that pcall catches, with its class and reason", alone(function()
    local passed, failure = pcall(pierrot.exit, { "no", "milk" })

    assert.is_false(passed)
    assert.equal("table", type(failure))
    assert.equal("exit", failure.class)
    assert.same({ "no", "milk" }, failure.reason)
  end))

  it("can be printed", alone(function()
    local _, failure = pcall(pierrot.exit, "no milk")

    assert.is_truthy(tostring(failure):find("no milk", 1, true))
  end))

  it("is over when it was caught", alone(function()
    local reason = end_of(function()
      pcall(pierrot.exit, "caught")
      pierrot.exit("went on")
    end)

    assert.equal("went on", reason)
  end))

  it("still ends the process with its reason when it is raised again", alone(function()
    local reason = end_of(function()
      local _, failure = pcall(pierrot.exit, { "no", "milk" })
      error(failure)
    end)

    assert.same({ "no", "milk" }, reason)
  end))

  it("runs variables that are to be closed, last first", alone(function()
    local test = pierrot.self()
    local function closing(name)
      return setmetatable({}, { __close = function() pierrot.send(test, { "closed", name }) end })
    end

    local reason = end_of(function()
      local _ <close> = closing("first")
      local _ <close> = closing("last")
      pierrot.exit("done")
    end)

    assert.equal("done", reason)
    assert.equal("last", expect({ "closed" })[2])
    assert.equal("first", expect({ "closed" })[2])
  end))
end)

describe("an exit signal", function()
  it("PROC-007 ends a process that does not trap exits with its reason", alone(function()
    local pid, ref = pierrot.spawn_monitor(function() pierrot.receive("never sent") end)

    assert.is_true(pierrot.exit(pid, { "no", "milk" }))

    assert.same({ "no", "milk" }, await_down(ref))
  end))

  it("PROC-007 ends a process that is ready to run", alone(function()
    local pid, ref = pierrot.spawn_monitor(function()
      while true do
        pierrot.yield()
      end
    end)

    pierrot.exit(pid, "no milk")

    assert.equal("no milk", await_down(ref))
  end))

  it("PROC-008 of normal does nothing to a process that does not trap exits", alone(function()
    local test = pierrot.self()
    local pid = pierrot.spawn_link(function()
      pierrot.receive("ping")
      pierrot.send(test, "pong")
      pierrot.receive("never sent")
    end)

    assert.is_true(pierrot.exit(pid, "normal"))
    pierrot.send(pid, "ping")

    assert.equal("pong", expect())
  end))

  it("of normal is a message to a process that traps exits", alone(function()
    local test = pierrot.self()
    local pid = pierrot.spawn_link(function()
      pierrot.trap_exit(true)
      pierrot.send(test, "ready")
      pierrot.send(test, pierrot.receive())
    end)
    expect "ready"

    pierrot.exit(pid, "normal")

    assert.same({ "EXIT", test, "normal" }, expect())
  end))

  it("PROC-012 of kill ends a process that traps exits, with killed", alone(function()
    local test = pierrot.self()
    local pid, ref = pierrot.spawn_monitor(function()
      pierrot.trap_exit(true)
      pierrot.send(test, "ready")
      pierrot.receive("never sent")
    end)
    expect "ready"

    pierrot.exit(pid, "kill")

    assert.equal("killed", await_down(ref))
  end))

  it("PROC-013 of kill goes on along links as killed, which can be trapped", alone(function()
    local test = pierrot.self()
    local last = pierrot.spawn(function() pierrot.receive("never sent") end)
    local middle, ref = pierrot.spawn_monitor(function()
      pierrot.link(last)
      pierrot.send(test, "linked")
      pierrot.receive("never sent")
    end)
    expect "linked"
    pierrot.trap_exit(true)
    pierrot.link(middle)

    pierrot.exit(last, "kill")

    assert.equal("killed", await_down(ref))
    assert.same({ "EXIT", middle, "killed" }, expect())
  end))

  it("is not the signal kill when a process itself exits with kill", alone(function()
    pierrot.trap_exit(true)

    local pid = pierrot.spawn_link(function() pierrot.exit("kill") end)

    assert.same({ "EXIT", pid, "kill" }, expect())
  end))

  it("PROC-016 that is sent first decides", alone(function()
    local pid, ref = pierrot.spawn_monitor(function() pierrot.receive("never sent") end)

    pierrot.exit(pid, "first")
    pierrot.exit(pid, "second")

    assert.equal("first", await_down(ref))
  end))

  it("PROC-017 ends a process in a timed receive, which neither resumes nor times out",
    alone(function()
      local test = pierrot.self()
      local pid, ref = pierrot.spawn_monitor(function()
        pierrot.send(test, "ready")
        pierrot.receive("never sent", 20)
        pierrot.send(test, "resumed")
      end)
      expect "ready"

      pierrot.exit(pid, "no milk")

      assert.equal("no milk", await_down(ref))
      assert.is_nil((pierrot.receive("resumed", 40)))
    end))

  it("PROC-018 to a dead pid does nothing", alone(function()
    assert.is_true(pierrot.exit(dead(), "no milk"))
  end))

  it("is not stopped by a pcall of the process", alone(function()
    local test = pierrot.self()
    local pid, ref = pierrot.spawn_monitor(function()
      while true do
        pcall(function()
          pierrot.send(test, "ready")
          pierrot.receive("never sent")
        end)
      end
    end)
    expect "ready"

    pierrot.exit(pid, "no milk")

    assert.equal("no milk", await_down(ref))
  end))

  it("to oneself takes effect before exit returns", alone(function()
    local test = pierrot.self()

    local reason = end_of(function()
      pcall(function()
        pierrot.exit(pierrot.self(), "no milk")
        pierrot.send(test, "went on")
      end)
      pierrot.send(test, "caught")
    end)

    assert.equal("no milk", reason)
    assert.equal(0, pierrot.flush().n)
  end))

  it("of normal to oneself ends the process", alone(function()
    local reason = end_of(function()
      pierrot.exit(pierrot.self(), "normal")
      pierrot.exit("went on")
    end)

    assert.equal("normal", reason)
  end))

  it("of kill to oneself cannot be trapped", alone(function()
    local reason = end_of(function()
      pierrot.trap_exit(true)
      pierrot.exit(pierrot.self(), "kill")
      pierrot.exit("went on")
    end)

    assert.equal("killed", reason)
  end))

  it("to oneself where Lua cannot yield has nobody hear of the process any more", alone(function()
    local test, other, from = pierrot.self(), idle(), nil
    pierrot.unlink(other)
    local server = gen_server.start_link { init = function() return "ok", {} end,
      handle_call = function(_, caller) from = caller return "noreply" end }
    local id = gen_server.send_request(server, "later")
    while not from do pierrot.yield() end

    local reason = end_of(function()
      table.sort({ 3, 1, 2 }, function(a, b)
        pcall(pierrot.exit, pierrot.self(), "done")
        pcall(pierrot.send, test, "sent")
        pcall(gen_server.cast, test, "cast")
        pcall(gen_server.reply, from, "replied")
        pcall(pierrot.exit, other, "no milk")
        pcall(pierrot.spawn, pierrot.send, test, "spawned")
        return a < b
      end)
    end)

    assert.equal("done", reason)
    assert.is_true(pierrot.is_alive(other))
    assert.is_nil((gen_server.receive_response(id, 0)))
    assert.same({ nil, "timeout" }, { pierrot.receive(nil, 0) })
  end))

  it("to oneself is a message at once while trapping exits", alone(function()
    pierrot.trap_exit(true)

    assert.is_true(pierrot.exit(pierrot.self(), "no milk"))

    assert.same({ "EXIT", pierrot.self(), "no milk" }, (pierrot.receive(nil, 0)))
  end))
end)

describe("a variable to be closed", function()
  local function closing(test)
    return setmetatable({}, { __close = function() pierrot.send(test, "closed") end })
  end

  local ends = {
    { title = "a return", act = function() end, reason = "normal" },
    { title = "an exit", act = function() pierrot.exit("done") end, reason = "done" },
    { title = "an error", act = function() error("no milk", 0) end },
    { title = "a signal to itself", reason = "done",
      act = function() pierrot.exit(pierrot.self(), "done") end },
    { title = "a kill of itself", reason = "killed",
      act = function() pierrot.exit(pierrot.self(), "kill") end },
  }
  for _, row in ipairs(ends) do
    it("is closed by " .. row.title, alone(function()
      local test = pierrot.self()

      local reason = end_of(function()
        local _ <close> = closing(test)
        row.act()
      end)

      assert.equal("closed", (pierrot.receive(nil, 0)))
      assert.same(row.reason or "no milk", row.reason and reason or reason[2])
    end))
  end

  for signal, reason in pairs { ["no milk"] = "no milk", kill = "killed" } do
    it("is closed by the signal " .. signal .. " while the process waits", alone(function()
      local test = pierrot.self()
      local pid, ref = pierrot.spawn_monitor(function()
        local _ <close> = closing(test)
        pierrot.send(test, "ready")
        pierrot.receive("never sent")
      end)
      expect "ready"

      pierrot.exit(pid, signal)

      assert.equal(reason, await_down(ref))
      assert.equal("closed", (pierrot.receive(nil, 0)))
    end))
  end

  for _, row in ipairs(ends) do
    it("may tell others more than once, and end them, by " .. row.title, alone(function()
      local test, other = pierrot.self(), idle()
      pierrot.unlink(other)
      local watchers = pierrot.info(test, "monitored_by")
      pierrot.register("told by its name", idle())

      end_of(function()
        local _ <close> = setmetatable({}, { __close = function()
          pierrot.send(test, "first")
          pierrot.send("told by its name", "second")
          pierrot.exit(other, "no milk")
          pierrot.send_after(0, test, "third")
          pierrot.monitor(test)
          pierrot.send(test, { "last", pierrot.is_alive(test), pierrot.is_alive(other) })
        end })
        row.act()
      end)

      assert.equal("first", (pierrot.receive(nil, 0)))
      assert.same({ "last", true, false }, (pierrot.receive(nil, 0)))
      assert.equal(1, pierrot.info(pierrot.whereis "told by its name", "mailbox"))
      assert.same(watchers, pierrot.info(test, "monitored_by"))
    end))
  end

  it("gets the exit, after another that has told others", alone(function()
    local test = pierrot.self()

    end_of(function()
      local _ <close> = setmetatable({}, { __close = function(_, exit)
        pierrot.send(test, { exit.class, exit.reason })
      end })
      local _ <close> = closing(test)
      pierrot.exit("done")
    end)

    assert.equal("closed", (pierrot.receive(nil, 0)))
    assert.same({ "exit", "done" }, (pierrot.receive(nil, 0)))
  end))

  it("cannot keep a killed process alive by raising", alone(function()
    local test = pierrot.self()
    local pid, ref = pierrot.spawn_monitor(function()
      local _ <close> = closing(test)
      local _ <close> = setmetatable({}, { __close = function() error("not now") end })
      pierrot.send(test, "ready")
      pierrot.receive("never sent")
    end)
    expect "ready"

    pierrot.exit(pid, "no milk")

    assert.equal("no milk", await_down(ref))
    assert.equal("closed", (pierrot.receive(nil, 0)))
  end))

  local function run_deep() return 1 + run_deep() end

  for how, run in pairs {
    ["running for ever"] = function() while true do end end,
    ["running for ever deep down"] = function() while true do pcall(run_deep) end end,
  } do
    it("cannot keep a killed process alive by " .. how, alone(function()
      local test = pierrot.self()
      local pid, ref = pierrot.spawn_monitor(function()
        local _ <close> = setmetatable({}, { __close = run })
        pierrot.send(test, "ready")
        pierrot.receive("never sent")
      end)
      expect "ready"

      pierrot.exit(pid, "kill")

      assert.equal("killed", await_down(ref))
    end))
  end
end)

describe("the dictionary of a process", function()
  it("PROC-021 gives the earlier value when a key is put", alone(function()
    assert.is_nil(pierrot.put("milk", 1))
    assert.equal(1, pierrot.put("milk", 2))
    assert.equal(2, pierrot.get("milk"))
  end))

  it("PROC-021 gives the value when a key is erased", alone(function()
    pierrot.put("milk", 1)

    assert.equal(1, pierrot.erase("milk"))

    assert.is_nil(pierrot.get("milk"))
    assert.is_nil(pierrot.erase("milk"))
  end))

  it("has nothing under what can be no key", alone(function()
    pierrot.put("milk", 1)

    assert.is_nil(pierrot.erase(nil))
    assert.is_nil(pierrot.erase(0 / 0))

    assert.equal(1, pierrot.get("milk"))
  end))

  it("PROC-021 lists its keys, and the keys that hold a value", alone(function()
    pierrot.put("milk", 1)
    pierrot.put("bread", 2)
    pierrot.put("eggs", 1)

    local all, with_one = pierrot.get_keys(), pierrot.get_keys(1)

    table.sort(all)
    table.sort(with_one)
    assert.same({ "bread", "eggs", "milk" }, all)
    assert.same({ "eggs", "milk" }, with_one)
  end))

  it("PROC-021 is given whole without a key, and erased whole", alone(function()
    pierrot.put("milk", 1)
    pierrot.put("bread", 2)

    assert.same({ milk = 1, bread = 2 }, pierrot.get())
    assert.same({ milk = 1, bread = 2 }, pierrot.erase())
    assert.same({}, pierrot.get_keys())
  end))

  it("PROC-021 is not seen by other processes", alone(function()
    local test = pierrot.self()
    pierrot.put("milk", 1)

    pierrot.spawn(function() pierrot.send(test, { pierrot.get("milk") == nil }) end)

    assert.same({ true }, expect())
  end))

  it("is shown by info", alone(function()
    pierrot.put("milk", 1)

    assert.same({ milk = 1 }, pierrot.info(pierrot.self(), "dictionary"))
  end))
end)

describe("the flag trap_exit", function()
  it("PROC-025 is false at first, and setting it gives the earlier value", alone(function()
    assert.is_false(pierrot.trap_exit(true))
    assert.is_true(pierrot.trap_exit(true))
    assert.is_true(pierrot.trap_exit(false))
    assert.is_false(pierrot.trap_exit(false))
  end))

  it("PROC-025 is not inherited from the spawner", alone(function()
    local test = pierrot.self()
    pierrot.trap_exit(true)

    pierrot.spawn(function() pierrot.send(test, { pierrot.trap_exit(true) }) end)

    assert.same({ false }, expect())
  end))

  for title, value in pairs { ["a string"] = "yes", ["a number"] = 1, ["a table"] = {} } do
    it("PROC-026 raises for " .. title .. " and stays as it was", alone(function()
      assert.has_error(function() pierrot.trap_exit(value) end)

      assert.is_false(pierrot.info(pierrot.self(), "trap_exit"))
    end))
  end
end)

describe("the list of processes", function()
  it("holds those that live", alone(function()
    local alive, gone = idle(), dead()
    local found = {}

    for _, pid in ipairs(pierrot.processes()) do
      found[pid] = true
    end

    assert.is_true(found[alive])
    assert.is_true(found[pierrot.self()])
    assert.is_nil(found[gone])
  end))
end)

describe("sleep", function()
  it("takes at least its time", alone(function()
    local before = pierrot.now()

    pierrot.sleep(20)

    assert.is_true(pierrot.now() - before >= 20)
  end))

  it("lets other processes run meanwhile", alone(function()
    local test = pierrot.self()
    pierrot.spawn(function() pierrot.send(test, "ran") end)

    pierrot.sleep(20)

    assert.equal("ran", (pierrot.receive(nil, 0)))
  end))

  it("takes fractions, and 0", alone(function()
    local before = pierrot.now()

    pierrot.sleep(0)
    pierrot.sleep(0.5)

    assert.is_true(pierrot.now() - before >= 0.5)
  end))
end)

describe("yield", function()
  it("lets a process run that is ready on the same scheduler", alone(function()
    local log = {}
    local _, ref = pierrot.spawn_monitor(function() log[#log + 1] = "other" end)

    pierrot.yield()

    assert.same({ "other" }, log)
    await_down(ref)
  end))
end)

describe("refs", function()
  it("are different each time", alone(function()
    local seen = {}

    for _ = 1, 10000 do
      seen[pierrot.make_ref()] = true
    end

    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.equal(10000, count)
  end))

  it("and pids are told apart by is_ref and is_pid", alone(function()
    local ref, pid = pierrot.make_ref(), pierrot.self()

    assert.is_true(pierrot.is_ref(ref))
    assert.is_true(pierrot.is_pid(pid))
    for _, value in ipairs { pid, "#Ref<0.7.1>", 7, {}, io.stdout } do
      assert.is_false(pierrot.is_ref(value))
    end
    for _, value in ipairs { ref, "<0.42.0>", 7, {}, io.stdout } do
      assert.is_false(pierrot.is_pid(value))
    end
    assert.is_false(pierrot.is_pid(nil))
    assert.is_false(pierrot.is_ref(nil))
  end))

  it("and pids can be printed", alone(function()
    assert.is_truthy(tostring(pierrot.self()):match("^<%d+%.%d+%.%d+>$"))
    assert.is_truthy(tostring(pierrot.make_ref()):match("^#Ref<[%d.]+>$"))
    assert.equal(tostring(pierrot.self()), pierrot.inspect(pierrot.self()))
  end))
end)

describe("now", function()
  it("is a float that never goes back", alone(function()
    local last = pierrot.now()
    assert.equal("float", math.type(last))

    for _ = 1, 1000 do
      local now = pierrot.now()
      if now < last then
        error("the clock went back")
      end
      last = now
    end
  end))
end)
