-- SPDX-License-Identifier: MIT
--- pierrot.task: functions in processes of their own, and what comes of them.

local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local task = require "pierrot.task"

local alone, expect = support.alone, support.expect
local error_text, exit_reason = support.error_text, support.exit_reason

-- A task that runs until it is told to return what the message holds.
local function waiting()
  return task.async(function() return pierrot.receive({ "return" })[2] end)
end

local function finish(t, value) pierrot.send(t.pid, { "return", value }) end

-- What is left of a task in the mailbox.
local function assert_clean()
  assert.same({}, support.mailbox())
end

describe("async", function()
  it("TASK-001 gives pid, ref and owner, linked and watched", alone(function()
    local me = pierrot.self()

    local t = waiting()

    assert.is_true(pierrot.is_pid(t.pid))
    assert.is_true(pierrot.is_ref(t.ref))
    assert.equal(me, t.owner)
    assert.same({ t.pid }, pierrot.info(me, "links"))
    assert.same({ t.pid }, pierrot.info(me, "monitors"))
  end))

  it("TASK-002 sends {ref, value}, then the DOWN with normal", alone(function()
    local t = task.async(function(a, b) return { a, b } end, 1, "two")

    assert.same({ t.ref, { 1, "two" } }, expect { t.ref })
    assert.same({ "DOWN", t.ref, "process", t.pid, "normal" }, expect { "DOWN", t.ref })
  end))

  it("runs the function with its arguments, nils among them", alone(function()
    local t = task.async(function(...) return { n = select("#", ...), (select(2, ...)) } end,
      nil, 2, nil)

    assert.same({ n = 3, 2 }, task.await(t))
  end))

  it("TASK-003 is awaited, and leaves nothing in the mailbox", alone(function()
    pierrot.send(pierrot.self(), "another")

    assert.equal(3, task.await(task.async(function() return 3 end)))
    assert.is_nil(task.await(task.async(function() end)))
    assert.is_false(task.await(task.async(function() return false end)))
    assert.same({ "another" }, support.mailbox())
  end))

  it("TASK-004 fails with timeout when its time is over, and its reply reaches nobody",
    alone(function()
      local t = waiting()

      assert.same({ "timeout", { "task", "await", 1 } }, exit_reason(task.await, t, 1))

      local ref = pierrot.monitor(t.pid)
      finish(t, "late")
      support.await_down(ref)
      assert_clean()
    end))

  for name, row in pairs {
    exits = { function() pierrot.exit("the reason") end, function(r) return r end, "the reason" },
    raises = { function() error("the value", 0) end,
      function(r) return { r[1], r[2], type(r[3]) } end, { "error", "the value", "string" } },
    ["raises a table"] = { function() error({ 1 }) end,
      function(r) return { r[1], r[2] } end, { "error", { 1 } } },
  } do
    it("TASK-006 fails with the reason of a task that " .. name, alone(function()
      pierrot.trap_exit(true)
      local t = task.async(row[1])

      local reason = exit_reason(task.await, t)

      assert.same({ "task", "await", 5000 }, reason[2])
      assert.same(row[3], row[2](reason[1]))
    end))
  end

  it("TASK-008 takes its owner along when it crashes", alone(function()
    local reason = support.end_of(function()
      task.async(function() pierrot.exit("the reason") end)
      pierrot.receive "never"
    end)

    assert.equal("the reason", reason)
  end))

  it("ends with its owner", alone(function()
    local test = pierrot.self()
    pierrot.spawn(function()
      local t = task.async(function() pierrot.receive "never" end)
      pierrot.send(test, { "task", t.pid, pierrot.monitor(t.pid) })
      pierrot.exit "the end"
    end)
    local pid = expect({ "task" })[2]

    assert.is_truthy(({ ["the end"] = true, noproc = true })[support.await_down(pid)])
  end))

  it("TASK-009 is for its owner alone", alone(function()
    local t, test = waiting(), pierrot.self()
    pierrot.spawn(function()
      local calls = {
        task.await, task.yield, task.shutdown, task.ignore,
        function(it) task.await_many { it } end, function(it) task.yield_many { it } end,
      }
      local texts = {}
      for i, call in ipairs(calls) do
        local passed, failure = pcall(call, t)
        texts[i] = passed and "passed" or failure
      end
      pierrot.send(test, { "texts", texts, pierrot.self() })
    end)

    local message = expect { "texts" }
    assert.equal(6, #message[2])
    for _, text in ipairs(message[2]) do
      assert.is_truthy(text:find("bad argument #1", 1, true), text)
      assert.is_truthy(text:find(tostring(test), 1, true), text)
      assert.is_truthy(text:find(tostring(message[3]), 1, true), text)
    end
  end))

  it("TASK-023 knows its callers, nearest first", alone(function()
    local me = pierrot.self()
    local outer = task.async(function()
      local inner = task.async(function() return pierrot.info(pierrot.self(), "callers") end)
      return { pierrot.self(), task.await(inner) }
    end)

    local value = task.await(outer)
    assert.same({ value[1], me }, value[2])
  end))

  it("fails at the caller's line for what is no function or cannot be sent", alone(function()
    local function assert_here(text, wanted)
      assert.is_truthy(text:find("spec/task_spec.lua:", 1, true), text)
      assert.is_truthy(text:find(wanted, 1, true), text)
    end
    assert_here(error_text(function() task.async(42) end), "bad argument #1 to 'async' (function")
    assert_here(error_text(function() task.start() end), "bad argument #1 to 'start' (function")
    assert_here(error_text(function() task.async(print, { 1, print }) end),
      "cannot send a function")
    assert_here(error_text(function() task.completed(print) end), "cannot send a function")
    assert_here(error_text(function() task.await(42) end), "bad argument #1 to 'await' (task")
    assert_here(error_text(function() task.await(waiting(), -1) end), "bad argument #2 to 'await'")
    assert_here(error_text(function() task.await_many(42) end), "bad argument #1 to 'await_many'")
    assert_here(error_text(function() task.yield_many({}, { on_timeout = "x" }) end),
      "bad option 'on_timeout'")
  end))
end)

describe("await_many", function()
  it("TASK-010 gives the results in the order of the tasks", alone(function()
    local a, b, c = waiting(), waiting(), waiting()
    finish(c, 3)
    finish(a, 1)
    finish(b, 2)

    assert.same({ 1, 2, 3 }, task.await_many { a, b, c })
    assert.same({}, task.await_many {})
    assert_clean()
  end))

  it("exits when one of them is late, or crashes", alone(function()
    pierrot.trap_exit(true)
    local late, done = waiting(), task.async(function() return 1 end)
    assert.same({ "timeout", { "task", "await_many", 1 } },
      exit_reason(task.await_many, { done, late }, 1))
    local crash = task.async(function() pierrot.exit "the reason" end)
    assert.same({ "the reason", { "task", "await_many", 5000 } },
      exit_reason(task.await_many, { crash }))
  end))

  it("exits as soon as any of them ends without a result, whatever its place", alone(function()
    pierrot.trap_exit(true)
    local ends = { unknown = "unknown", normal = "normal" }
    for _, reason in pairs(ends) do
      local runs, done = waiting(), task.async(function() return 1 end)
      local crash = task.async(function() pierrot.exit(reason) end)

      assert.same({ reason, { "task", "await_many", "infinity" } },
        exit_reason(task.await_many, { runs, done, crash }, "infinity"))
      finish(runs, 1)
      support.await_down(runs.pid)
      assert.is_nil((pierrot.receive({ runs.ref }, 0)))
      assert.is_nil((pierrot.receive({ "DOWN" }, 0)))
    end
  end))

  it("takes one message for each, and none of others", alone(function()
    local me, other = pierrot.self(), pierrot.make_ref()
    local a, b = { ref = pierrot.make_ref(), owner = me }, { ref = pierrot.make_ref(), owner = me }
    local others = { { other, 1 }, { "DOWN", other, "process", me, "bye" }, { b.ref, "again" } }
    for _, message in ipairs { others[1], others[2], { b.ref, "b" }, others[3], { a.ref, "a" } } do
      pierrot.send(me, message)
    end

    assert.same({ "a", "b" }, task.await_many { a, b })

    assert.same(others, support.mailbox())
  end))
end)

describe("yield", function()
  it("TASK-013 gives ok and the value, exit and the reason, or nil and may be asked again",
    alone(function()
      pierrot.trap_exit(true)
      local t, crash = waiting(), task.async(function() pierrot.exit "the reason" end)

      assert.same({ "exit", "the reason" }, { task.yield(crash) })
      assert.is_nil(task.yield(t, 0))
      assert.is_nil(task.yield(t, 1))
      finish(t, { 1 })
      assert.same({ "ok", { 1 } }, { task.yield(t) })
    end))

  it("takes the end of a task that has replied, too", alone(function()
    local me = pierrot.self()
    local t = { ref = pierrot.make_ref(), owner = me }
    pierrot.send(me, { t.ref, "value" })
    pierrot.send(me, { "DOWN", t.ref, "process", me, "the reason" })

    assert.same({ "ok", "value" }, { task.yield(t, 0) })

    assert_clean()
  end))

  it("TASK-015 of many gives their outcomes in their order, false for those that run",
    alone(function()
      pierrot.trap_exit(true)
      local done, runs, crash = waiting(), waiting(),
        task.async(function() pierrot.exit "the reason" end)
      finish(done, 1)
      expect { "EXIT", crash.pid }
      expect { "EXIT", done.pid }

      assert.same({ { "ok", 1 }, false, { "exit", "the reason" } },
        task.yield_many({ done, runs, crash }, { timeout = 1 }))

      finish(runs, 2)
      assert.same({ { "ok", 2 } }, task.yield_many { runs })
    end))

  it("of many may ignore or kill those that run", alone(function()
    local ignored, killed = waiting(), waiting()

    assert.same({ false }, task.yield_many({ ignored }, { timeout = 0, on_timeout = "ignore" }))
    assert.same({ false }, task.yield_many({ killed }, { timeout = 0, on_timeout = "kill_task" }))

    assert.is_false(pierrot.is_alive(killed.pid))
    local ref = pierrot.monitor(ignored.pid)
    finish(ignored, 1)
    support.await_down(ref)
    assert_clean()
  end))
end)

describe("shutdown", function()
  it("TASK-017 ends a task that runs: nil, and nothing is left", alone(function()
    for _, how in ipairs { 5000, "infinity", "brutal_kill" } do
      local t = waiting()
      assert.is_nil(task.shutdown(t, how))
      assert.is_false(pierrot.is_alive(t.pid))
      assert_clean()
    end
  end))

  it("gives the value of a task that had replied", alone(function()
    local t = task.async(function() return "value" end)
    support.await_down(pierrot.monitor(t.pid))

    assert.same({ "ok", "value" }, { task.shutdown(t) })
    assert_clean()
  end))

  for _, row in ipairs {
    { "abnormal", { "exit", "abnormal" } }, { "normal", { "exit", "normal" } }, { "shutdown", {} },
  } do
    it("TASK-019 tells what a task had ended with: " .. row[1], alone(function()
      pierrot.trap_exit(true)
      local t = task.async(function() pierrot.exit(row[1]) end)
      expect { "EXIT", t.pid }

      assert.same(row[2], { task.shutdown(t) })
    end))
  end

  it("kills a task that traps exits when its time is over", alone(function()
    local test = pierrot.self()
    local t = task.async(function()
      pierrot.trap_exit(true)
      pierrot.send(test, "traps")
      while true do pierrot.receive { "EXIT" } end
    end)
    expect "traps"

    assert.same({ "exit", "killed" }, { task.shutdown(t, 1) })
    assert.is_false(pierrot.is_alive(t.pid))
  end))

  it("gives what a task that traps exits returns in time", alone(function()
    local test = pierrot.self()
    local t = task.async(function()
      pierrot.trap_exit(true)
      pierrot.send(test, "traps")
      return pierrot.receive({ "EXIT" })[3]
    end)
    expect "traps"

    assert.same({ "ok", "shutdown" }, { task.shutdown(t) })
  end))
end)

describe("ignore", function()
  it("TASK-021 gives what is known, else nil, and drops what comes later", alone(function()
    pierrot.trap_exit(true)
    local done, crash, runs = task.async(function() return 1 end),
      task.async(function() pierrot.exit "the reason" end), waiting()
    expect { "EXIT", done.pid }
    expect { "EXIT", crash.pid }

    assert.same({ "ok", 1 }, { task.ignore(done) })
    assert.same({ "exit", "the reason" }, { task.ignore(crash) })
    assert.is_nil(task.ignore(runs))

    assert.is_true(pierrot.is_alive(runs.pid))
    finish(runs, 2)
    expect { "EXIT", runs.pid }
    assert_clean()
  end))
end)

describe("a task that nobody awaits", function()
  it("TASK-022 is started, linked or not, and sends no result", alone(function()
    local me = pierrot.self()
    local free = task.start(function(...) pierrot.send(me, { "args", ... }); pierrot.receive() end,
      1, nil, 3)
    assert.same({ "args", 1, nil, 3 }, expect { "args" })
    assert.same({}, pierrot.info(me, "links"))
    local linked = task.start_link(function() pierrot.receive() end)
    assert.same({ linked }, pierrot.info(me, "links"))

    local first, second = pierrot.monitor(free), pierrot.monitor(linked)
    pierrot.send(free, "go")
    pierrot.send(linked, "go")
    assert.same({ "normal", "normal" }, { support.await_down(first), support.await_down(second) })
    assert_clean()
  end))

  it("TASK-023 knows its callers", alone(function()
    local me = pierrot.self()
    task.start_link(function() pierrot.send(me, pierrot.info(pierrot.self(), "callers")) end)

    assert.same({ me }, expect())
  end))

  it("is complete when it is made of a value", alone(function()
    local t = task.completed { 1 }

    assert.same({ 1 }, task.await(t))
    assert.same({ "ok", 2 }, { task.yield(task.completed(2)) })
    assert.same({ "ok", 3 }, { task.shutdown(task.completed(3)) })
    assert_clean()
  end))

  it("TASK-029 has a child spec, by which it is supervised", alone(function()
    local me = pierrot.self()
    local spec = task.child_spec(print)
    assert.same({ "pierrot.task", "temporary", "worker" }, { spec.id, spec.restart, spec.type })

    local sup = supervisor.start_link({ { "pierrot.task", function()
      pierrot.send(me, { "runs", pierrot.self(), pierrot.info(pierrot.self(), "callers") })
      pierrot.receive()
    end } }, { strategy = "one_for_one" })

    local message = expect { "runs" }
    assert.equal(message[2], supervisor.which_children(sup)[1].pid)
    assert.same({ sup }, message[3])
  end))
end)

-- The outcomes of a stream as a list.
local function collect(...)
  local list = {}
  for status, value in task.async_stream(...) do list[#list + 1] = { status, value } end
  return list
end

describe("async_stream", function()
  it("TASK-024 gives the results in the order of the list", alone(function()
    local list, expected = {}, {}
    for i = 1, 50 do
      list[i] = i
      expected[i] = { "ok", i * 2 }
    end

    assert.same(expected, collect(list, function(n) return n * 2 end))
    assert.same({}, collect({}, function() end))
    assert.same({ { "ok" } }, collect({ 1 }, function() end))
    assert_clean()
  end))

  it("TASK-024 runs no more at a time than it may", alone(function()
    local me = pierrot.self()
    local counter = pierrot.spawn_link(function()
      local n, max = 0, 0
      while true do
        local message = pierrot.receive()
        n = n + message[1]
        max = math.max(max, n)
        pierrot.send(message[2], "counted")
        if message[1] == 0 then pierrot.send(me, { "max", max }) end
      end
    end)
    local function count(by)
      pierrot.send(counter, { by, pierrot.self() })
      pierrot.receive "counted"
    end

    local results = collect({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(n)
      count(1)
      for _ = 1, 5 do pierrot.yield() end
      count(-1)
      return n
    end, { max_concurrency = 3, scheduler = "local" })

    assert.equal(8, #results)
    pierrot.send(counter, { 0, me })
    assert.equal(3, expect({ "max" })[2])
  end))

  it("TASK-024 gives them as they come when no order is wanted", alone(function()
    local test = pierrot.self()
    local time <close> = support.stop_time()
    local consumer = pierrot.spawn(function()
      local results = collect({ 1, 2, 3 }, function(n)
        if n == 1 then require "pierrot".receive "never" end
        return n
      end, { ordered = false, max_concurrency = 2, timeout = 200, on_timeout = "kill_task" })
      pierrot.send(test, { "results", results, support.mailbox() })
    end)

    time.advance(199)
    assert_clean()
    time.advance(1)

    assert.same({ "results", { { "ok", 2 }, { "ok", 3 }, { "exit", "timeout" } }, {} },
      expect { "results" })
    support.await_down(consumer)
  end))

  it("TASK-026 gives exits in their places to one who traps them, and leaves no EXIT",
    alone(function()
      pierrot.trap_exit(true)

      local results = collect({ 1, 2, 3 }, function(n)
        if n == 2 then pierrot.exit { "reason", n } end
        return n
      end)

      assert.same({ { "ok", 1 }, { "exit", { "reason", 2 } }, { "ok", 3 } }, results)
      assert_clean()
    end))

  it("takes its consumer along when a task crashes", alone(function()
    local reason = support.end_of(function()
      collect({ 1, 2 }, function() pierrot.exit "the reason" end)
    end)

    assert.equal("the reason", reason)
  end))

  it("exits when a task takes too long, and ends the others", alone(function()
    local test = pierrot.self()
    local time <close> = support.stop_time()
    local consumer = pierrot.spawn(function()
      local reason = exit_reason(collect, { test, test }, function(to)
        local there = require "pierrot"
        there.send(to, { "started", there.self() })
        there.receive "never"
      end, { timeout = 50, max_concurrency = 2 })
      pierrot.send(test, { "reason", reason, support.mailbox() })
    end)
    local pids = { expect({ "started" })[2], expect({ "started" })[2] }

    time.advance(49)
    for _, pid in ipairs(pids) do assert.is_true(pierrot.is_alive(pid)) end
    time.advance(1)

    assert.same({ "reason", { "timeout", { "task", "async_stream", 50 } }, {} },
      expect { "reason" })
    for _, pid in ipairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
    support.await_down(consumer)
  end))

  it("ends its tasks when the loop is left", alone(function()
    local me = pierrot.self()
    local seen = {}
    for _, value in task.async_stream({ 1, 2, 3 }, function(n)
      pierrot.send(me, { "started", pierrot.self() })
      if n > 2 then pierrot.receive "never" end
      return n
    end, { max_concurrency = 3 }) do
      seen[#seen + 1] = value
      if value == 2 then break end
    end
    assert.same({ 1, 2 }, seen)

    local n_started = 0
    for _, message in ipairs(pierrot.flush()) do
      assert.equal("started", message[1])
      assert.is_false(pierrot.is_alive(message[2]))
      n_started = n_started + 1
    end
    assert.is_true(n_started >= 1)
    assert.same({}, pierrot.info(me, "links"))
    assert.same({}, pierrot.info(me, "monitors"))
  end))

  it("leaves no EXIT of tasks that had ended unasked when the loop is left", alone(function()
    pierrot.trap_exit(true)
    local me = pierrot.self()
    for _, value in task.async_stream({ 1, 2, 3 }, function(n)
      pierrot.send(me, { "runs", n, pierrot.self() })
      pierrot.exit(n)
    end, { max_concurrency = 3 }) do
      for n = 1, 3 do support.await_down(expect({ "runs", n })[3]) end
      if value == 1 then break end
    end

    assert_clean()
    assert.same({}, pierrot.info(me, "links"))
  end))

  it("ends its tasks when a coroutine in the midst of it is closed, which cannot wait",
    alone(function()
      local me = pierrot.self()
      local generator = coroutine.create(function()
        for _, value in task.async_stream({ 1, 2, 3 }, function(n)
          if n == 1 then return n end
          if n == 3 then pierrot.trap_exit(true) end
          pierrot.send(me, { "waits", pierrot.self() })
          pierrot.receive "never"
          return n
        end, { max_concurrency = 3, scheduler = "local" }) do
          coroutine.yield(value)
        end
      end)
      assert.same({ true, 1 }, { coroutine.resume(generator) })
      local refs = {}
      for i = 1, 2 do refs[i] = pierrot.monitor(expect({ "waits" })[2]) end

      assert.is_true(coroutine.close(generator))

      assert.same({}, pierrot.info(me, "links"))
      local time <close> = support.stop_time()
      assert.equal("shutdown", support.await_down(refs[1]))
      time.advance(5000)
      assert.equal("killed", support.await_down(refs[2]))
      assert_clean()
      assert.same({}, pierrot.info(me, "monitors"))
    end))

  it("TASK-028 refuses bad options at once", alone(function()
    local wrong = {
      { { max_concurrency = 0 }, "bad option 'max_concurrency'" },
      { { on_timeout = "ignore" }, "bad option 'on_timeout'" },
      { { timeout = -1 }, "bad option 'timeout'" },
      { { ordered = 1 }, "bad option 'ordered'" },
      { { scheduler = 1000 }, "bad option 'scheduler'" },
      { { unknown = 1 }, "unknown option" },
    }
    for _, row in ipairs(wrong) do
      local text = error_text(function() task.async_stream({}, print, row[1]) end)
      assert.is_truthy(text:find(row[2], 1, true), text)
      assert.is_truthy(text:find("spec/task_spec.lua:", 1, true), text)
    end
    assert.is_truthy(error_text(task.async_stream, 42, print):find("bad argument #1", 1, true))
    assert.is_truthy(error_text(task.async_stream, {}, 42):find("bad argument #2", 1, true))
  end))

  it("fails for an element that cannot be sent", alone(function()
    local text = error_text(collect, { 1, print }, function() end)

    assert.is_truthy(text:find("^spec/task_spec.lua:%d+: cannot send a function"), text)
    assert.same({}, pierrot.info(pierrot.self(), "links"))
  end))

  it("is its consumer's, who may be another than its maker", alone(function()
    local test = pierrot.self()
    local next_outcome, stream, first, closing =
      task.async_stream({ 1, 2, 3 }, function(x) return 2 * x end)

    local consumer = pierrot.spawn(function()
      local sum = 0
      for _, value in next_outcome, stream, first, closing do sum = sum + value end
      pierrot.send(test, { "sum", sum, #support.mailbox() })
    end)

    assert.same({ "sum", 12, 0 }, expect { "sum" })
    support.await_down(consumer)
    assert_clean()
  end))

  it("that nobody has asked is closed without a trace", alone(function()
    do
      local _, _, _, closing <close> = task.async_stream({ 1 }, function() end)
      assert.is_truthy(closing)
    end

    assert_clean()
    assert.same({}, pierrot.info(pierrot.self(), "links"))
  end))

  it("tells its callers in the tasks", alone(function()
    local me = pierrot.self()

    local results = collect({ 1, 2 }, function() return pierrot.info(pierrot.self(), "callers") end)

    assert.same({ { "ok", { me } }, { "ok", { me } } }, results)
  end))

  if not support.has_two_schedulers then return end

  it("spreads over all schedulers, with functions carried", alone(function()
    local add = 10
    local results, schedulers = {}, {}
    for _, value in task.async_stream({ 1, 2, 3, 4 }, function(n)
      return { n + add, pierrot.info(pierrot.self(), "scheduler") }
    end) do
      results[#results + 1] = value[1]
      schedulers[value[2]] = true
    end

    assert.same({ 11, 12, 13, 14 }, results)
    local n = 0
    for _ in pairs(schedulers) do n = n + 1 end
    assert.equal(math.min(4, pierrot.schedulers()), n)
  end))

  it("refuses a function that cannot be carried, unless it stays", alone(function()
    local file = io.stdout
    local function use() return io.type(file) end

    local text = error_text(function() task.async_stream({ 1 }, use) end)
    assert.is_truthy(text:find("upvalue 'file'", 1, true), text)
    assert.is_truthy(text:find("spec/task_spec.lua:", 1, true), text)
    assert.same({ { "ok", "file" } }, collect({ 1 }, use, { scheduler = "local" }))
  end))
end)
