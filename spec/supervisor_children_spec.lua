-- SPDX-License-Identifier: MIT
--- Supervisors: the specs of their children, and what can be asked of them.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local alone, await_down = support.alone, support.await_down
local Worker = trees.Worker

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

  it("give each start arguments of its own", alone(function()
    local given = {}
    package.loaded["a module of the spec"] = {
      start = function(first, last)
        given[#given + 1] = { first and first.value, last.value }
        if first then first.value = "changed" end
        last.value = "changed"
        return support.idle()
      end,
    }
    local start = { "a module of the spec", "start", nil, { value = 1 } }
    local sup = trees.start { { id = "k", start = start } }
    local crowd = dynamic_supervisor.start_link { extra_arguments = { { value = 2 } } }
    start = { "a module of the spec", "start", { value = 3 } }
    local pid = dynamic_supervisor.start_child(crowd, { start = start })

    trees.finish(trees.pids(sup).k, "kill")
    trees.finish(pid, "kill")
    trees.settle(sup)
    dynamic_supervisor.count_children(crowd)
    package.loaded["a module of the spec"] = nil

    assert.same({ { nil, 1 }, { 2, 3 }, { nil, 1 }, { 2, 3 } }, given)
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

  it("SUP-071 have the caller blamed for what a module's child_spec does not take", function()
    for _, module in ipairs { "pierrot.supervisor", "pierrot.gen_server" } do
      for _, call in ipairs {
        function() return (supervisor.child_spec(module)) end,
        function() return (supervisor.start_link({ module }, { strategy = "one_for_one" })) end,
      } do
        local text = support.error_text(call)
        assert.is_truthy(text:find "^[^:]*supervisor_children_spec.lua:%d+: bad ", text)
      end
    end
  end)

  it("SUP-071 go on with an error of a module's child_spec as it is", function()
    local failure = { "its own" }

    local ok, raised = pcall(supervisor.child_spec, { child_spec = function() error(failure) end })

    assert.is_false(ok)
    assert.is_true(raised == failure)
  end)

  it("of the library's modules go by the module, named or not", function()
    for _, name in ipairs { "task_supervisor", "dynamic_supervisor", "registry", "bucket" } do
      local module = "pierrot." .. name
      assert.equal(module, supervisor.child_spec({ module, { name = "milk" } }).id)
    end
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

  it("may have modules for ids, which go by their names", alone(function()
    local Loaded, Plain = { init = print }, { init = print }
    package.loaded["a loaded module"] = Loaded
    local first = trees.child("a", { id = Loaded })
    local second = trees.child("b", { id = Plain, modules = { Plain, Loaded } })

    local sup, dynamic = trees.start { first }, dynamic_supervisor.start_link()
    assert(supervisor.start_child(sup, second))
    assert(dynamic_supervisor.start_child(dynamic, second))

    local plain = tostring(Plain)
    assert.same({ "a loaded module", plain }, trees.ids(sup))
    assert.same({ plain, "a loaded module" }, supervisor.which_children(sup)[2].modules)
    assert.same({ plain, "a loaded module" },
      dynamic_supervisor.which_children(dynamic)[1].modules)
    assert.is_true(supervisor.terminate_child(sup, Plain))
    assert.is_true(supervisor.delete_child(sup, Plain))
    assert.is_true(supervisor.terminate_child(sup, "a loaded module"))
    assert(supervisor.restart_child(sup, Loaded))
    package.loaded["a loaded module"] = nil
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

  for _, module in ipairs { supervisor, dynamic_supervisor } do
    local kind = module == supervisor and "a supervisor" or "a dynamic one"
    it("are not had from what is no spec, and no harm is done: " .. kind, alone(function()
      local sup = module == supervisor and trees.start {} or module.start_link {}
      local code = { kind = "function", code = "nonsense" }
      for _, parcel in ipairs { 42, { plain = "nonsense" }, { plain = {} }, { packed = code } } do
        assert.is_nil(gen_server.call(sup, { "start_child", parcel }).pid)
      end
      assert.is_nil(gen_server.call(sup, { "start_child" }).pid)

      assert.equal(0, module.count_children(sup).specs)
    end))

    it("are refused when their start is not there for their supervisor: " .. kind,
      alone(function()
        if not support.has_two_schedulers then return end
        local stay, _ <close> = support.homebody()
        local opts = { strategy = "one_for_one", scheduler = support.elsewhere() }
        local sup = module == supervisor and module.start_link({}, opts) or module.start_link(opts)

        local pid, reason = module.start_child(sup, { id = 1, start = stay })

        assert.is_nil(pid)
        assert.equal("error", reason[1])
        assert.is_truthy(reason[2]:find("a_module_of_this_scheduler", 1, true), reason[2])
        assert.equal(0, module.count_children(sup).specs)
      end))
  end

  for _, module in ipairs { supervisor, dynamic_supervisor } do
    local kind = module == supervisor and "a supervisor" or "a dynamic one"
    it("that are temporary do not keep what they were started with: " .. kind, alone(function()
      local sup = module == supervisor and trees.start {} or module.start_link {}
      local kept = setmetatable({}, { __mode = "v" })
      local function start(restart)
        local value = { "shopping list" }
        kept[restart] = value
        return assert(module.start_child(sup, { id = restart, restart = restart,
          start = function() return value and support.idle() end }))
      end

      start "temporary"
      start "permanent"
      module.count_children(sup) -- nothing is left of the requests
      collectgarbage()
      collectgarbage()

      assert.is_nil(kept.temporary)
      assert.is_truthy(kept.permanent)
    end))
  end

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
