-- SPDX-License-Identifier: MIT
--- What can be asked about a process from outside, and about the runtime.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, dead, expect, idle = support.alone, support.dead, support.expect, support.idle

local items <const> = {
  "status", "mailbox", "dropped", "messages", "dictionary", "links", "monitors", "monitored_by",
  "name", "parent", "ancestors", "callers", "reductions", "memory", "scheduler",
  "current_function", "current_stacktrace", "initial_call", "trap_exit",
}

describe("info", function()
  it("PROC-022 says waiting of a process that waits for a message", alone(function()
    local pid = pierrot.spawn_link(function() pierrot.receive("stop") end)
    pierrot.yield()

    assert.equal("waiting", pierrot.info(pid, "status"))
  end))

  it("PROC-022 says running of the process that asks about itself", alone(function()
    assert.equal("running", pierrot.info(pierrot.self(), "status"))
  end))

  it("says runnable of a process that waits for its turn", alone(function()
    local pid = pierrot.spawn_link(function()
      while true do
        pierrot.yield()
      end
    end)

    assert.equal("runnable", pierrot.info(pid, "status"))
  end))

  for _, item in ipairs(items) do
    it("PROC-023 gives nil for a dead process: " .. item, alone(function()
      assert.is_nil(pierrot.info(dead(), item))
    end))
  end

  it("PROC-023 gives nil for a dead process and a list of items, or all", alone(function()
    local pid = dead()

    assert.is_nil(pierrot.info(pid, { "name", "status" }))
    assert.is_nil(pierrot.info(pid))
  end))

  it("PROC-024 shows the messages in order and takes none", alone(function()
    local pid = idle()
    pierrot.send(pid, "a")
    pierrot.send(pid, { "b" })
    pierrot.send(pid, 3)

    assert.same({ "a", { "b" }, 3 }, pierrot.info(pid, "messages"))
    assert.same({ "a", { "b" }, 3 }, pierrot.info(pid, "messages"))
    assert.equal(3, pierrot.info(pid, "mailbox"))
  end))

  it("PROC-024 shows copies of the messages", alone(function()
    pierrot.send(pierrot.self(), { "a" })

    pierrot.info(pierrot.self(), "messages")[1][1] = "changed"

    assert.same({ "a" }, pierrot.receive())
  end))

  it("gives the table of all items without one", alone(function()
    local all = pierrot.info(idle())

    for _, item in ipairs(items) do
      assert.message(item).is_not_nil(all[item])
    end
  end))

  it("gives the bare value of one item", alone(function()
    assert.equal(0, pierrot.info(idle(), "mailbox"))
  end))

  it("gives a table of the items of a list", alone(function()
    assert.same({ mailbox = 0, name = false, trap_exit = false },
      pierrot.info(idle(), { "mailbox", "name", "trap_exit" }))
  end))

  it("raises for an item it does not know", alone(function()
    local text = support.error_text(function()
      local value = pierrot.info(pierrot.self(), "shoe_size")
      return value
    end)

    assert.is_truthy(text:find("shoe_size", 1, true))
    assert.has_error(function() pierrot.info(pierrot.self(), { "name", "shoe_size" }) end)
  end))

  it("raises for what is no pid", alone(function()
    local text = support.error_text(function()
      local value = pierrot.info({})
      return value
    end)

    assert.is_truthy(text:find("bad argument #1 to 'info'", 1, true))
  end))

  it("knows the parent and the ancestors, nearest first", alone(function()
    local test = pierrot.self()
    pierrot.spawn_link(function()
      local me = pierrot.self()
      pierrot.spawn_link(function()
        pierrot.send(test, {
          "family", me, pierrot.info(pierrot.self(), "parent"),
          pierrot.info(pierrot.self(), "ancestors"),
        })
      end)
      pierrot.receive("never sent")
    end)

    local message = expect { "family" }

    assert.equal(message[2], message[3])
    assert.equal(message[2], message[4][1])
    assert.equal(test, message[4][2])
  end))

  it("forgets the oldest of very many ancestors", alone(function()
    local test = pierrot.self()
    local function relay(n)
      if n % 10000 == 0 then
        pierrot.send(test, { "relay", pierrot.self(), #pierrot.info(pierrot.self(), "ancestors") })
        if pierrot.receive() ~= "go on" then return end
      end
      pierrot.spawn(relay, n + 1)
    end
    local function after_ten_thousand(pid)
      pierrot.send(pid, "go on")
      local message = expect { "relay" }
      collectgarbage()
      collectgarbage()
      return message[2], message[3], pierrot.memory().total
    end
    local first = pierrot.spawn(relay, 0)
    expect { "relay", first }
    local second, _, before = after_ten_thousand(first)

    local third, n_ancestors, now = after_ten_thousand(second)

    pierrot.send(third, "stop")
    assert.equal(100, n_ancestors)
    assert.is_true(now - before < 100000, now - before)
  end))

  it("knows whether exits are trapped", alone(function()
    pierrot.trap_exit(true)

    assert.is_true(pierrot.info(pierrot.self(), "trap_exit"))
  end))

  it("counts reductions upwards", alone(function()
    local before = pierrot.info(pierrot.self(), "reductions")
    for _ = 1, 10 do
      pierrot.sleep(0)
      pierrot.yield()
    end

    assert.is_true(pierrot.info(pierrot.self(), "reductions") > before)
  end))

  it("gives the memory in bytes", alone(function()
    local bytes = pierrot.info(idle(), "memory")

    assert.equal("integer", math.type(bytes))
    assert.is_true(bytes > 0)
  end))

  it("gives the index of the scheduler", alone(function()
    local index = pierrot.info(pierrot.self(), "scheduler")

    assert.equal("integer", math.type(index))
    assert.equal(index, pierrot.info(idle(), "scheduler"))
  end))

  it("shows where a process is", alone(function()
    local pid = pierrot.spawn_link(function() pierrot.receive("stop") end)
    pierrot.yield()

    local trace = pierrot.info(pid, "current_stacktrace")

    assert.is_truthy(pierrot.inspect(trace):find("info_spec", 1, true))
  end))

  it("says that a server is in its loop where it handles nothing", alone(function()
    local loop = { current_function = "gen_server:loop",
      current_stacktrace = "stack traceback:\n\tgen_server:loop" }
    local where = { "current_function", "current_stacktrace" }
    local server = assert(require("pierrot.gen_server").start_link {
      init = function() return "ok", {} end,
      handle_cast = function() pierrot.receive("go on") end,
    })

    assert.same(loop, pierrot.info(server, where))
    assert.same(loop, pierrot.info(require("pierrot.bucket").start_link(), where))
    require("pierrot.gen_server").cast(server, "wait")
    pierrot.yield()
    assert.is_truthy(pierrot.info(server, "current_function"):find "info_spec%.lua:%d+$")
    pierrot.send(server, "go on")
  end))

  it("can be asked about a process on another scheduler", alone(function()
    local pid = pierrot.spawn_opt({ scheduler = "any", link = true },
      "spec.fixtures.remote:echo", pierrot.self())
    pierrot.send(pid, "hello")
    expect { "echo", "hello" }

    assert.equal(0, pierrot.info(pid, "mailbox"))
    assert.equal("table", type(pierrot.info(pid)))
    assert.same({ pierrot.self() }, pierrot.info(pid, "links"))
  end))
end)

describe("memory", function()
  it("gives bytes, the total among them", alone(function()
    local memory = pierrot.memory()

    for _, item in ipairs { "total", "lua", "processes", "messages" } do
      assert.message(item).is_true(memory[item] >= 0)
    end
    assert.is_true(memory.total >= memory.lua)
  end))

  it("grows with what is kept, and shrinks when it is let go", alone(function()
    collectgarbage()
    local before = pierrot.memory().total
    local hoard = {}
    for i = 1, 100 do
      hoard[i] = ("x"):rep(100000) .. i
    end

    local during = pierrot.memory().total
    assert.is_true(#hoard == 100 and during - before >= 5000000)
    hoard = nil
    collectgarbage()
    collectgarbage()

    assert.is_nil(hoard)
    assert.is_true(pierrot.memory().total < during - 5000000)
  end))
end)

describe("inspect", function()
  local rows = {
    { "a string in quotes", "milk", '"milk"' },
    { "an integer", 42, "42" },
    { "nil", nil, "nil" },
    { "true", true, "true" },
  }
  for _, row in ipairs(rows) do
    it("prints " .. row[1], function()
      assert.equal(row[3], pierrot.inspect(row[2]))
    end)
  end

  it("prints in one line whatever is in it", function()
    local text = pierrot.inspect({ "a\nb", { c = "\0\r\n" }, print })

    assert.is_nil(text:find("[\r\n]"))
  end)

  it("tells a float from an integer", function()
    assert.not_equal(pierrot.inspect(1), pierrot.inspect(1.0))
  end)

  it("ends for a table that holds itself", function()
    local loop = {}
    loop[1] = loop

    assert.equal("string", type(pierrot.inspect(loop)))
  end)
end)
