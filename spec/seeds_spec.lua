-- SPDX-License-Identifier: MIT
--- Buckets and their registry as the guides begin with them, and with their tests: a bucket is an
--- agent around a table, the registry a server that starts and monitors buckets.

local agent = require "pierrot.agent"
local dynamic_supervisor = require "pierrot.dynamic_supervisor"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"

require "pierrot.testing"

local start_supervised, assert_receive = start_supervised, assert_receive -- luacheck: ignore

-- Buckets -------------------------------------------------------------------------------------

local Bucket = {}

function Bucket.start_link(opts)
  return agent.start_link(function() return {} end, opts)
end

function Bucket.child_spec(opts)
  return {
    id = "bucket", start = function() return Bucket.start_link(opts) end, restart = "temporary",
  }
end

function Bucket.get(bucket, key)
  return agent.get(bucket, function(state) return state[key] end)
end

function Bucket.put(bucket, key, value)
  return agent.update(bucket, function(state)
    state[key] = value
    return state
  end)
end

function Bucket.delete(bucket, key)
  return agent.get_and_update(bucket, function(state)
    local value = state[key]
    state[key] = nil
    return value, state
  end)
end

-- The registry --------------------------------------------------------------------------------

local Registry = {}

function Registry.start_link(opts)
  return gen_server.start_link(Registry, opts)
end

function Registry.lookup(registry, name)
  return gen_server.call(registry, { "lookup", name })
end

function Registry.create(registry, name)
  return gen_server.cast(registry, { "create", name })
end

-- opts.supervisor: a dynamic supervisor of the buckets; without one the registry links them.
function Registry.init(opts)
  return "ok", { names = {}, refs = {}, supervisor = opts and opts.supervisor }
end

local function start_bucket(state)
  if not state.supervisor then return Bucket.start_link() end
  return dynamic_supervisor.start_child(state.supervisor, Bucket.child_spec())
end

Registry.handle_call = {
  lookup = function(state, _, name) return "reply", state.names[name] end,
}

Registry.handle_cast = {
  create = function(state, name)
    if state.names[name] then return end
    local bucket = assert(start_bucket(state))
    state.refs[pierrot.monitor(bucket)] = name
    state.names[name] = bucket
  end,
}

Registry.handle_info = {
  DOWN = function(state, ref)
    local name = state.refs[ref]
    state.refs[ref] = nil
    if name then state.names[name] = nil end
  end,
  _ = function() end,
}

-- Tests ---------------------------------------------------------------------------------------

describe("an agent", function()
  it("A4 keeps any kind of state until it is stopped", function()
    local pid = agent.start_link(function() return {} end)
    local function get() return agent.get(pid, function(state) return state end) end

    assert.is_true(agent.update(pid, function(list) return { "eggs", table.unpack(list) } end))
    assert.same({ "eggs" }, get())

    assert.is_true(agent.update(pid, function() return 123 end))
    assert.is_true(agent.update(pid, function(n) return { content = n } end))
    assert.is_true(agent.update(pid, function(map) return { 12, { map } } end))
    assert.same({ 12, { { content = 123 } } }, get())

    assert.is_true(agent.stop(pid))
    assert.is_false(pierrot.is_alive(pid))
  end)
end)

describe("a bucket", function()
  local bucket

  before_each(function() bucket = start_supervised(Bucket) end)

  it("stores values by key", function()
    assert.is_nil(Bucket.get(bucket, "milk"))

    assert.is_true(Bucket.put(bucket, "milk", 3))
    assert.equal(3, Bucket.get(bucket, "milk"))
  end)

  it("deletes keys", function()
    Bucket.put(bucket, "milk", 3)

    assert.equal(3, Bucket.delete(bucket, "milk"))
    assert.is_nil(Bucket.get(bucket, "milk"))
    assert.is_nil(Bucket.delete(bucket, "eggs"))
  end)

  for name, module in pairs { ["the agent"] = Bucket, ["the built-in one"] = "pierrot.bucket" } do
    it("are temporary workers: " .. name, function()
      local spec = supervisor.child_spec(module)

      assert.equal("temporary", spec.restart)
      assert.is_true(spec.type == nil or spec.type == "worker")
    end)
  end

  it("has a name of the test's own", function()
    local name = "bucket of " .. tostring(pierrot.self())
    local named = assert(Bucket.start_link { name = name })

    Bucket.put(name, "milk", 1)

    assert.equal(1, Bucket.get(name, "milk"))
    assert.same({ nil, { "already_started", named } }, { Bucket.start_link { name = name } })
    assert.equal(1, Bucket.get(name, "milk"))
  end)
end)

describe("a registry of buckets", function()
  local registry

  before_each(function() registry = start_supervised(Registry) end)

  it("spawns buckets", function()
    assert.is_nil(Registry.lookup(registry, "shopping"))

    Registry.create(registry, "shopping")
    local bucket = Registry.lookup(registry, "shopping")

    assert.is_true(pierrot.is_pid(bucket))
    Bucket.put(bucket, "milk", 1)
    assert.equal(1, Bucket.get(bucket, "milk"))
    Registry.create(registry, "shopping")
    assert.equal(bucket, Registry.lookup(registry, "shopping"))
  end)

  it("knows nothing of the test before", function()
    assert.is_nil(Registry.lookup(registry, "shopping"))
  end)

  it("removes buckets on exit", function()
    Registry.create(registry, "shopping")
    local bucket = Registry.lookup(registry, "shopping")

    agent.stop(bucket)

    assert.is_nil(Registry.lookup(registry, "shopping"))
    Registry.create(registry, "shopping")
    local new = Registry.lookup(registry, "shopping")
    assert.not_equal(bucket, new)
    assert.is_nil(Bucket.get(new, "milk"))
  end)

  it("lives on after messages that it does not know", function()
    pierrot.send(registry, { "who", "are", "you" })

    assert.is_nil(Registry.lookup(registry, "shopping"))
    assert.is_true(pierrot.is_alive(registry))
  end)

  it("dies with a bucket that it has linked, when that ends abnormally", function()
    local ref = pierrot.monitor(registry)
    Registry.create(registry, "shopping")

    agent.stop(Registry.lookup(registry, "shopping"), "shutdown")

    assert.same({ "DOWN", ref, "process", registry, "shutdown" },
      assert_receive({ "DOWN", ref }, 5000))
  end)
end)

describe("a registry of supervised buckets", function()
  local buckets, registry

  before_each(function()
    buckets = start_supervised("pierrot.dynamic_supervisor")
    registry = start_supervised { Registry, { supervisor = buckets } }
  end)

  for _, reason in ipairs { "shutdown", "a crash" } do
    it("removes bucket on crash: " .. reason, function()
      Registry.create(registry, "shopping")
      local bucket = Registry.lookup(registry, "shopping")

      agent.stop(bucket, reason)

      -- The monitor's message came before this call.
      assert.is_nil(Registry.lookup(registry, "shopping"))
      assert.is_true(pierrot.is_alive(registry))
      assert.equal(0, dynamic_supervisor.count_children(buckets).active)
    end)
  end

  it("shares nothing with that of another test", function()
    assert.is_nil(Registry.lookup(registry, "shopping"))
    assert.equal(0, dynamic_supervisor.count_children(buckets).specs)
  end)
end)
