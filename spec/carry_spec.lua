-- SPDX-License-Identifier: MIT
--- Functions made ready for another scheduler, and whole again; here within one state. That they
-- arrive over there is the affair of scheduler_spec.

local alone = require "spec.fixtures.alone"
local carry = require "pierrot.carry"

-- What a message makes of a value: a copy with its sharing and cycles. It fails for what no message
-- between schedulers holds.
local function copied(value, seen)
  if type(value) ~= "table" then
    assert(type(value) ~= "function" and type(value) ~= "thread", type(value))
    return value
  end
  seen = seen or {}
  if seen[value] then return seen[value] end
  local copy = {}
  seen[value] = copy
  for key, field in next, value do
    assert(type(key) ~= "table", "a table as a key")
    copy[key] = copied(field, seen)
  end
  return copy
end

local function carried(fn)
  return carry.unpack(copied(carry.pack(fn)))
end

local function carried_module(module)
  return carry.unpack(copied(carry.pack_module(module)))
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert(not ok, "no error was raised")
  return message
end

describe("a function that is carried", function()
  it("runs as before", function()
    local fn = carried(function(a, b) return a + b end)

    assert.equal(5, fn(2, 3))
  end)

  it("takes any arguments and gives any results", function()
    local fn = carried(function(...) return select("#", ...), ... end)

    assert.same({ 3, nil, 2, nil, n = 4 }, table.pack(fn(nil, 2, nil)))
  end)

  it("has copies of its scalars", function()
    local n, text, yes, nothing = 1.5, "a\0b", true, nil
    local fn = carried(function() return n, text, yes, nothing end)

    assert.same({ 1.5, "a\0b", true, nil, n = 4 }, table.pack(fn()))
  end)

  it("has a copy of a table", function()
    local list = { 1, { 2 } }
    local fn = carried(function() return list end)

    assert.same({ 1, { 2 } }, fn())
    assert.not_equal(list, fn())
  end)

  it("has cyclic and shared tables in their shape", function()
    local loop = { inner = {} }
    loop.again, loop.itself = loop.inner, loop
    local fn = carried(function() return loop end)

    local copy = fn()

    assert.equal(copy, copy.itself)
    assert.equal(copy.inner, copy.again)
  end)

  it("has tables with tables and functions as keys", function()
    local key = {}
    local set = { [key] = "a table", [print] = "print" }
    local fn = carried(function() return set[key], set[print] end)

    assert.same({ "a table", "print" }, { fn() })
  end)

  it("shares a table between two upvalues", function()
    local one = {}
    local other = { one }
    local fn = carried(function() return one, other end)

    local a, b = fn()

    assert.equal(a, b[1])
  end)

  it("keeps its state between calls, apart from the original", function()
    local count = 0
    local function increment()
      count = count + 1
      return count
    end
    local fn = carried(increment)

    assert.equal(1, fn())
    assert.equal(2, fn())

    assert.equal(0, count)
  end)

  it("takes along the functions it uses", function()
    local function double(n) return 2 * n end
    local function quadruple(n) return double(double(n)) end

    assert.equal(20, carried(quadruple)(5))
  end)

  it("takes along itself", function()
    local function factorial(n) return n == 0 and 1 or n * factorial(n - 1) end

    assert.equal(120, carried(factorial)(5))
  end)

  it("takes along two that call each other", function()
    local is_odd
    local function is_even(n) return n == 0 or is_odd(n - 1) end
    function is_odd(n) return n ~= 0 and is_even(n - 1) end

    assert.is_true(carried(is_even)(10))
    assert.is_false(carried(is_odd)(10))
  end)

  it("shares an upvalue with the functions that share it here", function()
    local count = 0
    local function increment() count = count + 1 end
    local function read() return count end
    local fn = carried(function()
      increment()
      increment()
      return read()
    end)

    assert.equal(2, fn())
  end)

  it("shares no upvalue with a function that has a variable of its own", function()
    local function counter()
      local count = 0
      return function()
        count = count + 1
        return count
      end
    end
    local a, b = counter(), counter()
    local fn = carried(function() return a(), a(), b() end)

    assert.same({ 1, 2, 1 }, { fn() })
  end)

  it("has the functions in a table", function()
    local actions = { double = function(n) return 2 * n end, upper = string.upper }
    local fn = carried(function(n) return actions.double(n), actions.upper "a" end)

    assert.same({ 8, "A" }, { fn(4) })
  end)

  it("has objects with their classes", function()
    local Point = {}
    Point.__index = Point
    function Point:sum() return self.x + self.y end
    local point = setmetatable({ x = 1, y = 2 }, Point)
    local fn = carried(function() return point:sum(), getmetatable(point) == Point end)

    assert.same({ 3, true }, { fn() })
  end)

  it("has the globals", function()
    local fn = carried(function() return _G, print end)

    local globals, found = fn()

    assert.equal(_G, globals)
    assert.equal(print, found)
  end)

  it("has the globals even where it had others", function()
    local fn = carried(load("return print", "chunk", "t", { print = 42 }))

    assert.equal(print, fn())
  end)

  it("has Lua's own functions and modules by name", function()
    local insert, io_, write = table.insert, io, io.write
    local fn = carried(function() return insert, io_, write, print end)

    assert.same({ table.insert, io, io.write, print }, { fn() })
  end)

  it("has loaded modules, and what is in them, by name", function()
    local pack = carry.pack
    local fn = carried(function() return carry, pack end)

    assert.same({ carry, carry.pack }, { fn() })
  end)

  it("has what lies two levels deep in a loaded module by name", function()
    local deep = { inner = { fn = function() end, list = {} } }
    package.loaded["spec.deep"] = deep
    local inner_fn, list = deep.inner.fn, deep.inner.list

    local fn = carried(function() return inner_fn, list end)

    assert.same({ true, true }, { fn() == inner_fn, select(2, fn()) == list })
    package.loaded["spec.deep"] = nil
  end)

  it("is itself by name when a module has it", function()
    assert.equal(string.upper, carried(string.upper))
    assert.equal(carry.pack, carried(carry.pack))
  end)

  it("takes a global function of the program's along", function()
    _G.spec_helper = function(n) return n + 1 end
    local helper = _G.spec_helper
    local packed = carry.pack(function(n) return helper(n) end)
    _G.spec_helper = nil

    assert.equal(3, carry.unpack(copied(packed))(2))
  end)

  it("may be named by its module", function()
    assert.equal(string.upper, carried "string:upper")
  end)

  it("keeps its lines for tracebacks", function()
    local fn = carried(function() error("no milk") end)

    assert.is_truthy(error_of(fn):find("carry_spec.lua:%d+: no milk"))
  end)

  it("may have upvalues that lie very deep", function()
    local deep = {}
    for _ = 1, 100000 do deep = { deep } end
    local fn = carry.unpack(carry.pack(function() return deep end))

    assert.equal("table", type(fn()[1][1]))
  end)

  it("may make functions and coroutines", function()
    local fn = carried(function()
      return coroutine.wrap(function() coroutine.yield(1) end)()
    end)

    assert.equal(1, fn())
  end)
end)

describe("what cannot be carried", function()
  local handle, thread = io.stdout, coroutine.create(print)
  local wrapped = coroutine.wrap(print)

  for title, row in pairs {
    ["a userdata"] = { function() return handle:seek() end, "handle", "a userdata" },
    ["a thread"] = { function() return thread end, "thread", "a thread" },
    ["a C function"] = { function() return wrapped() end, "wrapped", "a C function" },
  } do
    it("raises an error that names the upvalue: " .. title, function()
      local text = error_of(carry.pack, row[1])

      local line = debug.getinfo(row[1], "S").linedefined
      local expected = ("cannot carry upvalue '%s' of function <%s:%d>: %s"):format(
        row[2], debug.getinfo(1, "S").short_src, line, row[3])
      assert.is_truthy(text:find(expected, 1, true), text)
    end)
  end

  it("is found in tables, and in the functions in them", function()
    local inner = { { handle = handle } }
    local function middle() return inner end
    local outer = { middle = middle }

    local text = error_of(carry.pack, function() return outer end)

    assert.is_truthy(text:find("cannot carry upvalue 'inner' of function <", 1, true), text)
    assert.is_truthy(text:find("a userdata", 1, true), text)
  end)

  it("is an error where the caller's caller is", function()
    local function starts() carry.pack(function() return handle end, 2) end

    local text = error_of(function() starts() end)

    assert.is_truthy(text:find("^[^\n]*carry_spec.lua:%d+: cannot carry"), text)
  end)

  it("is a C function without a name", function()
    local text = error_of(carry.pack, wrapped)

    assert.is_truthy(text:find("cannot carry a function: a C function", 1, true), text)
  end)
end)

describe("a module that is carried", function()
  it("goes by its name when it is loaded", function()
    assert.equal(carry, carried_module(carry))
    assert.equal(carry, carried_module "pierrot.carry")
  end)

  it("goes by its contents when it is not", function()
    local step = 2
    local Stepper = {
      init = function(start) return "ok", start end,
      handle_call = {
        step = function(state) return "reply", state + step, state + step end,
      },
    }

    local copy = carried_module(Stepper)

    assert.not_equal(Stepper, copy)
    assert.same({ "ok", 5 }, { copy.init(5) })
    assert.same({ "reply", 7, 7 }, { copy.handle_call.step(5) })
  end)
end)

describe("boot", function()
  local paths = { path = package.path, cpath = package.cpath }

  local function boot(payload)
    payload.path, payload.cpath = paths.path, paths.cpath
    return carry.boot(copied(payload))
  end

  it("calls a spawned function with its arguments, trailing nils too", function()
    local fn = function(...) return select("#", ...), ... end

    local results = table.pack(boot {
      kind = "spawn", fn = carry.pack(fn), args = table.pack(1, nil, nil),
    })

    assert.same({ 3, 1, nil, nil, n = 4 }, results)
  end)

  it("makes a server ready", function()
    local packed = carry.pack_module(carry)

    local results = table.pack(boot {
      kind = "server", module = packed, arg = { 1 }, name = "a name",
    })

    assert.same({ "ok", carry, { 1 }, "a name", n = 4 }, results)
  end)

  it("says why a server cannot be made ready", function()
    local what, reason = boot { kind = "server", module = carry.pack_module "no.such.module" }

    assert.equal("fail", what)
    assert.equal("error", reason[1])
    assert.is_truthy(reason[2]:find("no.such.module", 1, true))
  end)

  it("has modules found where they are found here", function()
    local path, cpath = package.path, package.cpath

    carry.boot {
      kind = "spawn", fn = carry.pack(function() end), path = path .. ";x", cpath = cpath .. ";y",
    }
    local found = { package.path, package.cpath }
    package.path, package.cpath = path, cpath

    assert.same({ path .. ";x", cpath .. ";y" }, found)
  end)
end)

if alone.has_runtime then
  local pierrot = require "pierrot"
  local support = require "spec.support"

  describe("a function with patterns", function()
    it("matches over there as here", support.alone(function()
      local any, either = pierrot.any, pierrot.one_of(1, { pierrot.any })
      local where = support.has_two_schedulers and support.elsewhere() or "local"
      local test = pierrot.self()

      pierrot.spawn_opt({ scheduler = where, link = true }, function()
        pierrot.send(test, {
          pierrot.match(any, nil), pierrot.match({ any }, { 1 }), pierrot.match(either, { 2 }),
          pierrot.match(either, 2),
        })
      end)

      assert.same({ false, true, true, false }, support.expect())
    end))
  end)

  describe("a function with pids and refs", function()
    it("has the same over there", function()
      local pid, ref = pierrot.self(), pierrot.make_ref()
      local list = { [pid] = ref }

      local fn = carried(function() return pid, ref, list[pid] end)

      assert.same({ pid, ref, ref }, { fn() })
    end)
  end)
end
