-- SPDX-License-Identifier: MIT
--- pierrot.agent: functions on a state in a process.

local agent = require "pierrot.agent"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local sys = require "pierrot.sys"

local alone, expect = support.alone, support.expect
local error_text, exit_reason = support.error_text, support.exit_reason

local function itself(state) return state end

local function start(state)
  return agent.start_link(function() return state end)
end

describe("an agent", function()
  it("AGENT-001 runs the first function in its process; its result is the state", alone(function()
    local test = pierrot.self()

    local a = agent.start_link(function()
      pierrot.send(test, { "ran", pierrot.self() })
      return { 1, 2 }
    end)

    assert.same({ "ran", a }, pierrot.receive({ "ran" }, 0))
    assert.same({ 1, 2 }, agent.get(a, itself))
    assert.same({ a }, pierrot.info(test, "links"))
  end))

  it("AGENT-002 runs the function of get in its process; its result alone comes back",
    alone(function()
      local a = start { secret = 1 }

      assert.equal(a, agent.get(a, function() return pierrot.self() end))
      assert.equal(2, agent.get(a, function(state) return state.secret + 1 end))
      assert.same({ secret = 1 }, agent.get(a, itself))
      assert.is_nil(agent.get(a, function() end))
    end))

  it("AGENT-003 takes the result of update for its state", alone(function()
    local a = start(1)

    assert.is_true(agent.update(a, function(n) return n + 1 end))
    assert.equal(2, agent.get(a, itself))
  end))

  it("AGENT-004 takes the second result of get_and_update for its state", alone(function()
    local a = start(1)

    assert.equal("one", agent.get_and_update(a, function(n) return "one", n + 1 end))
    assert.equal(2, agent.get(a, itself))
  end))

  it("AGENT-006 takes a cast, which is true even when it is dead", alone(function()
    local a = start(1)

    assert.is_true(agent.cast(a, function(n) return n + 1 end))
    assert.equal(2, agent.get(a, itself))
    agent.stop(a)
    assert.is_true(agent.cast(a, function(n) return n + 1 end))
    assert.is_true(agent.cast("nobody of that name", itself))
  end))

  it("keeps its state when a function returns none, and takes nil and false for one",
    alone(function()
      local a = start(1)

      agent.update(a, function() end)
      agent.cast(a, function() end)
      assert.is_nil(agent.get_and_update(a, function() end))
      assert.equal("reply", agent.get_and_update(a, function() return "reply" end))
      assert.equal(1, agent.get(a, itself))

      for _, how in ipairs { "update", "cast" } do
        agent[how](a, function() return nil end)
        assert.is_nil(agent.get(a, itself))
        agent[how](a, function() return false end)
        assert.is_false(agent.get(a, itself))
      end
      assert.equal(1, agent.get_and_update(a, function() return 1, nil end))
      assert.is_nil(agent.get(a, itself))
    end))

  it("may begin without a state", alone(function()
    local a = agent.start_link(function() end)

    assert.is_nil(agent.get(a, itself))
  end))

  it("shares its functions' upvalues with who made them, and no table of the state",
    alone(function()
      local seen
      local a = start { list = {} }

      agent.update(a, function(state) seen = state; return state end)
      local copy = agent.get(a, itself)

      copy.list[1] = "changed"
      assert.same({ list = {} }, seen)
      assert.not_equal(seen, copy)
    end))

  it("AGENT-007 whose first function raises does not start: the error with a trace",
    alone(function()
      local pid, reason = agent.start(function() error("no luck", 0) end)

      assert.is_nil(pid)
      assert.same({ "error", "no luck" }, { reason[1], reason[2] })
      assert.is_truthy(reason[3]:find("traceback", 1, true))
    end))

  it("ends by an error of a function, which its caller hears of", alone(function()
    local a = agent.start(function() return 1 end)

    local reason = exit_reason(agent.get, a, function() error("no luck", 0) end)

    assert.same({ "error", "no luck" }, { reason[1][1], reason[1][2] })
    assert.is_false(pierrot.is_alive(a))
  end))

  it("AGENT-008 has a name by which all functions know it", alone(function()
    local name = "agent of " .. tostring(pierrot.self())
    local a = agent.start_link(function() return 1 end, { name = name })

    assert.equal(1, agent.get(name, itself))
    assert.is_true(agent.update(name, function() return 2 end))
    assert.is_true(agent.cast(name, function() return 3 end))
    assert.equal(3, agent.get_and_update(name, function(n) return n, n end))
    assert.same({ nil, { "already_started", a } },
      { agent.start_link(function() return 1 end, { name = name }) })
    assert.is_true(agent.stop(name))
    assert.is_nil(pierrot.whereis(name))
  end))

  it("AGENT-008 has a name in a registry", alone(function()
    local registry = require("pierrot.registry").start_link()
    local via = { "via", registry, "key" }
    local a = agent.start_link(function() return 1 end, { name = via })

    assert.equal(1, agent.get(via, itself))
    assert.same({ nil, { "already_started", a } },
      { agent.start(function() return 1 end, { name = via }) })
  end))

  it("AGENT-010 is dead when stop returns, with the reason given", alone(function()
    local a, b = start(1), agent.start(function() return 1 end)
    local ref = pierrot.monitor(b)

    assert.is_true(agent.stop(a))
    assert.is_false(pierrot.is_alive(a))
    assert.is_true(agent.stop(b, "the reason"))
    assert.equal("the reason", support.await_down(ref))
  end))

  it("AGENT-013 has a child spec, by which it is supervised", alone(function()
    local spec = agent.child_spec(function() return 1 end)
    assert.same({ "pierrot.agent", "permanent", "worker" }, { spec.id, spec.restart, spec.type })

    local sup = supervisor.start_link(
      { { "pierrot.agent", function() return 1 end } }, { strategy = "one_for_one" })
    local child = supervisor.which_children(sup)[1]
    assert.equal(1, agent.get(child.pid, itself))
  end))

  it("exits with noproc where there is none", alone(function()
    for _, how in ipairs { "get", "update", "get_and_update" } do
      assert.equal("noproc", exit_reason(agent[how], support.dead(), itself)[1])
      assert.equal("noproc", exit_reason(agent[how], "nobody of that name", itself)[1])
    end
  end))

  it("SYS-001 shows a state that is nil as nil, and takes another for it", alone(function()
    local a = agent.start_link(function() return nil end)

    assert.is_nil((sys.get_state(a)))
    assert.is_nil(sys.get_status(a).state)
    assert.equal("nil", sys.replace_state(a, function(state) return type(state) end))
    agent.update(a, function() return nil end)
    assert.is_nil((sys.get_state(a)))
    agent.cast(a, function(state) return { state == nil } end)
    assert.same({ true }, agent.get(a, itself))
  end))

  it("is waited for 5000 ms by default", alone(function()
    local time <close> = support.stop_time()
    local a = start(1)
    for _, how in ipairs { "get", "update", "get_and_update" } do
      local _, ref = pierrot.spawn_monitor(function()
        agent[how](a, function() pierrot.receive("never") end)
      end)

      time.advance(5000)

      local reason = support.await_down(ref)
      assert.same({ "timeout", 5000 }, { reason[1], reason[2][5] })
      pierrot.unlink(a)
      pierrot.exit(a, "kill")
      a = start(1)
    end
  end))

  it("runs a function whose caller has given up", alone(function()
    local a = start(1)
    local test = pierrot.self()
    agent.cast(a, function(n)
      pierrot.send(test, "busy")
      pierrot.receive "go on"
      return n
    end)
    expect "busy"

    local reason = exit_reason(agent.update, a, function(n) return n + 1 end, 1)

    assert.equal("timeout", reason[1])
    pierrot.send(a, "go on")
    assert.equal(2, agent.get(a, itself))
  end))

  it("takes a function by its name in a module", alone(function()
    local a = start { 3, 1, 2 }

    assert.is_true(agent.update(a, "table:unpack"))
    assert.equal(3, agent.get(a, itself))
  end))

  it("forgets functions left for agents that are gone", alone(function()
    local parcels = require("pierrot.core").parcels
    for _ = 1, 1000 do
      local a = agent.start(function() return 1 end)
      agent.cast(a, function() pierrot.receive "never" end)
      agent.cast(a, itself)
      pierrot.exit(a, "shutdown")
      agent.cast(a, itself)
    end

    assert.is_true(parcels.n < 200, parcels.n)
  end))

  it("refuses what is no agent, function, option or time at the caller's line", alone(function()
    local a = start(1)
    local here = "spec/agent_spec.lua:"
    local wrong = {
      { agent.get, 42, itself, "bad argument #1 to 'get' (pid, name or via expected, got number)" },
      { agent.get, a, 42, "bad argument #2 to 'get' (function" },
      { agent.update, a, nil, "bad argument #2 to 'update' (function" },
      { agent.cast, a, "no function", "bad argument #2 to 'cast' (function" },
      { agent.start_link, 42, nil, "bad argument #1 to 'start_link' (function" },
      { agent.start, itself, 42, "bad argument #2 to 'start' (table of options expected" },
      { agent.start, itself, { name = 42 }, "bad option 'name'" },
    }
    for _, row in ipairs(wrong) do
      local text = error_text(function() row[1](row[2], row[3]) end)
      assert.is_truthy(text:find(row[4], 1, true), text)
      assert.is_truthy(text:find(here, 1, true), text)
    end
    assert.is_truthy(error_text(agent.get, a, itself, -1):find("bad argument #3 to 'get'", 1, true))
  end))

  it("shows its state to those who look at servers", alone(function()
    local a = start { 1 }

    assert.same({ 1 }, sys.get_state(a))
    assert.same({ 2 }, sys.replace_state(a, function() return { 2 } end))
    assert.same({ 2 }, agent.get(a, itself))
  end))
end)

describe("an agent on another scheduler", function()
  if not support.has_two_schedulers then return end

  it("gets functions carried to it", alone(function()
    local add = 5
    local a = agent.start_link(function() return add end, { scheduler = support.elsewhere() })

    assert.equal(10, agent.get(a, function(n) return n + add end))
    assert.is_true(agent.update(a, function(n) return n + add end))
    assert.is_true(agent.cast(a, function(n) return n + add end))
    assert.equal(15, agent.get_and_update(a, function(n) return n, 0 end))
    assert.not_equal(pierrot.info(pierrot.self(), "scheduler"), pierrot.info(a, "scheduler"))
  end))

  it("refuses what cannot be carried, with the name of the upvalue", alone(function()
    local file = io.stdout
    local a = agent.start_link(function() return 1 end, { scheduler = support.elsewhere() })

    local text = error_text(function()
      agent.get(a, function() return file end)
    end)
    assert.is_truthy(text:find("spec/agent_spec.lua:", 1, true), text)
    assert.is_truthy(text:find("upvalue 'file'", 1, true), text)
    assert.equal(1, agent.get(a, itself))
  end))
end)

describe("a server that is no agent", function()
  it("does not take an agent's requests", alone(function()
    local pid = gen_server.start { init = function() return "ok", 1 end }

    assert.equal("bad_call", exit_reason(agent.get, pid, itself)[1][1])
  end))
end)
