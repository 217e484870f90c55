-- SPDX-License-Identifier: MIT
--- luv in processes: whose callbacks and handles are, and what becomes of them.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"
local sys = require "pierrot.sys"

if not package.searchpath("luv", package.cpath) then
  describe("luv", function() pending "needs luv, which is not installed" end)
  return
end

local uv = require "luv"

local alone, expect = support.alone, support.expect

--- A process that runs `fn`, then waits until it is told "go on". Gives its pid and a monitor.
local function waiting(fn, ...)
  return pierrot.spawn_monitor(function(...)
    fn(...)
    pierrot.receive "go on"
  end, ...)
end

--- Runs `fn` soon, as a callback of the caller's.
local function soon(fn)
  local timer = uv.new_timer()
  timer:start(0, 0, function()
    timer:close()
    fn()
  end)
end

--- Waits until the loop of this scheduler has come round after what was begun before.
local function turn()
  local me, ref = pierrot.self(), pierrot.make_ref()
  soon(function() pierrot.send(me, { "turned", ref }) end)
  expect { "turned", ref }
end

--- Does not wait until `done()`, whose instructions are preempted.
local function spin_until(done)
  while not done() do end
end

local function open_handles()
  local n = 0
  uv.walk(function() n = n + 1 end)
  return n
end

local function is_open(fd)
  return uv.fs_fstat(fd) ~= nil
end

describe("require 'luv'", function()
  it("gives every process of a scheduler the same module", alone(function()
    local me = pierrot.self()
    pierrot.spawn_link(function() pierrot.send(me, { "same", require "luv" == uv }) end)

    assert.is_true(expect { "same" }[2])
  end))

  it("gives the same module when package.loaded has lost it", alone(function()
    package.loaded.luv = nil

    assert.equal(uv, require "luv")
  end))

  it("fails as for any module when luv is not installed", alone(function()
    local loaded, cpath <const> = package.loaded.luv, package.cpath
    package.loaded.luv, package.cpath = nil, "/nowhere/?.so"

    local _, failure = pcall(require, "luv")

    package.loaded.luv, package.cpath = loaded, cpath
    assert.matches("^module 'luv' not found:", failure)
    assert.matches("no file '/nowhere/luv.so'", failure)
  end))

  it("leaves luv alone where a script had it before pierrot", function()
    if support.program == support.interpreter then return pending "of a stock interpreter" end

    local output = support.run_script [[
      local own = require "luv"
      require "pierrot"
      local timer = own.new_timer()
      timer:start(0, 0, function() timer:close() print "ran" end)
      own.run()
      print(require "luv" == own)
      package.loaded.luv = nil
      print(type(require("luv").run()))]]

    assert.equal("ran\ntrue\nboolean\n", output)
  end)

  for _, name in ipairs { "run", "stop", "loop_close", "loop_configure", "backend_fd" } do
    it("leaves the loop to the scheduler: no " .. name, alone(function()
      assert.matches("luv_spec.lua:%d+: cannot use luv." .. name .. ": the loop is the scheduler's",
        support.error_text(function() uv[name]() end))
    end))
  end

  it("starts no threads beside the scheduler", alone(function()
    assert.matches("cannot use luv.new_thread: ",
      support.error_text(function() uv.new_thread(function() end) end))
  end))

  it("gives each scheduler a luv of its own", alone(function()
    if not support.has_two_schedulers then return pending "needs two schedulers" end
    local me, here = pierrot.self(), pierrot.info(pierrot.self(), "scheduler")

    pierrot.spawn_opt({ link = true, scheduler = support.elsewhere() }, function()
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        pierrot.send(me, { "ticked", pierrot.info(pierrot.self(), "scheduler") })
      end)
      pierrot.receive "never"
    end)

    assert.not_equal(here, expect { "ticked" }[2])
  end))
end)

describe("a callback of luv's", function()
  it("runs as the process that gave it", alone(function()
    local me = pierrot.self()
    soon(function() pierrot.send(me, { "self", pierrot.self() }) end)

    assert.equal(me, expect { "self" }[2])
  end))

  it("runs as the process that gave it where that is a server", alone(function()
    local server = assert(gen_server.start_link({
      init = function(client)
        local self <const> = pierrot.self()
        soon(function() pierrot.send(client, { "as", pierrot.self() == self }) end)
        return "ok", {}
      end,
    }, pierrot.self()))

    assert.is_true(expect { "as" }[2])
    gen_server.stop(server)
  end))

  it("runs while its process waits for something else", alone(function()
    local me, n = pierrot.self(), 0
    soon(function()
      n = n + 1
      pierrot.send_after(0, me, "late")
    end)

    expect "late"

    assert.equal(1, n)
  end))

  it("runs while its process sleeps", alone(function()
    local ran = false
    soon(function() ran = true end)

    pierrot.sleep(20)

    assert.is_true(ran)
  end))

  it("does not run in the middle of its process's code", alone(function()
    local me, ran = pierrot.self(), false
    local other = pierrot.spawn_link(function()
      expect "tell"
      turn()
      turn()
      pierrot.send(me, "seen")
    end)
    soon(function() ran = true end)
    pierrot.send(other, "tell")

    spin_until(function() return pierrot.info(me, "mailbox") > 0 end)

    assert.is_false(ran)
    turn()
    assert.is_true(ran)
  end))

  it("that had to wait wakes its process", alone(function()
    local me = pierrot.self()
    local other = pierrot.spawn_link(function()
      expect "tell"
      turn()
      turn()
      pierrot.send(me, "seen")
    end)
    soon(function() pierrot.send(me, "from the callback") end)
    pierrot.send(other, "tell")
    spin_until(function() return pierrot.info(me, "mailbox") > 0 end)

    assert.equal("from the callback", expect "from the callback")
  end))

  it("ends its process with an error it raises", alone(function()
    local _, ref = waiting(function() soon(function() error({ code = 7 }) end) end)

    local reason = support.await_down(ref)

    assert.same({ "error", { code = 7 } }, { reason[1], reason[2] })
    assert.matches("luv_spec.lua", reason[3])
  end))

  it("ends its process with an exit", alone(function()
    local _, ref = waiting(function() soon(function() pierrot.exit "enough" end) end)

    assert.equal("enough", support.await_down(ref))
  end))

  it("ends its process with an exit signal that it sends it", alone(function()
    local _, ref = waiting(function()
      soon(function()
        pierrot.exit(pierrot.self(), "kill")
        error "went on"
      end)
    end)

    assert.equal("killed", support.await_down(ref))
  end))

  it("ends a server after terminate", alone(function()
    local me = pierrot.self()
    local server = assert(gen_server.start({
      init = function()
        soon(function() error("broken", 0) end)
        return "ok", "state"
      end,
      terminate = function(reason, state) pierrot.send(me, { "terminated", reason[2], state }) end,
    }))

    assert.equal("broken", support.await_down(server)[2])
    assert.same({ "terminated", "broken", "state" }, expect { "terminated" })
  end))

  it("ends a server that waits within a callback of its own", alone(function()
    local me = pierrot.self()
    local server = assert(gen_server.start({
      init = function() return "ok", {} end,
      handle_cast = function()
        soon(function() error("broken", 0) end)
        pierrot.receive "never"
      end,
      terminate = function(reason) pierrot.send(me, { "terminated", reason[2] }) end,
    }))

    gen_server.cast(server, "wait")

    assert.equal("broken", support.await_down(server)[2])
    assert.equal("broken", expect { "terminated" }[2])
  end))

  it("that would wait by a pattern leaves that of its process alone", alone(function()
    local me = pierrot.self()
    soon(function()
      pcall(pierrot.receive, { "never", "sent" })
      pierrot.send(me, { "ours", "sent" })
    end)

    assert.same({ "ours", "sent" }, pierrot.receive({ "ours", "sent" }, 5000))
  end))

  it("raises an error where it would wait", alone(function()
    local me = pierrot.self()
    local function try(what, ...) pierrot.send(me, { what, select(2, pcall(...)) }) end
    soon(function()
      try("receive", pierrot.receive)
      try("sleep", pierrot.sleep, 1)
      try("call", gen_server.call, me, "request")
    end)

    for _, what in ipairs { "receive", "sleep", "call" } do
      assert.matches("cannot wait in a callback of luv's", expect({ what })[2])
    end
  end))

  it("may look at the mailbox without touching what its process waits for", alone(function()
    local me = pierrot.self()
    soon(function()
      pierrot.send(me, "first")
      pierrot.send(me, "second")
      local message = pierrot.receive("first", 0)
      local nothing, why = pierrot.receive("nothing", 0)
      pierrot.send(me, { "looked", message, nothing, why })
    end)

    assert.same({ "looked", "first", nil, "timeout" }, expect { "looked" })
    assert.same({ "second" }, support.mailbox())
  end))

  it("may fail to receive without losing what its process waits for", alone(function()
    local me = pierrot.self()
    pierrot.send(me, "wanted later")
    soon(function()
      pcall(pierrot.receive, function() error "a pattern that fails" end, 0)
      pierrot.send(me, "wanted")
    end)

    assert.equal("wanted", expect "wanted")
    assert.equal("wanted later", pierrot.receive(nil, 0))
  end))

  it("leaves the timeout of a receive as it was", alone(function()
    local ran = false
    soon(function()
      pierrot.receive("nothing", 0)
      ran = true
    end)

    assert.same({ nil, "timeout" }, { pierrot.receive("never", 30) })
    assert.is_true(ran)
  end))

  it("cannot yield", alone(function()
    local me = pierrot.self()
    soon(function()
      local _, is_main = coroutine.running()
      pierrot.send(me, { "yields", is_main, select(2, pcall(coroutine.yield)) })
    end)

    local message = expect { "yields" }
    assert.is_true(message[2])
    assert.matches("attempt to yield from outside a coroutine", message[3])
  end))

  it("can resume a coroutine that waits for it", alone(function()
    local me = pierrot.self()
    coroutine.wrap(function()
      local co = coroutine.running()
      uv.fs_stat("/", function(...) coroutine.resume(co, ...) end)
      local err, stat = coroutine.yield()
      pierrot.send(me, { "stat", err, stat.type })
    end)()

    assert.same({ "stat", nil, "directory" }, expect { "stat" })
  end))

  it("is preempted, and goes on", alone(function()
    local me, told = pierrot.self(), false
    local other = pierrot.spawn_link(function()
      expect "begun"
      told = true
    end)
    soon(function()
      pierrot.send(other, "begun")
      spin_until(function() return told end)
      pierrot.send(me, "done")
    end)

    assert.equal("done", expect "done")
  end))

  it("that goes on while a host's main process waits loses nobody's turn", function()
    if support.program == support.interpreter then return pending "of a stock interpreter" end

    local output, errors = support.run_script [[
      local pierrot = require "pierrot"
      pierrot.configure { preempt = "signal" }
      local uv = require "luv"
      local host, is_called, has_begun = pierrot.self(), false, false
      local function on_go(fn, ...)
        return pierrot.spawn(function(...)
          pierrot.receive "go"
          fn(...)
        end, ...)
      end
      local last = on_go(pierrot.send, host, "last")
      local middle = on_go(pierrot.send, host, "middle")
      local first = pierrot.spawn(function()
        coroutine.wrap(pierrot.receive) "begin"
        has_begun = true
        pierrot.receive "go" -- the host's callback goes on
        pierrot.send(host, "first")
        pierrot.send(last, "go")
      end)
      pierrot.spawn(function()
        local due = pierrot.now() + 3
        while pierrot.now() < due do end
        pierrot.send(first, "begin")
        pierrot.send(host, "early")
        while not is_called do end -- before the two have their turns
      end)
      local timer = uv.new_timer()
      uv.update_time()
      timer:start(1, 0, function()
        timer:close()
        is_called = true
        while not has_begun do end
        pierrot.send(first, "go")
        pierrot.send(middle, "go")
      end)
      for _, name in ipairs { "early", "first", "last", "middle" } do
        print((pierrot.receive(name, 5000)))
      end]]

    assert.equal("", errors)
    assert.equal("early\nfirst\nlast\nmiddle\n", output)
  end)

  it("goes on before its process does", alone(function()
    local me, told, trace = pierrot.self(), false, {}
    local other = pierrot.spawn_link(function()
      expect "begun"
      pierrot.send(me, "message")
      told = true
    end)
    soon(function()
      pierrot.send(other, "begun")
      spin_until(function() return told end)
      trace[#trace + 1] = "callback"
    end)

    expect "message"
    trace[#trace + 1] = "process"

    assert.same({ "callback", "process" }, trace)
  end))

  it("can be killed while it loops", alone(function()
    local me = pierrot.self()
    local looping, ref = waiting(function()
      soon(function()
        pierrot.send(me, "loops")
        while true do end
      end)
    end)
    expect "loops"

    pierrot.exit(looping, "kill")

    assert.equal("killed", support.await_down(ref))
  end))

  it("closes its values when it is killed", alone(function()
    local me = pierrot.self()
    local looping, ref = waiting(function()
      soon(function()
        local _ <close> = setmetatable({}, { __close = function() pierrot.send(me, "closed") end })
        pierrot.send(me, "loops")
        while true do end
      end)
    end)
    expect "loops"

    pierrot.exit(looping, "kill")

    support.await_down(ref)
    assert.same({ "closed" }, support.mailbox())
  end))

  it("holds up no call to its server", alone(function()
    local server = assert(gen_server.start_link({
      init = function()
        local ticks = { n = 0 }
        local timer = uv.new_timer()
        timer:start(0, 1, function() ticks.n = ticks.n + 1 end)
        return "ok", ticks
      end,
      handle_call = { ticks = function(state) return "reply", state.n end },
    }))

    spin_until(function() return gen_server.call(server, "ticks") > 2 end)

    gen_server.stop(server)
  end))

  it("waits until its server is resumed", alone(function()
    local ran = false
    local server = assert(gen_server.start_link({
      init = function() return "ok", {} end,
      handle_cast = function() soon(function() ran = true end) end,
    }))
    gen_server.cast(server, "begin")
    sys.suspend(server)

    turn()
    turn()
    local ran_before = ran
    sys.resume(server)
    turn()

    assert.same({ false, true }, { ran_before, ran })
    gen_server.stop(server)
  end))

  it("is told a repetition once while its process is busy", alone(function()
    local me, n = pierrot.self(), 0
    local other = pierrot.spawn_link(function()
      expect "tell"
      for _ = 1, 10 do turn() end
      pierrot.send(me, "seen")
    end)
    local timer = uv.new_timer()
    timer:start(0, 1, function()
      n = n + 1
      timer:stop()
    end)
    pierrot.send(other, "tell")

    spin_until(function() return pierrot.info(me, "mailbox") > 0 end)
    turn()

    assert.equal(1, n)
  end))

  it("does not come after its timer was stopped", alone(function()
    local me, ran = pierrot.self(), false
    local other = pierrot.spawn_link(function()
      expect "tell"
      turn()
      turn()
      pierrot.send(me, "seen")
    end)
    local timer = uv.new_timer()
    timer:start(0, 0, function() ran = true end)
    pierrot.send(other, "tell")
    spin_until(function() return pierrot.info(me, "mailbox") > 0 end)

    timer:stop()
    turn()

    assert.is_false(ran)
  end))

  it("may be a table that can be called", alone(function()
    local me = pierrot.self()
    local callable = setmetatable({}, { __call = function(_, err, stat)
      pierrot.send(me, { "called", err, stat.type })
    end })

    uv.fs_stat("/", callable)

    assert.same({ "called", nil, "directory" }, expect { "called" })
  end))

  it("counts for max_heap", alone(function()
    local _, ref = pierrot.spawn_opt({ monitor = true, max_heap = 2000000 }, function()
      local kept = {}
      pierrot.put("kept", 1)
      local timer = uv.new_timer()
      timer:start(0, 1, function()
        for i = 1, 10000 do kept[#kept + 1] = { i } end
      end)
      while kept do pierrot.receive("never", 1) end
    end)

    assert.equal("killed", support.await_down(ref))
  end))
end)

describe("what is read", function()
  local function pipe()
    local ends = assert(uv.pipe({ nonblock = true }, { nonblock = true }))
    local reader, writer = uv.new_pipe(false), uv.new_pipe(false)
    assert(reader:open(ends.read))
    assert(writer:open(ends.write))
    return reader, writer
  end

  it("comes in order, and whole, to a process that is busy", alone(function()
    local me, n, bytes = pierrot.self(), 200, {}
    local reader, writer = pipe()
    reader:read_start(function(err, data)
      assert(not err, err)
      bytes[#bytes + 1] = data
      if not data then pierrot.send(me, "read") end
    end)
    local expected = {}
    for i = 1, n do
      expected[i] = tostring(i):rep(100)
      writer:write(expected[i])
      for _ = 1, 2000 do end
    end
    writer:shutdown(function() writer:close() end)

    expect "read"

    assert.equal(table.concat(expected), table.concat(bytes))
  end))

  it("stays with the system while its process is busy", alone(function()
    local me, pieces = pierrot.self(), 0
    local reader, writer = pipe()
    reader:read_start(function(_, data) if data then pieces = pieces + 1 end end)
    local other = pierrot.spawn_link(function()
      for _ = 1, 5 do
        assert(writer:try_write "x")
        turn()
      end
      pierrot.send(me, "written")
    end)

    spin_until(function() return pierrot.info(me, "mailbox") > 0 end)
    turn()
    turn()

    assert.equal(2, pieces)
    assert.is_truthy(other)
  end))
end)

describe("what is written", function()
  it("to nobody is a failure, and does not end the program", function()
    local output, errors, status = support.run_script [[
      local pierrot = require "pierrot"
      local uv = require "luv"
      local me = pierrot.self()
      local function broken()
        local ends, pipe = assert(uv.pipe({}, { nonblock = true })), uv.new_pipe()
        assert(pipe:open(ends.write))
        uv.fs_close(ends.read)
        return pipe
      end
      print(select(3, broken():try_write "x"))
      broken():write("x", function(err) pierrot.send(me, err) end)
      print(pierrot.receive())
      local full = assert(uv.pipe({ nonblock = true }, { nonblock = true }))
      local pipe = uv.new_pipe()
      pipe:open(full.write)
      pipe:write(("x"):rep(1000000), function(err) pierrot.send(me, err) end)
      uv.fs_close(full.read)
      print(pierrot.receive())
      local ends = assert(uv.pipe())
      uv.fs_close(ends.read)
      print(select(3, uv.fs_write(ends.write, "x")))
      uv.fs_write(ends.write, "x", function(err) pierrot.send(me, err:match "^%u+") end)
      print(pierrot.receive())]]

    assert.same({ ("EPIPE\n"):rep(5), "", 0 }, { output, errors, status })
  end)

  it("by print to nobody ends the program as ever", function()
    local script <close> = support.temporary_file [[
      local pierrot = require "pierrot"
      local uv = require "luv"
      pcall(uv.write)
      pierrot.sleep(1)
      io.stdout:setvbuf "no"
      while true do print "milk" end]]

    local output, errors = support.execute(("{ %s; echo $? >&2; } | head -1"):format(
      support.command(support.interpreter, script.path)))

    assert.same({ "milk\n", "141\n" }, { output, errors })
  end)
end)

describe("a handle", function()
  it("is closed when its owner ends", alone(function()
    local listener = uv.new_tcp()
    local me = pierrot.self()
    local owner, ref = waiting(function()
      local tcp = uv.new_tcp()
      assert(tcp:bind("127.0.0.1", 0))
      assert(tcp:listen(1, function() end))
      pierrot.send(me, { "port", tcp:getsockname().port })
    end)
    local port = expect { "port" }[2]

    pierrot.exit(owner, "kill")
    support.await_down(ref)

    assert(listener:bind("127.0.0.1", port))
    assert.equal(0, listener:listen(1, function() end))
  end))

  it("is closed when its owner returns", alone(function()
    local timer
    local _, ref = pierrot.spawn_monitor(function()
      timer = uv.new_timer()
      timer:start(0, 1, function() error "a callback of the dead" end)
    end)

    assert.equal("normal", support.await_down(ref))
    assert.is_true(timer:is_closing())
    turn()
  end))

  it("is closed with its owner at any moment", alone(function()
    for n = 1, 30 do
      local owner, ref = pierrot.spawn_monitor(function()
        while true do
          local timer, pipe = uv.new_timer(), uv.new_pipe(false)
          timer:start(0, 0, function() timer:close() end)
          uv.fs_open("/", "r", 0, function(_, fd) if fd then uv.fs_close(fd) end end)
          uv.getaddrinfo("127.0.0.1", nil, nil, function() end)
          pipe:close()
          if pierrot.receive(nil, n % 3) then break end
        end
      end)
      for _ = 1, n % 5 do turn() end
      pierrot.exit(owner, "kill")
      assert.equal("killed", support.await_down(ref))
    end
    turn()
  end))

  it("tells the closing to its owner, and is gone then", alone(function()
    local me, timer = pierrot.self(), uv.new_timer()

    timer:close(function() pierrot.send(me, "closed") end)

    expect "closed"
    assert.equal(0, open_handles())
  end))

  it("is used by other processes, whose callbacks are theirs", alone(function()
    local me, timer = pierrot.self(), uv.new_timer()
    local other = pierrot.spawn_link(function()
      timer:start(0, 0, function() pierrot.send(me, { "as", pierrot.self() }) end)
      pierrot.receive "never"
    end)

    assert.equal(other, expect { "as" }[2])
  end))

  it("stays when a process ends whose callback it has", alone(function()
    local timer = uv.new_timer()
    local _, ref = pierrot.spawn_monitor(function()
      timer:start(0, 0, function() error "a callback of the dead" end)
    end)
    support.await_down(ref)
    turn()

    assert.is_false(timer:is_closing())
  end))

  it("cannot be sent", alone(function()
    local timer = uv.new_timer()

    assert.matches("cannot send a userdata %(at %[2%]%.timer%)",
      support.error_text(pierrot.send, pierrot.self(), { "have", { timer = timer } }))
  end))

  it("fails as luv has it when it is closed", alone(function()
    local timer, idle = uv.new_timer(), uv.new_idle()
    timer:close()
    idle:close()

    assert.same({ nil, "EBADF: bad file descriptor", "EBADF" },
      { timer:start(0, 0, function() end) })
    assert.same({ nil, "EBADF: bad file descriptor", "EBADF" }, { idle:start(function() end) })
    assert.is_true(timer:is_closing())
    assert.is_false(timer:is_active())
    assert.matches("already closing", support.error_text(timer.close, timer))
  end))

  it("is among those that its owner walks over, and no other's", alone(function()
    local me, mine = pierrot.self(), uv.new_timer()
    local other = pierrot.spawn_link(function()
      uv.new_timer()
      pierrot.send(me, "made")
      pierrot.receive "never"
    end)
    expect "made"

    local found = {}
    uv.walk(function(handle) found[#found + 1] = handle end)

    assert.same({ mine }, found)
    assert.is_truthy(other)
  end))

  it("may be closed in a value to be closed of a process that is killed", alone(function()
    local me = pierrot.self()
    local owner, ref = pierrot.spawn_monitor(function()
      local timer = uv.new_timer()
      local _ <close> = setmetatable({}, { __close = function() timer:close() end })
      pierrot.send(me, "made")
      pierrot.receive "never"
    end)
    expect "made"

    pierrot.exit(owner, "kill")

    assert.equal("killed", support.await_down(ref))
    turn()
  end))
end)

describe("nonsense", function()
  for what, call in pairs {
    ["a pid for a handle"] = function() uv.read_start(pierrot.self(), function() end) end,
    ["a file for a handle"] = function() uv.close(io.stdout) end,
    ["a ref for a request"] = function() uv.cancel(pierrot.make_ref()) end,
    ["a file for a child's output"] = function() uv.spawn("true", { stdio = { io.stdout } }) end,
  } do
    it(("is refused: %s"):format(what), alone(function()
      assert.matches("bad argument #%d to '[%w_.]+'", support.error_text(call))
    end))
  end

  it("is refused where nothing is to be written", alone(function()
    local pipe = uv.new_pipe(false)

    assert.matches("there is nothing to write", support.error_text(function() pipe:write {} end))
  end))

  it("is refused where the runtime's own signal is asked for", alone(function()
    local signal = uv.new_signal()

    for _, name in ipairs { "sigurg", "SIGURG", uv.constants.SIGURG or 23 } do
      assert.matches("SIGURG is the runtime's", support.error_text(function()
        signal:start(name, function() end)
      end))
    end
  end))

  it("is told at the caller's line, as luv tells it", alone(function()
    assert.matches("^[^:]*luv_spec.lua:%d+: bad argument #2 to '[%w.]*fs_open'",
      support.error_text(function() uv.fs_open("/", {}, 0) end))
  end))
end)

describe("a file", function()
  it("is read without holding anybody up", alone(function()
    local me = pierrot.self()
    uv.fs_open(support.root .. "/LICENSE", "r", 0, function(err, fd)
      pierrot.send(me, { "opened", err, fd })
    end)
    local fd = expect { "opened" }[3]
    uv.fs_read(fd, 11, 0, function(err, data) pierrot.send(me, { "read", err, data }) end)

    assert.same({ "read", nil, "MIT License" }, expect { "read" })
    assert.is_true(uv.fs_close(fd))
  end))

  it("works without a callback", alone(function()
    local fd = assert(uv.fs_open(support.root .. "/LICENSE", "r", 0))

    assert.equal("MIT", uv.fs_read(fd, 3, 0))
    assert.is_true(uv.fs_close(fd))
  end))

  it("closes when the process that opened it ends", alone(function()
    local me = pierrot.self()
    local owner, ref = waiting(function()
      local first = assert(uv.fs_open("/", "r", 0))
      uv.fs_open("/", "r", 0, function(_, second)
        pierrot.send(me, { "opened", first, second })
      end)
    end)
    local opened = expect { "opened" }
    local before = { is_open(opened[2]), is_open(opened[3]) }

    pierrot.exit(owner, "kill")
    support.await_down(ref)

    assert.same({ true, true }, before)
    assert.same({ false, false }, { is_open(opened[2]), is_open(opened[3]) })
  end))

  it("stays open where its number stands for another file by then", alone(function()
    if not support.has_two_schedulers then return pending "needs two schedulers" end
    local me = pierrot.self()
    local owner, ref = waiting(function()
      pierrot.send(me, { "opened", assert(uv.fs_open("/", "r", 0)) })
    end)
    local fd = expect { "opened" }[2]
    pierrot.spawn_opt({ link = true, scheduler = support.elsewhere() }, function()
      pierrot.send(me, { "closed", uv.fs_close(fd) })
    end)
    assert.is_true(expect { "closed" }[2])
    local again = assert(uv.fs_open("/dev/null", "r", 0))

    pierrot.exit(owner, "kill")
    support.await_down(ref)

    assert.equal(fd, again)
    assert.is_true(is_open(again))
    uv.fs_close(again)
  end))

  it("is a handle's once that was opened on it", alone(function()
    local me, fds = pierrot.self(), assert(uv.pipe())
    local owner, ref = waiting(function()
      local reader = uv.new_pipe(false)
      assert(reader:open(fds.read))
      reader:close()
      pierrot.send(me, "closed")
    end)
    expect "closed"
    local again = assert(uv.fs_open("/", "r", 0))

    pierrot.exit(owner, "kill")
    support.await_down(ref)

    assert.is_true(is_open(again))
    uv.fs_close(again)
    uv.fs_close(fds.write)
  end))

  it("that comes too late for its process is closed", function()
    local command = support.command("env", "UV_THREADPOOL_SIZE=1", support.interpreter)
    local script <close> = support.temporary_file [[
      local pierrot = require "pierrot"
      local uv = require "luv"
      local me = pierrot.self()
      local function n_open()
        local n = 0
        for _ in function() return uv.fs_scandir_next(n_dir) end do n = n + 1 end
        return n
      end
      local function count()
        n_dir = uv.fs_scandir("/proc/self/fd")
        return n_open()
      end
      uv.fs_stat("/", function() pierrot.send(me, "warm") end)
      pierrot.receive "warm"
      local before = count()
      for _ = 1, 20 do
        local _, ref = pierrot.spawn_monitor(function()
          uv.fs_open("/", "r", 0, function() end)
        end)
        pierrot.receive { "DOWN", ref }
      end
      uv.fs_stat("/", function() pierrot.send(me, "last") end)
      pierrot.receive "last"
      print(count() - before)]]

    local output, errors = support.execute(command .. " " .. script.path)

    assert.same({ "0\n", "" }, { output, errors })
  end)
end)

describe("a request", function()
  it("of a process that has ended is dropped", alone(function()
    for _ = 1, 20 do
      local _, ref = pierrot.spawn_monitor(function()
        uv.getaddrinfo("localhost", nil, nil, function() error "a callback of the dead" end)
        uv.fs_stat("/", function() error "a callback of the dead" end)
        uv.random(8, nil, function() error "a callback of the dead" end)
      end)
      assert.equal("normal", support.await_down(ref))
    end
    local me = pierrot.self()
    uv.fs_stat("/", function() pierrot.send(me, "stat") end)
    expect "stat"
  end))

  it("that luv takes no callback for is done at once", function()
    local output, errors, status = support.run_script [[
      require "pierrot"
      local uv = require "luv"
      print(uv.fs_stat("/", nil, function() end).type)
      print(math.type(uv.fs_open("/", "r", 0, nil, function() end)))
      print(type(uv.fs_scandir("/", nil, function() end)))]]

    assert.same({ "directory\ninteger\nuserdata\n", "", 0 }, { output, errors, status })
  end)

  it("of work is done in another thread", alone(function()
    local me = pierrot.self()
    local work = uv.new_work(function(a, b) return a * b end, function(product)
      pierrot.send(me, { "product", product })
    end)

    assert(work:queue(6, 7))

    assert.equal(42, expect { "product" }[2])
  end))

  it("keeps the directory that it reads", alone(function()
    local me = pierrot.self()
    local _, ref = pierrot.spawn_monitor(function()
      local dir = assert(uv.fs_opendir("/", nil, 50))
      dir:readdir(function() end)
    end)
    support.await_down(ref)
    collectgarbage()
    collectgarbage()
    uv.fs_stat("/", function() pierrot.send(me, "stat") end)

    assert.equal("stat", expect "stat")
  end))
end)

describe("a child of the system's", function()
  it("is written to and read from", alone(function()
    local me, input, output = pierrot.self(), uv.new_pipe(false), uv.new_pipe(false)
    assert(uv.spawn("cat", { stdio = { input, output } }, function(code, signal)
      pierrot.send(me, { "exited", code, signal })
    end))
    output:read_start(function(_, data) pierrot.send(me, { "output", data }) end)

    input:write "hello"
    input:shutdown()

    assert.equal("hello", expect { "output" }[2])
    assert.same({ "exited", 0, 0 }, expect { "exited" })
  end))

  it("loses its pipes when its process ends, and does not stay a zombie", alone(function()
    local me = pierrot.self()
    local owner, ref = waiting(function()
      local input = uv.new_pipe(false)
      local _, child = assert(uv.spawn("cat", { stdio = { input } }))
      pierrot.send(me, { "child", child })
    end)
    local child = expect { "child" }[2]

    pierrot.exit(owner, "kill")
    support.await_down(ref)

    assert(uv.spawn("sh", { args = { "-c", ("while kill -0 %d; do :; done"):format(child) } },
      function() pierrot.send(me, "gone") end))
    assert.equal("gone", expect "gone")
  end))

  it("that cannot be started is a failure", alone(function()
    local handle, _, name = uv.spawn("/nowhere/nothing", {}, function() end)

    assert.same({ nil, "ENOENT" }, { handle, name })
    turn()
  end))
end)

describe("the end of the program", function()
  local holding <const> = [[
    local pierrot = require "pierrot"
    local uv = require "luv"
    local tcp = require "pierrot.tcp"
    local function hold()
      local timer = uv.new_timer()
      timer:start(0, 1, function() end)
      local server = uv.new_tcp()
      assert(server:bind("127.0.0.1", 0))
      assert(server:listen(5, function() end))
      local client = uv.new_tcp()
      client:connect("127.0.0.1", server:getsockname().port, function() end)
      local closing = uv.new_idle()
      closing:close()
      uv.fs_open("/", "r", 0, function() end)
      uv.fs_scandir("/", function() end)
      uv.getaddrinfo("localhost", nil, nil, function() end)
      uv.new_work(function() return 1 end, function() end):queue()
      uv.spawn("cat", { stdio = { uv.new_pipe(false) } }, function() end)
      uv.spawn("/nowhere/nothing", {})
      local listener = assert(tcp.listen(0))
      local _, port = tcp.sockname(listener)
      return assert(tcp.connect("127.0.0.1", port)), listener
    end
    for i = 1, pierrot.schedulers() do
      pierrot.spawn_opt({ scheduler = i }, function()
        local held <const> = { hold() }
        pierrot.receive(held[9])
      end)
    end
    local held <const> = { hold() }
    assert(held)
    pierrot.sleep(5)
  ]]

  for what, ending in pairs {
    ["when the main process returns"] = "",
    ["when it is told to halt"] = "pierrot.halt() pierrot.sleep(1000)",
    ["when a callback tells it to halt"] =
      "uv.new_timer():start(0, 0, function() pierrot.halt() end) pierrot.sleep(1000)",
    ["when the state is closed"] = "os.exit(0, true)",
  } do
    it("closes everything in order " .. what, function()
      local output, errors, status = support.run_script(holding .. ending)

      assert.same({ "", "", 0 }, { output, errors, status })
    end)
  end

  it("comes to a script that has only required luv", function()
    local _, errors, status = support.run_script [[
      require "pierrot"
      require "luv"]]

    assert.same({ "", 0 }, { errors, status })
  end)
end)
