-- SPDX-License-Identifier: MIT
--- Supervisors: their start, their specs, and what can be asked of them.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local sys = require "pierrot.sys"
local trees = require "spec.trees"

local alone, await_down = support.alone, support.await_down
local Worker = trees.Worker

describe("a supervisor's start", function()
  trees.quiet(setup, teardown)

  it("SUP-001 starts its children in order, each after the one before", alone(function()
    local sup = trees.start(trees.children { "a", "b", "c" })

    assert.same({ "up a", "up b", "up c" }, trees.told(3))
    assert.same({ "a", "b", "c" }, trees.ids(sup))
  end))

  it("links it to the caller, and it knows its children's parent", alone(function()
    local sup = trees.start { trees.child "a" }

    assert.same({ sup }, pierrot.info(pierrot.self(), "links"))
    assert.equal(sup, pierrot.info(trees.up "a", "parent"))
  end))

  it("SUP-002 refuses to do without a strategy", alone(function()
    local text = support.error_text(supervisor.start_link, {}, {})

    assert.is_truthy(text:find("bad option 'strategy'", 1, true))
    assert.is_truthy(text:find("got nil", 1, true))
  end))

  it("blames the line that asked for what is wrong", alone(function()
    local function ask() local pid = supervisor.start_link({ 42 }, { strategy = "one_for_one" })
      return pid end
    local line = debug.getinfo(ask, "S").linedefined

    local text = support.error_text(ask)

    assert.is_truthy(text:find("supervisor_spec.lua:" .. line .. ": bad child spec", 1, true), text)
  end))

  it("SUP-005 does not mind unknown fields and options", alone(function()
    local sup = trees.start({ trees.child("a", { colour = "red" }) }, { colour = "red" })

    assert.is_true(pierrot.is_alive(sup))
  end))

  it("SUP-008 refuses two children of one id and starts none", alone(function()
    local text = support.error_text(supervisor.start_link, trees.children { "a", "a" },
      { strategy = "one_for_one" })

    assert.is_truthy(text:find('duplicate id of child specs: "a"', 1, true))
    assert.is_true(trees.silence())
  end))

  it("SUP-017 gives it a name", alone(function()
    local sup = trees.start({ trees.child "a" }, { name = "a named supervisor" })

    assert.equal(sup, pierrot.whereis "a named supervisor")
    assert.equal(1, supervisor.count_children("a named supervisor").active)
    assert.same({ nil, { "already_started", sup } },
      { supervisor.start_link({}, { strategy = "one_for_one", name = "a named supervisor" }) })
  end))

  it("SUP-017 refuses a name that is none", alone(function()
    local text = support.error_text(supervisor.start_link, {},
      { strategy = "one_for_one", name = 42 })

    assert.is_truthy(text:find("bad option 'name'", 1, true))
  end))

  it("stops what it has started when a child does not start, last first", alone(function()
    pierrot.trap_exit(true)
    local list = trees.children({ "a", "b" }, nil, { traps = true })
    list[3] = { id = "c", start = function() return nil, "sold out" end }
    list[4] = trees.child "d"

    local sup, reason = supervisor.start_link(list, { strategy = "one_for_one" })

    assert.is_nil(sup)
    assert.same({ "shutdown", { "failed_to_start_child", "c", "sold out" } }, reason)
    assert.same({ "up a", "up b", "down b", "down a" }, trees.told(4))
    assert.is_true(trees.silence())
    assert.same({}, support.mailbox())
  end))

  it("fails with the reason of a child that raises", alone(function()
    pierrot.trap_exit(true)
    local function raise() error { "sour" } end

    local _, reason = supervisor.start_link({ { id = "c", start = raise } },
      { strategy = "one_for_one" })

    local why = reason[2][3]
    assert.same({ "failed_to_start_child", "c" }, { reason[2][1], reason[2][2] })
    assert.same({ "error", { "sour" } }, { why[1], why[2] })
    assert.equal("string", type(why[3]))
  end))

  it("fails with the reason of a child that exits", alone(function()
    pierrot.trap_exit(true)

    local _, reason = supervisor.start_link({
      { id = "c", start = function() pierrot.exit("sold out") end },
    }, { strategy = "one_for_one" })

    assert.equal("sold out", reason[2][3])
  end))

  it("ends a caller that does not trap exits with its reason", alone(function()
    local reason = support.end_of(function()
      supervisor.start_link({ { id = "c", start = function() return nil, "sold out" end } },
        { strategy = "one_for_one" })
    end)

    assert.same({ "shutdown", { "failed_to_start_child", "c", "sold out" } }, reason)
  end))
end)

describe("a supervisor of a module", function()
  trees.quiet(setup, teardown)

  it("asks its init", alone(function()
    local test = pierrot.self()
    local Tree = {}
    function Tree.init(arg)
      return "ok", { { { id = arg, start = function()
        return gen_server.start_link(Worker, { test = test, id = arg })
      end } }, { strategy = "one_for_all" } }
    end

    local sup = supervisor.start_link(Tree, "milk", { name = "a module's supervisor" })

    assert.same({ "up milk" }, trees.told(1))
    assert.same({ "milk" }, trees.ids(sup))
    assert.equal(sup, pierrot.whereis "a module's supervisor")
  end))

  it("may be ignored", alone(function()
    assert.same({ nil, "ignore" },
      { supervisor.start_link({ init = function() return "ignore" end }) })
  end))

  it("SUP-011 fails when init gives junk", alone(function()
    pierrot.trap_exit(true)
    local Tree = { init = function() return "okay" end }

    local sup, reason = supervisor.start_link(Tree)

    assert.is_nil(sup)
    assert.same({ "bad_return", { tostring(Tree), "init", "okay" } }, reason)
    assert.same({}, support.mailbox())
  end))

  it("SUP-011 fails when init raises", alone(function()
    pierrot.trap_exit(true)

    local _, reason = supervisor.start_link { init = function() error "sour" end }

    assert.equal("error", reason[1])
    assert.is_truthy(reason[2]:find("sour", 1, true))
    assert.same({}, support.mailbox())
  end))

  local faults = {
    { "supervisor_data", "strategy", { {}, { strategy = "one_for_some" } } },
    { "supervisor_data", "max_restarts", { {}, { strategy = "one_for_one", max_restarts = -1 } } },
    { "start_spec", "restart",
      { { { id = 1, start = print, restart = "always" } }, { strategy = "one_for_one" } } },
    { "start_spec", "id", { { { start = print } }, { strategy = "one_for_one" } } },
  }
  for _, fault in ipairs(faults) do
    local tag, field, given = table.unpack(fault)
    it("SUP-009 fails when init gives a bad " .. field, alone(function()
      local sup, reason = supervisor.start_link { init = function() return "ok", given end }

      assert.is_nil(sup)
      assert.equal(tag, reason[1])
      assert.is_truthy(reason[2]:find("'" .. field .. "'", 1, true))
    end))
  end

  it("wants a module with an init", alone(function()
    local text = support.error_text(supervisor.start_link, "pierrot.inspect", nil)

    assert.is_truthy(text:find("bad argument #1 to 'start_link'", 1, true))
  end))

  -- A module whose init gives what it is told to.
  local function changing(children, opts)
    local Tree = { given = { children, opts } }
    function Tree.init() return "ok", Tree.given end
    return Tree
  end

  it("SUP-068 knows new children after a code change, and does not start them", alone(function()
    local Tree = changing(trees.children { "a", "b" }, { strategy = "one_for_one" })
    local sup = supervisor.start_link(Tree)
    trees.told(2)
    Tree.given = {
      { trees.child("b", { restart = "temporary" }), trees.child "c" },
      { strategy = "one_for_all" },
    }

    sys.suspend(sup)
    assert.is_true(sys.change_code(sup, Tree, 1, nil))
    sys.resume(sup)

    local pids = trees.pids(sup)
    assert.same({ "a", "b", "c" }, trees.ids(sup))
    assert.is_true(pierrot.is_alive(pids.a) and pierrot.is_alive(pids.b))
    assert.is_nil(pids.c)
    assert.is_true(trees.silence())
    trees.finish(pids.a, "kill")
    assert.same({ "up a", "up c" }, trees.told(2))
    assert.same({ "a", "c" }, trees.ids(sup))
  end))

  it("SUP-068 keeps what it had when a code change brings faults", alone(function()
    local Tree = changing(trees.children { "a" }, { strategy = "one_for_one" })
    local sup = supervisor.start_link(Tree)
    Tree.given = { {}, { strategy = "none" } }

    sys.suspend(sup)
    local changed, reason = sys.change_code(sup, Tree, 1, nil)
    sys.resume(sup)

    assert.is_nil(changed)
    assert.equal("supervisor_data", reason[1])
    trees.finish(trees.up "a", "kill")
    trees.up "a"
  end))

  it("SUP-068 does not become its module", alone(function()
    local sup = trees.start { trees.child "a" }

    sys.change_code(sup, changing({}, { strategy = "one_for_one" }), 1, nil)

    assert.same({ "a" }, trees.ids(sup))
  end))
end)

describe("the specs of a supervisor", function()
  trees.quiet(setup, teardown)

  it("may be modules, by table or name, with or without an argument", alone(function()
    local Keeper = { init = function(arg) return "ok", { arg = arg } end,
      handle_call = { get = function(state) return "reply", state.arg end } }

    local sup = trees.start { Keeper, "pierrot.bucket", { "pierrot.registry", { name = "names" } } }

    assert.same({ tostring(Keeper), "pierrot.bucket", "pierrot.registry" }, trees.ids(sup))
    assert.is_nil(gen_server.call(trees.pids(sup)[tostring(Keeper)], { "get" }))
    local pid = supervisor.start_child(sup, supervisor.child_spec({ Keeper, 7 }, { id = "seven" }))
    assert.equal(7, gen_server.call(pid, { "get" }))
  end))

  it("may name a function of a module", alone(function()
    local sup = trees.start {
      { id = "b", start = { "pierrot.bucket", "start_link", { name = "a supervised bucket" } } },
    }

    assert.is_true(bucket.put("a supervised bucket", "milk", 3))
    assert.same({ "pierrot.bucket" }, supervisor.which_children(sup)[1].modules)
  end))

  it("keep an argument as it was given", alone(function()
    local arg = { value = 1 }
    local Keeper = { init = function(given) return "ok", given end,
      handle_call = { get = function(state) return "reply", state.value end } }
    local sup = trees.start {
      { id = "k", start = { "pierrot.gen_server", "start_link", Keeper, arg } },
    }

    arg.value = 2

    trees.finish(trees.pids(sup).k, "kill")
    trees.settle(sup)
    assert.equal(1, gen_server.call(trees.pids(sup).k, { "get" }))
  end))

  it("run on another scheduler where the supervisor does", alone(function()
    if not support.has_two_schedulers then return end
    local there, value = support.elsewhere(), 7
    local Keeper = { init = function(arg) return "ok", { arg = arg } end,
      handle_call = { get = function(state) return "reply", state.arg end } }
    local sup = trees.start({}, { scheduler = there })

    local pid = supervisor.start_child(sup, { id = "k", start = function()
      return require("pierrot.gen_server").start_link(Keeper, value)
    end })

    assert.equal(there, pierrot.info(pid, "scheduler"))
    assert.equal(7, gen_server.call(pid, { "get" }))
  end))

  it("SUP-071 come back with overrides", function()
    local spec = supervisor.child_spec({ "pierrot.bucket", { name = "b" } },
      { id = "mine", restart = "permanent" })

    assert.equal("mine", spec.id)
    assert.equal("permanent", spec.restart)
    assert.same({ "pierrot.bucket", "start_link", { name = "b" } }, spec.start)
  end)

  it("SUP-071 leave the table that was given as it was", function()
    local given = { id = "a", start = print }

    local spec = supervisor.child_spec(given, { id = "b" })

    assert.same({ id = "b", start = print }, spec)
    assert.same({ id = "a", start = print }, given)
  end)

  it("SUP-071 come from child_spec where a module has one", function()
    local Module = { child_spec = function(arg) return { id = arg, start = print } end }

    assert.same({ id = 7, start = print }, supervisor.child_spec { Module, 7 })
  end)

  for _, what in ipairs { 42, "no.such.module", "pierrot.inspect", {} , { {} } } do
    it("SUP-071 are not had of " .. pierrot.inspect(what), function()
      if type(what) == "table" and next(what) == nil then what = { "string" } end
      support.error_text(supervisor.child_spec, what)
    end)
  end

  it("of gen_servers are permanent workers with 5 seconds", function()
    local spec = gen_server.child_spec(Worker, 1)

    assert.same({ tostring(Worker), "permanent", 5000, "worker" },
      { spec.id, spec.restart, spec.shutdown, spec.type })
  end)

  it("B6 of buckets are temporary", function()
    assert.equal("temporary", bucket.child_spec().restart)
  end)

  it("stand for a supervisor where they are {children, options}", alone(function()
    local sup = trees.start {
      supervisor.child_spec { { trees.child "a" }, { strategy = "one_for_one", name = "inner" } },
    }

    trees.told(1)
    assert.same({ "pierrot.supervisor" }, trees.ids(sup))
    assert.same({ "a" }, trees.ids "inner")
    assert.equal("supervisor", supervisor.which_children(sup)[1].type)
  end))
end)

describe("a supervisor's children", function()
  trees.quiet(setup, teardown)

  it("SUP-015 hand back what their start gave besides", alone(function()
    local sup = trees.start {}
    local function start()
      return gen_server.start_link(Worker, { test = pierrot.self(), id = "x" }), { "extra", 7 }
    end

    local pid, extra = supervisor.start_child(sup, { id = "x", start = start })
    supervisor.terminate_child(sup, "x")
    local again, extra_again = supervisor.restart_child(sup, "x")

    assert.is_true(pierrot.is_pid(pid) and pierrot.is_pid(again))
    assert.same({ { "extra", 7 }, { "extra", 7 } }, { extra, extra_again })
  end))

  local failures = {
    { "a reason", function() return nil, { "sold", "out" } end, { "sold", "out" } },
    { "junk", function() return "junk" end, "junk" },
    { "an exit", function() pierrot.exit("sold out") end, "sold out" },
    { "a false", function() return false, "sold out" end, "sold out" },
  }
  for _, failure in ipairs(failures) do
    local title, start, reason = table.unpack(failure)
    it("SUP-016 are not kept when their start gives " .. title, alone(function()
      local sup = trees.start {}

      assert.same({ nil, reason }, { supervisor.start_child(sup, { id = "x", start = start }) })
      assert.same({}, supervisor.which_children(sup))
    end))
  end

  it("SUP-016 may give what cannot be sent, and the supervisor lives", alone(function()
    local sup = trees.start {}

    local pid, reason = supervisor.start_child(sup, { id = "x", start = function()
      return { print }
    end })

    assert.is_nil(pid)
    assert.is_truthy(reason[1]:find("function", 1, true))
    assert.is_true(pierrot.is_alive(sup))
  end))

  it("SUP-016 may give what lies too deep, and the supervisor lives", alone(function()
    local sup = trees.start {}

    local pid = supervisor.start_child(sup, { id = "x", start = function()
      local deep = {}
      for _ = 1, 300000 do deep = { deep } end
      return deep
    end })

    assert.is_nil(pid)
    assert.is_true(pierrot.is_alive(sup))
  end))

  it("SUP-016 may overflow the stack, and the supervisor lives", alone(function()
    local sup = trees.start {}
    local function overflow() return 1 + overflow() end

    local pid, reason = supervisor.start_child(sup, { id = "x", start = overflow })

    assert.is_nil(pid)
    assert.equal("error", reason[1])
    assert.is_true(pierrot.is_alive(sup))
  end))

  it("SUP-018 are refused when one of that id runs", alone(function()
    local sup = trees.start { trees.child "a" }

    assert.same({ nil, { "already_started", trees.up "a" } },
      { supervisor.start_child(sup, trees.child "a") })
  end))

  it("SUP-019 are refused when one of that id is kept", alone(function()
    local sup = trees.start { trees.child "a" }
    supervisor.terminate_child(sup, "a")

    assert.same({ nil, "already_present" }, { supervisor.start_child(sup, trees.child "a") })
  end))

  it("SUP-006 are refused in the caller when their spec is none", alone(function()
    local sup = trees.start {}

    local text = support.error_text(supervisor.start_child, sup, { id = "x" })

    assert.is_truthy(text:find("bad field 'start' of child spec \"x\"", 1, true))
    assert.is_true(pierrot.is_alive(sup))
  end))

  it("SUP-066 are refused in the caller when they are significant to nobody", alone(function()
    local sup = trees.start {}

    local text = support.error_text(supervisor.start_child, sup,
      trees.child("a", { restart = "transient", significant = true }))

    assert.is_truthy(text:find("'significant'", 1, true))
    assert.is_true(trees.silence())
  end))

  for _, name in ipairs { "terminate_child", "restart_child", "delete_child", "which_children",
    "count_children" } do
    it("SUP-021 cannot be had of nobody: " .. name, alone(function()
      local reason = support.exit_reason(supervisor[name], "nobody", "a")

      assert.equal("noproc", reason[1])
    end))
  end

  it("SUP-022 are dead when terminate_child returns, and kept", alone(function()
    local sup = trees.start { trees.child("a", nil, { traps = true }) }
    local pid = trees.up "a"
    local ref = pierrot.monitor(pid)

    assert.is_true(supervisor.terminate_child(sup, "a"))

    assert.is_false(pierrot.is_alive(pid))
    assert.equal("shutdown", await_down(ref))
    assert.same({ { id = "a", type = "worker", modules = {} } }, supervisor.which_children(sup))
    assert.same({ "down a" }, trees.told(1))
    assert.is_true(trees.silence())
  end))

  it("SUP-023 may be terminated twice, if there are such", alone(function()
    local sup = trees.start { trees.child "a" }

    assert.is_true(supervisor.terminate_child(sup, "a"))
    assert.is_true(supervisor.terminate_child(sup, "a"))
    assert.same({ nil, "not_found" }, { supervisor.terminate_child(sup, "b") })
  end))

  it("SUP-025 are restarted when they were stopped", alone(function()
    local sup = trees.start { trees.child "a" }
    local old = trees.up "a"
    assert.same({ nil, "running" }, { supervisor.restart_child(sup, "a") })
    supervisor.terminate_child(sup, "a")

    local new = supervisor.restart_child(sup, "a")

    assert.is_true(pierrot.is_alive(new))
    assert.is_true(new ~= old)
    assert.same({ nil, "not_found" }, { supervisor.restart_child(sup, "b") })
  end))

  it("SUP-026 are kept when that fails", alone(function()
    local is_sour = false
    local sup = trees.start { { id = "a", start = function()
      if is_sour then return nil, "sour" end
      return gen_server.start_link(Worker, { test = pierrot.self(), id = "a" })
    end } }
    supervisor.terminate_child(sup, "a")
    is_sour = true

    assert.same({ nil, "sour" }, { supervisor.restart_child(sup, "a") })
    assert.same({ specs = 1, active = 0, supervisors = 0, workers = 1 },
      supervisor.count_children(sup))
  end))

  it("SUP-027 are forgotten when they do not run", alone(function()
    local sup = trees.start { trees.child "a" }

    assert.same({ nil, "running" }, { supervisor.delete_child(sup, "a") })
    supervisor.terminate_child(sup, "a")
    assert.is_true(supervisor.delete_child(sup, "a"))
    assert.same({ nil, "not_found" }, { supervisor.delete_child(sup, "a") })
    assert.same({}, supervisor.which_children(sup))
  end))

  it("SUP-028 are listed in the order of their start", alone(function()
    local sup = trees.start {
      trees.child("a", { modules = { "some.module" } }),
      { id = "ignored", start = function() return nil, "ignore" end },
      { id = "gone", start = function() return nil, "ignore" end, restart = "temporary" },
      trees.child("b", { type = "supervisor" }),
    }
    local a, b = trees.up "a", trees.up "b"

    assert.same({
      { id = "a", pid = a, type = "worker", modules = { "some.module" } },
      { id = "ignored", type = "worker", modules = {} },
      { id = "b", pid = b, type = "supervisor", modules = {} },
    }, supervisor.which_children(sup))
  end))

  it("SUP-028 are kept when their start is ignored, unless they are temporary", alone(function()
    local sup = trees.start {}
    local function ignore() return nil, "ignore" end

    assert.same({ nil, "ignore" },
      { supervisor.start_child(sup, { id = "kept", start = ignore }) })
    assert.same({ nil, "ignore" },
      { supervisor.start_child(sup, { id = "gone", start = ignore, restart = "temporary" }) })

    assert.same({ "kept" }, trees.ids(sup))
  end))

  it("SUP-029 are counted", alone(function()
    local sup = trees.start(trees.children { "a", "b" })
    supervisor.start_child(sup, trees.child("c", { type = "supervisor" }))
    supervisor.terminate_child(sup, "a")

    assert.same({ specs = 3, active = 2, supervisors = 1, workers = 2 },
      supervisor.count_children(sup))
  end))

  it("may have ids of any kind", alone(function()
    local sup, ref = trees.start {}, pierrot.make_ref()
    for _, id in ipairs { 1, "1", true, ref, { "bucket", 1 } } do
      assert(supervisor.start_child(sup, trees.child(id)))
    end

    assert.is_true(supervisor.terminate_child(sup, { "bucket", 1 }))
    assert.same({ nil, "running" }, { supervisor.delete_child(sup, ref) })
    assert.same({ nil, "not_found" }, { supervisor.delete_child(sup, { "bucket", 2 }) })
  end))

  it("are not harmed by nonsense that is sent to their supervisor", alone(function()
    local sup = trees.start { trees.child "a" }
    local pid = trees.up "a"

    pierrot.send(sup, "nonsense")
    pierrot.send(sup, { "EXIT", 42, "nonsense" })
    pierrot.send(sup, { "EXIT", pid, "a lie" })
    gen_server.cast(sup, { "try_again", pid })
    gen_server.cast(sup, "nonsense")
    gen_server.call(sup, "nonsense")
    gen_server.call(sup, { "delete_child" })

    assert.equal(pid, trees.pids(sup).a)
  end))

  it("may be any process that is linked", alone(function()
    local function wait() pierrot.receive() end
    local sup = trees.start { { id = "p", start = function() return pierrot.spawn_link(wait) end } }
    local pid = trees.pids(sup).p

    pierrot.send(pid, "end")

    await_down(pid)
    trees.settle(sup)
    assert.is_true(pierrot.is_alive(trees.pids(sup).p))
  end))
end)

describe("a supervisor's log", function()
  it("LOG-004 has one report for a child that failed", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      local supervisor = require "pierrot.supervisor"
      local child = { id = "milk", start = function()
        return pierrot.spawn_link(function() pierrot.receive() pierrot.exit("sour") end)
      end }
      local sup = supervisor.start_link({ child }, { strategy = "one_for_one", name = "larder" })
      local pid = supervisor.which_children(sup)[1].pid
      local ref = pierrot.monitor(pid)
      pierrot.send(pid, "go")
      pierrot.receive { "DOWN", ref }
      supervisor.count_children(sup)
      supervisor.stop(sup)
    ]]

    local _, n = errors:gsub("child_terminated", "")
    assert.equal(1, n, errors)
    assert.is_truthy(errors:find('supervisor "larder" <', 1, true), errors)
    assert.is_truthy(errors:find('child "milk" <', 1, true), errors)
    assert.is_truthy(errors:find('reason: "sour"', 1, true), errors)
  end)

  it("LOG-004 says that a start failed, and which", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      pierrot.trap_exit(true)
      local supervisor = require "pierrot.supervisor"
      supervisor.start_link({ { id = "milk", start = function() return nil, "sold out" end } },
        { strategy = "one_for_one" })
    ]]

    local _, n = errors:gsub("start_error", "")
    assert.equal(1, n, errors)
    assert.is_truthy(errors:find('child "milk"', 1, true), errors)
    assert.is_truthy(errors:find('reason: "sold out"', 1, true), errors)
  end)

  it("LOG-004 says that a child did not stop in time", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      local supervisor = require "pierrot.supervisor"
      local main = pierrot.self()
      local sup = supervisor.start_link({ { id = "milk", shutdown = 1, start = function()
        return pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.send(main, "up")
          pierrot.receive("never sent")
        end)
      end } }, { strategy = "one_for_one" })
      pierrot.receive("up")
      supervisor.stop(sup)
    ]]

    assert.is_truthy(errors:find("shutdown_error", 1, true), errors)
    assert.is_truthy(errors:find('child "milk"', 1, true), errors)
    assert.is_truthy(errors:find('reason: "killed"', 1, true), errors)
  end)

  it("is silent about children that end in order", function()
    local _, errors = support.run_script [[
      local supervisor = require "pierrot.supervisor"
      local sup = supervisor.start_link({ "pierrot.bucket" }, { strategy = "one_for_one" })
      require("pierrot.bucket").stop(supervisor.which_children(sup)[1].pid)
      supervisor.start_child(sup, "pierrot.registry")
      supervisor.stop(sup)
    ]]

    assert.equal("", errors)
  end)
end)

