-- SPDX-License-Identifier: MIT
--- Mistakes with the built-in registry are errors at the caller's line, and harm nobody.

local pierrot = require "pierrot"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone = support.alone

-- Calls of all functions of a key, with what stands in the places of registry and key.
local calls <const> = {
  lookup = function(names, key) return (registry.lookup(names, key)) end,
  create = function(names, key) return (registry.create(names, key)) end,
  create_async = function(names, key) return (registry.create_async(names, key)) end,
  register = function(names, key) return (registry.register(names, key)) end,
  unregister = function(names, key) return (registry.unregister(names, key)) end,
  update_value = function(names, key) return (registry.update_value(names, key, print)) end,
  match = function(names, key) return (registry.match(names, key, 1)) end,
  dispatch = function(names, key) return (registry.dispatch(names, key, print)) end,
  lock = function(names, key) return (registry.lock(names, key, print)) end,
}

local function check(fname, arg, text)
  local start = ("bad argument #%d to '%s'"):format(arg, fname)
  assert.is_truthy(text:find("^[^:]*registry_mistake_spec.lua:%d+: "), text)
  assert.is_truthy(text:find(start, 1, true), text)
end

for fname, call in pairs(calls) do
  it(("%s raises for a key that is none"):format(fname), alone(function()
    local names = registry.start_link()

    for _, key in ipairs { { "key" }, print, 0 / 0 } do
      check(fname, 2, support.error_text(call, names, key))
    end
    check(fname, 2, support.error_text(call, names, nil))

    assert.equal(0, registry.count(names))
    assert.is_true(registry.register(names, "key"))
  end))

  it(("%s raises for a registry that can be none"):format(fname), alone(function()
    for _, names in ipairs { 42, true, {}, print, pierrot.make_ref() } do
      check(fname, 1, support.error_text(call, names, "key"))
    end
    check(fname, 1, support.error_text(call, nil, "key"))
  end))

  if fname ~= "create_async" then
    it(("REG-024 %s exits with noproc where there is no such registry"):format(fname),
      alone(function()
        for _, names in ipairs { "nobody has this name", support.dead() } do
          assert.equal("noproc", support.exit_reason(call, names, "key")[1])
        end
      end))
  end
end

it("keys and count raise for a registry that can be none, and for no pid", alone(function()
  local names = registry.start_link()

  for _, what in ipairs { 42, {}, print, pierrot.make_ref() } do
    check("keys", 1, support.error_text(function() return (registry.keys(what)) end))
    check("count", 1, support.error_text(function() return (registry.count(what)) end))
    check("keys", 2, support.error_text(function() return (registry.keys(names, what)) end))
  end
end))

it("further arguments are nothing to those who read", alone(function()
  local names, me = registry.start_link(), pierrot.self()
  registry.register(names, "key", "value")

  assert.same({ me, "value" }, { registry.lookup(names, "key", "more", print) })
  assert.equal(1, registry.count(names, "key", 42))
  assert.same({ "key" }, registry.keys(names, me, {}))
  assert.same({ "key" }, registry.keys(names, nil, {}))
end))

it("register and update_value raise for a value that cannot be sent", alone(function()
  local names = registry.start_link()

  local text = support.error_text(function()
    return (registry.register(names, "key", { print }))
  end)
  assert.is_truthy(text:find("registry_mistake_spec.lua:%d+: cannot send a function"), text)
  registry.register(names, "key", 1)
  text = support.error_text(function()
    return (registry.update_value(names, "key", function() return print end))
  end)
  assert.is_truthy(text:find("registry_mistake_spec.lua:%d+: cannot send a function"), text)

  assert.same({ pierrot.self(), 1 }, { registry.lookup(names, "key") })
end))

it("update_value, dispatch and lock raise for what is no function", alone(function()
  local names = registry.start_link()

  for _, fname in ipairs { "update_value", "dispatch", "lock" } do
    check(fname, 3, support.error_text(function() return (registry[fname](names, "key", 42)) end))
  end
end))

it("create raises for a start that is none", alone(function()
  local names = registry.start_link()

  for _, start in ipairs { 42, {}, { "module" }, { 1, 2 }, print } do
    check("create", 3, support.error_text(function()
      return (registry.create(names, "key", start))
    end))
  end
end))

it("create says which function a module has not", alone(function()
  local names = registry.start_link()

  for _, start in ipairs { { "pierrot.bucket", "begin" }, "pierrot.bucket:begin" } do
    local pid, reason = registry.create(names, "key", start)

    assert.is_nil(pid)
    assert.same({ "error", "module 'pierrot.bucket' has no function 'begin'" },
      { reason[1], reason[2] })
  end
end))

it("requests that no client makes are refused, and the registry lives on", alone(function()
  local gen_server = require "pierrot.gen_server"
  local names = registry.start_link()

  for _, request in ipairs {
    { "register" }, { "register", { 1 } }, { "register_pid", "key" }, { "register_pid", "key", 1 },
    { "unregister" }, { "update" }, { "create" }, { "lock" }, { "lock", {} }, { "lookup" },
    { "started" }, { "started", pierrot.self() }, { "failed" },
  } do
    assert.is_false(gen_server.call(names, request), pierrot.inspect(request))
  end
  for _, request in ipairs { { "create" }, { "unlock" }, { "unlock", pierrot.make_ref() } } do
    gen_server.cast(names, request)
  end

  assert.equal(0, registry.count(names))
end))
