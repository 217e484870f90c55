-- SPDX-License-Identifier: MIT
--- The log: levels, handlers, and the reports of crashes.

local gen_server = require "pierrot.gen_server"
local logger = require "pierrot.logger"
local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local servers = require "spec.servers"
local support = require "spec.support"
local sys = require "pierrot.sys"

local alone, expect = support.alone, support.expect

-- Runs body(events) in a process of its own, with a handler that sends it every event as
-- {"event", event} and without the default one.
local function listening(body)
  return alone(function()
    local me = pierrot.self()
    logger.remove_handler "default"
    assert(logger.add_handler(me, function(event) pierrot.send(me, { "event", event }) end))
    local passed, failure = xpcall(body, debug.traceback)
    logger.remove_handler(me)
    logger.add_handler "default"
    logger.set_level "debug"
    assert(passed, failure)
  end)
end

-- What has been logged until now, but for what has nothing to do with the test.
local function events()
  logger.flush()
  local list = {}
  for _, message in ipairs(pierrot.flush()) do
    if message[1] == "event" then list[#list + 1] = message[2] end
  end
  return list
end

local function texts()
  local list = {}
  for i, event in ipairs(events()) do list[i] = event.text end
  return list
end

-- The one report there is of that process.
local function report_of(pid)
  local found
  for _, event in ipairs(events()) do
    if event.pid == pid then
      assert.is_nil(found)
      found = event
    end
  end
  return assert(found, "no report")
end

-- The same after its end, which must have been reported by then.
local function report_at_end(pid, ref)
  support.await_down(ref)
  return report_of(pid)
end

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), part .. " is not in: " .. text)
end

describe("logger", function()
  it("gives a handler level, text, pid and time", listening(function()
    logger.warning("%d of %s", 3, "four")

    local list = events()

    assert.equal(1, #list)
    assert.equal("warning", list[1].level)
    assert.equal("3 of four", list[1].text)
    assert.equal(pierrot.self(), list[1].pid)
    assert.is_true(math.type(list[1].time) == "integer")
  end))

  it("takes a text without arguments as it is", listening(function()
    logger.info "100 % sure"

    assert.same({ "100 % sure" }, texts())
  end))

  it("takes a text without arguments as string.format does, if it is a format", listening(function()
    logger.info "100%%"

    assert.same({ "100%" }, texts())
  end))

  it("drops what is below its level", listening(function()
    logger.set_level "warning"
    logger.debug "one"
    logger.info "two"
    logger.warning "three"
    logger.error "four"

    assert.same({ "three", "four" }, texts())
  end))

  it("drops everything at the level none", listening(function()
    logger.set_level "none"
    logger.error "one"
    support.end_of(function() error "two" end)

    assert.same({}, texts())
  end))

  it("names the caller of a bad format and of a bad level", alone(function()
    local text = support.error_text(function() logger.info("%d", "x") end)
    has(text, "logger_spec.lua")
    has(text, "bad argument #2 to 'info'")
    has(support.error_text(logger.info, {}), "string expected, got table")
    has(support.error_text(logger.set_level, "loud"), 'got "loud"')
    has(support.error_text(logger.add_handler, "x", 1), "function expected, got number")
    has(support.error_text(logger.add_handler, {}, print), "id expected, got table")
  end))

  it("lists its handlers in the order in which they were added", listening(function()
    logger.add_handler("a", function() end)
    logger.add_handler(2, function() end)

    local ids = logger.handlers()
    assert.is_true(logger.remove_handler "a")
    local rest = logger.handlers()
    logger.remove_handler(2)

    assert.same({ pierrot.self(), "a", 2 }, ids)
    assert.same({ pierrot.self(), 2 }, rest)
  end))

  it("refuses an id twice and does not find one that is not there", listening(function()
    local added, why = logger.add_handler(pierrot.self(), function() end)
    assert.is_nil(added)
    assert.same({ "already_exist", pierrot.self() }, why)

    local removed, reason = logger.remove_handler "nobody"
    assert.is_nil(removed)
    assert.same({ "not_found", "nobody" }, reason)
  end))

  it("has a default handler that can be taken away and put back", alone(function()
    local before = logger.handlers()
    assert.is_true(logger.remove_handler "default")
    local without = logger.handlers()
    assert.same({ nil, { "not_found", "default" } }, { logger.remove_handler "default" })
    assert.is_true(logger.add_handler "default")
    assert.same({ nil, { "already_exist", "default" } }, { logger.add_handler "default" })

    assert.equal("default", before[1])
    assert.same({}, without)
    assert.same(before, logger.handlers())
  end))

  it("runs handlers in a process of its own", listening(function()
    local me = pierrot.self()
    logger.add_handler("where", function() pierrot.send(me, { "ran in", pierrot.self() }) end)
    logger.info "now"

    local runner = expect({ "ran in" })[2]
    logger.remove_handler "where"

    assert.is_true(pierrot.is_pid(runner))
    assert.not_equal(me, runner)
  end))

  it("removes a handler that fails, and tells the others", listening(function()
    logger.add_handler("bad", function() error "no good" end)
    logger.add_handler("worse", function() pierrot.exit "left" end)
    logger.info "now"

    local list = texts()

    assert.same({ pierrot.self() }, logger.handlers())
    assert.equal(3, #list)
    assert.equal("now", list[1])
    has(list[2] .. list[3], 'handler "bad" of the logger failed and was removed')
    has(list[2] .. list[3], "no good")
    has(list[2] .. list[3], 'handler "worse" of the logger failed and was removed: exit: "left"')
  end))

  it("does not give a handler what it logs itself", listening(function()
    logger.add_handler("loud", function(event) logger.info("heard " .. event.text) end)
    logger.info "now"

    local list = texts()
    logger.remove_handler "loud"

    assert.same({ "now" }, list)
  end))

  it("may be asked by a handler, which removes itself", listening(function()
    local me = pierrot.self()
    logger.add_handler("once", function(event)
      logger.remove_handler "once"
      logger.info "not heard by handlers"
      pierrot.send(me, { "once", event.text, logger.handlers() })
    end)
    logger.info "one"
    logger.info "two"
    logger.flush()

    assert.same({ "once", "one", { me } }, expect { "once" })
    assert.is_nil(pierrot.receive({ "once" }, 0))
    assert.same({ "one", "two" }, texts())
  end))

  it("gives each handler an event of its own", listening(function()
    local me = pierrot.self()
    logger.remove_handler(me)
    logger.add_handler("first", function(event) event.text = "changed" end)
    logger.add_handler(me, function(event) pierrot.send(me, { "event", event }) end)
    logger.info "now"

    local list = texts()
    logger.remove_handler "first"

    assert.same({ "now" }, list)
  end))

  it("has handled what anyone logged before when flush returns", listening(function()
    local n = pierrot.schedulers()
    for scheduler = 1, n do
      local _, ref = pierrot.spawn_opt({ scheduler = scheduler, monitor = true }, function()
        require("pierrot.logger").info("from %d", scheduler)
      end)
      support.await_down(ref)
    end

    local list = texts()

    assert.equal(n, #list)
    for scheduler = 1, n do assert.equal("from " .. scheduler, list[scheduler]) end
  end))

  it("is not harmed by a handler that is not there on its scheduler", alone(function()
    if not support.has_two_schedulers then return end
    local me = pierrot.self()
    assert(logger.add_handler("here", function() end))
    local _, ref = pierrot.spawn_opt({ scheduler = support.elsewhere(), monitor = true }, function()
      local stay = function() end
      package.loaded["spec.a_module_of_that_scheduler"] = { stay = stay }
      local result = { pcall(require("pierrot.logger").add_handler, "far", stay) }
      package.loaded["spec.a_module_of_that_scheduler"] = nil
      require("pierrot").send(me, { "result", result })
    end)
    support.await_down(ref)

    local result = expect({ "result" })[2]
    assert.is_false(result[1])
    assert.is_truthy(result[2]:find("a_module_of_that_scheduler", 1, true), result[2])
    assert.is_true(logger.remove_handler "here")
  end))

  it("takes handlers from other schedulers", listening(function()
    if not support.has_two_schedulers then return end
    local me = pierrot.self()
    local _, ref = pierrot.spawn_opt({ scheduler = support.elsewhere(), monitor = true }, function()
      require("pierrot.logger").add_handler("far", function(event)
        require("pierrot").send(me, { "far", event.text })
      end)
    end)
    support.await_down(ref)
    logger.info "now"

    local heard = expect({ "far" })[2]
    logger.remove_handler "far"

    assert.equal("now", heard)
  end))

  it("starts anew after its process was killed", listening(function()
    local me = pierrot.self()
    logger.add_handler("who", function() pierrot.send(me, { "logger", pierrot.self() }) end)
    logger.info "now"
    local process = expect({ "logger" })[2]
    local ref = pierrot.monitor(process)
    pierrot.exit(process, "kill")
    support.await_down(ref)

    logger.info "nobody hears"
    logger.add_handler(me, function(event) pierrot.send(me, { "event", event }) end)
    events()
    logger.info "again"

    assert.same({ "again" }, texts())
  end))

  it("is not ended by exit signals of just anybody", listening(function()
    local me = pierrot.self()
    logger.add_handler("who", function() pierrot.send(me, { "logger", pierrot.self() }) end)
    logger.info "now"
    pierrot.exit(expect({ "logger" })[2], "shutdown")
    logger.remove_handler "who"
    events()
    logger.info "again"

    assert.same({ "again" }, texts())
  end))
end)

describe("crash reports", function()
  for _, reason in ipairs { "normal", "shutdown", { "shutdown", "detail" } } do
    it("LOG-001 says nothing of a server that ends with " .. pierrot.inspect(reason),
      listening(function()
        local pid = servers.start_alone {
          handle_call = { stop = function(state) return "stop", reason, true, state end },
        }
        gen_server.call(pid, "stop")
        support.await_down(pid)

        assert.same({}, texts())
      end))
  end

  local ENDS <const> = {
    ["an error"] = { "cast", function() error "boom" end, "boom" },
    ["an exit"] = { "cast", function() pierrot.exit "gone" end, 'reason: "gone"' },
    ["a stop"] = { "cast", function(state) return "stop", "bad", state end, 'reason: "bad"' },
    ["a bad return value"] = { "cast", function() return "what" end, "bad_return_value" },
  }

  for name, case in pairs(ENDS) do
    it("LOG-001 tells once of a server that ends by " .. name, listening(function()
      local pid, ref = servers.start_watched({
        handle_cast = { work = case[2] },
      }, { secret = 42 }, { name = "crasher" })
      gen_server.cast(pid, { "work", 7 })

      local event = report_at_end(pid, ref)

      assert.equal("error", event.level)
      has(event.text, "gen_server " .. tostring(pid))
      has(event.text, '"crasher"')
      has(event.text, case[3])
      has(event.text, 'last message: {"work", 7}')
      has(event.text, "state: {secret = 42}")
      has(event.text, "ancestors: " .. tostring(pierrot.self()))
      assert.equal(pid, event.report.pid)
      assert.equal("crasher", event.report.name)
      assert.same({ pierrot.self() }, { event.report.ancestors[1] })
    end))
  end

  it("tells the request that failed, not those before", listening(function()
    local pid, ref = servers.start_watched({
      handle_cast = { work = function() end, fail = function() error "boom" end },
    })
    gen_server.cast(pid, { "work", 1 })
    gen_server.cast(pid, { "work", 2 })
    gen_server.cast(pid, { "fail", 3 })

    has(report_at_end(pid, ref).text, 'last message: {"fail", 3}')
  end))

  it("LOG-001 names the client of a call", listening(function()
    local pid = servers.start_alone {
      handle_call = function() error "boom" end,
    }
    pcall(gen_server.call, pid, { "work", 7 })

    local event = report_of(pid)

    has(event.text, "client: " .. tostring(pierrot.self()))
    has(event.text, 'last message: {"work", 7}')
    assert.equal(pierrot.self(), event.report.client)
  end))

  it("names client and request also when the callback has waited", listening(function()
    local pid, ref = servers.start_watched({
      handle_call = {
        work = function(state, _, n)
          pierrot.send(state, "in it")
          pierrot.receive "go on"
          error("boom " .. n)
        end,
      },
    }, pierrot.self())
    local client = pierrot.spawn(function() pcall(gen_server.call, pid, { "work", 7 }) end)
    expect "in it"
    pierrot.send(pid, "go on")
    support.await_down(ref)

    local event = report_of(pid)

    has(event.text, 'last message: {"work", 7}')
    has(event.text, "client: " .. tostring(client))
  end))

  it("LOG-001 tells of a C server with its last message and client", listening(function()
    local pid = assert(bucket.start())
    local reason = support.exit_reason(gen_server.call, pid, { "no such thing" })

    local event = report_of(pid)

    assert.same({ "bad_call", { "no such thing" } }, reason[1])
    has(event.text, "bucket " .. tostring(pid))
    has(event.text, 'last message: {"no such thing"}')
    has(event.text, "client: " .. tostring(pierrot.self()))
  end))

  it("LOG-002 tells function, pid, reason with trace, and ancestors", listening(function()
    local line = debug.getinfo(1, "l").currentline + 1
    local pid, ref = pierrot.spawn_monitor(function()
      local t = nil
      return t.field
    end)

    local event = report_at_end(pid, ref)

    has(event.text, "process " .. tostring(pid))
    has(event.text, ("logger_spec.lua:%d>"):format(line))
    has(event.text, "attempt to index a nil value")
    has(event.text, ("logger_spec.lua:%d: in function"):format(line + 2))
    has(event.text, "ancestors: " .. tostring(pierrot.self()))
    assert.is_nil(event.text:find("\n\tpierrot/", 1, true))
  end))

  it("LOG-002 tells where init stands of a server whose module has no name", listening(function()
    local line = debug.getinfo(1, "l").currentline + 1
    local function init() return "ok", 1 end
    local pid, ref = servers.start_watched({
      init = init, handle_cast = function() pierrot.exit "boom" end,
    })
    gen_server.cast(pid, 1)

    local event = report_at_end(pid, ref)

    has(event.text, "started as: function <")
    has(event.text, ("logger_spec.lua:%d>\n"):format(line))
    has(event.report.initial_call, ("logger_spec.lua:%d>"):format(line))
  end))

  it("LOG-002 tells of an init that fails", listening(function()
    local pid
    local me = pierrot.self()
    gen_server.start({ init = function() pierrot.send(me, pierrot.self()) error "no" end })
    pid = expect(pierrot.is_pid)

    has(report_of(pid).text, "no")
  end))

  it("LOG-003 name a task, its function and arguments, and who started it", listening(function()
    local line = debug.getinfo(1, "l").currentline + 1
    local function work(a, b) error(("boom %s %s"):format(a, #b)) end
    local sup = assert(pierrot.task_supervisor.start_link())
    local task = pierrot.task_supervisor.async_nolink(sup, work, "x", { 1, 2 })
    pierrot.receive { "DOWN", task.ref }

    local event = report_of(task.pid)

    has(event.text, "task " .. tostring(task.pid))
    has(event.text, ("logger_spec.lua:%d>"):format(line))
    has(event.text, 'arguments: {"x", {1, 2}}')
    has(event.text, "boom x 2")
    has(event.text, "ancestors: " .. tostring(sup) .. ", " .. tostring(pierrot.self()))
  end))

  it("LOG-003 call a task one whose function is not written in Lua", listening(function()
    local sup = assert(pierrot.task_supervisor.start_link())
    for i, fn in ipairs { pierrot.exit, string.rep, "string:rep" } do
      local task = pierrot.task_supervisor.async_nolink(sup, fn, { i })
      pierrot.receive { "DOWN", task.ref }

      has(report_of(task.pid).text, "task " .. tostring(task.pid) .. " ended abnormally\n")
    end
  end))

  it("LOG-003 name who asked for a task, of a supervisor that another has started",
    listening(function()
      local me = pierrot.self()
      local sup = assert(pierrot.task_supervisor.start_link())
      local client = pierrot.spawn(function()
        pierrot.send(me, pierrot.task_supervisor.start_child(sup, function()
          pierrot.put("$callers", { pierrot.get("$callers")[1], "nobody", me })
          error "boom"
        end))
      end)
      local pid = pierrot.receive(pierrot.is_pid)
      support.await_down(pid)

      local event = report_of(pid)

      has(event.text, ("\n  callers: %s, %s\n"):format(client, me))
      assert.same({ client, me }, event.report.callers)
    end))

  it("say nothing of callers where there are none", listening(function()
    for _, callers in ipairs { false, {}, { 1, "x" }, 42 } do
      local pid, ref = pierrot.spawn_monitor(function()
        if callers then pierrot.put("$callers", callers) end
        error "boom"
      end)

      local event = report_at_end(pid, ref)

      assert.is_nil(event.text:find("callers", 1, true))
      assert.is_nil(event.report.callers)
    end
  end))

  -- An error value with that __tostring.
  local function failure(to_string)
    return setmetatable({ code = 7 }, { __tostring = to_string })
  end

  it("show an error value as its __tostring does, and leave the reason as it is",
    listening(function()
      local value = failure(function(self) return "no milk: " .. self.code end)
      local pid, ref = pierrot.spawn_monitor(function() error(value) end)

      local reason = support.await_down(ref)

      local text = report_of(pid).text
      has(text, "reason: error: no milk: 7\n")
      has(text, "stack traceback:\n")
      assert.same({ "error", { code = 7 } }, { reason[1], reason[2] })
    end))

  it("show an error value of a server so, which still terminates with the reason",
    listening(function()
      local value = failure(function(self) return "no milk: " .. self.code end)
      local seen
      local server, ref = servers.start_watched({
        handle_cast = function() error(value) end,
        terminate = function(reason) seen = reason[2] end,
      })

      gen_server.cast(server, "x")

      has(report_at_end(server, ref).text, "reason: error: no milk: 7\n")
      assert.same({ code = 7 }, seen)
    end))

  for what, to_string in pairs {
    ["raises"] = function() error "no text" end,
    ["raises the value again"] = function(self) error(self) end,
    ["gives no string"] = function() return {} end,
    ["waits"] = function() return pierrot.receive() end,
    ["yields"] = function() return coroutine.yield() end,
    ["never ends"] = function() while true do end end,
    ["never ends in pcall"] = function()
      while true do pcall(function() while true do end end) end
    end,
    ["resumes coroutines that never end"] = function()
      while true do pcall(coroutine.wrap(function() while true do end end)) end
    end,
    ["is no function"] = 42,
  } do
    it("show an error value as any other where its __tostring " .. what, listening(function()
      local value = failure(to_string)
      local pid, ref = pierrot.spawn_monitor(function() error(value) end)

      local event = report_at_end(pid, ref)

      has(event.text, "reason: error: {code = 7}\n")
    end))
  end

  it("LOG-006 are among what is captured around a function", alone(function()
    local text = require("pierrot.testing").capture_log(function()
      logger.info "one"
      support.end_of(function() error "two" end)
    end)

    has(text, "one")
    has(text, "two")
    assert.equal("", require("pierrot.testing").capture_log(function() end))
  end))

  it("says nothing of a process that an exit signal of another's ends", listening(function()
    local pid = pierrot.spawn(function() pierrot.receive() end)
    local crashing
    local linked, ref = pierrot.spawn_monitor(function()
      crashing = pierrot.spawn_link(function() error "boom" end)
      pierrot.receive "never"
    end)
    local exited = pierrot.monitor(pid)
    support.await_down(ref)
    pierrot.exit(pid, "gone")
    support.await_down(exited)

    local list = events()

    assert.equal(1, #list, pierrot.inspect(list))
    assert.equal(crashing, list[1].pid)
    assert.not_equal(linked, crashing)
  end))

  it("are written before anyone hears of the end", listening(function()
    local me = pierrot.self()
    for _ = 1, 20 do
      local _, ref = pierrot.spawn_monitor(function() error "boom" end)
      support.await_down(ref)
      logger.flush()
      assert.is_not_nil(pierrot.receive({ "event" }, 0))
    end
    assert.equal(me, pierrot.self())
  end))

  it("are at most 8 KB, whatever the state", listening(function()
    local pid, ref = servers.start_watched({
      handle_cast = function(request, state)
        state.request = request
        error(("much "):rep(10000))
      end,
    }, {}, { name = ("n"):rep(100000) })
    local wide, deep = {}, {}
    for i = 1, 10000 do wide[("key%d"):format(i)] = ("v"):rep(1000) .. i end
    for _ = 1, 10000 do deep = { deep } end
    gen_server.cast(pid, { wide, deep, ("x"):rep(1000000) })

    local event = report_at_end(pid, ref)

    assert.is_true(#event.text <= 8192)
    has(event.text, "much much")
    has(event.text, "stack traceback")
    has(event.text, "last message: ")
    has(event.text, "state: ")
    has(event.text, "ancestors: ")
  end))

  it("hold the whole of a state that is cyclic or cannot be sent", listening(function()
    local pid, ref = servers.start_watched {
      init = function()
        local state = { print = print }
        state.self = state
        return "ok", state
      end,
      handle_cast = function() error "boom" end,
    }
    gen_server.cast(pid, 1)

    local event = report_at_end(pid, ref)

    has(event.text, "<cycle>")
    has(event.text, "function: ")
  end))

  it("show tables that are keys", listening(function()
    local pid, ref = pierrot.spawn_monitor(function()
      pierrot.exit { [{ 1, { 2 } }] = "milk", [{}] = "bread", [true] = 1 }
    end)

    local event = report_at_end(pid, ref)

    has(event.text, '[{1, {2}}] = "milk"')
    has(event.text, '[{}] = "bread"')
    has(event.text, "reason: {[true] = 1, [{")
  end))

  it("show the state as format_status gives it", listening(function()
    local pid, ref = servers.start_watched({
      handle_cast = function() error "boom" end,
      format_status = function(status)
        status.state = { user = status.state.user, password = "hidden" }
        status.message = "hidden too"
        return status
      end,
    }, { user = "ann", password = "12345" })
    gen_server.cast(pid, { "login", "12345" })

    local event = report_at_end(pid, ref)

    has(event.text, 'state: {password = "hidden", user = "ann"}')
    has(event.text, 'last message: "hidden too"')
    assert.is_nil(event.text:find("12345", 1, true))
  end))

  it("show the reason as format_status gives it, which stays as it is", listening(function()
    local pid, ref = servers.start_watched({
      handle_cast = function() pierrot.exit { "bad password", "12345" } end,
      format_status = function(status)
        status.reason = { status.reason[1], "hidden" }
        return status
      end,
    }, {})
    gen_server.cast(pid, "login")

    local reason = support.await_down(ref)
    local event = report_of(pid)

    assert.same({ "bad password", "12345" }, reason)
    has(event.text, 'reason: {"bad password", "hidden"}')
    assert.same({ "bad password", "hidden" }, event.report.reason)
    assert.is_nil(event.text:find("12345", 1, true))
  end))

  it("show what format_status leaves out of a table of its own as it is", listening(function()
    local pid, ref = servers.start_watched({
      handle_cast = function() pierrot.exit "boom" end,
      format_status = function() return { state = "hidden" } end,
    }, "the state")
    gen_server.cast(pid, "the message")

    local event = report_at_end(pid, ref)

    has(event.text, 'state: "hidden"')
    has(event.text, 'last message: "the message"')
    has(event.text, 'reason: "boom"')
  end))

  it("show nil for what format_status takes out of the table that it was given",
    listening(function()
      local pid, ref = servers.start_watched({
        handle_cast = function() pierrot.exit "boom" end,
        format_status = function(status)
          status.state = nil
          return status
        end,
      }, "the state")
      gen_server.cast(pid, "the message")

      has(report_at_end(pid, ref).text, "state: nil")
    end))

  it("let format_status see what sys has logged", listening(function()
    local seen
    local pid, ref = servers.start_watched({
      handle_call = function() return "reply", "pong" end,
      handle_cast = function() pierrot.exit "boom" end,
      format_status = function(status)
        seen = status.log
        return { state = "hidden" }
      end,
    }, "the state")
    sys.log(pid, true)
    gen_server.call(pid, "ping")
    gen_server.cast(pid, "the message")

    has(report_at_end(pid, ref).text, 'state: "hidden"')
    assert.same({
      { "in", "ping", "call", pierrot.self() }, { "out", "pong", pierrot.self() },
      { "in", "the message", "cast" },
    }, seen)
  end))

  for how, case in pairs {
    crashed = function() error "not this" end,
    ["returned no table"] = function() return "not this" end,
  } do
    it("hide the state when format_status " .. how, listening(function()
      local pid, ref = servers.start_watched({
        handle_cast = function() error "boom" end,
        format_status = case,
      }, "the secret")
      gen_server.cast(pid, 1)

      local event = report_at_end(pid, ref)

      has(event.text, "boom")
      has(event.text, "last message: 1")
      has(event.text, ('state: "format_status %s"'):format(how))
      assert.is_nil(event.text:find("the secret", 1, true))
      assert.is_nil(event.text:find("not this", 1, true))
    end))
  end

  it("show state, request and client also when it is terminate that fails", listening(function()
    local pid, ref = servers.start_watched({
      handle_call = function(_, _, state) return "stop", "normal", "bye", state end,
      terminate = function() error "in terminate" end,
      format_status = function(status)
        status.state = "hidden"
        return status
      end,
    }, "the secret")
    gen_server.call(pid, { "stop" })

    local event = report_at_end(pid, ref)

    has(event.text, "in terminate")
    has(event.text, 'last message: {"stop"}')
    has(event.text, "client: " .. tostring(pierrot.self()))
    has(event.text, 'state: "hidden"')
    assert.is_nil(event.text:find("the secret", 1, true))
  end))

  it("tell of no request when terminate fails of a server that was asked to end",
    listening(function()
      local pid, ref = servers.start_watched({
        handle_call = function() return "reply", true end,
        terminate = function() error "in terminate" end,
      }, "the state")
      gen_server.call(pid, "earlier")
      pcall(gen_server.stop, pid)

      local event = report_at_end(pid, ref)

      has(event.text, "in terminate")
      assert.is_nil(event.text:find("earlier", 1, true))
    end))
end)

describe("a program", function()
  it("writes to standard error", function()
    if not support.program then return end
    local command = support.command(support.program, "-e", [[
      local logger = require "pierrot.logger"
      logger.info("one %d", 1)
      require("pierrot").spawn_monitor(function() error "boom" end)
      require("pierrot").receive { "DOWN" }
      logger.remove_handler "default"
      logger.info "two"
    ]])

    local output, errors, status = support.execute(command)

    assert.equal("", output)
    assert.equal(0, status)
    has(errors, "one 1\n")
    has(errors, "boom")
    assert.is_nil(errors:find("two", 1, true))
  end)

  it("keeps the logger to the last when it ends", function()
    if not support.program then return end
    local command = support.command(support.program, "-e", [[
      local pierrot = require "pierrot"
      local logger = require "pierrot.logger"
      local gen_server = require "pierrot.gen_server"
      logger.remove_handler "default"
      logger.add_handler("out", function(event) print("handled " .. event.text) end)
      pierrot.spawn(function()
        pierrot.trap_exit(true)
        pierrot.receive { "EXIT" }
        logger.info "last words"
      end)
      pierrot.yield()
    ]])

    local output, _, status = support.execute(command)

    assert.equal("handled last words\n", output)
    assert.equal(0, status)
  end)
end)
