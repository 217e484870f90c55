-- SPDX-License-Identifier: MIT
--- Random steps against the built-in registry, compared with a model of it after each.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local N_STEPS <const>, N_WORKERS <const>, N_KEYS <const> = 3000, 6, 4

--- A process that does what it is told, {fname, ...}, and tells the results.
local function spawn_worker(names)
  local test = pierrot.self()
  local where = support.has_two_schedulers and math.random(2) or nil
  return pierrot.spawn_opt({ scheduler = where }, function()
    local registry_here = require "pierrot.registry"
    while true do
      local order = pierrot.receive()
      local fn = registry_here[order[1]]
      pierrot.send(test, { "done", pierrot.self(),
        table.pack(fn(names, table.unpack(order, 2, order.n))) })
    end
  end)
end

local function ask(pid, ...)
  pierrot.send(pid, table.pack(...))
  return expect({ "done", pid })[3]
end

-- The model: a list of {key, pid, value}, oldest first.
local function select_from(model, key, pid)
  local found = {}
  for _, entry in ipairs(model) do
    if (key == nil or entry[1] == key) and (pid == nil or entry[2] == pid) then
      found[#found + 1] = entry
    end
  end
  return found
end

local function remove_from(model, key, pid)
  local n_removed = 0
  for i = #model, 1, -1 do
    if (key == nil or model[i][1] == key) and model[i][2] == pid then
      table.remove(model, i)
      n_removed = n_removed + 1
    end
  end
  return n_removed
end

local function pairs_of(entries)
  local list = {}
  for i, entry in ipairs(entries) do list[i] = { entry[2], entry[3] } end
  return list
end

local function keys_of(entries)
  local list = {}
  for i, entry in ipairs(entries) do list[i] = entry[1] end
  return list
end

local steps = {}

function steps.register(state, pid, key, value)
  local holder = not state.is_duplicate and select_from(state.model, key)[1]
  local results = ask(pid, "register", key, value)
  if holder then
    assert.same({ n = 2, nil, { "already_registered", holder[2] } }, results)
  else
    assert.same({ n = 1, true }, results)
    state.model[#state.model + 1] = { key, pid, value }
  end
end

function steps.unregister(state, pid, key)
  local n_removed = remove_from(state.model, key, pid)
  assert.same(n_removed > 0 and { n = 1, true } or { n = 2, nil, "not_found" },
    ask(pid, "unregister", key))
end

function steps.kill(state, pid)
  pierrot.exit(pid, "shutdown")
  await_down(pid)
  remove_from(state.model, nil, pid)
  for i, worker in ipairs(state.workers) do
    if worker == pid then state.workers[i] = spawn_worker(state.names) end
  end
end

-- Registers more often than the others, or there would be little to see.
local names_of_steps <const> = { "register", "register", "register", "unregister", "unregister",
  "kill" }

local function compare(state, pid, key)
  local names, model = state.names, state.model
  local entries = select_from(model, key)
  if state.is_duplicate then
    assert.same(pairs_of(entries), registry.lookup(names, key))
  else
    assert.same(entries[1] and { entries[1][2], entries[1][3] } or {},
      { registry.lookup(names, key) })
  end
  assert.equal(#entries, registry.count(names, key))
  assert.equal(#model, registry.count(names))
  assert.same(keys_of(model), registry.keys(names))
  assert.same(keys_of(select_from(model, nil, pid)), registry.keys(names, pid))
end

for _, kind in ipairs { "unique", "duplicate" } do
  it("a registry with keys that are " .. kind .. " does what its model does", alone(function()
    local seed = math.random(1 << 30)
    math.randomseed(seed)
    local state = {
      is_duplicate = kind == "duplicate", model = {}, workers = {},
      names = assert(registry.start { keys = kind }),
    }
    for i = 1, N_WORKERS do state.workers[i] = spawn_worker(state.names) end

    for step = 1, N_STEPS do
      local pid, key = state.workers[math.random(N_WORKERS)], "key " .. math.random(N_KEYS)
      local what = names_of_steps[math.random(#names_of_steps)]
      steps[what](state, pid, key, { seed, step })
      compare(state, pid, key)
    end

    gen_server.stop(state.names)
  end))
end
