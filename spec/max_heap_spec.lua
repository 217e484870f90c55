-- SPDX-License-Identifier: MIT
--- max_heap: a process that holds too much is ended.

local gen_server = require "pierrot.gen_server"
local logger = require "pierrot.logger"
local pierrot = require "pierrot"
local servers = require "spec.servers"
local support = require "spec.support"

local LIMIT <const> = 1000000

-- luacheck: ignore 241 (what is taken is not used)

local function alone(body)
  return support.alone(function()
    logger.set_level "none" -- what is ended is reported
    local passed, failure = xpcall(body, debug.traceback)
    logger.set_level "debug"
    assert(passed, failure)
  end)
end

local function end_of(fn, ...)
  local opts = { max_heap = LIMIT, monitor = true }
  local _, ref = pierrot.spawn_opt(opts, fn, ...)
  return support.await_down(ref)
end

-- What takes more and more, in ways that a walk could miss.
local GREEDY <const> = {
  ["a table"] = function()
    local t = {}
    while true do t[#t + 1] = {} end
  end,
  ["a table with other keys"] = function()
    local t = {}
    while true do t[{}] = true end
  end,
  ["one string"] = function()
    local s = "x"
    while true do s = s .. s end
  end,
  ["many strings"] = function()
    local t = {}
    while true do t[#t + 1] = ("%d"):format(#t):rep(100) end
  end,
  ["a list"] = function()
    local t
    while true do t = { t } end
  end,
  ["closures"] = function()
    local f = function() end
    while true do
      local g = f
      f = function() return g end
    end
  end,
  ["upvalues"] = function()
    local t = {}
    local function grow() t[#t + 1] = {} end
    while true do grow() end
  end,
  ["an upvalue of a function that it calls"] = function()
    local function maker()
      local t = {}
      return function() t[#t + 1] = {} end
    end
    local grow = maker()
    while true do grow() end
  end,
  ["an upvalue of a coroutine"] = function()
    local co = coroutine.wrap(function()
      local t = {}
      while true do
        t[#t + 1] = {}
        if #t % 100 == 0 then coroutine.yield() end
      end
    end)
    while true do co() end
  end,
  ["varargs"] = function()
    local function grow(...)
      return select("#", ...) < 200 and grow(("x"):rep(10000 + select("#", ...)), ...)
        or pierrot.receive()
    end
    grow()
  end,
  ["coroutines"] = function()
    local t = {}
    while true do
      t[#t + 1] = coroutine.create(function() end)
    end
  end,
  ["a deep stack"] = function()
    local function dig(n) return 1 + dig(n + 1) end
    dig(1)
  end,
  ["its dictionary"] = function()
    for i = 1, math.huge do pierrot.put(i, {}) end
  end,
  ["its mailbox"] = function()
    local me = pierrot.self()
    for i = 1, math.huge do pierrot.send(me, { i }) end
  end,
  ["the arguments of a function it waits in"] = function()
    local function wait(_) pierrot.receive() end
    local t = {}
    for i = 1, 100000 do t[i] = { i } end
    wait(t)
  end,
  ["what it protects with pcall"] = function()
    while true do
      pcall(function()
        local t = {}
        while true do t[#t + 1] = {} end
      end)
    end
  end,
}

describe("max_heap", function()
  for name, fn in pairs(GREEDY) do
    it("ends a process that takes more and more: " .. name, alone(function()
      assert.equal("killed", end_of(fn))
    end))
  end

  it("leaves a process alone that throws away what it allocates", alone(function()
    assert.same({ "done", 100000 }, end_of(function()
      local last
      for i = 1, 100000 do last = { i, last and last[1], ("x"):rep(50) .. i } end
      pierrot.exit { "done", last[1] }
    end))
  end))

  it("leaves a process alone that holds much, but less", alone(function()
    assert.equal("normal", end_of(function()
      local t = {}
      for i = 1, 5000 do t[i] = { i } end
      for _ = 1, 100 do
        local _ = ("x"):rep(100000)
        pierrot.yield()
      end
      return #t
    end))
  end))

  it("does not count what modules hold", alone(function()
    local held = {}
    for i = 1, 50000 do held[i] = { i } end
    local function find(i) return held[i] end
    package.loaded["spec.holds_much"] = { get = function(i) return find(i) end }
    local function use()
      local much <const> = require "spec.holds_much"
      local sum = 0
      for i = 1, 100000 do
        local t = { much.get(i % 50000 + 1) }
        sum = sum + #t
      end
      pierrot.exit { "done", sum }
    end

    local reason = end_of(use)
    package.loaded["spec.holds_much"] = nil

    assert.same({ "done", 100000 }, reason)
  end))

  it("ends a server by its state, and its callers hear of it", alone(function()
    local pid, ref = servers.start_watched({
      handle_call = {
        take = function(state, _, n)
          for i = 1, n do state[#state + 1] = { i } end
          return "reply", #state
        end,
      },
    }, {}, { max_heap = LIMIT })

    assert.equal(100, gen_server.call(pid, { "take", 100 }))
    local passed = true
    for _ = 1, 100 do
      local ok, failure = pcall(gen_server.call, pid, { "take", 1000 })
      if not ok then
        passed = failure.reason[1]
        break
      end
    end

    assert.is_true(passed == "killed" or passed == "noproc")
    assert.equal("killed", support.await_down(ref))
  end))

  it("ends a server whose init takes too much: the start fails", alone(function()
    pierrot.trap_exit(true)

    local pid, reason = gen_server.start_link(servers.module {
      init = function()
        local state = {}
        while true do state[#state + 1] = {} end
      end,
    }, nil, { max_heap = LIMIT })

    assert.is_nil(pid)
    assert.equal("killed", reason)
  end))

  it("holds for a process on another scheduler", alone(function()
    if not support.has_two_schedulers then return end
    local _, ref = pierrot.spawn_opt({
      scheduler = support.elsewhere(), max_heap = LIMIT, monitor = true,
    }, function()
      local t = {}
      while true do t[#t + 1] = {} end
    end)

    assert.equal("killed", support.await_down(ref))
  end))

  it("harms no neighbour", alone(function()
    local neighbour = support.idle()
    end_of(GREEDY["a table"])

    assert.is_true(pierrot.is_alive(neighbour))
    pierrot.send(neighbour, "stop")
  end))

  it("says in the report what has ended the process", support.alone(function()
    local me = pierrot.self()
    logger.remove_handler "default"
    logger.add_handler(me, function(event) pierrot.send(me, { "event", event }) end)
    local pid, ref = pierrot.spawn_opt({ max_heap = LIMIT, monitor = true }, GREEDY["a table"])
    support.await_down(ref)
    local event = support.expect({ "event", { pid = pid } })[2]
    logger.remove_handler(me)
    logger.add_handler "default"

    assert.is_truthy(event.text:find("max_heap of 1000000 bytes", 1, true), event.text)
  end))

  it("is in force without preemption", function()
    if not support.program then return end
    local output, errors = support.execute(support.command(support.program, "--preempt", "off",
      "-e", [[
        local pierrot = require "pierrot"
        local _, ref = pierrot.spawn_opt({ max_heap = 1000000, monitor = true }, function()
          local t = {}
          while true do t[#t + 1] = {} end
        end)
        print(pierrot.receive({ "DOWN", ref })[5])
      ]]))

    assert.equal("killed\n", output, errors)
  end)
end)
