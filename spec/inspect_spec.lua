-- SPDX-License-Identifier: MIT
--- Values as one line of text. What the C half prints for terms (spec/c/test_print.c) is the same.

local alone = require "spec.fixtures.alone"
local inspect = require "pierrot.inspect"

local function count(n, value)
  local list = {}
  for i = 1, n do list[i] = value or i end
  return list
end

local function nested(depth)
  local value = {}
  for _ = 1, depth do value = { value } end
  return value
end

describe("inspect", function()
  local rows = {
    { "nil", nil, "nil" },
    { "true", true, "true" },
    { "false", false, "false" },
    { "an integer", -42, "-42" },
    { "the smallest integer", math.mininteger, "-9223372036854775808" },
    { "a float", 0.1, "0.1" },
    { "a float that is whole", 1.0, "1.0" },
    { "a float that needs 17 digits", 0.1 + 0.2, "0.30000000000000004" },
    { "a large float", 1e100, "1e+100" },
    { "a large float that is whole", 123456789012345678.0, "1.2345678901234568e+17" },
    { "negative zero", -0.0, "-0.0" },
    { "infinity", math.huge, "inf" },
    { "negative infinity", -math.huge, "-inf" },
    { "NaN", 0 / 0, "nan" },
    { "a string", "milk", '"milk"' },
    { "the empty string", "", '""' },
    { "what a string escapes", 'a\n\t\r\\"b', '"a\\n\\t\\r\\\\\\"b"' },
    { "a NUL", "a\0b", '"a\\0b"' },
    { "a NUL before a digit", "a\0001", '"a\\x001"' },
    { "control characters", "\1\127", '"\\x01\\x7f"' },
    { "UTF-8", "Grüße, 世界 🙂", '"Grüße, 世界 🙂"' },
    { "bytes that are no UTF-8", "\xff\xc3(", '"\\xff\\xc3("' },
    { "an overlong form", "\xc0\xaf", '"\\xc0\\xaf"' },
    { "a surrogate", "\xed\xa0\x80", '"\\xed\\xa0\\x80"' },
    { "a character cut short", "\xe4\xb8", '"\\xe4\\xb8"' },
    { "a NUL after what is no UTF-8", "\xff\0001\xff", '"\\xff\\x001\\xff"' },
    { "an empty table", {}, "{}" },
    { "a sequence", { 1, "two", false }, '{1, "two", false}' },
    { "names", { b = 1, a = 2 }, "{a = 2, b = 1}" },
    { "all kinds of keys in order",
      { [2.5] = {}, ["a b"] = true, name = "x", ["end"] = 0, _a1 = 0, [-1] = 0, [false] = 0, 1, 2 },
      '{1, 2, _a1 = 0, name = "x", ["a b"] = true, ["end"] = 0, ' ..
      "[-1] = 0, [2.5] = {}, [false] = 0}" },
    { "both booleans as keys", { [true] = 1, [false] = 2 }, "{[false] = 2, [true] = 1}" },
    { "a hole", { 1, nil, 3 }, "{1, [3] = 3}" },
    { "nested tables", { { 1 }, x = { y = {} } }, "{{1}, x = {y = {}}}" },
    { "50 items", count(50, 0), "{" .. ("0, "):rep(49) .. "0}" },
    { "51 items", count(51, 0), "{" .. ("0, "):rep(50) .. "…}" },
    { "20 levels", nested(20), ("{"):rep(21) .. ("}"):rep(21) },
    { "21 levels", nested(21), ("{"):rep(20) .. "{…}" .. ("}"):rep(20) },
  }
  for _, row in ipairs(rows) do
    it("prints " .. row[1], function()
      assert.equal(row[3], inspect(row[2]))
    end)
  end

  it("prints functions, threads and userdata by their address", function()
    local thread = coroutine.create(print)

    assert.equal(("function: %p"):format(print), inspect(print))
    assert.equal(("{thread: %p}"):format(thread), inspect { thread })
    assert.equal(("userdata: %p"):format(io.stdout), inspect(io.stdout))
  end)

  it("prints a table inside itself as a cycle", function()
    local loop = {}
    loop[1], loop.x = loop, { loop }

    assert.equal("{<cycle>, x = {<cycle>}}", inspect(loop))
  end)

  it("prints a table that is there twice twice", function()
    local shared = { 1 }

    assert.equal("{{1}, {1}}", inspect { shared, shared })
  end)

  it("pays no attention to metatables", function()
    local value = setmetatable({ 1 }, {
      __tostring = function() return "no" end, __name = "no", __index = { "no", "no" },
      __pairs = function() error("no") end, __len = function() error("no") end,
    })

    assert.equal("{1}", inspect(value))
  end)

  it("shows what patterns are made of by name", function()
    local pierrot = require "pierrot"

    assert.equal('{any, one_of("a", {1}), one_of()}',
      inspect { pierrot.any, pierrot.one_of("a", { 1 }), pierrot.one_of() })
    assert.equal("one_of(nil, 1, nil)", inspect(pierrot.one_of(nil, 1, nil)))
  end)

  it("shows the first 50 of many names", function()
    local value = {}
    for i = 1, 200 do value[("k%03d"):format(i)] = i end

    local text = inspect(value)

    assert.is_truthy(text:find("{k001 = 1, k002 = 2, ", 1, true))
    assert.is_truthy(text:find("k050 = 50, …}", 1, true))
  end)

  it("shows at most 1000 tables, however often they are shared", function()
    local value = {}
    for _ = 1, 19 do value = { value, value } end

    assert.is_true(#inspect(value) < 100000)
  end)

  it("prints tables as keys", function()
    assert.equal("{[{1}] = 2}", inspect { [{ 1 }] = 2 })
  end)

  if alone.has_runtime then
    local pierrot = require "pierrot"

    it("prints pids and refs as tostring does, keys in order", function()
      local pid, ref = pierrot.self(), pierrot.make_ref()

      local text = inspect { [ref] = 1, [pid] = 2, pid }

      assert.equal(("{%s, [%s] = 2, [%s] = 1}"):format(tostring(pid), tostring(pid),
        tostring(ref)), text)
    end)

    it("prints what exit raises with its reason", function()
      local _, object = pcall(pierrot.exit, { "no", "milk" })

      assert.equal('exit: {"no", "milk"}', inspect(object))
      assert.equal(tostring(object), inspect(object))
    end)
  end
end)
