-- SPDX-License-Identifier: MIT
--- Names for processes: any strings, each held by one process.

local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, dead = support.alone, support.await_down, support.dead
local expect, idle = support.expect, support.idle

describe("a name", function()
  it("NAME-001 gives its pid, and what is sent to it arrives", alone(function()
    assert.is_true(pierrot.register("NAME-001", pierrot.self()))

    assert.equal(pierrot.self(), pierrot.whereis("NAME-001"))
    pierrot.send("NAME-001", "hello")
    assert.equal("hello", expect())
    pierrot.unregister("NAME-001")
  end))

  it("NAME-002 in use is kept by its holder", alone(function()
    local holder, other = idle(), idle()
    pierrot.register("NAME-002", holder)

    local result = table.pack(pierrot.register("NAME-002", other))

    assert.same({ nil, "already_registered", n = 2 }, result)
    assert.equal(holder, pierrot.whereis("NAME-002"))
    pierrot.unregister("NAME-002")
  end))

  it("NAME-002 is the only one of its process", alone(function()
    local pid = idle()
    pierrot.register("NAME-002 first", pid)

    local result = table.pack(pierrot.register("NAME-002 second", pid))

    assert.same({ nil, "already_registered", n = 2 }, result)
    assert.is_nil(pierrot.whereis("NAME-002 second"))
    pierrot.unregister("NAME-002 first")
  end))

  it("NAME-003 stays free when it is given to a dead pid", alone(function()
    local result = table.pack(pierrot.register("NAME-003", dead()))

    assert.same({ nil, "noproc", n = 2 }, result)
    assert.is_nil(pierrot.whereis("NAME-003"))
  end))

  for _, row in ipairs { { "nil" }, { "a string", "pid" }, { "a number", 7 } } do
    it("NAME-003 stays free when it is given to " .. row[1], alone(function()
      assert.has_error(function() pierrot.register("NAME-003 bad", row[2]) end)

      assert.is_nil(pierrot.whereis("NAME-003 bad"))
    end))
  end

  local others = { { "nil" }, { "false", false }, { "a table", {} }, { "a pid", pierrot.self() } }
  for _, row in ipairs(others) do
    it("NAME-004 cannot be " .. row[1], alone(function()
      assert.has_error(function() pierrot.register(row[2], pierrot.self()) end)

      assert.is_false(pierrot.info(pierrot.self(), "name"))
    end))
  end

  local ends = {
    { "a return", function() end },
    { "an exit", function() pierrot.exit("no milk") end },
    { "an error", function() error("no milk") end },
    { "a kill", function() pierrot.exit(pierrot.self(), "kill") end },
  }
  for _, row in ipairs(ends) do
    it("NAME-005 is free again after " .. row[1], alone(function()
      local _, ref = pierrot.spawn_opt({ name = "NAME-005", monitor = true }, row[2])

      await_down(ref)

      assert.is_nil(pierrot.whereis("NAME-005"))
      assert.is_true(pierrot.register("NAME-005", pierrot.self()))
      assert.is_true(pierrot.unregister("NAME-005"))
    end))
  end

  it("NAME-007 is false in info when there is none, else the name", alone(function()
    local pid = idle()
    assert.is_false(pierrot.info(pid, "name"))

    pierrot.register("NAME-007", pid)

    assert.equal("NAME-007", pierrot.info(pid, "name"))
    assert.is_nil(pierrot.info(dead(), "name"))
    pierrot.unregister("NAME-007")
  end))

  for title, name in pairs {
    ["the empty string"] = "",
    ["a NUL"] = "\0",
    ["bytes of all kinds"] = "a\0b\xff\xfe \n",
    ["a megabyte"] = ("x"):rep(1000000),
  } do
    it("can be " .. title, alone(function()
      assert.is_true(pierrot.register(name, pierrot.self()))

      assert.equal(pierrot.self(), pierrot.whereis(name))
      assert.equal(name, pierrot.info(pierrot.self(), "name"))
      pierrot.send(name, "hello")
      assert.equal("hello", expect())
      assert.is_true(pierrot.unregister(name))
      assert.is_nil(pierrot.whereis(name))
    end))
  end

  it("differs from another after a NUL", alone(function()
    local one, two = idle(), idle()

    pierrot.register("a\0one", one)
    pierrot.register("a\0two", two)

    assert.equal(one, pierrot.whereis("a\0one"))
    assert.equal(two, pierrot.whereis("a\0two"))
    assert.is_nil(pierrot.whereis("a"))
    pierrot.unregister("a\0one")
    pierrot.unregister("a\0two")
  end))
end)

describe("unregister", function()
  it("frees the name, and the process may take another", alone(function()
    pierrot.register("first name", pierrot.self())

    assert.is_true(pierrot.unregister("first name"))

    assert.is_nil(pierrot.whereis("first name"))
    assert.is_true(pierrot.register("second name", pierrot.self()))
    assert.is_true(pierrot.unregister("second name"))
  end))

  it("gives not_registered for a name that nobody has", alone(function()
    local result = table.pack(pierrot.unregister("nobody has this name"))

    assert.same({ nil, "not_registered", n = 2 }, result)
  end))

  it("may be done by anyone, as may register", alone(function()
    local pid = idle()

    pierrot.spawn_monitor(function() pierrot.register("by anyone", pid) end)
    expect { "DOWN" }
    assert.equal(pid, pierrot.whereis("by anyone"))

    pierrot.spawn_monitor(function() pierrot.unregister("by anyone") end)
    expect { "DOWN" }
    assert.is_nil(pierrot.whereis("by anyone"))
  end))
end)

describe("the list of names", function()
  it("holds those in use", alone(function()
    local function is_listed(name)
      for _, other in ipairs(pierrot.registered()) do
        if other == name then
          return true
        end
      end
      return false
    end

    assert.is_false(is_listed("listed"))
    pierrot.register("listed", pierrot.self())
    assert.is_true(is_listed("listed"))
    pierrot.unregister("listed")
    assert.is_false(is_listed("listed"))
  end))
end)

describe("whereis", function()
  it("gives back a pid, dead or alive", alone(function()
    local gone = dead()

    assert.equal(gone, pierrot.whereis(gone))
    assert.equal(pierrot.self(), pierrot.whereis(pierrot.self()))
  end))
end)
