-- SPDX-License-Identifier: MIT
--- Functions of all shapes, run in a process on another scheduler where there is one: they give
--- what they give here.

local carry = require "pierrot.carry"
local pierrot = require "pierrot"
local same = require "pierrot.same"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- What `fn` gives over there, packed.
local function run_elsewhere(fn, ...)
  if not support.has_two_schedulers then return table.pack(carry.unpack(carry.pack(fn))(...)) end
  local test = pierrot.self()
  local opts = { scheduler = support.elsewhere(), monitor = true }
  local _, ref = pierrot.spawn_opt(opts, function(...)
    local p = require "pierrot"
    p.send(test, { "result", table.pack(fn(...)) })
  end, ...)
  assert.equal("normal", await_down(ref))
  return expect({ "result" })[2]
end

local list <const> = { 1, 2, { 3 } }
local weak = setmetatable({}, { __mode = "k" })
local Point = {}
Point.__index, Point.__eq = Point, function(a, b) return a.x == b.x end
Point.__add = function(a, b) return setmetatable({ x = a.x + b.x }, Point) end

local function counters()
  local n = 0
  local function up()
    n = n + 1
    return n
  end
  local function down()
    n = n - 1
    return n
  end
  return up, down
end

local function levels()
  local a = 1
  return function()
    local b = 2
    return function()
      local c = 3
      return function() return a + b + c end
    end
  end
end

-- A function of `n` statements: code of some size.
local function long_function(n)
  local lines = { "local x = 0" }
  for i = 1, n do lines[#lines + 1] = ("x = x + %d.5"):format(i) end
  lines[#lines + 1] = "return x"
  return assert(load(table.concat(lines, "\n")))
end

local function many_upvalues()
  local code = {}
  for i = 1, 200 do code[#code + 1] = ("local u%d = %d"):format(i, i) end
  code[#code + 1] = "return function() return u1"
  for i = 2, 200 do code[#code + 1] = (" + u%d"):format(i) end
  code[#code + 1] = " end"
  return assert(load(table.concat(code, "\n")))()
end

local up, down = counters()
local middle = levels()()
local loop = {}
loop.loop, loop.fn = loop, function() return loop.loop == loop end
local tree = { name = "root", children = { { name = "leaf" } } }
tree.children[1].parent = tree
local text, float, whole, yes, nothing = "a\0b", 0.1, math.mininteger, true, nil
local constant <const> = "constant"
local even, odd
function even(n) return n == 0 or odd(n - 1) end
function odd(n) return n ~= 0 and even(n - 1) end
local by_key = { [1.5] = "float", [true] = "boolean", [print] = "function" }
local insert, serve = table.insert, require("pierrot.gen_server").call
local dispatch = { add = function(a, b) return a + b end, upper = string.upper, none = false }

--- {what it is, function, its arguments}
local shapes <const> = {
  { "scalars, of each type", function() return text, float, whole, yes, nothing end },
  { "numbers at the edge", function()
    return math.huge, -math.huge, math.maxinteger, 1 // 1, 1.0, -0.0
  end },
  { "a constant", function() return constant end },
  { "a table, a copy", function()
    list[4] = "changed there"
    return list
  end },
  { "an upvalue that it changes", function()
    float = float + 1
    return float
  end },
  { "an upvalue shared by two functions", function() return up(), up(), down(), up() end },
  { "upvalues of several levels", function() return middle()() end },
  { "itself", function(n)
    local function fac(i) return i == 0 and 1 or i * fac(i - 1) end
    return fac(n)
  end, 10 },
  { "two that call each other", function(n) return even(n), odd(n) end, 11 },
  { "a cycle through a table and a function", function()
    return loop.fn(), loop.loop.loop.fn()
  end },
  { "a tree that knows its parents", function() return tree.children[1].parent.name end },
  { "keys of all kinds", function() return by_key[1.5], by_key[true], by_key[print] end },
  { "objects with metamethods", function()
    local a = setmetatable({ x = 1 }, Point)
    return (a + a).x, a + a == setmetatable({ x = 2 }, Point)
  end },
  { "a weak table", function() return getmetatable(weak).__mode end },
  { "a table of functions", function()
    return dispatch.add(1, 2), dispatch.upper "a", dispatch.none
  end },
  { "C functions by name", function()
    local t = {}
    insert(t, "x")
    return t[1], insert == table.insert
  end },
  { "functions of modules by name", function()
    return serve == require("pierrot.gen_server").call, carry == require "pierrot.carry"
  end },
  { "globals", function() return print == _G.print, type(_VERSION) end },
  { "an environment of its own making", function()
    local _ENV <const> = { x = 5 } -- luacheck: ignore 211
    return x -- luacheck: ignore 113
  end },
  { "any arguments", function(...) return select("#", ...), ... end, nil, 1, nil },
  { "functions, closures and coroutines made there", function(n)
    local made = {}
    for i = 1, n do made[i] = function() return i end end
    return made[1]() + made[n](), coroutine.wrap(function(x) return coroutine.yield(x) end)(7)
  end, 3 },
  { "goto, integer division, bits, long strings", function(n)
    local i = 0
    ::again::
    i = i + 1
    if i < n then goto again end
    return i // 2, i << 3 ~ 1, [[
long]], 7 % -3
  end, 5 },
  { "values to be closed and errors", function()
    local closed
    local passed, why = pcall(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      error({ "no milk" })
    end)
    return closed, passed, why[1]
  end },
  { "two hundred upvalues", many_upvalues() },
  { "much code", long_function(20000) },
  { "code without debug information",
    load(string.dump(function(n) return n, print ~= nil end, true)), 4 },
}

describe("a function that is placed elsewhere has", function()
  for _, shape in ipairs(shapes) do
    it(shape[1], alone(function()
      local arguments = table.move(shape, 3, #shape > 2 and 5 or 2, 1, {})
      local n = shape[1] == "any arguments" and 3 or #arguments
      local there = run_elsewhere(shape[2], table.unpack(arguments, 1, n))

      local here = table.pack(shape[2](table.unpack(arguments, 1, n)))

      assert.is_true(same(here, there), pierrot.inspect { here = here, there = there })
    end))
  end
end)

describe("a function that cannot be placed elsewhere", function()
  local handle, thread = io.tmpfile(), coroutine.create(print)
  local generator = coroutine.wrap(print)
  local inside = { { deep = handle } }
  local function uses_handle() return handle end

  for name, fn in pairs {
    handle = uses_handle,
    thread = function() return thread end,
    generator = function() return generator() end,
    inside = function() return inside end,
  } do
    it("raises an error at the caller's line that names the upvalue " .. name, alone(function()
      if not support.has_two_schedulers then
        return assert.matches("upvalue '" .. name, support.error_text(carry.pack, fn))
      end
      local where = { scheduler = support.elsewhere() }

      local message = support.error_text(function() pierrot.spawn_opt(where, fn) end)

      assert.matches("carry_shapes_spec.lua:%d+: cannot carry upvalue '" .. name .. "'", message)
    end))
  end

  it("names the upvalue of the function that holds it, however deep", alone(function()
    local outer = { { uses_handle } }

    local message = support.error_text(carry.pack, function() return outer end)

    assert.matches("cannot carry upvalue 'handle' of function <", message)
  end))
end)
