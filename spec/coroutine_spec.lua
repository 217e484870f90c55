-- SPDX-License-Identifier: MIT
--- The user's own coroutines inside processes: they work as in Lua, and a wait inside one waits as
-- the process.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

local alone, end_of, expect = support.alone, support.end_of, support.expect

describe("a coroutine in a process", function()
  it("yields and is resumed with values", alone(function()
    local co = coroutine.create(function(a, b)
      local c = coroutine.yield(a + b)
      local d, e = coroutine.yield(c * 2)
      return d .. e, nil
    end)

    assert.same({ true, 3 }, { coroutine.resume(co, 1, 2) })
    assert.same({ true, 20 }, { coroutine.resume(co, 10) })
    assert.same({ true, "xy", n = 3 }, table.pack(coroutine.resume(co, "x", "y")))
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end))

  it("has the statuses of Lua", alone(function()
    local outer, inner
    inner = coroutine.create(function()
      return coroutine.status(inner), coroutine.status(outer)
    end)
    outer = coroutine.create(function() return select(2, coroutine.resume(inner)) end)
    assert.equal("suspended", coroutine.status(outer))

    local _, inner_status, outer_status = coroutine.resume(outer)

    assert.equal("running", inner_status)
    assert.equal("normal", outer_status)
    assert.equal("dead", coroutine.status(outer))
  end))

  it("waits as the process: receive", alone(function()
    local co = coroutine.wrap(function() return "got " .. pierrot.receive() end)
    pierrot.send_after(5, pierrot.self(), "hello")

    assert.equal("got hello", co())
  end))

  it("waits as the process: receive with a timeout", alone(function()
    local co = coroutine.wrap(function() return pierrot.receive("never sent", 5) end)

    assert.same({ nil, "timeout", n = 2 }, table.pack(co()))
  end))

  it("waits as the process: sleep, yield and call", alone(function()
    local server = gen_server.start_link {
      init = function() return "ok", {} end,
      handle_call = function(request) return "reply", request end,
    }
    local co = coroutine.wrap(function()
      pierrot.sleep(5)
      pierrot.yield()
      coroutine.yield(gen_server.call(server, "first"))
      return gen_server.call(server, "second")
    end)

    assert.equal("first", co())
    assert.equal("second", co())
  end))

  it("does not show its waits to whoever resumes it", alone(function()
    local values = {}
    local co = coroutine.wrap(function()
      for i = 1, 3 do
        pierrot.sleep(1)
        coroutine.yield(i)
      end
    end)

    for value in co do
      values[#values + 1] = value
    end

    assert.same({ 1, 2, 3 }, values)
  end))

  it("waits three coroutines deep", alone(function()
    local function deep(n)
      if n == 0 then
        pierrot.sleep(1)
        return "bottom"
      end
      return (coroutine.wrap(deep)(n - 1))
    end

    assert.equal("bottom", deep(3))
  end))

  it("is the same process", alone(function()
    local me = pierrot.self()

    assert.equal(me, coroutine.wrap(pierrot.self)())
  end))

  it("gives its errors to resume, with their values", alone(function()
    local failing = coroutine.create(function() error({ code = 7 }) end)
    local text = coroutine.create(function() error("no milk", 0) end)

    assert.same({ false, { code = 7 } }, { coroutine.resume(failing) })
    assert.same({ false, "no milk" }, { coroutine.resume(text) })
    assert.equal("dead", coroutine.status(failing))
  end))

  it("gives an error after a wait to resume, too", alone(function()
    local failing = coroutine.create(function()
      pierrot.sleep(1)
      error("no milk", 0)
    end)

    assert.same({ false, "no milk" }, { coroutine.resume(failing) })
  end))

  it("passes its errors through wrap", alone(function()
    local co = coroutine.wrap(function() error({ code = 7 }) end)

    local passed, failure = pcall(co)

    assert.is_false(passed)
    assert.same({ code = 7 }, failure)
  end))

  it("lets pcall inside it catch errors around waits", alone(function()
    local co = coroutine.wrap(function()
      local passed, failure = pcall(function()
        pierrot.sleep(1)
        coroutine.yield("between")
        error("no milk", 0)
      end)
      return passed, failure
    end)

    assert.equal("between", co())
    assert.same({ false, "no milk" }, { co() })
  end))

  it("ends its process by an exit that nobody catches", alone(function()
    local reason = end_of(function()
      coroutine.wrap(function() pierrot.exit("no milk") end)()
    end)

    assert.equal("no milk", reason)
  end))

  it("gives an exit to resume as any error", alone(function()
    local co = coroutine.create(function() pierrot.exit("no milk") end)

    local passed, failure = coroutine.resume(co)

    assert.is_false(passed)
    assert.equal("exit", failure.class)
    assert.equal("no milk", failure.reason)
  end))

  it("cannot keep its process from being ended by a signal", alone(function()
    local test = pierrot.self()
    local pid, ref = pierrot.spawn_monitor(function()
      coroutine.resume(coroutine.create(function()
        pierrot.send(test, "ready")
        pcall(pierrot.receive, "never sent")
        pierrot.send(test, "went on")
      end))
      pierrot.send(test, "went on outside")
    end)
    expect "ready"

    pierrot.exit(pid, "no milk")

    assert.equal("no milk", support.await_down(ref))
    assert.equal(0, pierrot.flush().n)
  end))

  it("closes its variables when it is closed", alone(function()
    local log = {}
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
      coroutine.yield()
    end)
    coroutine.resume(co)

    assert.is_true(coroutine.close(co))

    assert.same({ "closed" }, log)
    assert.equal("dead", coroutine.status(co))
  end))

  it("gives the error of a closing variable to close", alone(function()
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() error("no milk", 0) end })
      coroutine.yield()
    end)
    coroutine.resume(co)

    assert.same({ false, "no milk" }, { coroutine.close(co) })
  end))

  it("knows itself, and that it is not the process's own", alone(function()
    local own, is_own_main = coroutine.running()
    local inner

    inner = coroutine.create(function() return coroutine.running() end)

    local _, running, is_main = coroutine.resume(inner)
    assert.equal(inner, running)
    assert.is_false(is_main)
    assert.not_equal(own, inner)
    assert.equal("boolean", type(is_own_main))
  end))

  it("is yieldable", alone(function()
    assert.is_true(coroutine.wrap(coroutine.isyieldable)())
  end))

  it("is yieldable, and the process's own function is not, as a main chunk", alone(function()
    pierrot.spawn_link(function(test)
      pierrot.send(test, { coroutine.isyieldable(), coroutine.isyieldable(coroutine.running()) })
    end, pierrot.self())

    assert.same({ false, false }, expect())
  end))

  it("cannot be left by a yield of the process's own function", alone(function()
    local reason = end_of(function() coroutine.yield("to nobody") end)

    assert.equal("error", reason[1])
    assert.equal("string", type(reason[2]))
  end))

  it("may be resumed by another process on the same scheduler", alone(function()
    local test = pierrot.self()
    local co = coroutine.create(function()
      coroutine.yield(pierrot.self())
      return pierrot.self()
    end)

    local _, first = coroutine.resume(co)
    local other = pierrot.spawn(function()
      local _, second = coroutine.resume(co)
      pierrot.send(test, { "second", second })
    end)

    assert.equal(test, first)
    assert.equal(other, expect({ "second" })[2])
  end))

  it("cannot be resumed by another process while it waits in one", alone(function()
    local test = pierrot.self()
    local co = coroutine.create(function() return pierrot.receive("go on") end)
    local waiting = pierrot.spawn_link(function()
      pierrot.send(test, "waiting")
      pierrot.send(test, { "result", coroutine.resume(co) })
      pierrot.receive("never sent")
    end)
    expect "waiting"
    pierrot.yield()

    local passed, failure = coroutine.resume(co)
    pierrot.send(waiting, "go on")

    assert.is_false(passed)
    assert.equal("string", type(failure))
    assert.same({ "result", true, "go on" }, expect())
  end))

  it("is a generator that may wait between its values", alone(function()
    local function numbers(limit)
      return coroutine.wrap(function()
        for i = 1, limit do
          pierrot.send(pierrot.self(), i)
          coroutine.yield((pierrot.receive()))
        end
      end)
    end

    local sum = 0
    for number in numbers(100) do
      sum = sum + number
    end

    assert.equal(5050, sum)
  end))
end)

describe("a process that ends in a coroutine", function()
  it("closes what that holds, then what is around it", alone(function()
    local test = pierrot.self()
    local function told(name)
      return setmetatable({}, { __close = function() pierrot.send(test, name) end })
    end
    local pid = pierrot.spawn(function()
      local _ <close> = told("outer")
      local co = coroutine.create(function()
        local _ <close> = told("middle")
        coroutine.wrap(function()
          local _ <close> = told("inner")
          pierrot.send(test, "ready")
          pierrot.receive("never sent")
        end)()
      end)
      coroutine.resume(co)
    end)
    expect("ready")

    pierrot.exit(pid, "kill")

    support.await_down(pid)
    assert.same({ "inner", "middle", "outer", n = 3 }, pierrot.flush())
  end))
end)

describe("the coroutine of another process", function()
  it("is not resumed, and not closed", alone(function()
    local test = pierrot.self()
    local body, own
    local pid = pierrot.spawn_link(function()
      body = coroutine.running()
      own = coroutine.create(function()
        pierrot.send(test, "ready")
        pierrot.send(test, { "got", pierrot.receive("hello") })
      end)
      coroutine.resume(own)
    end)
    expect("ready")

    for _, co in ipairs { body, own } do
      local resumed, why = coroutine.resume(co, "nonsense")
      assert.is_false(resumed)
      assert.is_truthy(why:find("in which a process waits", 1, true))
      assert.is_truthy(support.error_text(coroutine.close, co):find("process waits", 1, true))
    end

    pierrot.send(pid, "hello")
    assert.same({ "got", "hello" }, expect())
  end))
end)

describe("where Lua cannot yield", function()
  it("a wait in a sort's comparator raises and says so", alone(function()
    local text = support.error_text(table.sort, { 3, 1, 2 }, function()
      pierrot.receive("never sent")
    end)

    assert.is_truthy(text:lower():find("yield") or text:lower():find("wait"))
  end))

  it("a wait in a gsub's callback raises and says so", alone(function()
    local text = support.error_text(string.gsub, "abc", ".", function() pierrot.sleep(1) end)

    assert.is_truthy(text:lower():find("yield") or text:lower():find("wait"))
  end))

  it("a call in a gsub's callback raises and says so", alone(function()
    local server = gen_server.start_link {
      init = function() return "ok", {} end,
      handle_call = function(request) return "reply", request end,
    }

    local text = support.error_text(string.gsub, "abc", ".", function()
      gen_server.call(server, "hello")
    end)

    assert.is_truthy(text:lower():find("yield") or text:lower():find("wait"))
    assert.equal("hello", gen_server.call(server, "hello"))
    assert.equal(0, pierrot.flush().n)
  end))

  it("what does not wait works as ever", alone(function()
    local test = pierrot.self()

    local text = string.gsub("abc", ".", function(letter)
      pierrot.send(test, letter)
      return (pierrot.receive(letter, 0)):upper()
    end)

    assert.equal("ABC", text)
  end))

  it("a receive that finds its message does not wait", alone(function()
    pierrot.send(pierrot.self(), { "milk", 1 })
    pierrot.send(pierrot.self(), { "eggs", 2 })
    local taken = {}

    string.gsub("ab", ".", function(letter)
      local is_eggs = function(kind) return kind == "eggs" end
      taken[letter] = letter == "a" and pierrot.receive { is_eggs } or pierrot.receive()
    end)

    assert.same({ a = { "eggs", 2 }, b = { "milk", 1 } }, taken)
  end))

  it("the error is at the line of the wait, and leaves the mailbox as it was", alone(function()
    pierrot.send(pierrot.self(), "hello")
    local line = debug.getinfo(1, "l").currentline

    for i, pattern in ipairs { "never sent", function() return false end } do
      local text = support.error_text(string.gsub, "a", ".", function()
        pierrot.receive(pattern, i * 1000)
      end)
      assert.is_truthy(text:find(("coroutine_spec.lua:%d: "):format(line + 4), 1, true), text)
    end

    assert.same({ "hello", n = 1 }, pierrot.flush())
  end))

  it("a coroutine inside may still yield within itself", alone(function()
    local text = string.gsub("abc", ".", function(letter)
      local co = coroutine.wrap(function()
        coroutine.yield(letter)
        return letter:upper()
      end)
      return co() .. co()
    end)

    assert.equal("aAbBcC", text)
  end))
end)
