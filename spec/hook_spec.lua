-- SPDX-License-Identifier: MIT
--- Hooks of the user's (debug.sethook): the script's reaches all code of its scheduler, and each
--- line counts once, whatever is preempted meanwhile.

local gen_server = require "pierrot.gen_server"
local lines = require "spec.fixtures.lines"
local pierrot = require "pierrot"
local support = require "spec.support"
local testing = require "pierrot.testing"

local alone, await_down = support.alone, support.await_down

-- Locals: a global of a spec is found by Lua code, which has lines of its own.
local wrap <const>, sethook <const>, gethook <const> = coroutine.wrap, debug.sethook, debug.gethook

local COUNTED <const> = [[
local lines = require "spec.fixtures.lines"
local expected = lines.expected()
for _, place in ipairs(lines.places) do
  local counts = lines.count(place[2])
  for line, n in pairs(expected) do
    assert(counts[line] == n, ("%s, line %d: %d of %s"):format(place[1], line, n, counts[line]))
  end
end
print "all counted"
]]

-- Says how often it was called.
local function counter()
  local n = 0
  return function() n = n + 1 end, function() return n end
end

describe("the script's hook for lines, beside a process that spins,", function()
  for _, place in ipairs(lines.places) do
    it("counts each line once in " .. place[1], function()
      local expected = lines.expected()

      local counts = lines.count(place[2])

      assert.same(expected, counts)
    end)
  end

  -- Under ThreadSanitizer no signal reaches a loop.
  for _, preempt in ipairs { "count", not os.getenv "PIERROT_NO_SIGNALS" and "signal" or nil } do
    it("counts them all in a program with --preempt " .. preempt, function()
      if not support.program then return pending "PIERROT does not say where the program is" end

      local output, errors = support.execute(
        support.command(support.program, "--preempt", preempt, "-s", "1", "-e", COUNTED))

      assert.equal("", errors)
      assert.equal("all counted\n", output)
    end)
  end

  it("reaches a server and a coroutine that were there before it was set", function()
    local server = gen_server.start { init = function() return "ok", {} end,
      handle_call = function(fn)
        lines.places[1][2]()
        return "reply", fn
      end }
    local co = coroutine.wrap(function()
      coroutine.yield()
      lines.places[1][2]()
    end)
    gen_server.call(server, "first")
    co()

    local by_server = lines.count(function() gen_server.call(server, "again", 60000) end)
    local by_coroutine = lines.count(co)

    assert.same(lines.expected(), by_server)
    assert.same(lines.expected(), by_coroutine)
    gen_server.stop(server)
  end)

  it("reaches a process that was waiting when it was set", function()
    local script, hook, count = pierrot.self(), counter()
    local n_missed = 0

    for _ = 1, 20 do
      local waiting = pierrot.spawn(function()
        pierrot.send(script, "begun")
        pierrot.receive("hook is set") -- the script runs on its stack
        local before = count()
        if count() == before then n_missed = n_missed + 1 end
        pierrot.send(script, "over")
      end)
      wrap(function() support.expect("begun") end)() -- in a coroutine: it lends its own to nobody
      sethook(hook, "l")
      pierrot.send(waiting, "hook is set")
      support.expect("over")
      sethook()
    end

    assert.equal(0, n_missed)
  end)

  it("is gone everywhere when it is removed", function()
    local hook, count = counter()
    local co = coroutine.create(function()
      while true do
        coroutine.yield()
      end
    end)
    debug.sethook(hook, "l")
    coroutine.resume(co)
    debug.sethook()
    local before = count()

    coroutine.resume(co)
    support.end_of(lines.places[1][2])

    assert.equal(before, count())
    assert.is_nil((debug.gethook()))
    assert.is_nil((debug.gethook(co)))
  end)
end)

describe("a hook", function()
  it("is told by gethook as it was set, in processes the script's as well", function()
    local hook = counter()
    local seen
    debug.sethook(hook, "crl", 7)

    support.end_of(function() seen = table.pack(debug.gethook()) end)
    local here = table.pack(debug.gethook())
    debug.sethook()

    assert.same({ hook, "crl", 7, n = 3 }, here)
    assert.same({ hook, "crl", 7, n = 3 }, seen)
  end)

  it("that a process sets goes with it, and does not stay in the pool", alone(function()
    local hook, count = counter()
    support.end_of(function() debug.sethook(hook, "l") end)
    local before = count()

    local seen = {}
    for i = 1, 5 do
      support.end_of(function() seen[i] = debug.gethook() or "none" end)
    end

    assert.same({ "none", "none", "none", "none", "none" }, seen)
    assert.equal(before, count())
  end))

  for what, before in pairs {
    [""] = {},
    [" beside a hook for calls"] = { "cr", 0 },
    [" beside a hook for a count"] = { "", 100000000 },
  } do
    it("is told of the next line also by a function that was preempted before" .. what,
      alone(function()
        local turns, seen, n_others = 0, {}, 0
        local spinner = pierrot.spawn_link(function()
          while true do turns = turns + 1 end
        end)

        local reason = support.end_of(function()
          local function other() n_others = n_others + 1 end
          if before[1] then sethook(other, table.unpack(before)) end
          local start, first = turns, debug.getinfo(1, "l").currentline + 4
          n_others = 0
          while turns == start do end
          sethook(function(_, line) seen[#seen + 1] = line - first end, "l")
          start = first -- a line of one instruction
          sethook()
          return start
        end)

        assert.equal("normal", reason)
        assert.same({ 0, 1 }, seen)
        assert.is_true(n_others <= 1) -- the call of sethook
        pierrot.unlink(spinner)
        pierrot.exit(spinner, "kill")
      end))
  end

  it("of one coroutine is for that one alone", alone(function()
    local hook, count = counter()
    local hooked = coroutine.create(function()
      local inner = wrap(function() return gethook() end)()
      return gethook(), inner
    end)
    debug.sethook(hooked, hook, "l")

    local _, own, inner = coroutine.resume(hooked)

    assert.equal(hook, own)
    assert.is_nil(inner)
    assert.equal(2, count())
    assert.is_nil((debug.gethook()))
  end))

  it("for calls and returns misses none of them while the process is preempted", alone(function()
    local spinner = pierrot.spawn_link(function() while true do end end)
    local n_calls, n_returns = 0, 0
    local function callee() end

    local reason = support.end_of(function()
      debug.sethook(function(event)
        if debug.getinfo(2, "f").func ~= callee then return end
        if event == "return" then n_returns = n_returns + 1 else n_calls = n_calls + 1 end
      end, "cr")
      for _ = 1, 100000 do callee() end
      debug.sethook()
    end)

    assert.equal("normal", reason)
    assert.same({ 100000, 100000 }, { n_calls, n_returns })
    pierrot.unlink(spinner)
    pierrot.exit(spinner, "kill")
  end))

  it("for a long count comes although the process is preempted before it is over", alone(function()
    local spinner = pierrot.spawn_link(function() while true do end end)

    local reason = support.end_of(function()
      debug.sethook(function() pierrot.exit "too long" end, "", 5000000)
      while true do end
    end)

    assert.equal("too long", reason)
    pierrot.unlink(spinner)
    pierrot.exit(spinner, "kill")
  end))

  it("that raises an error ends its process, or is caught there", alone(function()
    local function fail() error("no milk", 0) end

    local reason
    testing.capture_log(function()
      reason = support.end_of(function()
        debug.sethook(fail, "", 1000)
        while true do end
      end)
    end)
    local caught = support.end_of(function()
      debug.sethook(fail, "", 1000)
      local _, failure = pcall(function() while true do end end)
      debug.sethook()
      pierrot.exit { "caught", failure }
    end)

    assert.same({ "error", "no milk" }, { reason[1], reason[2] })
    assert.same({ "caught", "no milk" }, caught)
  end))

  it("that raises an error which is caught leaves closing values alone", alone(function()
    local n_closed = 0
    local function value()
      return setmetatable({}, { __close = function() n_closed = n_closed + 1 end })
    end
    local function give_up() error "too long" end

    local failing = support.end_of(function()
      local _ <close> = value()
      debug.sethook(give_up, "", 100000)
      pcall(function() while true do end end)
      pierrot.exit "failed"
    end)
    local test = pierrot.self()
    local waiting, ref = pierrot.spawn_monitor(function()
      local _ <close> = value()
      debug.sethook(give_up, "", 100000)
      pcall(function() while true do end end)
      pierrot.send(test, "ready")
      pierrot.receive "never sent"
    end)
    support.expect "ready"
    pierrot.exit(waiting, "kill")

    assert.equal("failed", failing)
    assert.equal("killed", await_down(ref))
    assert.equal(2, n_closed)
  end))

  it("that is taken away and raises an error leaves no closing value that runs for ever",
    alone(function()
      local function fail()
        debug.sethook()
        error("no milk", 0)
      end

      local reason
      testing.capture_log(function()
        reason = support.end_of(function()
          local _ <close> = setmetatable({}, { __close = function() while true do end end })
          debug.sethook(fail, "", 1000)
          while true do end
        end)
      end)

      assert.equal("no milk", reason[2])
    end))

  it("that raises an error in a callback leaves later processes preemptible", alone(function()
    local Hooked = { init = function() return "ok", {} end, handle_call = function()
      debug.sethook(function() error("no milk", 0) end, "l")
      return "reply", 1
    end }
    testing.capture_log(function()
      for _ = 1, 5 do
        local server = gen_server.start(Hooked)
        assert.equal("no milk", support.exit_reason(gen_server.call, server, "fail")[1][2])
      end
    end)

    local spinners = {}
    for i = 1, 5 do spinners[i] = pierrot.spawn_monitor(function() while true do end end) end
    pierrot.yield()

    for _, spinner in ipairs(spinners) do
      local ref = pierrot.monitor(spinner)
      pierrot.exit(spinner, "kill")
      assert.equal("killed", await_down(ref))
    end
  end))

  it("rejects what is no hook, as Lua does", function()
    assert.matches("bad argument #2", support.error_text(debug.sethook, print))
    assert.matches("function expected", support.error_text(debug.sethook, 1, "l"))
  end)

  it("is set by luacov from the command line, and covers callbacks", function()
    if not support.program then return pending "PIERROT does not say where the program is" end
    if not package.searchpath("luacov.runner", package.path) then
      return pending "luacov is not installed"
    end
    local server <close> = support.temporary_file [[
      local gen_server = require "pierrot.gen_server"
      local server = gen_server.start { init = function() return "ok", 0 end,
        handle_call = function(n)
          for i = 1, n do
            math.abs(i)
          end
          return "reply", n
        end }
      gen_server.call(server, 1000)
    ]]
    local stats = os.tmpname()
    local config <close> = support.temporary_file(
      ("return { statsfile = %q, include = { '.*' } }"):format(stats))

    local _, errors = support.execute("LUACOV_CONFIG=" .. config.path .. " "
      .. support.command(support.program, "-s", "1", "-l", "luacov", server.path))

    local file <close> = assert(io.open(stats))
    local text = file:read "a"
    os.remove(stats)
    assert.equal("", errors)
    assert.matches("\n1 3 0 1001 1000 0 1 ", text)
  end)
end)
