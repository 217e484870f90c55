-- SPDX-License-Identifier: MIT
--- pierrot.task_supervisor: tasks that are children of a supervisor.

local pierrot = require "pierrot"
local support = require "spec.support"
local task = require "pierrot.task"
local task_supervisor = require "pierrot.task_supervisor"

local alone, expect = support.alone, support.expect
local error_text = support.error_text

local function start(opts)
  return assert(task_supervisor.start_link(opts))
end

local function wait() return pierrot.receive({ "return" })[2] end

local function finish(t, value) pierrot.send(t.pid, { "return", value }) end

describe("a task of a task supervisor", function()
  it("TSUP-001 is its child, linked to the caller and watched, and awaited as usual",
    alone(function()
      local me, sup = pierrot.self(), start()

      local t = task_supervisor.async(sup, wait)

      assert.same({ t.pid }, task_supervisor.children(sup))
      assert.same({ sup, t.pid }, pierrot.info(me, "links"))
      assert.same({ t.pid }, pierrot.info(me, "monitors"))
      finish(t, 42)
      assert.equal(42, task.await(t))
      assert.same({}, support.mailbox())
    end))

  it("gets its arguments, after options where there are some", alone(function()
    local sup = start()
    local function count(...) return { select("#", ...), ... } end

    assert.same({ 3, 1, nil, 3 }, task.await(task_supervisor.async(sup, count, 1, nil, 3)))
    assert.same({ 1, "a" },
      task.await(task_supervisor.async_nolink(sup, { shutdown = 10 }, count, "a")))
  end))

  it("TSUP-002 without a link crashes alone", alone(function()
    local sup = start()

    local t = task_supervisor.async_nolink(sup, wait)
    local crash = task_supervisor.async_nolink(sup, function()
      pierrot.receive "crash"
      pierrot.exit "the reason"
    end)

    assert.same({ sup }, pierrot.info(pierrot.self(), "links"))
    assert.equal(2, #pierrot.info(pierrot.self(), "monitors"))
    pierrot.send(crash.pid, "crash")
    assert.same({ "exit", "the reason" }, { task.yield(crash) })
    finish(t, 1)
    assert.same({ "ok", 1 }, { task.yield(t) })
    assert.same({}, support.mailbox())
  end))

  it("TSUP-003 may be one that nobody awaits, without link and message", alone(function()
    local me, sup = pierrot.self(), start()

    local pid = task_supervisor.start_child(sup, function(...)
      pierrot.send(me, { "args", ... })
      wait()
    end, 1, 2)

    assert.same({ "args", 1, 2 }, expect { "args" })
    assert.same({ sup }, pierrot.info(me, "links"))
    assert.same({}, pierrot.info(me, "monitors"))
    local ref = pierrot.monitor(pid)
    finish { pid = pid }
    assert.equal("normal", support.await_down(ref))
    assert.same({}, support.mailbox())
  end))

  it("TSUP-004 is not started again after a crash, unless it is permanent", alone(function()
    local me, sup = pierrot.self(), start()
    local function tell(name)
      pierrot.send(me, { name, pierrot.self() })
      pierrot.receive()
    end
    local once = task_supervisor.start_child(sup, tell, "once")
    local again = task_supervisor.start_child(sup, { restart = "permanent" }, tell, "again")
    expect { "once", once }
    expect { "again", again }

    pierrot.exit(once, "crash")
    pierrot.exit(again, "crash")

    local new = expect({ "again" })[2]
    assert.not_equal(again, new)
    assert.same({ new }, task_supervisor.children(sup))
    assert.is_nil((pierrot.receive({ "once" }, 0)))
  end))

  it("TSUP-005 is gone when terminate_child says so", alone(function()
    local sup = start()
    local t = task_supervisor.async_nolink(sup, wait)

    assert.is_true(task_supervisor.terminate_child(sup, t.pid))

    assert.is_false(pierrot.is_alive(t.pid))
    assert.same({ nil, "not_found" }, { task_supervisor.terminate_child(sup, t.pid) })
    assert.same({ nil, "not_found" },
      { task_supervisor.terminate_child(sup, pierrot.self()) })
    assert.same({}, task_supervisor.children(sup))
  end))

  it("TSUP-006 is refused beyond max_children, by name", alone(function()
    local sup = start { max_children = 1 }
    task_supervisor.start_child(sup, wait)

    assert.same({ nil, "max_children" }, { task_supervisor.start_child(sup, wait) })
    for _, how in ipairs { "async", "async_nolink" } do
      local text = error_text(function() task_supervisor[how](sup, wait) end)
      assert.is_truthy(text:find("max_children", 1, true), text)
      assert.is_truthy(text:find("spec/task_supervisor_spec.lua:", 1, true), text)
    end
    for _, how in ipairs { "async_stream", "async_stream_nolink" } do
      local text = error_text(function()
        for _ in task_supervisor[how](sup, { 1 }, wait) do error "one ran" end
      end)
      assert.is_truthy(text:find("max_children", 1, true), text)
      assert.is_truthy(text:find("spec/task_supervisor_spec.lua:", 1, true), text)
    end
    assert.equal(1, #task_supervisor.children(sup))
  end))

  it("TSUP-009 knows who asked for it as caller, the supervisor as ancestor", alone(function()
    local me, sup = pierrot.self(), start()
    local function look() return pierrot.info(pierrot.self(), { "callers", "ancestors" }) end

    local found = {
      task.await(task_supervisor.async(sup, look)),
      task.await(task_supervisor.async_nolink(sup, look)),
    }
    task_supervisor.start_child(sup, function() pierrot.send(me, { "found", look() }) end)
    found[3] = expect({ "found" })[2]

    for _, info in ipairs(found) do
      assert.same({ me }, info.callers)
      assert.equal(sup, info.ancestors[1])
    end
  end))

  it("ends with its supervisor", alone(function()
    local sup = start()
    local t = task_supervisor.async_nolink(sup, wait)

    pierrot.unlink(sup)
    pierrot.exit(sup, "shutdown")

    assert.same({ "exit", "shutdown" }, { task.yield(t) })
  end))

  it("ends when its owner ends before it has told it what to run", alone(function()
    local sup = start()
    local owner = pierrot.spawn(function() pierrot.receive() end)
    local dynamic = require "pierrot.dynamic_supervisor"
    local pid = dynamic.start_child(sup, {
      restart = "temporary",
      start = { "pierrot.task.supervised", "start_link", owner },
    })

    pierrot.exit(owner, "kill")

    assert.equal("shutdown", support.await_down(pid)[1])
    assert.is_true(pierrot.is_alive(sup))
  end))
end)

describe("a stream of a task supervisor", function()
  local function collect(how, sup, list, fn, opts)
    local results = {}
    for status, value in task_supervisor[how](sup, list, fn, opts) do
      results[#results + 1] = { status, value }
    end
    return results
  end

  for _, how in ipairs { "async_stream", "async_stream_nolink" } do
    it("gives results in order: " .. how, alone(function()
      local sup = start()

      local results = collect(how, sup, { 1, 2, 3 }, function(n)
        return { n * 2, pierrot.info(pierrot.self(), "ancestors")[1] == sup }
      end)

      assert.same({ { "ok", { 2, true } }, { "ok", { 4, true } }, { "ok", { 6, true } } }, results)
      assert.same({}, support.mailbox())
      assert.same({}, task_supervisor.children(sup))
    end))
  end

  it("without links gives exits in their places", alone(function()
    local sup = start()

    assert.same({ { "ok", 1 }, { "exit", "the reason" }, { "ok", 3 } },
      collect("async_stream_nolink", sup, { 1, 2, 3 }, function(n)
        if n == 2 then pierrot.exit "the reason" end
        return n
      end))
  end))

  for _, how in ipairs { "async_stream", "async_stream_nolink" } do
    it("gives its tasks the time to shut down that its options name: " .. how,
      alone(function()
        local me, sup = pierrot.self(), start()
        pierrot.unlink(sup)
        local consumer = pierrot.spawn(function()
          pierrot.trap_exit(true)
          pierrot.send(me, { "outcomes", collect(how, sup, { 1 }, function()
            pierrot.trap_exit(true)
            pierrot.send(me, "traps")
            pierrot.receive "never"
          end, { shutdown = "brutal_kill" }) })
        end)
        expect "traps"

        pierrot.exit(sup, "shutdown")

        assert.same({ "outcomes", { { "exit", "killed" } } }, expect { "outcomes" })
        support.await_down(consumer)
      end))

    it("refuses another time to shut down at once: " .. how, alone(function()
      local sup = start()

      for _, shutdown in ipairs { "unknown", -1, false } do
        local text = error_text(function()
          task_supervisor[how](sup, {}, print, { shutdown = shutdown })
        end)
        assert.is_truthy(text:find("bad option 'shutdown'", 1, true), text)
        assert.is_truthy(text:find("spec/task_supervisor_spec.lua:", 1, true), text)
      end
      assert.is_truthy(error_text(task.async_stream, {}, print, { shutdown = 1 })
        :find("unknown option", 1, true))
    end))
  end

  it("ends its tasks when the loop is left", alone(function()
    local sup = start()
    local seen = {}
    for _, value in task_supervisor.async_stream(sup, { 1, 2, 3 }, function(n)
      if n > 1 then pierrot.receive "never" end
      return n
    end, { max_concurrency = 3 }) do
      seen[#seen + 1] = value
      if value == 1 then break end
    end

    assert.same({ 1 }, seen)
    assert.same({}, task_supervisor.children(sup))
    assert.is_true(pierrot.is_alive(sup))
  end))
end)

describe("a task supervisor", function()
  it("has a name, a child spec, and what is wrong said at the caller's line", alone(function()
    local name = "tasks of " .. tostring(pierrot.self())
    start { name = name }
    assert.equal(1, task.await(task_supervisor.async(name, function() return 1 end)))
    local spec = task_supervisor.child_spec { name = name }
    assert.same({ "pierrot.task_supervisor", "permanent", "infinity", "supervisor" },
      { spec.id, spec.restart, spec.shutdown, spec.type })

    local wrong = {
      { function() task_supervisor.async(42, print) end, "bad argument #1 to 'async'" },
      { function() task_supervisor.async(name, 42) end, "bad argument #2 to 'async' (function" },
      { function() task_supervisor.async(name, {}, 42) end, "bad argument #3 to 'async'" },
      { function() task_supervisor.start_child(name, { x = 1 }, print) end, "unknown option" },
      { function() task_supervisor.async_stream(name, 42, print) end, "bad argument #2" },
      { function() task_supervisor.start_link { max_children = -1 } end, "max_children" },
      { function() task_supervisor.async(name, print, { print }) end, "cannot send a function" },
      { function() task_supervisor.start_child(name, print, { print }) end,
        "cannot send a function (at [1][1])" },
    }
    for _, row in ipairs(wrong) do
      local text = error_text(row[1])
      assert.is_truthy(text:find(row[2], 1, true), text)
      assert.is_truthy(text:find("spec/task_supervisor_spec.lua:", 1, true), text)
    end
    assert.same({}, task_supervisor.children(name))
  end))

  if not support.has_two_schedulers then return end

  it("may be on another scheduler, where its tasks run", alone(function()
    local sup = start { scheduler = support.elsewhere() }
    local add = 1

    local t = task_supervisor.async(sup, function(n)
      return { n + add, pierrot.info(pierrot.self(), "scheduler") }
    end, 1)

    assert.same({ 2, support.elsewhere() }, task.await(t))
    local text = error_text(function()
      local file = io.stdout
      task_supervisor.async(sup, function() return file end)
    end)
    assert.is_truthy(text:find("upvalue 'file'", 1, true), text)
  end))
end)
