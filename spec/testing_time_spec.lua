-- SPDX-License-Identifier: MIT
--- pierrot.testing under busted: assertions about the mailbox, virtual time, the log.

local busted_runs = require "spec.busted_runs"

local run, run_test = busted_runs.run, busted_runs.run_test
local assert_passed, assert_failed = busted_runs.assert_passed, busted_runs.assert_failed

describe("an assertion about the mailbox", function()
  it("takes the message that matches, which may come later", function()
    local test = run_test [[
      local test = pierrot.self()
      pierrot.send(test, { "other" })
      pierrot.spawn(function() pierrot.send(test, { "a", 1 }) end)
      assert.same({ "a", 1 }, assert_receive({ "a", pierrot.any }, 5000))
      pierrot.send(test, { "a", 2 })
      assert.same({ "a", 2 }, assert_received { "a" })
      assert.is_true(refute_received { "a" })
      assert.is_true(refute_receive({ "a" }, 1))
      assert.same({ { "other" } }, pierrot.info(test, "messages"))]]

    assert_passed(test)
  end)

  it("takes nil and false for messages", function()
    local test = run_test [[
      pierrot.send(pierrot.self(), nil)
      pierrot.send(pierrot.self(), false)
      assert.is_nil(assert_receive())
      assert.is_false(assert_received())
      assert.is_true(refute_received())]]

    assert_passed(test)
  end)

  for name, said in pairs {
    ['assert_receive({ "b" }, 1)'] = 'matching {"b"} came within 1 ms',
    ['assert_received { "b" }'] = 'matching {"b"} is there',
    ['assert_received { pierrot.any, "b" }'] = 'matching {any, "b"} is there',
    ['assert_received(pierrot.one_of({ "b" }, 2))'] = 'matching one_of({"b"}, 2) is there',
    ['refute_receive({ "a" }, 1)'] = 'matching {"a"} came: {"a", 1}',
    ['refute_received { "a" }'] = 'matching {"a"} is there: {"a", 1}',
  } do
    it("fails with pattern and mailbox: " .. name, function()
      local _, report = run_test([[
        pierrot.send(pierrot.self(), { "a", 1 })
        pierrot.send(pierrot.self(), { "waits", "here" })
        ]] .. name, { arguments = { "-o", "plainTerminal" } })

      for _, text in ipairs { "1 failure /", said, '{"waits", "here"}', ":12: " } do
        assert.is_truthy(report.output:find(text, 1, true), report.output)
      end
    end)
  end

  it("says that the mailbox is empty, or shows the end of a long one", function()
    assert_failed(run_test "assert_received()", "the mailbox is empty")
    local test = run_test [[
      for i = 1, 30 do pierrot.send(pierrot.self(), { "number", i }) end
      assert_received "none"]]
    assert_failed(test, "holds 30 messages, the last 10", '{"number", 21}', '{"number", 30}')
    assert.is_nil(test.text:find('{"number", 20}', 1, true))
  end)

  it("counts messages that are nil, and shows them", function()
    assert_failed(run_test [[
      pierrot.send(pierrot.self(), nil)
      assert_received "none"]], "the mailbox holds 1 message:\n  nil")
    assert_failed(run_test [[
      pierrot.send(pierrot.self(), nil)
      pierrot.send(pierrot.self(), "last")
      pierrot.send(pierrot.self(), nil)
      assert_received "none"]], 'the mailbox holds 3 messages:\n  nil\n  "last"\n  nil')
  end)

  it("says so when the message has come too late", function()
    local late = run_test [[
      local n_seen = 0
      pierrot.send(pierrot.self(), "late")
      assert_receive(function(message)
        n_seen = n_seen + 1
        return message == "late" and n_seen > 1
      end, 1)]]
    local never = run_test [[
      pierrot.send(pierrot.self(), "another")
      assert_receive("none", 1)]]
    local fails = run_test [[
      local n_seen = 0
      pierrot.send(pierrot.self(), "late")
      assert_receive(function()
        n_seen = n_seen + 1
        assert(n_seen == 1, "seen twice")
      end, 1)]]

    assert_failed(late, "within 1 ms, but one has come since")
    assert_failed(never, "within 1 ms; the mailbox holds")
    assert_failed(fails, "within 1 ms; the mailbox holds")
  end)

  it("wants milliseconds", function()
    assert_failed(run_test "assert_receive('a', -1)", ":10: bad argument #2 to 'assert_receive'")
    assert_failed(run_test "refute_receive('a', {})", ":10: bad argument #2 to 'refute_receive'")
  end)
end)

describe("virtual time", function()
  it("fires timers by advance alone, in order, with everything at rest between them", function()
    local test = run_test [[
      local me = pierrot.self()
      virtual_time()
      local started = pierrot.now()
      pierrot.send_after(3600000, me, "hour")
      pierrot.send_after(1000, me, "second")
      pierrot.spawn(function()
        for i = 1, 3 do
          pierrot.sleep(400)
          pierrot.send(me, { i, pierrot.now() - started })
        end
      end)

      assert.is_true(advance(999))
      assert.same({ { 1, 400.0 }, { 2, 800.0 }, n = 2 }, pierrot.flush())
      advance(1)
      assert.same({ "second", n = 1 }, pierrot.flush())
      advance(3600000 - 1001)
      assert.same({ { 3, 1200.0 }, n = 1 }, pierrot.flush())
      advance(1)
      assert.same({ "hour", n = 1 }, pierrot.flush())
      assert.equal(3600000.0, pierrot.now() - started)]]

    assert_passed(test)
  end)

  it("holds for timeouts of servers, calls and receives", function()
    local test = run_test [[
      local me = pierrot.self()
      virtual_time()
      gen_server.start_link { init = function() return "ok", 1, 60000 end,
        handle_info = function(message) pierrot.send(me, { "server", message }) end }
      local mute = gen_server.start_link { init = function() return "ok", 1 end,
        handle_call = function() return "noreply" end }
      pierrot.spawn(function()
        local _, failure = pcall(gen_server.call, mute, "x", 30000)
        pierrot.send(me, { "call", failure.reason[1] })
      end)
      pierrot.spawn(function()
        pierrot.send(me, { "receive", select(2, pierrot.receive(nil, 10000)) })
      end)

      advance(10000)
      assert.same({ { "receive", "timeout" }, n = 1 }, pierrot.flush())
      advance(20000)
      assert.same({ { "call", "timeout" }, n = 1 }, pierrot.flush())
      advance(30000)
      assert.same({ { "server", "timeout" }, n = 1 }, pierrot.flush())]]

    assert_passed(test)
  end)

  it("holds for supervisors: the window of restarts, the time to shut down", function()
    local test = run_test [[
      local supervisor = require "pierrot.supervisor"
      pierrot.trap_exit(true)
      local function trapping()
        return pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.receive "never sent"
        end)
      end
      local sup = supervisor.start_link({ { id = 1, shutdown = 300, start = trapping } },
        { strategy = "one_for_one", max_restarts = 1, max_seconds = 5 })
      local function kill() pierrot.exit(supervisor.which_children(sup)[1].pid, "kill") end
      virtual_time()
      for _ = 1, 5 do
        kill()
        advance(5001)
        assert.is_true(pierrot.is_alive(sup))
      end
      pierrot.exit(sup, "shutdown")
      advance(299)
      assert.is_true(pierrot.is_alive(sup))
      advance(1)
      assert_received { "EXIT", sup, "shutdown" }]]

    assert_passed(test)
  end)

  it("holds for tasks and what waits for them", function()
    local test = run_test [[
      local task = require "pierrot.task"
      local me = pierrot.self()
      local function sleep(ms) require "pierrot".sleep(ms) return ms end
      virtual_time()
      pierrot.spawn(function()
        local outcomes = {}
        for status, value in task.async_stream({ 10, 60000, 30 }, sleep,
          { on_timeout = "kill_task", timeout = 500, max_concurrency = 3 }) do
          outcomes[#outcomes + 1] = status .. " " .. value
        end
        pierrot.send(me, outcomes)
      end)
      pierrot.spawn(function()
        local _, failure = pcall(task.await, task.async(sleep, 60000))
        pierrot.send(me, failure.reason[1])
      end)
      advance(499)
      refute_received(pierrot.any)
      advance(1)
      assert.same({ "ok 10", "exit timeout", "ok 30" }, assert_received(pierrot.any))
      advance(4499)
      refute_received(pierrot.any)
      advance(1)
      assert.equal("timeout", assert_received(pierrot.any))]]

    assert_passed(test)
  end)

  it("makes assertions about the mailbox wait until all is idle", function()
    local test = run_test [[
      local me = pierrot.self()
      virtual_time()
      pierrot.send_after(50, me, "late")
      pierrot.spawn(function()
        for _ = 1, 1000 do pierrot.yield() end
        pierrot.send(me, "soon")
      end)
      assert.equal("soon", assert_receive "soon")
      assert.is_true(refute_receive "late")
      assert.is_false(pcall(assert_receive, "late", 100))
      advance(50)
      assert.equal("late", assert_received "late")]]

    assert_passed(test)
  end)

  it("reaches all schedulers", function()
    local test = run_test([[
      local me = pierrot.self()
      virtual_time()
      for i = 1, pierrot.schedulers() do
        pierrot.spawn_opt({ scheduler = i }, function(to, index)
          local pierrot = require "pierrot"
          for n = 1, 20 do
            pierrot.sleep(index * 100)
            pierrot.send(to, { index, n, pierrot.now() })
          end
        end, me, i)
      end
      local started = pierrot.now()
      advance(20 * 100 * pierrot.schedulers())

      local messages, last = pierrot.flush(), started
      assert.equal(20 * pierrot.schedulers(), messages.n)
      for _, message in ipairs(messages) do
        assert.equal(message[1] * message[2] * 100.0, message[3] - started)
        assert.is_true(message[3] >= last)
        last = message[3]
      end
      assert.equal(3, pierrot.schedulers())]], { schedulers = 3 })

    assert_passed(test)
  end)

  it("waits for what goes round the schedulers, whoever has just fallen asleep", function()
    local test = run_test([[
      local N_HOPS <const>, N_ROUNDS <const> = 60, 300
      local me, ring = pierrot.self(), {}
      virtual_time()
      for i = 1, pierrot.schedulers() do
        ring[i] = pierrot.spawn_opt({ scheduler = i }, function(to)
          local pierrot = require "pierrot"
          while true do
            local hop = pierrot.receive()
            if hop.n == 0 then
              pierrot.send(to, { "round", hop.round })
            else
              hop.n = hop.n - 1
              pierrot.send(hop.ring[hop.n % #hop.ring + 1], hop)
            end
          end
        end, me)
      end
      for round = 1, N_ROUNDS do
        pierrot.send_after(10, ring[round % #ring + 1], { n = N_HOPS, ring = ring, round = round })
        advance(10)
        assert.same({ "round", round }, pierrot.receive(nil, 0))
      end
      for _, pid in ipairs(ring) do pierrot.exit(pid, "kill") end]], { schedulers = 4 })

    assert_passed(test)
  end)

  it("is over with its test, and time has not gone back", function()
    local report = run [[
      local pid, before
      it("one", function()
        virtual_time()
        advance(1000000)
        before = pierrot.now()
        start_supervised { id = 1, shutdown = 100, start = function()
          return pierrot.spawn_link(function()
            pierrot.trap_exit(true)
            while true do pierrot.receive() end
          end)
        end }
      end)
      it("two", function()
        assert.is_true(pierrot.now() >= before)
        assert.same({ nil, "timeout" }, { pierrot.receive(nil, 1) })
        assert.is_false(pcall(advance, 1))
      end)]]

    assert_passed(report.tests["one"])
    assert_passed(report.tests["two"])
  end)

  it("does not hold for the time that a test may take", function()
    local report = run([[
      it("one", function()
        virtual_time()
        advance(1000000)
        pierrot.sleep(10)
      end)
      it("two", function()
        virtual_time()
        while true do end
      end)
      it("three", function() pierrot.sleep(1) end)]], { environment = "PIERROT_TEST_TIMEOUT=200" })

    assert_failed(report.tests["one"], "longer than 200 ms")
    assert_failed(report.tests["two"], "longer than 200 ms")
    assert_passed(report.tests["three"])
  end)

  it("is refused outside of a test, and advance without it", function()
    assert_failed(run_test "advance(1)", ":10: advance is for virtual time")
    assert_failed(run_test "virtual_time(); advance(-1)", ":10: bad argument #1 to 'advance'")
    assert_failed(run_test "virtual_time(); advance('x')", ":10: bad argument #1 to 'advance'")
    assert_passed(run_test [[
      local test = pierrot.self()
      pierrot.spawn(function() pierrot.send(test, { pcall(virtual_time) }) end)
      assert.is_false(assert_receive(nil, 5000)[1])]])
  end)
end)

describe("capture_log", function()
  it("gives what anyone logs meanwhile, and keeps it from stderr", function()
    local test, report = run_test [[
      local logger = require "pierrot.logger"
      logger.warning("before")
      local text = capture_log(function()
        logger.warning("by %s", "the test")
        local _, ref = pierrot.spawn_monitor(function() error("by a crash") end)
        assert_receive({ "DOWN", ref }, 5000)
      end)
      assert.is_truthy(text:find("by the test", 1, true), text)
      assert.is_truthy(text:find("by a crash", 1, true), text)
      assert.is_nil(text:find("before", 1, true))
      assert.equal("", capture_log(function() end))
      logger.warning("after")
      assert.same({}, pierrot.info(pierrot.self(), "messages"))]]

    assert_passed(test)
    assert.is_truthy(report.errors:find("before.*after"), report.errors)
    assert.is_nil(report.errors:find("by ", 1, true), report.errors)
  end)

  it("nests, and lets errors through", function()
    local test, report = run_test [[
      local logger = require "pierrot.logger"
      local inner
      local outer = capture_log(function()
        logger.error "one"
        inner = capture_log(function() logger.error "two" end)
        assert.is_false(pcall(capture_log, function() logger.error "three"; error "passes" end))
      end)
      assert.is_truthy(inner:find "two")
      assert.is_nil(inner:find "one")
      assert.is_truthy(outer:find "one.*two.*three")
      local passed, failure = pcall(capture_log, function() error({ 1 }) end)
      assert.same({ false, { 1 } }, { passed, failure })
      assert.is_false(pcall(capture_log, 42))
      logger.error "heard"]]

    assert_passed(test)
    assert.is_truthy(report.errors:find("heard", 1, true), report.errors)
  end)

  it("is over with a process that dies in it, while the test goes on", function()
    local report = run [[
      local logger = require "pierrot.logger"
      it("one", function()
        local ids = #logger.handlers()
        local pid, ref = pierrot.spawn_monitor(function()
          capture_log(function() pierrot.receive() end)
        end)
        while logger.handlers()[1] == "default" do pierrot.yield() end
        while pierrot.info(pid, "status") ~= "waiting" do pierrot.yield() end
        pierrot.exit(pid, "kill")
        pierrot.receive { "DOWN", ref }
        while logger.handlers()[1] ~= "default" do pierrot.yield() end
        assert.equal(ids, #logger.handlers())
        logger.error "heard"
      end)]]

    assert_passed(report.tests["one"])
    assert.is_truthy(report.errors:find("heard", 1, true), report.errors)
  end)

  it("is over with a test that dies in it", function()
    local report = run [[
      local logger = require "pierrot.logger"
      local ids = #logger.handlers()
      it("one", function()
        capture_log(function() pierrot.exit(pierrot.self(), "kill") end)
      end)
      it("two", function()
        assert.equal(ids, #logger.handlers())
        logger.error "heard"
      end)]]

    assert_failed(report.tests["one"], [["killed"]])
    assert_passed(report.tests["two"])
    assert.is_truthy(report.errors:find("heard", 1, true), report.errors)
  end)
end)
