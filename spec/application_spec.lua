-- SPDX-License-Identifier: MIT
--- Applications: started and stopped as one, and the end of the program in order.

local pierrot = require "pierrot"
local application = require "pierrot.application"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- An application whose top supervisor has one child of that id; more fields may be given.
local function new_application(id, fields)
  local test = pierrot.self()
  local app = {
    start = function(args)
      local child = { id = id, start = function()
        return gen_server.start_link(trees.Worker,
          { test = test, id = id, traps = true, value = args }, { name = id })
      end }
      return supervisor.start_link({ child }, { strategy = "one_for_one" })
    end,
  }
  for key, value in pairs(fields or {}) do app[key] = value end
  return app
end

describe("an application", function()
  trees.quiet(setup, teardown)

  it("E3.1 starts its tree, with its arguments", alone(function()
    local app = new_application "milk"

    assert.is_true(application.start(app, { litres = 3 }))

    assert.same({ litres = 3 }, gen_server.call("milk", { "get" }))
    application.stop(app)
  end))

  it("outlives whoever has started it", alone(function()
    local app = new_application "milk"

    support.end_of(function() application.start(app) end)

    assert.is_true(pierrot.whereis "milk" ~= nil)
    application.stop(app)
  end))

  it("E3.2 is not started twice", alone(function()
    local app = new_application "milk"
    application.start(app)
    local pid = pierrot.whereis "milk"

    assert.same({ nil, { "already_started", app } }, { application.start(app) })

    assert.equal(pid, pierrot.whereis "milk")
    application.stop(app)
  end))

  it("is started once by many at the same time", alone(function()
    local app, test = new_application "milk", pierrot.self()
    for _ = 1, 10 do
      pierrot.spawn_link(function()
        local started, reason = application.start(app)
        pierrot.send(test, { "started", started and "at last" or reason[1] })
      end)
    end

    local n = 0
    for _ = 1, 10 do
      local result = expect({ "started" })[2]
      if result == "at last" then n = n + 1 else assert.equal("already_started", result) end
    end
    assert.equal(1, n)
    application.stop(app)
  end))

  it("E3.3 is stopped with all its processes, its own stop last", alone(function()
    local test = pierrot.self()
    local app = new_application("milk", { stop = function() pierrot.send(test, { "stopped" }) end })
    application.start(app)
    local worker = trees.up "milk"
    local top = pierrot.info(worker, "parent")
    local refs = { pierrot.monitor(worker), pierrot.monitor(top) }

    assert.is_true(application.stop(app))

    assert.is_false(pierrot.is_alive(worker) or pierrot.is_alive(top))
    assert.same({ "shutdown", "shutdown" }, { await_down(refs[1]), await_down(refs[2]) })
    expect { "stopped" }
    assert.same({ nil, { "not_started", app } }, { application.stop(app) })
  end))

  it("can be started again", alone(function()
    local app = new_application "milk"
    application.start(app)
    application.stop(app)

    assert.is_true(application.start(app))

    application.stop(app)
  end))

  it("E3.4 wants what it needs to be started", alone(function()
    local needed = new_application "milk"
    local app = new_application("cake", { applications = { needed } })

    assert.same({ nil, { "not_started", needed } }, { application.start(app) })
    assert.is_nil(pierrot.whereis "cake")
  end))

  it("E3.4 can be started after all it needs, in order", alone(function()
    local cow = new_application "cow"
    local milk = new_application("milk", { applications = { cow } })
    local cake = new_application("cake", { applications = { cow, milk } })

    local started = application.ensure_all_started(cake)

    assert.equal(3, #started)
    assert.is_true(started[1] == cow and started[2] == milk and started[3] == cake)
    assert.same({ "up cow", "up milk", "up cake" }, trees.told(3))
    assert.same({}, application.ensure_all_started(cake))
    for i = 3, 1, -1 do application.stop(started[i]) end
  end))

  it("is stopped again when what needs it does not start", alone(function()
    local cow = new_application "cow"
    local milk = new_application("milk", {
      applications = { cow }, start = function() return nil, "sour" end,
    })

    local started, reason = application.ensure_all_started(milk)

    assert.is_nil(started)
    assert.is_true(reason[1] == milk)
    assert.equal("sour", reason[2])
    assert.same({ "up cow", "down cow" }, trees.told(2))
  end))

  it("is stopped again when what needs it needs something that is not there", alone(function()
    local cow = new_application "cow"
    local milk = new_application("milk", { applications = { cow, "spec.no_such_application" } })

    local started, reason = application.ensure_all_started(milk)

    assert.is_nil(started)
    assert.equal("spec.no_such_application", reason[1])
    assert.is_truthy(reason[2]:find("module 'spec.no_such_application' not found", 1, true))
    assert.same({ "up cow", "down cow" }, trees.told(2))
    assert.same({ nil, { "not_started", cow } }, { application.stop(cow) })
  end))

  it("is not started by a start that gives the process it runs in", alone(function()
    local app = { start = pierrot.self }

    local started, reason = application.start(app)

    assert.is_nil(started)
    assert.equal("bad_return", reason[1])
  end))

  it("gives one value when it has started", alone(function()
    local app = new_application "milk"

    assert.equal(1, select("#", application.start(app)))
    assert.equal(1, select("#", application.stop(app)))
  end))

  it("that no module is was not started, and has the environment asked for", function()
    local name = "spec.no_such_application"

    assert.same({ nil, { "not_started", name } }, { application.stop(name) })
    assert.equal(7, application.get_env(name, "port", 7))
    assert.is_nil(application.get_env(name, "port"))
  end)

  it("cannot need itself", alone(function()
    local app = new_application "milk"
    app.applications = { app }

    local started, reason = application.ensure_all_started(app)

    assert.is_nil(started)
    assert.equal("needs_itself", reason[2])
  end))

  local failures = {
    { "nil and a reason", function() return nil, { "sold", "out" } end, { "sold", "out" } },
    { "an exit", function() pierrot.exit("sour") end, "sour" },
  }
  for _, failure in ipairs(failures) do
    local title, start, reason = table.unpack(failure)
    it("is not started by a start that gives " .. title, alone(function()
      local app = { start = start }

      assert.same({ nil, reason }, { application.start(app) })
      assert.same({ nil, { "not_started", app } }, { application.stop(app) })
    end))
  end

  it("is not started by a start that raises, or gives junk", alone(function()
    local _, raised = application.start { start = function() error "sour" end }
    local app = { start = function() return "junk" end }
    local _, junk = application.start(app)

    assert.equal("error", raised[1])
    assert.same({ "bad_return", { tostring(app), "start", "junk" } }, junk)
  end))

  it("harms nobody when it does not start", alone(function()
    local app = { start = function()
      return supervisor.start_link({ { id = 1, start = function() return nil, "sour" end } },
        { strategy = "one_for_one" })
    end }

    local _, reason = application.start(app)

    assert.same({ "shutdown", { "failed_to_start_child", 1, "sour" } }, reason)
  end))

  local failing_ends = {
    { "gives a reason", function() return nil, "sour" end },
    { "raises", function() error "sour" end },
  }
  for _, ending in ipairs(failing_ends) do
    local title, fail = table.unpack(ending)
    it("leaves nothing of a start that " .. title, alone(function()
      local helper, traps, top
      local app = { start = function()
        helper, traps = pierrot.spawn_link(pierrot.receive), pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.receive { "EXIT" }
        end)
        top = supervisor.start_link({ { id = 1, start = function()
          return gen_server.start_link({ init = function() return "ok", {} end }, nil,
            { name = "left over" })
        end } }, { strategy = "one_for_one" })
        return fail()
      end }

      application.start(app)

      assert.is_nil(pierrot.whereis "left over")
      for _, pid in ipairs { helper, traps, top } do assert.is_false(pierrot.is_alive(pid)) end
    end))
  end

  it("is stopped with what its start has linked besides, after its own stop", alone(function()
    local test, beside, helper = pierrot.self(), nil, nil
    local app = new_application("milk", {
      stop = function()
        pierrot.send(test, { "stopping", pierrot.is_alive(beside) and pierrot.is_alive(helper) })
      end,
    })
    local start_tree = app.start
    app.start = function()
      helper = pierrot.spawn_link(pierrot.receive)
      beside = supervisor.start_link({}, { strategy = "one_for_one" })
      return start_tree()
    end
    application.start(app)

    assert.is_true(application.stop(app))

    assert.is_true(expect({ "stopping" })[2])
    assert.is_false(pierrot.is_alive(beside) or pierrot.is_alive(helper))
  end))

  it("does not end what its start has linked and not made", alone(function()
    local other = pierrot.spawn(pierrot.receive)
    local app = new_application "milk"
    local start_tree = app.start
    app.start = function()
      pierrot.link(other)
      return start_tree()
    end
    application.start(app)

    application.stop(app)

    assert.is_true(pierrot.is_alive(other))
    pierrot.exit(other, "kill")
  end))

  -- An application whose start asks the test and fails with what it is told, if that is anything.
  local function slow_application()
    local test = pierrot.self()
    return { start = function()
      pierrot.send(test, { "starting", pierrot.self() })
      local reason = pierrot.receive({ "go on" })[2]
      if reason then return nil, reason end
      return supervisor.start_link({}, { strategy = "one_for_one" })
    end }
  end

  -- Has it started by a process of its own, which says what came of it; the process that asks.
  local function start_aside(app)
    local test = pierrot.self()
    pierrot.spawn_link(function()
      local started, reason = application.start(app)
      pierrot.send(test, { "started", started or reason })
    end)
    return expect({ "starting" })[2]
  end

  it("says to all who start it at the same time why it did not start", alone(function()
    local test, app = pierrot.self(), slow_application()
    local starting = start_aside(app)
    for _ = 1, 3 do
      pierrot.spawn_link(function()
        local started, reason = application.start(app)
        pierrot.send(test, { "started", started or reason })
      end)
    end

    -- Who is too late for the first start begins another one.
    pierrot.send(starting, { "go on", "sour" })
    local reasons = {}
    while #reasons < 4 do
      local message = expect(pierrot.one_of({ "started" }, { "starting" }))
      if message[1] == "started" then
        reasons[#reasons + 1] = message[2]
      else
        pierrot.send(message[2], { "go on", "sour" })
      end
    end

    assert.same({ "sour", "sour", "sour", "sour" }, reasons)
  end))

  it("is not there for others before its start is done", alone(function()
    local needed = slow_application()
    local app = new_application("cake", { applications = { needed } })
    local starting = start_aside(needed)

    local early = { application.start(app) }
    pierrot.send(starting, { "go on" })

    assert.same({ nil, { "not_started", needed } }, early)
    assert.is_true(expect({ "started" })[2])
    assert.is_true(application.start(app))
    application.stop(app)
    application.stop(needed)
  end))

  it("is waited for by what needs it", alone(function()
    local test, needed = pierrot.self(), slow_application()
    local app = new_application("cake", { applications = { needed } })
    local starting = start_aside(needed)
    pierrot.spawn_link(function()
      local started = application.ensure_all_started(app)
      pierrot.send(test, { "ensured", #started })
    end)

    pierrot.send(starting, { "go on" })

    assert.is_true(expect({ "started" })[2])
    trees.up "cake"
    assert.equal(1, expect({ "ensured" })[2])
    application.stop(app)
    application.stop(needed)
  end))

  it("is started no more once its tree has ended by itself", alone(function()
    local app = new_application "milk"
    application.start(app)
    local worker = trees.up "milk"
    local top = pierrot.info(worker, "parent")
    local master = pierrot.monitor(pierrot.info(top, "parent"))

    supervisor.stop(top)

    assert.equal("shutdown", await_down(master))
    assert.same({ nil, { "not_started", app } }, { application.stop(app) })
  end))

  it("has an environment, started or not", function()
    local app = { env = { port = 4040, verbose = false } }

    assert.equal(4040, application.get_env(app, "port"))
    assert.is_false(application.get_env(app, "verbose", true))
    assert.is_nil(application.get_env(app, "host"))
    assert.equal("localhost", application.get_env(app, "host", "localhost"))
    assert.equal(7, application.get_env({}, "port", 7))
  end)

  it("is a module with a start", function()
    for _, app in ipairs { {}, "no.such.module", 42, { start = 1 } } do
      support.error_text(application.start, app)
    end
  end)

  it("may be named", alone(function()
    local app = new_application "milk"
    package.loaded["spec.an_application"] = app

    assert.is_true(application.start "spec.an_application")

    assert.same({ nil, { "already_started", "spec.an_application" } },
      { application.start "spec.an_application" })
    assert.equal("already_started", select(2, application.start(app))[1])
    assert.is_true(application.stop(app))
    package.loaded["spec.an_application"] = nil
  end))
end)

-- The end of the program ----------------------------------------------------------------------

-- What children write when they end, in a program with two trees and two applications.
local program <const> = [[
  local pierrot = require "pierrot"
  local application = require "pierrot.application"
  local gen_server = require "pierrot.gen_server"
  local supervisor = require "pierrot.supervisor"
  local Server = {
    init = function(id) pierrot.trap_exit(true) return "ok", id end,
    terminate = function(reason, id) io.write(id, " ", reason, "\n") end,
  }
  local function tree(name)
    local children = {}
    for i = 1, 2 do
      children[i] = { id = i, start = function()
        return gen_server.start_link(Server, name .. i)
      end }
    end
    return assert(supervisor.start_link(children, { strategy = "one_for_one" }))
  end
  local A = { start = function() return tree "a" end, stop = function() io.write "A\n" end }
  local B = { start = function() return tree "b" end, applications = { A } }
  assert(application.ensure_all_started(B))
  tree "m" tree "n"
]]

local in_order <const> = "n2 shutdown\nn1 shutdown\nm2 shutdown\nm1 shutdown\n"
  .. "b2 shutdown\nb1 shutdown\na2 shutdown\na1 shutdown\nA\n"

describe("the end of the program", function()
  it("by halt stops trees and applications in order, the last first", function()
    local output, errors, status = support.run_script(program .. [[
      pierrot.halt(3)
      pierrot.receive("never sent")
    ]])

    assert.same({ in_order, "", 3 }, { output, errors, status })
  end)

  it("E3.3 says what was stopped on purpose", function()
    local _, errors = support.run_script [[
      local application = require "pierrot.application"
      package.loaded.larder = { start = function()
        return require("pierrot.supervisor").start_link({}, { strategy = "one_for_one" })
      end }
      application.start("larder")
      application.stop("larder")
    ]]

    assert.is_truthy(errors:find("application larder stopped", 1, true), errors)
  end)

  for what, app in pairs {
    ["its stop failed: no milk\n"] = {
      start = "return supervisor.start_link({}, { strategy = 'one_for_one' })",
      stop = "error(milk)", finish = "application.stop('larder')",
    },
    ["ended: no milk\n"] = {
      start = "return pierrot.spawn_link(function() pierrot.receive() error(milk) end)",
      stop = "", finish = "pierrot.send(top, 'go')",
    },
  } do
    it("shows an error value as its __tostring does: " .. what:match "[^:]*", function()
      local _, errors = support.run_script(([[
        local pierrot = require "pierrot"
        local application = require "pierrot.application"
        local supervisor = require "pierrot.supervisor"
        local milk = setmetatable({}, { __tostring = function() return "no milk" end })
        local top
        package.loaded.larder = {
          start = function() top = (function() %s end)() return top end,
          stop = function() %s end,
        }
        application.start("larder")
        local master = pierrot.monitor(pierrot.info(top, "parent"))
        %s
        pierrot.receive({ "DOWN", master })
      ]]):format(app.start, app.stop, app.finish))

      assert.is_truthy(errors:find("application larder", 1, true), errors)
      assert.is_truthy(errors:find(what, 1, true), errors)
    end)
  end

  -- The end of a stock interpreter is its own.
  if not support.interpreter:match("[^/]*$"):match "^pierrot" then return end

  it("by the end of the main process stops them in order", function()
    local output, errors, status = support.run_script(program)

    assert.same({ in_order, "", 0 }, { output, errors, status })
  end)

  it("by SIGTERM stops them in order", function()
    local output, errors, status = support.run_script(program .. [[
      io.popen("kill -TERM $PPID"):close()
      pierrot.receive("never sent")
    ]])

    assert.same({ in_order, "", 143 }, { output, errors, status })
  end)

  it("by a second SIGTERM does not wait for anybody", function()
    local output, _, status = support.run_script [[
      local pierrot = require "pierrot"
      local main = pierrot.self()
      require("pierrot.supervisor").start_link({ { id = 1, shutdown = "infinity",
        start = function()
          return pierrot.spawn_link(function()
            pierrot.trap_exit(true)
            pierrot.send(main, "up")
            pierrot.receive { "EXIT" }
            io.write "asked"
            io.popen("kill -TERM $PPID"):close()
            pierrot.receive "never sent"
          end)
        end } }, { strategy = "one_for_one" })
      pierrot.receive "up"
      io.popen("kill -TERM $PPID"):close()
      pierrot.receive "never sent"
    ]]

    assert.same({ "asked", 143 }, { output, status })
  end)
end)
