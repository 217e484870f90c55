-- SPDX-License-Identifier: MIT
--- Supervisors: their start.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local sys = require "pierrot.sys"
local trees = require "spec.trees"

local alone = support.alone
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

  it("blames that line for where and how it is to run, too", alone(function()
    local module = { init = function() return "ignore" end }
    for option, value in pairs { scheduler = 0, max_queue = -1, max_heap = 0, name = 42 } do
      local opts = { strategy = "one_for_one", [option] = value }
      for _, ask in ipairs {
        function() local pid = supervisor.start_link({}, opts) return pid end,
        function() local pid = supervisor.start_link(module, nil, opts) return pid end,
      } do
        local line = debug.getinfo(ask, "S").linedefined
        local text = support.error_text(ask)
        local expected = ("supervisor_spec.lua:%d: bad option '%s'"):format(line, option)
        assert.is_truthy(text:find(expected, 1, true), text)
      end
    end
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
    assert.is_true(pierrot.is_alive(pids.a) and pierrot.is_alive(pids.b))
    assert.is_nil(pids.c)
    assert.is_true(trees.silence())
    trees.finish(pids.a, "kill")
    assert.same({ "up c", "up a" }, trees.told(2))
    assert.same({ "c", "a" }, trees.ids(sup))
  end))

  it("SUP-068 has the order of the new specs after a code change, dropped ones last",
    alone(function()
      local opts = { strategy = "rest_for_one" }
      local Tree = changing(trees.children { "a", "b", "c", "d" }, opts)
      local sup = supervisor.start_link(Tree)
      trees.told(4)
      Tree.given = { trees.children { "new", "d", "b" }, opts }

      sys.suspend(sup)
      assert.is_true(sys.change_code(sup, Tree, 1, nil))
      sys.resume(sup)

      assert.same({ "new", "d", "b", "a", "c" }, trees.ids(sup))
      trees.finish(trees.pids(sup).b, "kill")
      assert.same({ "up b", "up a", "up c" }, trees.told(3))
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
