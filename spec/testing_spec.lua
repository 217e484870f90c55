-- SPDX-License-Identifier: MIT
--- pierrot.testing under busted: what runs where, what is cleaned up, what fails.

local busted_runs = require "spec.busted_runs"
local support = require "spec.support"

local run, run_test = busted_runs.run, busted_runs.run_test
local assert_passed, assert_failed = busted_runs.assert_passed, busted_runs.assert_failed

describe("a test", function()
  it("EXU-022 runs its hooks, in order, in the process that is its own", function()
    local report = run [[
      local me
      before_each(function() me = pierrot.self(); say("outer") end)
      describe("block", function()
        before_each(function() assert(me == pierrot.self()); say("inner") end)
        after_each(function() assert(me == pierrot.self()); say("after") end)
        it("one", function()
          assert(me == pierrot.self())
          finally(function() assert(me == pierrot.self()); say("finally") end)
        end)
      end)]]

    assert_passed(report.tests["block one"])
    assert.same({ "outer", "inner", "finally", "after" }, report.said)
    assert.equal(0, report.status)
  end)

  it("has another process than the one before, which has ended with shutdown", function()
    local report = run [[
      local first, ref
      it("one", function()
        first = pierrot.self()
        local watcher = pierrot.spawn(function()
          local ref = pierrot.monitor(first)
          pierrot.register("watcher", pierrot.self())
          pierrot.send(first, "watched")
          local down = pierrot.receive { "DOWN", ref }
          pierrot.send(pierrot.receive { "asks" }[2], down[5])
        end)
        pierrot.receive "watched"
      end)
      it("two", function()
        assert.not_equal(first, pierrot.self())
        assert.is_false(pierrot.is_alive(first))
        pierrot.send("watcher", { "asks", pierrot.self() })
        assert.equal("shutdown", assert_receive(nil, 5000))
      end)]]

    assert_passed(report.tests["one"])
    assert_passed(report.tests["two"])
  end)

  it("fails by a failed assertion and is an error by an error, as without pierrot", function()
    local report = run([[
      it("fails", function() assert.equal(1, 2) end)
      it("errs", function() error("by an error") end)
      it("waits", function() pending("for later") end)
      it("passes", function() end)]], { arguments = { "-o", "plainTerminal" } })

    assert.is_truthy(report.output:find("1 success / 1 failure / 1 error / 1 pending", 1, true),
      report.output)
    assert.is_truthy(report.output:find("by an error", 1, true))
    assert.equal(1, report.status)
  end)

  it("fails with the reason of its process when that dies, and its after_each does not run",
    function()
      local report = run [[
        after_each(function() say("after") end)
        it("one", function()
          pierrot.spawn_link(function() pierrot.exit("the reason") end)
          pierrot.receive("never")
        end)
        it("two", function() end)]]

      assert_failed(report.tests["one"], [["the reason"]])
      assert_passed(report.tests["two"])
      assert.same({ "after" }, report.said)
    end)

  it("fails when its process dies in before_each", function()
    local report = run [[
      local times = 0
      before_each(function()
        times = times + 1
        if times == 1 then pierrot.exit(pierrot.self(), "kill") end
      end)
      it("one", function() end)
      it("two", function() end)]]

    assert_failed(report.tests["one"], [["killed"]])
    assert_passed(report.tests["two"])
  end)

  it("fails by an end with any reason", function()
    local report = run [[
      for name, reason in pairs { no = false, table = { 1, { 2 } }, text = "x" } do
        it(name, function() pierrot.exit(pierrot.self(), reason) end)
      end
      it("nothing", function() pierrot.exit(pierrot.self(), nil) end)
      it("last", function() end)]]

    assert_failed(report.tests["no"], "false")
    assert_failed(report.tests["table"], "{1, {2}}")
    assert_failed(report.tests["text"], [["x"]])
    assert_failed(report.tests["nothing"], "its process ended with")
    assert_passed(report.tests["last"])
  end)

  it("fails by a kill that no pcall stops", function()
    local test = run_test [[
      pcall(function() pierrot.exit(pierrot.self(), "kill") end)]]

    assert_failed(test, [["killed"]])
  end)

  it("that hangs is ended, and tells where it was", function()
    local report = run([[
      it("loops", function() pcall(function() while true do end end) end)
      it("waits", function() pierrot.receive() end)
      it("passes", function() end)]], { environment = "PIERROT_TEST_TIMEOUT=200" })

    assert_failed(report.tests["loops"], "longer than 200 ms", ":9:")
    assert_failed(report.tests["waits"], "longer than 200 ms", "receive")
    assert_passed(report.tests["passes"])
  end)

  it("is reported once, and later tests have their contexts, whatever died before", function()
    local report = run [[
      describe("outer", function()
        describe("inner", function()
          it("dies", function() pierrot.exit(pierrot.self(), "kill") end)
          it("has its functions", function()
            assert.is_function(finally)
            assert.is_function(start_supervised)
          end)
        end)
        it("is outside", function() end)
      end)]]

    assert_failed(report.tests["outer inner dies"])
    assert_passed(report.tests["outer inner has its functions"])
    assert_passed(report.tests["outer is outside"])
    assert.same({ 2, 1 }, { report.n_passed, report.n_failed })
  end)

  it("runs again with --repeat and in any order", function()
    local report = run([[
      it("one", function() start_supervised "pierrot.bucket"; say("run") end)
      it("two", function() start_supervised "pierrot.bucket"; say("run") end)]],
      { arguments = { "--repeat=3", "--shuffle" } })

    assert.equal(6, #report.said)
    assert.equal(0, report.status, report.output)
  end)

  for _, alias in ipairs { "test", "spec" } do
    it("is the same by the name of " .. alias, function()
      local report = run(alias .. [[("one", function()
        assert.same({}, pierrot.info(pierrot.self(), "ancestors"))
        start_supervised "pierrot.bucket"
      end)]])

      assert_passed(report.tests["one"])
    end)
  end

  it("may be in a file that requires the module itself", function()
    local report = run([[
      local testing = require "pierrot.testing"
      it("one", function() assert.is_true(pierrot.is_alive(testing.start_supervised(bucket))) end)
      it("two", function() assert.is_true(pierrot.is_alive(start_supervised(bucket))) end)]],
      { helper = "string" })

    assert_passed(report.tests["one"])
    assert_passed(report.tests["two"])
  end)
end)

describe("what a test started", function()
  it("EXU-001 runs under a supervisor of its own, not linked to it", function()
    local test = run_test [[
      local Keeper = { init = function(arg) return "ok", arg end,
        handle_call = function(_, _, state) return "reply", state end }
      local by_module = start_supervised("pierrot.bucket")
      local by_pair = start_supervised { Keeper, "argument" }
      local by_spec = start_supervised { id = "third", start = function()
        return gen_server.start_link(Keeper, "of the spec")
      end }

      assert.equal("argument", gen_server.call(by_pair, "get"))
      assert.equal("of the spec", gen_server.call(by_spec, "get"))
      assert.equal(0, bucket.size(by_module))
      assert.same({}, pierrot.info(pierrot.self(), "links"))]]

    assert_passed(test)
  end)

  for id, row in pairs {
    ["EXU-002"] = { "passes", "" }, ["EXU-019"] = { "fails", "assert(false)" },
  } do
    local outcome, body = row[1], row[2]
    it(id .. " is gone before on_exit and the next test when it " .. outcome, function()
      local report = run([[
        local pid
        it("one", function()
          pid = start_supervised "pierrot.bucket"
          on_exit(function() say(pierrot.is_alive(pid)  and "alive" or "gone") end)
          ]] .. body .. [[
        end)
        it("two", function() assert.is_false(pierrot.is_alive(pid)) end)]])

      assert.equal(outcome == "passes", report.tests["one"].passed)
      assert.same({ "gone" }, report.said)
      assert_passed(report.tests["two"])
    end)
  end

  it("stops in the right order: supervised, last first, then linked, then on_exit", function()
    local test, report = run_test [[
      local function server(name)
        return { init = function() pierrot.trap_exit(true); return "ok", name end,
          terminate = function(reason) say(name, reason) end }
      end
      gen_server.start_link(server "linked", nil)
      start_supervised { server "first", nil }
      start_supervised { server "second", nil }
      start_link_supervised { server "third", nil }
      on_exit(function() say "on_exit" end)]]

    assert_passed(test)
    assert.same({ "third shutdown", "second shutdown", "first shutdown", "linked shutdown",
      "on_exit" }, report.said)
  end)

  it("is gone too when the test's process dies", function()
    local report = run [[
      local pids
      it("one", function()
        local trapping = { init = function() pierrot.trap_exit(true); return "ok", 1 end,
          terminate = function() pierrot.sleep(50) end }
        pids = { start_supervised { trapping }, gen_server.start_link(trapping),
          pierrot.spawn_link(function() pierrot.receive() end) }
        pierrot.exit(pierrot.self(), "kill")
      end)
      it("two", function()
        for _, pid in ipairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
      end)]]

    assert_failed(report.tests["one"])
    assert_passed(report.tests["two"])
  end)

  it("is killed and named when it does not end, which is an error", function()
    local report = run([[
      local pid, stubborn
      it("one", function()
        pid = pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.register("stubborn", pierrot.self())
          while true do pierrot.receive() end
        end)
        stubborn = start_supervised { id = 1, shutdown = "infinity", start = function()
          return pierrot.spawn_link(function()
            pierrot.trap_exit(true)
            while true do pierrot.receive() end
          end)
        end }
        pierrot.send(pid, pierrot.yield())
      end)
      it("two", function()
        assert.is_false(pierrot.is_alive(pid))
        assert.is_false(pierrot.is_alive(stubborn))
      end)]], { environment = "PIERROT_TEST_GRACE=100" })

    assert_failed(report.tests["one"], "had not ended after 100 ms and was killed",
      [["stubborn"]])
    assert_passed(report.tests["two"])
  end)

  it("EXU-015 has the test as its last ancestor and caller", function()
    local test = run_test [[
      local test = pierrot.self()
      start_supervised { id = 1, start = function()
        return pierrot.spawn_link(function()
          local ancestors = pierrot.info(pierrot.self(), "ancestors")
          pierrot.send(test, { "ancestors", ancestors })
          pierrot.send(test, { "callers", pierrot.info(ancestors[1], "callers") })
          pierrot.receive()
        end)
      end }
      local ancestors = assert_receive({ "ancestors" }, 5000)[2]
      local callers = assert_receive({ "callers" }, 5000)[2]
      assert.equal(test, ancestors[#ancestors])
      assert.equal(test, callers[#callers])]]

    assert_passed(test)
  end)
end)

describe("a supervised process", function()
  it("EXU-006 that is permanent starts again as often as it ends", function()
    local test = run_test [[
      local test = pierrot.self()
      local Server = { init = function() pierrot.send(test, pierrot.self()); return "ok", 1 end }
      local last = start_supervised { Server }
      assert.equal(last, assert_receive(last, 5000))
      for _ = 1, 20 do
        gen_server.stop(last)
        local new = assert_receive(pierrot.is_pid, 5000)
        assert.not_equal(last, new)
        last = new
      end]]

    assert_passed(test)
  end)

  it("EXU-007 that is temporary does not start again", function()
    local test = run_test [[
      local b = start_supervised "pierrot.bucket"
      bucket.stop(b)
      assert.is_true(stop_supervised("pierrot.bucket") == nil)
      assert.is_true(pierrot.is_alive(start_supervised "pierrot.bucket"))]]

    assert_passed(test)
  end)

  for restart, spec in pairs {
    permanent = [[{ init = function() return "ok", 1 end, child_spec = function()
      return { id = "the id", start = function() return gen_server.start_link(
        { init = function() return "ok", 1 end }) end } end }]],
    temporary = [[{ id = "the id", restart = "temporary", start = function()
      return bucket.start_link() end }]],
  } do
    it("EXU-009 that is stopped is dead, its id free, being " .. restart, function()
      local test = run_test("local spec = " .. spec .. [[

        local pid = start_supervised(spec)
        local stopped = stop_supervised("the id")
        assert.is_true(stopped)
        assert.is_false(pierrot.is_alive(pid))
        assert.not_equal(pid, start_supervised(spec))]])

      assert_passed(test)
    end)
  end

  it("that is linked is stopped by its module, and the test lives", function()
    local test = run_test [[
      local Server = { init = function() return "ok", {} end }
      local pid = start_link_supervised(Server)
      assert.is_true(stop_supervised(Server))
      assert.is_false(pierrot.is_alive(pid))
      pierrot.yield()]]

    assert_passed(test)
  end)

  it("that is linked is stopped by an id that is a table, and the test lives", function()
    local test = run_test [[
      local pid = start_link_supervised { id = { "bucket", 1 },
        start = { "pierrot.bucket", "start_link" } }
      assert.is_true(stop_supervised { "bucket", 1 })
      assert.is_false(pierrot.is_alive(pid))
      pierrot.yield()]]

    assert_passed(test)
  end)

  it("EXU-010 that is not known cannot be stopped", function()
    local test = run_test [[
      assert.same({ nil, "not_found" }, { stop_supervised("nobody") })
      start_supervised "pierrot.bucket"
      assert.same({ nil, "not_found" }, { stop_supervised("nobody") })]]

    assert_passed(test)
  end)

  it("EXU-012 that is linked fails the test by its crash", function()
    local test = run_test [[
      local b = start_link_supervised "pierrot.bucket"
      pierrot.exit(b, "its crash")
      pierrot.receive("never")]]

    assert_failed(test, [["its crash"]])
  end)

  it("that is linked may be stopped by the test", function()
    local test = run_test [[
      local b = start_link_supervised "pierrot.bucket"
      assert.is_true(stop_supervised "pierrot.bucket")
      assert.is_false(pierrot.is_alive(b))]]

    assert_passed(test)
  end)

  it("EXU-014 that is not linked crashes alone", function()
    local test = run_test [[
      local b = start_supervised "pierrot.bucket"
      local ref = pierrot.monitor(b)
      pierrot.exit(b, "its crash")
      assert_receive({ "DOWN", ref }, 5000)]]

    assert_passed(test)
  end)

  it("EXU-004 that does not start gives nil and the reason, or raises spec and reason", function()
    local spec = '{ id = "this child", start = function() return nil, { "no", "luck" } end }'

    local tried = run_test("assert.same({ nil, { 'no', 'luck' } }, { try_start_supervised("
      .. spec .. ") })")
    local raised = run_test("start_supervised(" .. spec .. ")")

    assert_passed(tried)
    assert_failed(raised, "this child", [[{"no", "luck"}]], ":10:")
  end)

  it("EXU-005 whose start raises gives the error, and the raising form its text", function()
    local spec = '{ id = "this child", start = function() error("no luck") end }'

    local tried = run_test([[
      local pid, reason = try_start_supervised(]] .. spec .. [[)
      assert.is_nil(pid)
      assert.equal("error", reason[1])
      assert.is_truthy(reason[2]:find("no luck", 1, true))]])
    local raised = run_test("start_supervised(" .. spec .. ")")

    assert_passed(tried)
    assert_failed(raised, "this child", "no luck")
  end)

  it("with a bad spec raises at the line of the test", function()
    local test = run_test "start_supervised { id = 1 }"

    assert_failed(test, ":10: bad field 'start'")
  end)

  it("cannot be started from another process", function()
    local test = run_test [[
      local test = pierrot.self()
      pierrot.spawn(function()
        for _, name in ipairs { "start_supervised", "try_start_supervised",
          "start_link_supervised", "stop_supervised", "on_exit" } do
          local ok, failure = pcall(_G[name], "pierrot.bucket")
          pierrot.send(test, { ok, failure })
        end
      end)
      for _ = 1, 5 do
        local message = assert_receive({ false }, 5000)
        assert.is_truthy(message[2]:find("from the process of a test", 1, true))
      end]]

    assert_passed(test)
  end)
end)

describe("a function of on_exit", function()
  it("EXU-017 runs last registered first, those of a setup at the block's end", function()
    local report = run [[
      describe("block", function()
        setup(function() on_exit(function() say "setup" end) end)
        before_each(function() on_exit(function() say "before" end) end)
        it("one", function()
          on_exit(function() say "one" end)
          on_exit(function() say "two" end)
        end)
        it("two", function() end)
        teardown(function() say "teardown" end)
      end)]]

    assert.same({ "two", "one", "before", "before", "teardown", "setup" }, report.said)
  end)

  it("EXU-018 takes the place of an earlier one of its name", function()
    local _, report = run_test [[
      on_exit("name", function() say "first" end)
      on_exit("other", function() say "other" end)
      on_exit("name", function() say "second" end)]]

    assert.same({ "other", "second" }, report.said)
  end)

  it("EXU-018 may have a table for its name, which is known by its contents", function()
    local _, report = run_test [[
      on_exit({ "name", 1 }, function() say "first" end)
      on_exit({ "name", 2 }, function() say "other" end)
      on_exit({ "name", 1 }, function() say "second" end)]]

    assert.same({ "other", "second" }, report.said)
  end)

  it("runs in another process, when the test's has ended", function()
    local _, report = run_test [[
      local test = pierrot.self()
      on_exit(function() say(test == pierrot.self(), pierrot.is_alive(test)) end)]]

    assert.same({ "false false" }, report.said)
  end)

  it("fails the test by failing, and the others still run", function()
    local report = run([[
      it("the test", function()
        on_exit(function() say "first" end)
        on_exit(function() assert.equal("a", "b") end)
        on_exit(function() error "an error of it" end)
        on_exit(function() pierrot.exit "an exit of it" end)
        on_exit(function() while true do end end)
        on_exit(function() say "last" end)
      end)
      it("another", function() end)]], { environment = "PIERROT_TEST_TIMEOUT=200" })

    assert_failed(report.tests["the test"], "Expected objects to be equal", "an error of it",
      "an exit of it", "200 ms")
    assert.same({ "last", "first" }, report.said)
    assert_passed(report.tests["another"])
  end)

  it("must be a function", function()
    assert_failed(run_test "on_exit('name', 42)", ":10: bad argument #2 to 'on_exit'")
    assert_failed(run_test "on_exit()", ":10: bad argument #1 to 'on_exit'")
  end)
end)

describe("a block", function()
  it("has a process for its setup and teardown, which lives while its tests run", function()
    local report = run [[
      local me, b
      describe("outer", function()
        setup(function() me = pierrot.self(); b = start_supervised "pierrot.bucket" end)
        it("one", function()
          assert.not_equal(me, pierrot.self())
          bucket.put(b, "key", 1)
        end)
        describe("inner", function()
          local inner
          lazy_setup(function() inner = pierrot.self() end)
          it("two", function()
            assert.equal(1, bucket.get(b, "key"))
            assert.not_equal(me, inner)
            assert.is_true(pierrot.is_alive(inner))
          end)
          lazy_teardown(function() assert.equal(inner, pierrot.self()) end)
        end)
        teardown(function()
          assert.equal(me, pierrot.self())
          assert.is_true(pierrot.is_alive(b))
        end)
      end)
      it("three", function() assert.is_false(pierrot.is_alive(b)) end)]]

    assert.same({ 3, 0 }, { report.n_passed, report.n_failed }, report.output)
    assert.equal(0, report.status)
  end)

  it("whose setup's process dies makes errors of its tests, and of no others", function()
    local report = run [[
      describe("outer", function()
        local me
        setup(function() me = pierrot.self() end)
        it("one", function()
          local ref = pierrot.monitor(me)
          pierrot.exit(me, "the reason")
          assert_receive({ "DOWN", ref }, 5000)
        end)
        it("two", function() end)
      end)
      it("three", function() end)]]

    assert_failed(report.tests["outer two"], [["the reason"]])
    assert_passed(report.tests["three"])
  end)

  it("whose setup fails does not run its tests", function()
    local report = run [[
      describe("outer", function()
        setup(function() error "no setup" end)
        it("one", function() say "ran" end)
      end)
      it("two", function() end)]]

    assert.same({}, report.said)
    assert_passed(report.tests["two"])
    assert.is_truthy(report.output:find("no setup", 1, true))
    assert.equal(1, report.status)
  end)
end)

describe("pierrot.testing", function()
  it("works without busted", function()
    local output, errors, status = support.run_script [[
      local pierrot = require "pierrot"
      local testing = require "pierrot.testing"
      pierrot.send(pierrot.self(), "hello")
      print(testing.assert_received "hello", testing.refute_receive("hello", 1))
      print(pcall(testing.assert_received, "hello"))]]

    assert.equal("hello\ttrue\nfalse\tno message matching \"hello\" is there; "
      .. "the mailbox is empty\n", (output:gsub("\tlua[^\n]-: ", "\t")))
    assert.same({ "", 0 }, { errors, status })
  end)

  it("takes no time limit that is none", function()
    for _, name in ipairs { "PIERROT_TEST_TIMEOUT", "PIERROT_TEST_GRACE" } do
      local report = run("it('one', function() end)", { environment = name .. "=soon" })

      assert.equal(1, report.status)
      assert.is_truthy((report.output .. report.errors):find(name, 1, true))
      assert.equal(0, run("it('one', function() end)",
        { environment = name .. "=infinity" }).status)
    end
  end)

  it("says so when it cannot hook into busted", function()
    local report = run("it('one', function() end)", { arguments = {
      "-e", "require('busted.core'); require('busted.block');"
        .. "local b = getmetatable(require 'busted').__index;"
        .. "local _, core = debug.getupvalue(b, 1); core.safe_publish = nil",
    } })

    assert.equal(1, report.status)
    assert.is_truthy((report.output .. report.errors):find("cannot hook into busted 2", 1, true),
      report.output .. report.errors)
  end)
end)
