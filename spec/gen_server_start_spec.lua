-- SPDX-License-Identifier: MIT
--- gen_server: how servers start, and how a start fails.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, expect = support.alone, support.expect
local Keeper, start, be_watched = servers.Keeper, servers.start, servers.be_watched

describe("a start", function()
  it("GS-001 gives init exactly the argument, in the new process, and returns its pid afterwards",
    alone(function()
      local arg = { test = pierrot.self(), list = { 1, 2.5, "three" } }

      local pid = gen_server.start_link({
        init = function(given)
          pierrot.send(given.test, { "init", pierrot.self(), given })
          return "ok", given
        end,
      }, arg)

      assert.same({ "init", pid, arg }, pierrot.receive({ "init" }, 0))
      assert.not_equal(pierrot.self(), pid)
    end))

  it("GS-001 runs init with nil when there is no argument", alone(function()
    local test = pierrot.self()

    start { init = function(...)
      pierrot.send(test, { "init", select("#", ...), (...) })
      return "ok", nil
    end }

    local message = expect { "init" }
    assert.is_true(message[2] <= 1)
    assert.is_nil(message[3])
  end))

  it("GS-002 links the server when it is linked", alone(function()
    local pid = gen_server.start_link(Keeper, {})

    assert.same({ pid }, pierrot.info(pierrot.self(), "links"))
  end))

  it("GS-002 does not link the server when it is plain", alone(function()
    local pid = gen_server.start(Keeper, {})

    assert.same({}, pierrot.info(pierrot.self(), "links"))
    gen_server.stop(pid)
  end))

  for _, how in ipairs { "start", "start_link", "start_monitor" } do
    it("GS-003 gives nil and ignore, by " .. how .. ", and the process ends normally",
      alone(function()
        local pid, reason = gen_server[how]({
          init = function(test)
            be_watched(test)
            return "ignore"
          end,
          terminate = function(_, test) pierrot.send(test, { "terminate" }) end,
        }, pierrot.self())

        assert.is_nil(pid)
        assert.equal("ignore", reason)
        assert.equal("normal", expect({ "ended" })[2])
        assert.equal(0, pierrot.flush().n)
      end))
  end

  for _, how in ipairs { "start", "start_link", "start_monitor" } do
    it("GS-004 gives nil and the reason when init stops, by " .. how, alone(function()
      pierrot.trap_exit(true)

      local pid, reason = gen_server[how]({
        init = function(test)
          be_watched(test)
          return "stop", { "no", "milk" }
        end,
        terminate = function(_, test) pierrot.send(test, { "terminate" }) end,
      }, pierrot.self())

      assert.is_nil(pid)
      assert.same({ "no", "milk" }, reason)
      assert.same({ "no", "milk" }, expect({ "ended" })[2])
      assert.equal(0, pierrot.flush().n)
    end))
  end

  it("gives nil and the reason when init answers error, and the process ends normally",
    alone(function()
      local pid, reason = gen_server.start_link({
        init = function(test)
          be_watched(test)
          return "error", "no milk"
        end,
      }, pierrot.self())

      assert.is_nil(pid)
      assert.equal("no milk", reason)
      assert.equal("normal", expect({ "ended" })[2])
    end))

  it("GS-007 gives the error's value and a traceback when init raises", alone(function()
    local pid, reason = gen_server.start({ init = function() error({ code = 7 }) end })

    assert.is_nil(pid)
    assert.equal("error", reason[1])
    assert.same({ code = 7 }, reason[2])
    assert.is_truthy(reason[3]:find("gen_server_start_spec", 1, true))
  end))

  it("GS-008 gives the reason alone when init exits", alone(function()
    local pid, reason = gen_server.start({ init = function() pierrot.exit("no milk") end })

    assert.is_nil(pid)
    assert.equal("no milk", reason)
  end))

  it("GS-009 gives bad_return_value when init answers something else", alone(function()
    local one = { gen_server.start({ init = function() return "milk" end }) }
    local two = { gen_server.start({ init = function() return "milk", 2 end }) }

    assert.same({ nil, { "bad_return_value", "milk" } }, one)
    assert.same({ nil, { "bad_return_value", { "milk", 2 } } }, two)
  end))

  it("ends a caller that does not trap exits with init's abnormal reason when it is linked",
    alone(function()
      local reason = support.end_of(function()
        gen_server.start_link({ init = function() return "stop", "no milk" end })
        pierrot.exit("went on")
      end)

      assert.equal("no milk", reason)
    end))

  for _, answer in ipairs { { "ignore" }, { "error", "no milk" } } do
    it("does not harm a linked caller when init answers " .. answer[1], alone(function()
      local reason = support.end_of(function()
        gen_server.start_link({ init = function() return table.unpack(answer) end })
        pierrot.exit("went on")
      end)

      assert.equal("went on", reason)
    end))
  end

  it("GS-010 under a name lets the name stand for the pid", alone(function()
    local pid = gen_server.start_link(Keeper, { value = 1 }, { name = "GS-010" })

    assert.equal(1, gen_server.call("GS-010", { "get" }))
    assert.equal(1, gen_server.call(pid, { "get" }))
    assert.equal(pid, pierrot.whereis("GS-010"))
    assert.equal("GS-010", pierrot.info(pid, "name"))
    assert.is_true(gen_server.stop("GS-010"))
    assert.is_nil(pierrot.whereis("GS-010"))
  end))

  it("GS-010 holds the name before init runs", alone(function()
    local test = pierrot.self()

    local pid = start({ init = function()
      pierrot.send(test, { "held by", pierrot.whereis("GS-010 early") })
      return "ok", {}
    end }, nil, { name = "GS-010 early" })

    assert.equal(pid, expect({ "held by" })[2])
    gen_server.stop(pid)
  end))

  it("GS-011 takes nil for no name", alone(function()
    local pid = gen_server.start_link(Keeper, {}, { name = nil })

    assert.is_false(pierrot.info(pid, "name"))
  end))

  for title, name in pairs {
    ["a number"] = 42,
    ["a boolean"] = true,
    ["an empty table"] = {},
    ["a via without a key"] = { "via", "some registry" },
    ["a via whose key is a table"] = { "via", "some registry", {} },
    ["a via whose key is a function"] = { "via", "some registry", print },
    ["a via whose key is NaN"] = { "via", "some registry", 0 / 0 },
    ["a via whose registry is a number"] = { "via", 1, "some key" },
    ["a via with a value that cannot be sent"] = { "via", "some registry", "some key", { print } },
    ["a table of another kind"] = { "global", "some name" },
  } do
    it("GS-012 raises an argument error for " .. title .. " as a name, and starts nothing",
      alone(function()
        local test = pierrot.self()
        local Telling = { init = function()
          pierrot.send(test, "init ran")
          return "ok", {}
        end }

        local text = support.error_text(function()
          local pid = gen_server.start(Telling, nil, { name = name })
          return pid
        end)

        assert.is_truthy(text:find("name", 1, true))
        assert.equal(0, pierrot.flush().n)
      end))
  end

  it("GS-012 shows the bad name", alone(function()
    local text = support.error_text(function()
      local pid = gen_server.start(Keeper, nil, { name = 4711 })
      return pid
    end)

    assert.is_truthy(text:find("4711", 1, true) or text:find("got number", 1, true))
  end))

  it("GS-013 gives already_started with the holder when the name is taken", alone(function()
    local test = pierrot.self()
    local holder = gen_server.start_link(Keeper, {}, { name = "GS-013" })

    local pid, reason = gen_server.start_link({ init = function()
      pierrot.send(test, "init ran")
      return "ok", {}
    end }, nil, { name = "GS-013" })

    assert.is_nil(pid)
    assert.same({ "already_started", holder }, reason)
    assert.equal(0, pierrot.flush().n)
    gen_server.stop(holder)
  end))

  it("frees the name when init fails", alone(function()
    gen_server.start({ init = function() return "stop", "no milk" end }, nil, { name = "freed" })

    local pid = gen_server.start_link(Keeper, {}, { name = "freed" })

    assert.is_true(pierrot.is_pid(pid))
    gen_server.stop(pid)
  end))

  it("GS-015 that monitors gives pid and ref, and the DOWN has the server's reason",
    alone(function()
      local pid, ref = gen_server.start_monitor(Keeper, {})

      gen_server.stop(pid, "done")

      assert.same({ "DOWN", ref, "process", pid, "done" }, expect())
    end))

  it("START-001 blocks the starter until init reports, and no longer", alone(function()
    local test = pierrot.self()
    pierrot.spawn_link(function()
      start { init = function()
        pierrot.send(test, { "in init", pierrot.self() })
        pierrot.receive("go on")
        return "ok", {}
      end }
      pierrot.send(test, "started")
      pierrot.receive("never sent")
    end)
    local pid = expect({ "in init" })[2]

    pierrot.send(test, "before")
    pierrot.send(pid, "go on")

    assert.equal("before", expect())
    assert.equal("started", expect())
  end))

  for _, how in ipairs { "start", "start_link" } do
    it("START-002 gives a trapping starter the reason of a crash in init, by " .. how,
      alone(function()
        pierrot.trap_exit(true)

        local pid, reason = gen_server[how]({ init = function() error("no milk", 0) end })

        assert.is_nil(pid)
        assert.equal("error", reason[1])
        assert.equal("no milk", reason[2])
        assert.equal(0, pierrot.flush().n)
      end))

    it("START-002 gives killed when the server is killed within init, by " .. how, alone(function()
      pierrot.trap_exit(true)

      local pid, reason = gen_server[how]({ init = function()
        pierrot.exit(pierrot.self(), "kill")
      end })

      assert.is_nil(pid)
      assert.equal("killed", reason)
      assert.equal(0, pierrot.flush().n)
    end))
  end

  for _, how in ipairs { "start", "start_link" } do
    it("START-005 with a time limit gives timeout and kills the half-started process, by " .. how,
      alone(function()
        local pid, reason = gen_server[how]({ init = function(test)
          be_watched(test)
          pierrot.receive("never sent")
        end }, pierrot.self(), { timeout = 20 })

        assert.is_nil(pid)
        assert.equal("timeout", reason)
        assert.equal("killed", expect({ "ended" })[2])
        assert.equal(0, pierrot.flush().n)
      end))
  end

  if support.has_two_schedulers then
    it("gives init's reason from elsewhere, also one that is the word for a taken name",
      alone(function()
        local _, reason = gen_server.start({
          init = function() return "stop", "already_registered" end,
        }, nil, { scheduler = support.elsewhere() })

        assert.equal("already_registered", reason)
      end))

    it("leaves nothing elsewhere when the time is up at once", alone(function()
      for _ = 1, 50 do
        local pid = gen_server.start_link({ init = function() return "ok", {} end }, nil,
          { name = "never started", scheduler = support.elsewhere(), timeout = 0 })

        if pid then gen_server.stop(pid) end
        assert.is_nil(pierrot.whereis "never started")
        assert.same({}, pierrot.info(pierrot.self(), "links"))
      end
    end))

    it("gives who has the name, also when it is given away meanwhile", alone(function()
      local server = { init = function() return "ok", {} end }
      pierrot.spawn_opt({ scheduler = support.elsewhere(), link = true }, function()
        local p = require "pierrot"
        while true do
          p.register("contested", p.self())
          p.unregister("contested")
        end
      end)

      for i = 1, 100 do
        local there = { name = "contested", scheduler = i % 2 == 0 and support.elsewhere() or nil }
        local pid, reason = gen_server.start(server, nil, there)
        if pid then
          gen_server.stop(pid)
        else
          assert.equal("already_started", reason[1])
          assert.is_true(pierrot.is_pid(reason[2]))
        end
      end
    end))

    local failures <const> = {
      { "takes too long", "timeout", function() while true do end end },
      { "exits", "shutdown", function() require "pierrot".exit "shutdown" end },
      { "ignores", "ignore", function() return "ignore" end },
      { "stops", "shutdown", function() return "stop", "shutdown" end },
    }
    for _, how in ipairs { "start", "start_link", "start_monitor" } do
      for _, row in ipairs(failures) do
        it("leaves nothing elsewhere when init " .. row[1] .. ", by " .. how, alone(function()
          pierrot.trap_exit(true)
          local there = pierrot.spawn_opt({ scheduler = support.elsewhere(), link = true },
            "spec.fixtures.remote:echo", pierrot.self())

          for _ = 1, 8 do
            local pid, reason = gen_server[how]({ init = row[3] }, nil,
              { name = "half-started", scheduler = support.elsewhere(), timeout = 10 })
            local holder = pierrot.whereis "half-started"
            local messages = pierrot.info(there, "mailbox") == 0 and pierrot.flush()

            assert.is_nil(pid)
            assert.equal(row[2], reason == "timeout" and row[2] or reason)
            assert.is_nil(holder)
            assert.equal(0, messages.n)
          end
        end))
      end
    end
  end

  it("takes a module by its name", alone(function()
    local pid = gen_server.start_link("spec.fixtures.counter", 5)

    assert.equal(6, gen_server.call(pid, { "add", 1 }))
  end))

  it("raises for a module without init", function()
    local text = support.error_text(function()
      local pid = gen_server.start({ handle_call = {} })
      return pid
    end)

    assert.is_truthy(text:find("init", 1, true))
  end)

  it("runs init with the starter as parent", alone(function()
    local pid = gen_server.start_link(Keeper, {})

    assert.equal(pierrot.self(), pierrot.info(pid, "parent"))
  end))
end)

describe("a child spec", function()
  it("GS-066 has the module's name as id and starts it with the argument; overrides win",
    alone(function()
      local spec = gen_server.child_spec("spec.fixtures.counter", 5)
      local sup = assert(pierrot.supervisor.start_link({ spec }, { strategy = "one_for_one" }))
      local pid = pierrot.supervisor.which_children(sup)[1].pid
      local other = gen_server.child_spec("spec.fixtures.counter", 5, {
        id = "another", restart = "transient", shutdown = 100,
      })

      assert.same({ "spec.fixtures.counter", "permanent", 5000, "worker" },
        { spec.id, spec.restart, spec.shutdown, spec.type })
      assert.equal(6, gen_server.call(pid, { "add", 1 }))
      assert.same({ "another", "transient", 100, "worker" },
        { other.id, other.restart, other.shutdown, other.type })
    end))
end)
