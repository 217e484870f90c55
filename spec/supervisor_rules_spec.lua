-- SPDX-License-Identifier: MIT
--- The decisions of supervisors, which are functions of their arguments: tables of cases.

local children = require "pierrot.supervisor.children"
local flags = require "pierrot.supervisor.flags"
local inspect = require "pierrot.inspect"
local spec = require "pierrot.supervisor.spec"
local strategy = require "pierrot.supervisor.strategy"
local window = require "pierrot.supervisor.window"

local function start() end

describe("what follows from a child's end", function()
  local crash <const> = { "error", "the milk is sour", "" }
  local cases = {
    { "permanent", "normal", "restart", true },
    { "permanent", "shutdown", "restart", true },
    { "permanent", { "shutdown", "sold out" }, "restart", true },
    { "permanent", crash, "restart", true },
    { "permanent", "killed", "restart", true },
    { "transient", "normal", "leave", false },
    { "transient", "shutdown", "leave", false },
    { "transient", { "shutdown", "sold out" }, "leave", false },
    { "transient", crash, "restart", true },
    { "transient", "killed", "restart", true },
    { "transient", "noproc", "restart", true },
    { "temporary", "normal", "leave", false },
    { "temporary", "shutdown", "leave", false },
    { "temporary", { "shutdown", "sold out" }, "leave", false },
    { "temporary", crash, "leave", true },
    { "temporary", "killed", "leave", true },
  }
  for _, case in ipairs(cases) do
    local restart, reason, what, is_failure = table.unpack(case)
    it(("%s, %s: %s"):format(restart, inspect(reason), what), function()
      assert.same({ what, is_failure }, { strategy.after_end(restart, reason) })
    end)
  end
end)

describe("an end that was asked for", function()
  local cases = {
    -- restart, reason, killed at once, expected
    { "permanent", "shutdown", false, true },
    { "permanent", { "shutdown", 1 }, false, false },
    { "permanent", "normal", false, false },
    { "permanent", "killed", false, false },
    { "permanent", "killed", true, true },
    { "permanent", "shutdown", true, false },
    { "transient", "normal", false, true },
    { "transient", { "shutdown", 1 }, false, true },
    { "transient", "boom", false, false },
    { "temporary", "normal", true, true },
    { "temporary", "killed", false, false },
  }
  for _, case in ipairs(cases) do
    local restart, reason, was_killed, expected = table.unpack(case)
    it(("%s, %s%s: %s"):format(restart, inspect(reason), was_killed and ", brutal_kill" or "",
      expected and "as expected" or "is reported"), function()
      assert.equal(expected, strategy.is_expected(restart, reason, was_killed))
    end)
  end
end)

describe("the window of restarts", function()
  -- The times of restarts in ms, and whether each is within the limits.
  local cases = {
    { "0 in any time: the first is one too many", 0, 5, { 0 }, { false } },
    { "3 in 5 s, at once", 3, 5, { 1, 1, 1, 1 }, { true, true, true, false } },
    { "the period's last millisecond counts", 1, 1, { 0, 1000 }, { true, false } },
    { "beyond the period it counts no more", 1, 1, { 0, 1000.5 }, { true, true } },
    { "spread so that no period holds more", 2, 1, { 0, 600, 1201, 1801, 2402 },
      { true, true, true, true, true } },
    { "a burst after quiet years", 2, 1, { 0, 1e12, 1e12 + 1, 1e12 + 2 },
      { true, true, true, false } },
    { "fractions of a second", 1, 0.01, { 0, 10, 21 }, { true, false, true } },
  }
  for _, case in ipairs(cases) do
    local title, max_restarts, max_seconds, times, expected = table.unpack(case)
    it("SUP-041 " .. title, function()
      local restarts, results = window.new(), {}
      for i, now in ipairs(times) do
        results[i] = window.add(restarts, now, max_restarts, max_seconds)
      end
      assert.same(expected, results)
    end)
  end

  it("SUP-042 holds no more than the restarts that count", function()
    local restarts, n = window.new(), 0
    for i = 1, 10000 do window.add(restarts, i, 1000000, 0.1) end
    for key in pairs(restarts) do n = n + (math.type(key) == "integer" and 1 or 0) end
    assert.equal(101, n)
  end)
end)

describe("who is concerned by a restart", function()
  local all = children.new()
  for _, id in ipairs { "a", "b", "c" } do children.add(all, { id = id }) end
  local cases = {
    { "SUP-035", "one_for_one", "b", nil },
    { "SUP-036", "one_for_all", "b", "a" },
    { "SUP-036", "one_for_all", "a", "a" },
    { "SUP-037", "rest_for_one", "b", "b" },
    { "SUP-037", "rest_for_one", "c", "c" },
  }
  for _, case in ipairs(cases) do
    local id, name, child, first = table.unpack(case)
    it(("%s %s, %s: %s"):format(id, name, child, first and "from " .. first .. " on" or "alone"),
      function()
        local found = strategy.first_concerned(name, all, children.find(all, child))
        assert.equal(first, found and found.id)
      end)
  end
end)

describe("whether a supervisor is done", function()
  -- auto_shutdown, is the ended child significant, does another significant one run
  local cases = {
    { "never", true, false, false },
    { "any_significant", false, true, false },
    { "any_significant", true, true, true },
    { "all_significant", false, false, false },
    { "all_significant", true, true, false },
    { "all_significant", true, false, true },
  }
  for _, case in ipairs(cases) do
    local auto, is_significant, other_runs, expected = table.unpack(case)
    it(("SUP-063 %s, %s, %s: %s"):format(auto, is_significant and "significant" or "other",
      other_runs and "one more runs" or "the last", expected), function()
      local all, ended = children.new(), { id = "ended", significant = is_significant }
      children.add(all, ended)
      children.add(all, { id = "plain" })
      children.add(all, { id = "other", significant = true })
      children.set_pid(all, children.find(all, "other"), other_runs and "restarting" or nil)

      assert.equal(expected, strategy.is_done(auto, ended, all))
    end)
  end
end)

describe("the list of children", function()
  it("keeps the order, whoever goes", function()
    local all, made = children.new(), {}
    for i = 1, 5 do
      made[i] = { id = i }
      children.add(all, made[i])
    end

    for _, i in ipairs { 3, 1, 5 } do children.remove(all, made[i]) end
    children.add(all, { id = 6 })

    local forth, back, child = {}, {}, all.first
    while child do
      forth[#forth + 1] = child.id
      child = child.next
    end
    child = all.last
    while child do
      back[#back + 1] = child.id
      child = child.previous
    end
    assert.same({ 2, 4, 6 }, forth)
    assert.same({ 6, 4, 2 }, back)
    assert.equal(3, all.n)
    assert.is_nil(children.find(all, 3))
  end)

  it("finds tables by what they hold", function()
    local all, child = children.new(), { id = { "bucket", { 1 } } }
    children.add(all, child)

    assert.equal(child, children.find(all, { "bucket", { 1 } }))
    assert.is_nil(children.find(all, { "bucket", { 1, 2 } }))
    children.remove(all, child)
    assert.is_nil(children.find(all, { "bucket", { 1 } }))
  end)

  it("tells tables apart that are nearly equal", function()
    local all, made = children.new(), {}
    local ids = {
      { 1 }, { "1" }, { { 1 } }, { { 2 } }, { [2] = 1 }, { a = 1 }, { a = 1, 1 }, { 0 / 0 }, {},
    }
    for i, id in ipairs(ids) do
      made[i] = { id = id }
      children.add(all, made[i])
    end

    for i, id in ipairs(ids) do assert.equal(made[i], children.find(all, id)) end
    assert.equal(made[1], children.find(all, { 1.0 }))
    children.remove(all, made[3])
    assert.is_nil(children.find(all, { { 1 } }))
    assert.equal(made[4], children.find(all, { { 2 } }))
  end)

  it("finds a table at the same cost however many there are", function()
    local function steps(n)
      local all, count = children.new(), 0
      for i = 1, n do children.add(all, { id = { "bucket", i, kind = "milk" } }) end
      debug.sethook(function() count = count + 1 end, "", 1)
      local child = children.find(all, { "bucket", n, kind = "milk" })
      debug.sethook()
      assert.equal(n, child.id[2])
      return count
    end

    local few, many = steps(2), steps(200)

    -- A sort of its keys takes a step more or less by the order in which they come.
    assert.is_true(many < 1.5 * few, ("%d steps among 200, %d among 2"):format(many, few))
  end)

  it("puts a child behind the others", function()
    local all, made = children.new(), {}
    for i = 1, 3 do
      made[i] = { id = i }
      children.add(all, made[i])
    end

    for _, i in ipairs { 2, 1, 1 } do children.move_last(all, made[i]) end

    assert.same({ 3, 2, 1 }, { all.first.id, all.first.next.id, all.last.id })
    assert.same({ 2, 3 }, { all.last.previous.id, all.last.previous.previous.id })
    assert.is_nil(all.last.next or all.first.previous)
  end)
end)

describe("the options of a supervisor", function()
  it("SUP-003 are 3 restarts in 5 seconds and no automatic shutdown", function()
    assert.same({
      strategy = "one_for_all", max_restarts = 3, max_seconds = 5, auto_shutdown = "never",
    }, flags.read { strategy = "one_for_all" })
  end)

  it("SUP-005 leave out what nobody knows", function()
    assert.is_nil(flags.read({ strategy = "one_for_all", colour = "red" }).colour)
  end)

  it("DSUP-001 are, of a dynamic one, no limit of children and no arguments", function()
    assert.same({
      max_restarts = 3, max_seconds = 5, auto_shutdown = "never", max_children = math.huge,
      extra_arguments = {},
    }, flags.read_dynamic(nil))
  end)

  local faults = {
    { "strategy", { "one_for_some", false, 1 } },
    { "max_restarts", { -1, math.huge, "infinity", 1.5, 0 / 0, "3" } },
    { "max_seconds", { 0, -1, math.huge, "infinity", 0 / 0 } },
    { "auto_shutdown", { "always", true } },
    { "name", { 42, { "via" }, true } },
  }
  for _, fault in ipairs(faults) do
    local name, values = table.unpack(fault)
    for _, value in ipairs(values) do
      it(("SUP-009 refuse %s = %s"):format(name, inspect(value)), function()
        local opts = { strategy = "one_for_one" }
        opts[name] = value

        local read, text = flags.read(opts)

        assert.is_nil(read)
        assert.is_truthy(text:find("bad option '" .. name .. "'", 1, true))
        assert.is_truthy(text:find("got " .. inspect(value), 1, true))
      end)
    end
  end

  it("SUP-002 refuse to be without a strategy", function()
    local read, text = flags.read {}

    assert.is_nil(read)
    assert.is_truthy(text:find("'strategy'", 1, true))
  end)

  local dynamic_faults = {
    { "strategy", "one_for_all" }, { "max_restarts", -1 }, { "max_seconds", 0 },
    { "max_children", -1 }, { "max_children", "many" }, { "extra_arguments", 3 },
    { "auto_shutdown", "any_significant" },
  }
  for _, fault in ipairs(dynamic_faults) do
    local name, value = table.unpack(fault)
    it(("DSUP-002 refuse %s = %s"):format(name, inspect(value)), function()
      local read, text = flags.read_dynamic { [name] = value }

      assert.is_nil(read)
      assert.is_truthy(text:find("bad option '" .. name .. "'", 1, true))
      assert.is_truthy(text:find("got " .. inspect(value), 1, true))
    end)
  end
end)

describe("a child spec", function()
  it("SUP-004 has defaults", function()
    local child = spec.check { id = "milk", start = start }

    assert.same({
      id = "milk", start = start, restart = "permanent", type = "worker", shutdown = 5000,
      significant = false, modules = {},
    }, child)
  end)

  it("SUP-004 of a supervisor has all the time there is", function()
    assert.equal("infinity", spec.check({ id = 1, start = start, type = "supervisor" }).shutdown)
    assert.equal(7,
      spec.check({ id = 1, start = start, type = "supervisor", shutdown = 7 }).shutdown)
  end)

  it("SUP-005 may have fields that nobody knows", function()
    assert.is_nil(spec.check({ id = "milk", start = start, colour = "red" }).colour)
  end)

  it("may name its start as one string", function()
    assert.same({ "some.module", "start_link", n = 2 },
      spec.check({ id = 1, start = "some.module:start_link" }).start)
  end)

  it("names its module, if its start does", function()
    assert.same({ "some.module" },
      spec.check({ id = 1, start = { "some.module", "start_link" } }).modules)
    assert.equal("dynamic", spec.check({ id = 1, start = start, modules = "dynamic" }).modules)
  end)

  local faults = {
    { "SUP-006", "id", nil, "nil" },
    { "SUP-006", "id", print, "function" },
    { "SUP-006", "id", 0 / 0, "nan" },
    { "SUP-006", "start", nil, "nil" },
    { "SUP-006", "start", "some.module", '"some.module"' },
    { "SUP-006", "start", { "some.module" }, '{"some.module"}' },
    { "SUP-007", "restart", "always", '"always"' },
    { "SUP-007", "shutdown", -1, "-1" },
    { "SUP-007", "shutdown", "brutal", '"brutal"' },
    { "SUP-007", "shutdown", 0 / 0, "nan" },
    { "SUP-007", "type", "gen_server", '"gen_server"' },
    { "SUP-007", "significant", 1, "1" },
    { "SUP-066", "significant", true, "true" },
    { "SUP-007", "modules", 1, "1" },
    { "SUP-007", "modules", { print }, "{function" },
  }
  for _, fault in ipairs(faults) do
    local id, field, value, shown = table.unpack(fault, 1, 4)
    it(("%s is refused with %s = %s"):format(id, field, shown), function()
      local given = { id = "milk", start = start }
      given[field] = value

      local child, text = spec.check(given)

      assert.is_nil(child)
      assert.is_truthy(text:find("bad field '" .. field .. "' of child spec", 1, true), text)
      assert.is_truthy(text:find("got .*" .. shown:gsub("%p", "%%%0")), text)
    end)
  end

  for _, given in ipairs { 42, true, "no.such.module", {}, { {} }, { id = "milk" } } do
    it("SUP-006 is not " .. inspect(given), function()
      local child, text = spec.read(given)

      assert.is_nil(child)
      assert.equal("string", type(text))
    end)
  end

  local child = { id = "milk", start = start }
  local strays = {
    { "a spec in its place", child, '"' }, { "names", { milk = child }, '"milk"' },
    { "a gap", { child, [9] = child }, "9" }, { "0", { [0] = child }, "0" },
  }
  for _, stray in ipairs(strays) do
    local title, list, shown = table.unpack(stray)
    it("SUP-006 is not overlooked in a list with " .. title, function()
      local read, text = spec.read_list(list)

      assert.is_nil(read)
      local fault = "bad children (list expected, got a table with " .. shown
      assert.is_truthy(text:find(fault, 1, true))
    end)
  end

  it("SUP-006 may lie in what table.pack gives", function()
    assert.equal(2, #spec.read_list(table.pack(child, { id = 2, start = start })))
  end)

  it("has its id and modules to itself", function()
    local id, modules = { "milk" }, { "cow" }
    local checked = spec.check { id = id, start = start, modules = modules }

    id[1], modules[1] = "changed", "changed"

    assert.same({ { "milk" }, { "cow" } }, { checked.id, checked.modules })
  end)

  it("SUP-008 has an id of its own", function()
    local list = spec.read_list { { id = { 1 }, start = start }, { id = { 1 }, start = start } }

    assert.is_truthy(spec.fault_of_list(list, "never"):find("duplicate id.*{1}"))
  end)

  it("SUP-066 is significant only where that means something", function()
    local list = spec.read_list {
      { id = "milk", start = start, restart = "transient", significant = true },
    }

    assert.is_truthy(spec.fault_of_list(list, "never"):find("'significant'", 1, true))
    assert.is_nil(spec.fault_of_list(list, "any_significant"))
  end)
end)
