-- SPDX-License-Identifier: MIT
--- Supervisors: what they do when a child ends by itself.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local reasons <const> = { "normal", "shutdown", { "shutdown", "sold out" }, "sour", "kill" }

describe("a child that ends", function()
  trees.quiet(setup, teardown)

  for _, reason in ipairs(reasons) do
    local shown = pierrot.inspect(reason)
    local is_clean = reason ~= "sour" and reason ~= "kill"

    it("SUP-030 with " .. shown .. " is restarted when it is permanent", alone(function()
      local sup = trees.start { trees.child "a" }
      local old = trees.up "a"

      trees.finish(old, reason)

      local new = trees.up "a"
      assert.is_true(new ~= old)
      assert.equal(new, trees.pids(sup).a)
    end))

    if is_clean then
      it("SUP-031 with " .. shown .. " stays down when it is transient", alone(function()
        local sup = trees.start { trees.child("a", { restart = "transient" }) }

        trees.finish(trees.up "a", reason)

        assert.same({ specs = 1, active = 0, supervisors = 0, workers = 1 }, trees.settle(sup))
      end))
    else
      it("SUP-032 with " .. shown .. " is restarted when it is transient", alone(function()
        local sup = trees.start { trees.child("a", { restart = "transient" }) }

        trees.finish(trees.up "a", reason)

        assert.equal(trees.up "a", trees.pids(sup).a)
      end))
    end

    it("SUP-033 with " .. shown .. " is forgotten when it is temporary", alone(function()
      local sup = trees.start { trees.child("a", { restart = "temporary" }) }

      trees.finish(trees.up "a", reason)

      trees.settle(sup)
      assert.same({}, supervisor.which_children(sup))
    end))
  end

  it("SUP-034 has its name again and a fresh state", alone(function()
    trees.start { trees.child("a", nil, { name = "a child's name", value = 1 }) }
    gen_server.call("a child's name", { "put", 2 })
    local old = trees.up "a"

    trees.finish(old, "sour")

    local new = trees.up "a"
    assert.equal(new, pierrot.whereis "a child's name")
    assert.equal(1, gen_server.call("a child's name", { "get" }))
  end))

  it("by an error is restarted with its traceback in the log only", alone(function()
    local sup = trees.start { trees.child "a" }
    local old = trees.up "a"

    gen_server.cast(old, { "fail" })

    assert.equal(trees.up "a", trees.pids(sup).a)
  end))

  it("is restarted whatever made it: a C actor", alone(function()
    local bucket = require "pierrot.bucket"
    local sup = trees.start {
      supervisor.child_spec({ "pierrot.bucket", { name = "a restarted bucket" } },
        { restart = "permanent" }),
    }
    bucket.put("a restarted bucket", "milk", 1)
    local old = pierrot.whereis "a restarted bucket"

    trees.finish(old, "kill")

    trees.settle(sup)
    assert.is_true(pierrot.whereis "a restarted bucket" ~= old)
    assert.is_nil(bucket.get("a restarted bucket", "milk"))
  end))
end)

describe("the strategy", function()
  trees.quiet(setup, teardown)

  local function start(strategy)
    local sup = trees.start(trees.children({ "a", "b", "c" }, nil, { traps = true }),
      { strategy = strategy })
    trees.told(3)
    return sup, trees.pids(sup)
  end

  it("SUP-035 one_for_one leaves the others alone", alone(function()
    local sup, before = start "one_for_one"

    trees.finish(before.b, "kill")

    assert.same({ "up b" }, trees.told(1))
    local after = trees.pids(sup)
    assert.same({ before.a, before.c }, { after.a, after.c })
    assert.is_true(after.b ~= before.b)
  end))

  it("SUP-036 one_for_all restarts all, in order", alone(function()
    local sup, before = start "one_for_all"

    trees.finish(before.b, "kill")

    assert.same({ "down c", "down a", "up a", "up b", "up c" }, trees.told(5))
    local after = trees.pids(sup)
    for id, pid in pairs(before) do
      assert.is_true(after[id] ~= pid)
      assert.is_false(pierrot.is_alive(pid))
    end
  end))

  it("SUP-037 rest_for_one restarts those that were started after", alone(function()
    local sup, before = start "rest_for_one"

    trees.finish(before.b, "kill")

    assert.same({ "down c", "up b", "up c" }, trees.told(3))
    local after = trees.pids(sup)
    assert.equal(before.a, after.a)
    assert.is_true(after.b ~= before.b and after.c ~= before.c)
  end))

  for _, strategy in ipairs { "one_for_all", "rest_for_one" } do
    it("SUP-033 " .. strategy .. " does not bring back temporary children", alone(function()
      local sup = trees.start({
        trees.child "a", trees.child("b", { restart = "temporary" }), trees.child "c",
      }, { strategy = strategy })
      trees.told(3)

      trees.finish(trees.pids(sup).a, "kill")

      assert.same({ "up a", "up c" }, trees.told(2))
      assert.same({ "a", "c" }, trees.ids(sup))
    end))

    it("SUP-037 " .. strategy .. " counts one restart for all of them", alone(function()
      local sup = trees.start(trees.children { "a", "b", "c" },
        { strategy = strategy, max_restarts = 1 })
      trees.told(3)

      trees.finish(trees.pids(sup).a, "kill")

      trees.told(3)
      assert.equal(3, trees.settle(sup).active)
    end))
  end
end)

describe("too many restarts", function()
  trees.quiet(setup, teardown)

  it("SUP-041 end the supervisor with shutdown, and its children", alone(function()
    local sup = trees.start({ trees.child("a", nil, { traps = true }), trees.child "b" },
      { max_restarts = 2, max_seconds = 1000 })
    trees.up "a"
    for _ = 1, 2 do trees.finish(trees.up "b", "sour") end
    expect { "down", "b" }
    expect { "down", "b" }
    local last = trees.up "b"

    trees.finish(last, "sour")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
    assert.same({ "down", "b", "sour" }, expect { "down" })
    assert.same({ "down", "a", "shutdown" }, expect { "down" })
    assert.is_true(trees.silence())
  end))

  it("SUP-041 are none where there may be none", alone(function()
    local sup = trees.start({ trees.child "a" }, { max_restarts = 0 })

    trees.finish(trees.up "a", "sour")

    assert.equal("shutdown", expect({ "EXIT", sup })[3])
  end))

  it("SUP-048 of a nested supervisor make its parent start it anew", alone(function()
    local test = pierrot.self()
    local function start_inner()
      return supervisor.start_link({ { id = "a", start = function()
        return gen_server.start_link(trees.Worker, { test = test, id = "a" })
      end } }, { strategy = "one_for_one", max_restarts = 0, name = "an inner supervisor" })
    end
    local outer = trees.start { { id = "inner", start = start_inner, type = "supervisor" } }
    local old = pierrot.whereis "an inner supervisor"
    supervisor.start_child(old, trees.child "added")
    trees.up "added"

    trees.finish(trees.up "a", "sour")

    trees.up "a"
    local new = trees.pids(outer).inner
    assert.is_true(new ~= old)
    assert.same({ "a" }, trees.ids(new))
  end))
end)

describe("a restart that fails", function()
  trees.quiet(setup, teardown)

  -- A child whose start asks the test: {"start?", id, pid}; it goes on with what it is told.
  local function asking(id, test)
    return { id = id, start = function()
      pierrot.send(test, { "start?", id, pierrot.self() })
      local answer = pierrot.receive { "answer" }[2]
      if answer ~= "yes" then return nil, answer end
      return gen_server.start_link(trees.Worker, { test = test, id = id })
    end }
  end

  local function answer(id, text)
    local asked = expect { "start?", id }
    pierrot.send(asked[3], { "answer", text })
  end

  -- A supervisor of such children, started by a process of its own: its start waits for answers.
  local function start(ids, options)
    local test = pierrot.self()
    local opts = { strategy = "one_for_one", max_restarts = 10 }
    for key, value in pairs(options or {}) do opts[key] = value end
    pierrot.spawn_link(function()
      local children = {}
      for i, id in ipairs(ids) do children[i] = asking(id, test) end
      pierrot.trap_exit(true)
      local sup = supervisor.start_link(children, opts)
      pierrot.send(test, { "sup", sup })
      pierrot.send(test, { "ended", pierrot.receive({ "EXIT", sup })[3] })
    end)
    local pids = {}
    for _, id in ipairs(ids) do
      answer(id, "yes")
      pids[id] = trees.up(id)
    end
    return expect({ "sup" })[2], pids
  end

  it("is tried again", alone(function()
    local sup, pids = start { "a" }

    pierrot.exit(pids.a, "kill")
    answer("a", "sour")
    answer("a", "sour")
    answer("a", "yes")

    assert.equal(trees.up "a", trees.pids(sup).a)
  end))

  it("counts as a restart each time", alone(function()
    local _, pids = start({ "a" }, { max_restarts = 2 })

    pierrot.exit(pids.a, "kill")
    answer("a", "sour")
    answer("a", "sour")

    assert.equal("shutdown", expect({ "ended" })[2])
    assert.is_nil((pierrot.receive({ "start?" }, 0)))
  end))

  it("leaves questions answered between two attempts", alone(function()
    local sup, pids = start { "a", "b" }

    pierrot.exit(pids.a, "kill")
    local asked = expect { "start?", "a" }
    local id = gen_server.send_request(sup, { "which_children" })
    pierrot.send(asked[3], { "answer", "sour" })
    local again = expect { "start?", "a" }

    local _, list = gen_server.check_response(expect { id }, id)
    assert.same({ "restarting", pids.b }, { list[1].pid, list[2].pid })
    pierrot.send(again[3], { "answer", "yes" })
    trees.up "a"
    assert.equal(2, supervisor.count_children(sup).active)
  end))

  it("keeps its id, as that of a child that does not run", alone(function()
    local test = pierrot.self()
    local sup, pids = start({ "a" }, { max_restarts = 1000 })
    pierrot.exit(pids.a, "kill")
    local message = expect { "start?", "a" }
    local another = trees.child "a"

    pierrot.spawn_link(function()
      pierrot.send(test, { "added", supervisor.start_child(sup, another) })
    end)

    -- It is asked between two attempts, whenever that is.
    while message[1] == "start?" do
      pierrot.send(sup, { "answer", "sour" })
      message = expect(pierrot.one_of({ "start?" }, { "added" }))
    end
    assert.same({ "added", nil, "already_present" }, message)
  end))

  it("is ended by terminate_child", alone(function()
    local sup, pids = start { "a" }
    pierrot.exit(pids.a, "kill")
    local asked = expect { "start?", "a" }
    local ids = {
      gen_server.send_request(sup, { "restart_child", "a" }),
      gen_server.send_request(sup, { "delete_child", "a" }),
      gen_server.send_request(sup, { "terminate_child", "a" }),
    }

    pierrot.send(asked[3], { "answer", "sour" })

    local replies = {}
    for i, id in ipairs(ids) do
      local _, reply = gen_server.receive_response(id)
      replies[i] = reply.why or reply.pid
    end
    assert.same({ "restarting", "restarting", true }, replies)
    assert.equal(0, supervisor.count_children(sup).active)
    assert.is_nil((pierrot.receive({ "start?" }, 0)))
  end))

  it("of one_for_all begins anew with all", alone(function()
    local sup, pids = start({ "a", "b", "c" }, { strategy = "one_for_all" })

    pierrot.exit(pids.c, "kill")
    answer("a", "yes")
    answer("b", "sour")
    answer("a", "yes")
    answer("b", "yes")
    answer("c", "yes")

    for _, id in ipairs { "a", "a", "b", "c" } do trees.up(id) end
    assert.equal(3, supervisor.count_children(sup).active)
  end))

  it("of rest_for_one goes on where it failed", alone(function()
    local sup, pids = start({ "a", "b", "c" }, { strategy = "rest_for_one" })

    pierrot.exit(pids.a, "kill")
    answer("a", "yes")
    local a = trees.up "a"
    answer("b", "sour")
    answer("b", "yes")
    answer("c", "yes")

    for _, id in ipairs { "b", "c" } do trees.up(id) end
    assert.equal(3, supervisor.count_children(sup).active)
    assert.equal(a, trees.pids(sup).a)
  end))

  it("may be ignored then, and is not tried again", alone(function()
    local sup, pids = start { "a" }

    pierrot.exit(pids.a, "kill")
    answer("a", "ignore")

    assert.same({ specs = 1, active = 0, supervisors = 0, workers = 1 },
      supervisor.count_children(sup))
  end))
end)

describe("a supervisor that is killed", function()
  trees.quiet(setup, teardown)

  it("takes its children along", alone(function()
    local sup = trees.start(trees.children { "a", "b" })
    local a, b = pierrot.monitor(trees.up "a"), pierrot.monitor(trees.up "b")

    pierrot.exit(sup, "kill")

    assert.same({ "killed", "killed" }, { await_down(a), await_down(b) })
  end))
end)
