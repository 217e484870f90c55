-- SPDX-License-Identifier: MIT
--- sys: a look into servers and a hand on them, in Lua and in C.

local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local registry = require "pierrot.registry"
local servers = require "spec.servers"
local support = require "spec.support"
local sys = require "pierrot.sys"

local alone, expect = support.alone, support.expect

-- A server in Lua that answers the two requests of a bucket that are needed here.
local Items = servers.module {
  handle_call = {
    get = function(state, _, key) return "reply", state[key] end,
    put = function(state, _, key, value)
      state[key] = value
      return "reply", true
    end,
  },
  terminate = function() end,
}

local KINDS <const> = {
  {
    name = "a server in Lua",
    start = function(opts) return assert(gen_server.start_link(Items, {}, opts)) end,
    module = tostring(Items),
  },
  {
    name = "a server in C",
    start = function(opts) return assert(bucket.start_link(opts)) end,
    module = "bucket",
  },
}

local function put(pid, key, value) return gen_server.call(pid, { "put", key, value }) end
local function get(pid, key) return gen_server.call(pid, { "get", key }) end

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), part .. " is not in: " .. text)
end

for _, kind in ipairs(KINDS) do
  local function case(name, body)
    it(("%s (%s)"):format(name, kind.name), alone(function() body(kind.start()) end))
  end

  describe("sys, of " .. kind.name .. ",", function()
    case("SYS-001 reads the state", function(pid)
      put(pid, "a", { 1, 2 })

      local state = sys.get_state(pid)

      assert.same({ a = { 1, 2 } }, state)
      assert.same({ 1, 2 }, get(pid, "a"))
    end)

    it("SYS-001 reads the state by name, with " .. kind.name, alone(function()
      local pid = kind.start { name = "looked into" }
      put(pid, "a", 1)

      assert.same({ a = 1 }, sys.get_state "looked into")
    end))

    case("SYS-002 reads the state of one that is suspended", function(pid)
      put(pid, "a", 1)
      sys.suspend(pid)

      assert.same({ a = 1 }, sys.get_state(pid))
    end)

    case("SYS-003 replaces the state by what a function makes of it", function(pid)
      put(pid, "a", 1)

      local new = sys.replace_state(pid, function(state) return { b = state.a + 1 } end)

      assert.same({ b = 2 }, new)
      assert.same({ b = 2 }, sys.get_state(pid))
      assert.equal(2, get(pid, "b"))
      assert.is_nil(get(pid, "a"))
    end)

    case("keeps the state when the function fails, which is the caller's error", function(pid)
      put(pid, "a", 1)

      local text = support.error_text(sys.replace_state, pid, function() error "not now" end)

      has(text, "not now")
      assert.same({ a = 1 }, sys.get_state(pid))
    end)

    case("SYS-005 replaces the state of one that is suspended", function(pid)
      sys.suspend(pid)
      sys.replace_state(pid, function() return { a = 5 } end)
      sys.resume(pid)

      assert.equal(5, get(pid, "a"))
    end)

    case("SYS-006 leaves calls to one that is suspended waiting", function(pid)
      put(pid, "a", 1)
      assert.is_true(sys.suspend(pid))

      local reason = support.exit_reason(gen_server.call, pid, { "get", "a" }, 1)
      assert.is_true(sys.resume(pid))

      assert.equal("timeout", reason[1])
      assert.equal(1, get(pid, "a"))
    end)

    case("handles what came meanwhile after it resumes, in order", function(pid)
      local me = pierrot.self()
      sys.suspend(pid)
      for i = 1, 5 do
        pierrot.spawn_link(function()
          local id = gen_server.send_request(pid, { "put", "last", i })
          pierrot.send(me, "sent")
          gen_server.receive_response(id)
          pierrot.send(me, { "done", i })
        end)
        expect "sent"
      end
      assert.same({}, sys.get_state(pid))
      sys.resume(pid)

      for i = 1, 5 do expect { "done", i } end
      assert.equal(5, get(pid, "last"))
    end)

    case("is stopped while it is suspended", function(pid)
      sys.suspend(pid)

      assert.is_true(gen_server.stop(pid))

      assert.is_false(pierrot.is_alive(pid))
    end)

    case("is not suspended twice", function(pid)
      sys.suspend(pid)
      sys.suspend(pid)
      sys.resume(pid)
      sys.resume(pid)

      assert.is_true(put(pid, "a", 1))
    end)

    case("shows in info that it is suspended", function(pid)
      sys.suspend(pid)
      local suspended = pierrot.info(pid, "status")
      sys.resume(pid)

      assert.equal("suspended", suspended)
      assert.equal("waiting", pierrot.info(pid, "status"))
    end)

    it("reaches a full mailbox while it is suspended, with " .. kind.name, alone(function()
      local pid = kind.start { max_queue = 2 }
      sys.suspend(pid)
      for _ = 1, 5 do gen_server.cast(pid, "more") end

      assert.same({}, sys.get_state(pid))
      assert.equal(3, pierrot.info(pid, "dropped"))
    end))

    it("ends with its parent also while it is suspended, with " .. kind.name, alone(function()
      local me = pierrot.self()
      local parent = pierrot.spawn(function()
        local pid = kind.start()
        sys.suspend(pid)
        pierrot.send(me, { "started", pid })
        pierrot.receive()
      end)
      local pid = expect({ "started" })[2]
      local ref = pierrot.monitor(pid)
      pierrot.exit(parent, "shutdown")

      assert.equal("shutdown", support.await_down(ref))
    end))

    case("SYS-009 tells pid, module, status, parent, dictionary and state", function(pid)
      put(pid, "a", 1)
      local running = sys.get_status(pid)
      sys.suspend(pid)
      local suspended = sys.get_status(pid)

      assert.same({
        pid = pid, name = false, module = kind.module, status = "running", parent = pierrot.self(),
        dictionary = {}, state = { a = 1 },
      }, running)
      assert.equal("suspended", suspended.status)
    end)

    case("SYS-012 counts messages in and out, until it is turned off", function(pid)
      assert.is_true(sys.statistics(pid, true))
      put(pid, "a", 1)
      local counted = sys.statistics(pid, "get")
      assert.is_true(sys.statistics(pid, false))

      assert.equal(1, counted.messages_in)
      assert.equal(1, counted.messages_out)
      assert.is_true(counted.current_time >= counted.start_time)
      assert.is_true(counted.reductions > 0)
      assert.same({ nil, "no_statistics" }, { sys.statistics(pid, "get") })
    end)

    case("SYS-014 keeps the last events in order, until it is turned off", function(pid)
      local me = pierrot.self()
      assert.is_true(sys.log(pid, true))
      put(pid, "a", 1)
      get(pid, "a")
      local log = sys.log(pid, "get")
      for i = 1, 20 do put(pid, "n", i) end
      local longer = sys.log(pid, "get")
      assert.is_true(sys.log(pid, false))

      assert.same({
        { "in", { "put", "a", 1 }, "call", me }, { "out", true, me },
        { "in", { "get", "a" }, "call", me }, { "out", 1, me },
      }, log)
      assert.equal(10, #longer)
      assert.same({ "in", { "put", "n", 16 }, "call", me }, longer[1])
      assert.same({}, sys.log(pid, "get"))
    end)

    case("keeps as many events as it is told, of those that it has, too", function(pid)
      local function logged()
        local names = {}
        for i, event in ipairs(sys.log(pid, "get")) do names[i] = event[1] end
        return table.concat(names, " ")
      end
      sys.log(pid, true)
      for _ = 1, 3 do get(pid, "a") end
      local all = logged()
      assert.is_true(sys.log(pid, 3))
      local fewer = logged()
      get(pid, "a")
      local still = logged()
      sys.log(pid, 5)
      sys.log(pid, true)
      get(pid, "a")

      assert.equal("in out in out in out", all)
      assert.equal("out in out", fewer)
      assert.equal("out in out", still)
      assert.equal("out in out in out", logged())
    end)

    case("calls what is installed until it is done", function(pid)
      local me = pierrot.self()
      assert.is_true(sys.install(pid, { "two", function(n, event, name)
        pierrot.send(me, { "heard", n, event, name })
        return n == 2 and "done" or n + 1
      end, 1 }))
      put(pid, "a", 1)
      put(pid, "a", 2)
      sys.no_debug(pid)

      local heard = pierrot.flush()

      assert.equal(2, heard.n)
      assert.same({ "heard", 1, { "in", { "put", "a", 1 }, "call", me }, pid }, heard[1])
      assert.same({ "heard", 2, { "out", true, me }, pid }, heard[2])
    end)

    case("calls nothing any more after remove, and after no_debug", function(pid)
      local me = pierrot.self()
      local function tell(id) pierrot.send(me, { "heard", id }) return id end
      sys.install(pid, { "a", tell, "a" })
      sys.install(pid, { "b", tell, "b" })
      sys.install(pid, { "b", tell, "another" })
      assert.is_true(sys.remove(pid, "a"))
      get(pid, "x")
      assert.is_true(sys.no_debug(pid))
      get(pid, "x")
      assert.is_true(sys.remove(pid, "nothing"))

      local heard = pierrot.flush()

      assert.equal(2, heard.n)
      assert.same({ { "heard", "b" }, { "heard", "b" } }, { heard[1], heard[2] })
    end)

    case("removes what is installed and fails", function(pid)
      local me = pierrot.self()
      sys.install(pid, { "bad", function()
        pierrot.send(me, "once")
        error "oops"
      end, 1 })
      get(pid, "x")
      get(pid, "x")
      sys.no_debug(pid)

      assert.same({ "once", n = 1 }, pierrot.flush())
      assert.is_true(put(pid, "a", 1))
    end)

    case("leaves no process behind when nothing is watched any more", function(pid)
      local before = {}
      for _, process in ipairs(pierrot.processes()) do before[process] = true end
      sys.statistics(pid, true)
      local tracer
      for _, process in ipairs(pierrot.processes()) do
        if not before[process] and pierrot.info(process, "parent") == pierrot.self() then
          tracer = process
        end
      end
      local ref = pierrot.monitor(tracer)
      sys.statistics(pid, false)

      assert.is_not_equal("noproc", support.await_down(ref))
    end)

    case("terminates it with a reason", function(pid)
      pierrot.trap_exit(true)
      local ref = pierrot.monitor(pid)

      assert.is_true(sys.terminate(pid, { "shutdown", "enough" }))

      assert.same({ "shutdown", "enough" }, support.await_down(ref))
    end)

    case("fails as a call does", function(pid)
      pierrot.trap_exit(true)
      gen_server.stop(pid)

      assert.same({ "noproc", { "sys", "get_state", pid, 5000 } },
        support.exit_reason(sys.get_state, pid))
      assert.same({ "noproc", { "sys", "suspend", "nobody", 20 } },
        support.exit_reason(sys.suspend, "nobody", 20))
      assert.same({ "noproc", { "sys", "trace", pid, true, 5000 } },
        support.exit_reason(sys.trace, pid, true))
    end)

    it("takes a function that is not there for the caller's mistake, with " .. kind.name,
      alone(function()
        if not support.has_two_schedulers then return end
        local stay, _ <close> = support.homebody()
        local pid = kind.start { scheduler = support.elsewhere() }
        put(pid, "a", 1)

        local text = support.error_text(sys.install, pid, { "id", stay, 0 })

        assert.is_truthy(text:find("a_module_of_this_scheduler", 1, true), text)
        pcall(sys.replace_state, pid, stay)
        assert.equal(1, get(pid, "a"))
      end))

    it("works from another scheduler, with " .. kind.name, alone(function()
      if not support.has_two_schedulers then return end
      local pid = kind.start { scheduler = support.elsewhere() }
      local me = pierrot.self()
      put(pid, "a", 1)

      assert.same({ a = 2 }, sys.replace_state(pid, function(state) return { a = state.a + 1 } end))
      sys.install(pid, { "far", function(fn_state, event)
        require("pierrot").send(me, { "heard", event[1] })
        return fn_state
      end, 0 })
      sys.statistics(pid, true)
      get(pid, "a")
      local counted = sys.statistics(pid, "get")

      assert.equal(1, counted.messages_in)
      expect { "heard", "in" }
      expect { "heard", "out" }
    end))
  end)
end

describe("sys", function()
  it("SYS-013 prints a line for the request and one for the reply", function()
    if not support.program then return end
    for _, start in ipairs { "gen_server.start(Items, {})", "bucket.start()" } do
      local output, errors, status = support.execute(support.command(support.program, "-e", ([[
        local pierrot = require "pierrot"
        local gen_server, bucket, sys = pierrot.gen_server, pierrot.bucket, pierrot.sys
        local Items = {
          init = function(items) return "ok", items end,
          handle_call = { get = function(items, _, key) return "reply", "the value" end },
        }
        local pid = %s
        if pierrot.info(pid, "initial_call") == "bucket" then bucket.put(pid, "a", "the value") end
        print(pid, pierrot.self())
        sys.trace(pid, true)
        gen_server.call(pid, { "get", "a" })
        sys.trace(pid, false)
        gen_server.call(pid, { "get", "a" })
      ]]):format(start)))

      assert.equal(0, status, errors)
      local pid, me = output:match "^(<[%d.]+>)\t(<[%d.]+>)\n"
      assert.equal(('*DBG* %s got call {"get", "a"} from %s\n*DBG* %s sent "the value" to %s\n')
        :format(pid, me, pid, me), output:match "\n(.*)$")
    end
  end)

  it("shows the state as format_status gives it, in get_status only", alone(function()
    local pid = servers.start({
      format_status = function(status)
        status.state = "hidden"
        return status
      end,
    }, { secret = 1 })

    assert.equal("hidden", sys.get_status(pid).state)
    assert.same({ secret = 1 }, sys.get_state(pid))
  end))

  it("lets format_status change the state that it is given, which is not the server's own",
    alone(function()
      local state = setmetatable({ secret = 1, list = { 2 }, fn = print },
        { __index = { hide = function(self) self.secret = "hidden" end } })
      state.itself = state
      local pid = servers.start({
        init = function() return "ok", state end,
        format_status = function(status)
          status.state:hide()
          status.state.list[1] = "hidden"
          status.state.is_whole = status.state.itself == status.state
          return status
        end,
        handle_call = function(_, _, own) return "reply", { own.secret, own.list[1] } end,
      })

      local shown = sys.get_status(pid).state

      assert.same({ "hidden", { "hidden" }, true }, { shown.secret, shown.list, shown.is_whole })
      assert.equal(pierrot.inspect(print), shown.fn)
      assert.same({ 1, 2 }, gen_server.call(pid, "get"))
    end))

  for how, format in pairs {
    crashed = function() error "not this" end,
    ["returned no table"] = function() return "not this" end,
  } do
    it("hides the state when format_status " .. how, alone(function()
      local pid = servers.start({ format_status = format }, "the secret")

      assert.equal("format_status " .. how, sys.get_status(pid).state)
      assert.equal("the secret", sys.get_state(pid))
    end))
  end

  it("shows the state that format_status leaves out of a table of its own", alone(function()
    local pid = servers.start({ format_status = function() return {} end }, "the state")

    assert.equal("the state", sys.get_status(pid).state)
  end))

  it("lets format_status see what is logged, in get_status", alone(function()
    local me = pierrot.self()
    local pid = servers.start({
      handle_call = function() return "reply", "pong" end,
      format_status = function(status) return { state = status.log } end,
    }, "the state")
    local before = sys.get_status(pid).state
    sys.log(pid, true)
    gen_server.call(pid, "ping")

    assert.same({}, before)
    assert.same({ { "in", "ping", "call", me }, { "out", "pong", me } }, sys.get_status(pid).state)
  end))

  it("shows name and dictionary in get_status", alone(function()
    local pid = servers.start({
      init = function()
        pierrot.put("key", "value")
        return "ok", 1
      end,
    }, nil, { name = "a name" })

    local status = sys.get_status(pid)

    assert.equal("a name", status.name)
    assert.same({ key = "value" }, status.dictionary)
  end))

  it("shows text for what in a state cannot be sent", alone(function()
    local pid = servers.start { init = function() return "ok", { print = print } end }

    has(sys.get_state(pid).print, "function")
  end))

  it("runs the function of replace_state in the server", alone(function()
    local pid = servers.start({}, 0)

    assert.equal(pid, sys.replace_state(pid, function() return pierrot.self() end))
  end))

  it("keeps a state that the function has changed in place", alone(function()
    local pid = servers.start({}, { n = 1 })

    assert.same({ n = 2 }, sys.replace_state(pid, function(state) state.n = 2 end))
    assert.same({ n = 2 }, sys.get_state(pid))
  end))

  it("replaces a state by false", alone(function()
    local pid = servers.start({}, true)

    assert.is_false(sys.replace_state(pid, function() return false end))
    assert.is_false(sys.get_state(pid))
  end))

  it("exits with the reason of a function of replace_state that exits", alone(function()
    local pid = servers.start({}, 1)

    assert.equal("no", support.exit_reason(sys.replace_state, pid, function()
      pierrot.exit "no"
    end)[1])
    assert.equal(1, sys.get_state(pid))
  end))

  it("refuses a new state that a server in C does not take", alone(function()
    local b = assert(bucket.start_link())
    bucket.put(b, "a", 1)

    assert.has_error(function() sys.replace_state(b, function() return "no table" end) end)
    assert.same({ a = 1 }, sys.get_state(b))
    local r = assert(registry.start_link())
    has(support.error_text(sys.replace_state, r, function() return {} end), "cannot be replaced")
  end))

  it("loses no change of others when it replaces the state of a server in C", alone(function()
    local b = assert(bucket.start_link())
    local n, ended = 50, {}
    bucket.put(b, "n", 0)
    for i = 1, 4 do
      local _, ref = pierrot.spawn_monitor(function()
        for _ = 1, n do
          sys.replace_state(b, function(state)
            pierrot.yield()
            return { n = state.n + 1 }
          end)
        end
      end)
      ended[i] = ref
    end
    for i = 1, 4 do support.await_down(ended[i]) end

    assert.equal(4 * n, bucket.get(b, "n"))
  end))

  it("looks into a registry", alone(function()
    local r = assert(registry.start_link())
    sys.suspend(r)
    local suspended = sys.get_status(r)
    sys.resume(r)

    assert.equal("registry", suspended.module)
    assert.equal("suspended", suspended.status)
    assert.is_true(registry.register(r, "key"))
  end))

  it("looks into a supervisor, and holds it up", alone(function()
    local sup = assert(pierrot.supervisor.start_link({ "pierrot.bucket" }, {
      strategy = "one_for_one", name = "looked into",
    }))
    sys.suspend(sup)
    local status = sys.get_status "looked into"
    local reason = support.exit_reason(gen_server.call, sup, "count_children", 1)
    sys.resume(sup)

    assert.equal("suspended", status.status)
    assert.equal("looked into", status.name)
    assert.equal("timeout", reason[1])
    assert.equal(1, pierrot.supervisor.count_children(sup).active)
  end))

  it("reads, replaces and changes the state of an agent", alone(function()
    local agent = assert(pierrot.agent.start_link(function() return { 1 } end))

    assert.same({ 1 }, sys.get_state(agent))
    assert.equal(2, sys.replace_state(agent, function(state) return state[1] + 1 end))
    assert.is_true(sys.change_code(agent, {
      code_change = function(_, state, extra) return "ok", state + extra end,
    }, 1, 40))
    local changed, why = sys.change_code(agent, {
      code_change = function() error "not today" end,
    }, 1, 40)

    assert.is_nil(changed)
    has(pierrot.inspect(why), "not today")
    assert.equal(42, pierrot.agent.get(agent, function(state) return state end))
  end))

  it("does not let a timeout of a callback pass while it is suspended", alone(function()
    local me = pierrot.self()
    local pid = servers.start {
      init = function() return "ok", me, 0 end,
      handle_info = function(msg) pierrot.send(me, { "info", msg }) end,
    }
    expect { "info", "timeout" }
    local other = servers.start {
      init = function() return "ok", me end,
      handle_cast = function() return "noreply", me, 1 end,
      handle_info = function(msg) pierrot.send(me, { "later", msg }) end,
    }
    gen_server.cast(other, "go")
    sys.suspend(other)
    sys.get_state(pid)
    pierrot.sleep(5)
    local early = pierrot.receive({ "later" }, 0)
    sys.resume(other)

    assert.is_nil(early)
    expect { "later", "timeout" }
  end))

  it("does not disturb a timeout of a callback", alone(function()
    local me = pierrot.self()
    local pid = servers.start {
      init = function() return "ok", 1, 20 end,
      handle_info = function(msg) pierrot.send(me, { "info", msg }) end,
    }
    sys.get_state(pid)
    sys.get_status(pid)

    expect { "info", "timeout" }
  end))

  it("does not end a timeout of a callback where its function waits", alone(function()
    local test = pierrot.self()
    local server = servers.start({
      init = function(state) return "ok", state, 20 end,
      handle_info = { timeout = function() pierrot.send(test, "timeout") end },
    }, {})

    sys.replace_state(server, function() pierrot.sleep(0) end)

    assert.equal("timeout", expect("timeout"))
  end))

  it("SYS-018 changes the code of a suspended server", alone(function()
    local pid = servers.start({ handle_call = function() return "reply", "old" end }, 1)
    local New = servers.module {
      handle_call = function(_, _, state) return "reply", { "new", state } end,
      code_change = function(old, state, extra) return "ok", { old, state, extra } end,
    }
    sys.suspend(pid)

    assert.is_true(sys.change_code(pid, New, "1.0", "extra"))
    sys.resume(pid)

    assert.same({ "new", { "1.0", 1, "extra" } }, gen_server.call(pid, "which"))
  end))

  it("changes the code for what waits already", alone(function()
    local me = pierrot.self()
    local pid = servers.start({
      handle_cast = { which = function() pierrot.send(me, "old") end },
    })
    local New = servers.module {
      handle_cast = { which = function() pierrot.send(me, "new") end },
      code_change = function(_, state)
        pierrot.send(me, "changing")
        pierrot.receive "go on"
        return "ok", state
      end,
    }
    gen_server.cast(pid, { "which" })
    expect "old"
    sys.suspend(pid)
    gen_server.cast(pid, { "which" })
    pierrot.spawn_link(function() sys.change_code(pid, New) end)
    expect "changing"

    -- What resumes it lies in its mailbox when the change is over: it goes on at once.
    pierrot.spawn_link(function() sys.resume(pid) end)
    while pierrot.info(pid, "mailbox") < 2 do pierrot.yield() end
    pierrot.send(pid, "go on")

    expect "new"
  end))

  for name, code_change in pairs {
    ["answers an error"] = function() return "error", "not today" end,
    ["raises"] = function() error "not today" end,
    ["exits"] = function() pierrot.exit "not today" end,
    ["returns nonsense"] = function() return "not today" end,
  } do
    it("GS-067 SYS-018 keeps state and code when code_change " .. name, alone(function()
      local pid = servers.start({ handle_call = function() return "reply", "old" end }, 1)
      local New = servers.module {
        handle_call = function() return "reply", "new" end, code_change = code_change,
      }
      sys.suspend(pid)

      local changed, reason = sys.change_code(pid, New, "1.0", "extra")
      sys.resume(pid)

      assert.is_nil(changed)
      has(pierrot.inspect(reason), "not today")
      assert.equal("old", gen_server.call(pid, "which"))
      assert.equal(1, sys.get_state(pid))
    end))
  end

  it("GS-067 changes the code of a running server, which code_change gives a new state",
    alone(function()
      local pid = servers.start({}, { n = 1 })
      local New = servers.module {
        code_change = function(_, state) return "ok", { m = state.n } end,
      }

      assert.is_true(sys.change_code(pid, New, 1, nil))

      assert.same({ m = 1 }, sys.get_state(pid))
    end))

  it("takes a module without code_change and keeps the state", alone(function()
    local pid = servers.start({}, 7)

    assert.is_true(sys.change_code(pid, servers.module {
      handle_call = function(_, _, state) return "reply", state + 1 end,
    }, 1, nil))

    assert.equal(8, gen_server.call(pid, "next"))
  end))

  it("says that a server in C has no code to change", alone(function()
    local b = assert(bucket.start_link())

    assert.same({ nil, "not_supported" }, { sys.change_code(b, Items, 1, nil) })
  end))

  it("exits when a server asks itself", alone(function()
    local pid = servers.start {
      handle_call = function(_, _, state)
        return "reply", support.exit_reason(sys.get_state, pierrot.self()), state
      end,
    }

    assert.equal("calling_self", gen_server.call(pid, "look")[1])
  end))

  it("tells of a mistake of the caller's at its line", alone(function()
    local cases = {
      { sys.get_state, {}, "bad argument #1 to 'get_state'" },
      { sys.get_state, "x", "bad argument #2 to 'get_state'", -1 },
      { sys.replace_state, "x", "bad argument #2 to 'replace_state'", 1 },
      { sys.trace, "x", "bad argument #2 to 'trace'", "loud" },
      { sys.statistics, "x", "bad argument #2 to 'statistics'", 1 },
      { sys.log, "x", "bad argument #2 to 'log'", -1 },
      { sys.install, "x", "bad argument #2 to 'install'", {} },
      { sys.change_code, "x", "bad argument #2 to 'change_code'", 5 },
    }
    for _, case in ipairs(cases) do
      local text = support.error_text(function()
        local _ = case[1](case[2], case[4])
      end)
      has(text, case[3])
      has(text, "sys_spec.lua")
    end
  end))
end)
