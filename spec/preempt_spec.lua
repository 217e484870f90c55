-- SPDX-License-Identifier: MIT
--- Preemption: a process that spins leaves its neighbours on the same scheduler answering, and can
-- be killed, wherever in Lua it spins.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local function dig(n)
  if n == 0 then
    while true do end
  end
  return 1 + dig(n - 1)
end

local spinning = setmetatable({}, {
  __index = function()
    while true do end
  end,
  __add = function()
    while true do end
  end,
  __close = function() end,
})

--- Each spins for ever.
local spinners <const> = {
  { "a bare loop", function()
    while true do end
  end },
  { "a repeat loop", function()
    repeat until false
  end },
  { "a goto", function()
    ::again::
    goto again
  end },
  { "a numeric for", function()
    for _ = 1, math.huge do end
  end },
  { "a generic for over its own iterator", function()
    for _ in function() return 1 end do end
  end },
  { "a pcall", function()
    pcall(function()
      while true do end
    end)
  end },
  { "many pcalls", function()
    while true do
      pcall(error, "no milk")
    end
  end },
  { "an xpcall", function()
    xpcall(function()
      while true do end
    end, debug.traceback)
  end },
  { "nested pcalls", function()
    pcall(pcall, pcall, function()
      while true do end
    end)
  end },
  { "the metamethod __index", function() return spinning.milk end },
  { "the metamethod __add", function() return spinning + 1 end },
  { "a coroutine of its own", function()
    coroutine.wrap(function()
      while true do end
    end)()
  end },
  { "coroutines in coroutines", function()
    coroutine.wrap(function()
      coroutine.wrap(function()
        pcall(coroutine.wrap(function()
          while true do end
        end))
      end)()
    end)()
  end },
  { "a coroutine that is given so much that the slice is over meanwhile", function()
    pcall(coroutine.resume, coroutine.create(function()
      while true do end
    end), table.unpack({}, 1, 500000))
  end },
  { "resuming and yielding", function()
    local generator = coroutine.wrap(function()
      while true do
        coroutine.yield(1)
      end
    end)
    while true do
      generator()
    end
  end },
  { "deep recursion", function() return dig(10000) end },
  { "recursion without end in pcalls", function()
    local function deeper() return 1 + deeper() end
    while true do
      pcall(deeper)
    end
  end },
  { "calling C functions", function()
    while true do
      math.abs(-1)
      select("#", 1, 2, 3)
    end
  end },
  { "making garbage", function()
    while true do
      local _ = { {}, "a" .. math.random() }
    end
  end },
  { "sending to itself", function()
    while true do
      pierrot.send(pierrot.self(), "hello")
      pierrot.receive("hello")
    end
  end },
  { "looking and never waiting", function()
    while true do
      pierrot.receive("never sent", 0)
    end
  end },
  { "a pattern of its own that goes on", function()
    pierrot.send(pierrot.self(), "hello")
    pierrot.receive(function()
      while true do end
    end, 0)
  end },
  { "catching exits", function()
    while true do
      pcall(pierrot.exit, "no milk")
    end
  end },
  { "a variable that is never closed", function()
    local _ <close> = spinning
    while true do end
  end },
}

local Echo = {
  init = function() return "ok", {} end,
  handle_call = function(request) return "reply", request end,
}

describe("a process that spins", function()
  for _, row in ipairs(spinners) do
    it("leaves its neighbours answering, and can be killed: " .. row[1], alone(function()
      local server = gen_server.start_link(Echo)
      local spinner, ref = pierrot.spawn_monitor(row[2])

      for i = 1, 5 do
        assert.equal(i, gen_server.call(server, i))
        pierrot.yield()
      end
      assert.is_true(pierrot.is_alive(spinner))
      pierrot.exit(spinner, "kill")

      assert.equal("killed", await_down(ref))
    end))

    it("is ended by a signal it does not trap: " .. row[1], alone(function()
      local spinner, ref = pierrot.spawn_monitor(row[2])
      pierrot.yield()

      pierrot.exit(spinner, "no milk")

      assert.equal("no milk", await_down(ref))
    end))
  end

  it("in a server's callback makes its caller wait alone, and can be killed", alone(function()
    local test = pierrot.self()
    local spinner = gen_server.start { init = Echo.init, handle_call = function()
      while true do end
    end }
    local echo = gen_server.start_link(Echo)
    pierrot.spawn_link(function()
      pierrot.send(test, { "ended", support.exit_reason(gen_server.call, spinner, "spin") })
      pierrot.receive("never sent")
    end)
    pierrot.yield()

    assert.equal("hello", gen_server.call(echo, "hello"))
    pierrot.exit(spinner, "kill")

    assert.equal("killed", expect({ "ended" })[2][1])
  end))

  it("in a server's callback does so too when the slice is over while the request is copied",
    alone(function()
      local echo = gen_server.start_link(Echo)
      local spinner, ref = gen_server.start_monitor { init = Echo.init, handle_call = function()
        while true do end
      end }
      pierrot.spawn_link(function()
        local request <const> = {}
        for i = 1, 500000 do request[i] = i end
        support.exit_reason(gen_server.call, spinner, request)
        pierrot.receive("never sent")
      end)
      repeat
        assert.equal("hello", gen_server.call(echo, "hello"))
        pierrot.yield()
      until pierrot.info(spinner, "reductions") > 1

      assert.equal("hello", gen_server.call(echo, "hello"))
      pierrot.exit(spinner, "kill")

      assert.equal("killed", await_down(ref))
    end))

  it("in a server's callback lets a call to it time out", alone(function()
    local spinner = gen_server.start { init = Echo.init, handle_call = function()
      while true do end
    end }

    local reason = support.exit_reason(gen_server.call, spinner, "spin", 20)

    assert.equal("timeout", reason[1])
    pierrot.exit(spinner, "kill")
  end))

  it("lets timers fire", alone(function()
    local spinner = pierrot.spawn_link(spinners[1][2])

    pierrot.send_after(10, pierrot.self(), "later")

    assert.equal("later", expect())
    assert.is_true(pierrot.is_alive(spinner))
  end))

  it("is one of many that all make progress", alone(function()
    local test = pierrot.self()
    for i = 1, 10 do
      pierrot.spawn_link(function()
        local count = 0
        for _ = 1, 1000000 do
          count = count + 1
        end
        pierrot.send(test, { "counted", i, count })
        pierrot.receive("never sent")
      end)
    end
    pierrot.spawn_link(spinners[1][2])

    local seen = {}
    for _ = 1, 10 do
      local message = expect { "counted" }
      assert.equal(1000000, message[3])
      seen[message[2]] = true
    end

    assert.equal(10, #seen)
  end))

  it("computes what it would compute undisturbed", alone(function()
    local function work()
      local sum, text, list = 0, "", {}
      for i = 1, 200000 do
        sum = (sum * 31 + i) % 1000003
        list[#list + 1] = i % 7
        if i % 1000 == 0 then
          text = text .. string.char(65 + sum % 26)
          table.sort(list)
          list = { table.unpack(list, 1, 10) }
        end
      end
      return { sum, text }
    end
    local expected = work()
    local refs = {}
    for i = 1, 4 do
      local _
      _, refs[i] = pierrot.spawn_monitor(function() pierrot.exit { "result", work() } end)
    end

    for _, ref in ipairs(refs) do
      assert.same({ "result", expected }, await_down(ref))
    end
  end))

  it("runs the user's own hook beside preemption", alone(function()
    local _, ref = pierrot.spawn_monitor(function()
      local lines = 0
      debug.sethook(function() lines = lines + 1 end, "l")
      local sum = 0
      for i = 1, 1000 do
        sum = sum + i
      end
      debug.sethook()
      pierrot.exit { "lines", lines, sum }
    end)

    local reason = await_down(ref)

    assert.is_true(reason[2] >= 1000)
    assert.equal(500500, reason[3])
  end))

  it("by count gives way after it has taken a debug hook of its own away", function()
    if not support.program then return pending "PIERROT does not say where the program is" end

    local output = support.execute(support.command(support.program, "--preempt", "count", "-s", "1",
      "-e", [[
        local pierrot = require "pierrot"
        local main = pierrot.self()
        local function spin()
          debug.sethook(function() end, "l")
          debug.sethook()
          pierrot.send(main, "ready")
          while true do end
        end
        for _, body in ipairs { spin, function() coroutine.wrap(spin)() end } do
          local spinner, ref = pierrot.spawn_monitor(body)
          pierrot.receive "ready"
          pierrot.exit(spinner, "kill")
          print(pierrot.receive({ "DOWN", ref })[5])
        end
      ]]))

    assert.equal("killed\nkilled\n", output)
  end)

  it("costs a coroutine of the process's no memory, however often it is preempted", function()
    if not support.program then return pending "PIERROT does not say where the program is" end

    local output = support.execute(support.command(support.program, "--preempt", "count", "-s", "1",
      "-e", [[
        local pierrot = require "pierrot"
        pierrot.spawn(function() coroutine.wrap(function() while true do end end)() end)
        local function used_kb()
          for _ = 1, 2000 do pierrot.yield() end
          collectgarbage()
          collectgarbage()
          return collectgarbage "count"
        end
        local before = used_kb()
        print(used_kb() - before)
      ]]))

    assert.is_true(tonumber(output) < 10, output)
  end)

  it("finishes a sort with a comparator, which cannot be interrupted", alone(function()
    local _, ref = pierrot.spawn_monitor(function()
      local list = {}
      for i = 1, 20000 do
        list[i] = (i * 7919) % 20011
      end
      table.sort(list, function(a, b) return a < b end)
      for i = 2, #list do
        assert(list[i - 1] <= list[i])
      end
      pierrot.exit("sorted")
    end)

    assert.equal("sorted", await_down(ref))
  end))
end)
