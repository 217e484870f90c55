-- SPDX-License-Identifier: MIT
--- Wrong arguments to every public function: a Lua error that names the argument, and no harm.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local sys = require "pierrot.sys"
local task = require "pierrot.task"

local alone = support.alone

local nan <const> = 0 / 0
local function nothing() end
local Server = { init = function() return "ok", {} end }

-- What is called, the number of the bad argument, and the call. The calls are no tail calls, which
-- would hide the name of the function.
local rows <const> = {
  { "spawn", 1, function() pierrot.spawn() end },
  { "spawn", 1, function() pierrot.spawn(42) end },
  { "spawn", 1, function() pierrot.spawn({}) end },
  { "spawn_link", 1, function() pierrot.spawn_link(42) end },
  { "spawn_monitor", 1, function() pierrot.spawn_monitor(true) end },
  { "spawn_opt", 1, function() pierrot.spawn_opt(42, nothing) end },
  { "spawn_opt", 1, function() pierrot.spawn_opt(nothing) end },
  { "spawn_opt", 2, function() pierrot.spawn_opt({}, 42) end },
  { "spawn_opt", 2, function() pierrot.spawn_opt({}) end },
  { "send", 1, function() pierrot.send() end },
  { "send", 1, function() pierrot.send(nil, "hello") end },
  { "send", 1, function() pierrot.send(42, "hello") end },
  { "send", 1, function() pierrot.send(true, "hello") end },
  { "send", 1, function() pierrot.send({ "via" }, "hello") end },
  { "send", 1, function() pierrot.send({ "via", "registry" }, "hello") end },
  { "send", 1, function() pierrot.send(print, "hello") end },
  { "send", 1, function() pierrot.send(io.stdout, "hello") end },
  { "receive", 2, function() pierrot.receive(nil, "soon") end },
  { "receive", 2, function() pierrot.receive(nil, -1) end },
  { "receive", 2, function() pierrot.receive(nil, nan) end },
  { "receive", 2, function() pierrot.receive(nothing, "soon") end },
  { "receive", 2, function() pierrot.receive({ nothing }, -1) end },
  { "link", 1, function() pierrot.link() end },
  { "link", 1, function() pierrot.link("name") end },
  { "link", 1, function() pierrot.link(pierrot.make_ref()) end },
  { "unlink", 1, function() pierrot.unlink() end },
  { "unlink", 1, function() pierrot.unlink({}) end },
  { "monitor", 1, function() pierrot.monitor() end },
  { "monitor", 1, function() pierrot.monitor({}) end },
  { "monitor", 2, function() pierrot.monitor(pierrot.self(), 42) end },
  { "demonitor", 1, function() pierrot.demonitor() end },
  { "demonitor", 1, function() pierrot.demonitor(pierrot.self()) end },
  { "demonitor", 2, function() pierrot.demonitor(pierrot.make_ref(), 42) end },
  { "alias", 1, function() pierrot.alias(42) end },
  { "unalias", 1, function() pierrot.unalias() end },
  { "unalias", 1, function() pierrot.unalias(pierrot.self()) end },
  { "exit", 1, function() pierrot.exit("somebody", "no milk") end },
  { "exit", 1, function() pierrot.exit(nil, "no milk") end },
  { "trap_exit", 1, function() pierrot.trap_exit() end },
  { "trap_exit", 1, function() pierrot.trap_exit("yes") end },
  { "register", 1, function() pierrot.register() end },
  { "register", 1, function() pierrot.register({}, pierrot.self()) end },
  { "register", 2, function() pierrot.register("bad input") end },
  { "register", 2, function() pierrot.register("bad input", "pid") end },
  { "unregister", 1, function() pierrot.unregister() end },
  { "unregister", 1, function() pierrot.unregister(pierrot.self()) end },
  { "whereis", 1, function() pierrot.whereis() end },
  { "whereis", 1, function() pierrot.whereis({}) end },
  { "put", 1, function() pierrot.put(nil, 1) end },
  { "is_alive", 1, function() pierrot.is_alive() end },
  { "is_alive", 1, function() pierrot.is_alive("name") end },
  { "info", 1, function() pierrot.info() end },
  { "info", 1, function() pierrot.info(42) end },
  { "info", 2, function() pierrot.info(pierrot.self(), 42) end },
  { "send_after", 1, function() pierrot.send_after("soon", pierrot.self(), "hello") end },
  { "send_after", 1, function() pierrot.send_after(nan, pierrot.self(), "hello") end },
  { "send_after", 2, function() pierrot.send_after(1, {}, "hello") end },
  { "send_after", 2, function() pierrot.send_after(1) end },
  { "send_after", 4, function() pierrot.send_after(1, pierrot.self(), "hello", 42) end },
  { "start_timer", 1, function() pierrot.start_timer(-1, pierrot.self(), "hello") end },
  { "start_timer", 2, function() pierrot.start_timer(1, 42, "hello") end },
  { "cancel_timer", 1, function() pierrot.cancel_timer() end },
  { "cancel_timer", 1, function() pierrot.cancel_timer(pierrot.self()) end },
  { "cancel_timer", 2, function() pierrot.cancel_timer(pierrot.make_ref(), 42) end },
  { "read_timer", 1, function() pierrot.read_timer(42) end },
  { "sleep", 1, function() pierrot.sleep() end },
  { "sleep", 1, function() pierrot.sleep("long") end },
  { "sleep", 1, function() pierrot.sleep(-1) end },
  { "sleep", 1, function() pierrot.sleep(nan) end },

  { "start", 1, function() gen_server.start() end },
  { "start", 1, function() gen_server.start(42) end },
  { "start", 3, function() gen_server.start(Server, nil, 42) end },
  { "start_link", 1, function() gen_server.start_link(true) end },
  { "start_monitor", 1, function() gen_server.start_monitor(print) end },
  { "call", 1, function() gen_server.call() end },
  { "call", 1, function() gen_server.call(nil, "hello") end },
  { "call", 1, function() gen_server.call(42, "hello") end },
  { "call", 1, function() gen_server.call({}, "hello") end },
  { "call", 3, function() gen_server.call(pierrot.self(), "hello", "soon") end },
  { "call", 3, function() gen_server.call(pierrot.self(), "hello", -1) end },
  { "call", 3, function() gen_server.call(pierrot.self(), "hello", nan) end },
  { "cast", 1, function() gen_server.cast(nil, "hello") end },
  { "cast", 1, function() gen_server.cast(42, "hello") end },
  { "reply", 1, function() gen_server.reply() end },
  { "reply", 1, function() gen_server.reply(42, "hello") end },
  { "reply", 1, function() gen_server.reply({}, "hello") end },
  { "stop", 1, function() gen_server.stop() end },
  { "stop", 1, function() gen_server.stop(42) end },
  { "stop", 3, function() gen_server.stop(support.dead(), "normal", "soon") end },
  { "send_request", 1, function() gen_server.send_request(42, "hello") end },
  { "send_request", 1, function() gen_server.send_request(nil, "hello") end },
  { "receive_response", 1, function() gen_server.receive_response(42) end },
  { "wait_response", 1, function() gen_server.wait_response() end },
  { "check_response", 2, function() gen_server.check_response("hello", 42) end },
  { "multi_call", 1, function() gen_server.multi_call(42, "hello") end },
  { "multi_call", 3, function() gen_server.multi_call({}, "hello", "soon") end },
  { "multi_call", 1, function() gen_server.multi_call({ pierrot.self(), 42 }, "hello") end },
  { "abcast", 1, function() gen_server.abcast(42, "hello") end },
  { "abcast", 1, function() gen_server.abcast({ 42 }, "hello") end },
  { "child_spec", 1, function() gen_server.child_spec(42) end },

  { "change_code", 1, function() sys.change_code(42, Server) end },
  { "change_code", 2, function() sys.change_code(pierrot.self(), 42) end },

  { "start_link", 1, function() bucket.start_link(42) end },
  { "get", 1, function() bucket.get(42, "key") end },
  { "get", 1, function() bucket.get() end },
  { "put", 1, function() bucket.put({}, "key", 1) end },
  { "delete", 1, function() bucket.delete(true, "key") end },
  { "put_new", 1, function() bucket.put_new(42, "key", 1) end },
  { "incr", 1, function() bucket.incr(42, "key") end },
  { "size", 1, function() bucket.size() end },
  { "subscribe", 1, function() bucket.subscribe(42) end },

  { "start_link", 1, function() registry.start_link(42) end },
  { "lookup", 1, function() registry.lookup(42, "key") end },
  { "lookup", 1, function() registry.lookup() end },
  { "create", 1, function() registry.create(42, "key") end },
  { "create_async", 1, function() registry.create_async(42, "key") end },
  { "register", 1, function() registry.register({}, "key") end },
  { "unregister", 1, function() registry.unregister(42, "key") end },
  { "update_value", 1, function() registry.update_value(42, "key", nothing) end },
  { "keys", 1, function() registry.keys(42) end },
  { "keys", 1, function() registry.keys(pierrot.make_ref()) end },
  { "keys", 1, function() registry.keys(io.stdout) end },
  { "count", 1, function() registry.count(42) end },
  { "dispatch", 1, function() registry.dispatch(42, "key", nothing) end },

  { "yield_many", 2, function() task.yield_many({}, "soon") end },
  { "yield_many", 2, function() task.yield_many({}, -1) end },
}

describe("a bad argument", function()
  for i, row in ipairs(rows) do
    local title = ("%d: #%d to %s"):format(i, row[2], row[1])

    it("raises an error that names it, " .. title, alone(function()
      local text = support.error_text(row[3])

      local expected = ("bad argument #%d to '%s' ("):format(row[2], row[1])
      assert.is_truthy(text:find(expected, 1, true), text)
      assert.is_truthy(text:find("^[^\n]*bad_input_spec.lua:%d+: "), text)
      assert.equal(0, pierrot.flush().n)
      assert.same({}, pierrot.info(pierrot.self(), "links"))
      assert.same({}, pierrot.info(pierrot.self(), "monitors"))
    end))
  end

  it("tells what was expected, what was given, and where", alone(function()
    local text = support.error_text(function() pierrot.send({}, "hello") end)

    local expected = "bad argument #1 to 'send' (pid, name or via expected, got table)"
    assert.is_truthy(text:find(expected, 1, true), text)
    assert.is_truthy(text:find("^[^\n]*bad_input_spec.lua:%d+: "), text)
  end))

  it("is said of the function by its own name, however it is called", alone(function()
    local tell = pierrot.send
    local _, by_pcall = pcall(pierrot.send, {}, "hello")
    local _, by_local = pcall(function() tell({}, "hello") end)
    local _, in_coroutine = coroutine.resume(coroutine.create(pierrot.sleep), -1)
    local _, of_a_reader = pcall(bucket.size, {})

    local expected = "bad argument #1 to 'send' (pid, name or via expected, got table)"
    assert.equal(expected, by_pcall)
    assert.is_truthy(by_local:find(expected, 1, true), by_local)
    assert.is_truthy(in_coroutine:find("^bad argument #1 to 'sleep' "), in_coroutine)
    assert.is_truthy(of_a_reader:find("^bad argument #1 to 'size' "), of_a_reader)
  end))
end)

-- Options: a call with an option that is wrong, and a word that the error must hold.
local options <const> = {
  { "lnk", function() pierrot.spawn_opt({ lnk = true }, nothing) end },
  { "name", function() pierrot.spawn_opt({ name = {} }, nothing) end },
  { "scheduler", function() pierrot.spawn_opt({ scheduler = {} }, nothing) end },
  { "scheduler", function() pierrot.spawn_opt({ scheduler = 65 }, nothing) end },
  { "max_queue", function() pierrot.spawn_opt({ max_queue = "many" }, nothing) end },
  { "max_queue", function() pierrot.spawn_opt({ max_queue = -1 }, nothing) end },
  { "max_heap", function() pierrot.spawn_opt({ max_heap = "much" }, nothing) end },
  { "max_heap", function() pierrot.spawn_opt({ max_heap = -1 }, nothing) end },
  { "tga", function() pierrot.monitor(pierrot.self(), { tga = "gone" }) end },
  { "alias", function() pierrot.monitor(pierrot.self(), { alias = "always" }) end },
  { "flsh", function() pierrot.demonitor(pierrot.make_ref(), { flsh = true }) end },
  { "rply", function() pierrot.alias { rply = true } end },
  { "absolute", function()
    pierrot.send_after(1, pierrot.self(), "hello", { absolute = true })
  end },
  { "asynch", function() pierrot.cancel_timer(pierrot.make_ref(), { asynch = true }) end },
  { "nme", function() gen_server.start(Server, nil, { nme = "server" }) end },
  { "timeout", function() gen_server.start(Server, nil, { timeout = "soon" }) end },
  { "timeout", function() gen_server.start(Server, nil, { timeout = -1 }) end },
  { "nme", function() bucket.start_link { nme = "bucket" } end },
  { "nme", function() registry.start_link { nme = "registry" } end },
}

describe("an integer", function()
  it("may be a float of that value, as for Lua's own functions", alone(function()
    local opts = { max_queue = 1e3, max_heap = 1e6, scheduler = 1.0, monitor = true }

    local pid, ref = pierrot.spawn_opt(opts, function() pierrot.receive("stop") end)
    local server = gen_server.start_link(Server, nil, { max_heap = 1e7, max_queue = 10.0 })
    local top = supervisor.start_link({}, { strategy = "one_for_one", max_restarts = 1e3 })

    assert.is_true(pierrot.is_alive(server))
    assert.is_true(pierrot.is_alive(top))
    assert.equal(1, pierrot.info(pid, "scheduler"))
    pierrot.send(pid, "stop")
    assert.equal("normal", support.await_down(ref))
  end))
end)

describe("a bad option", function()
  for i, row in ipairs(options) do
    it(("raises an error that names it, %d: %s"):format(i, row[1]), alone(function()
      local text = support.error_text(row[2])

      assert.is_truthy(text:find(row[1], 1, true), text)
      assert.is_truthy(text:find("^[^\n]*bad_input_spec.lua:%d+: "), text)
      assert.equal(0, pierrot.flush().n)
      assert.same({}, pierrot.info(pierrot.self(), "links"))
    end))
  end
end)
