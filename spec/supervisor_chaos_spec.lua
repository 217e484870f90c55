-- SPDX-License-Identifier: MIT
--- Trees under random kills: whenever they settle, they have their shape, every name resolves, and
--- no process is left over. PIERROT_CHAOS_SEED repeats a run, PIERROT_CHAOS_TREES prolongs it.

local pierrot = require "pierrot"
local find_stranger = require "spec.strangers"
local forest = require "spec.fixtures.forest"
local gen_server = require "pierrot.gen_server"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local N_TREES <const> = tonumber(os.getenv "PIERROT_CHAOS_TREES") or 9
local N_BURSTS <const> = 60
local N_BRANCHES <const> = 3
local ROUNDS_MAX <const> = 100000 -- of looking at a tree that does not settle

local seed <const> = tonumber(os.getenv "PIERROT_CHAOS_SEED") or os.time()
local strategies <const> = { "one_for_one", "one_for_all", "rest_for_one" }

local function one_of(list)
  return list[math.random(#list)]
end

-- A look at a tree ----------------------------------------------------------------------------

-- Asks every supervisor below `name`, which answers after all that came to it before. From id to
-- pid; nil and what is missing while something is about to be restarted.
local function look(name, shape, pids)
  local sup = pierrot.whereis(name)
  if not sup then return nil, name end
  local answered, list = pcall(supervisor.which_children, sup)
  if not answered then return nil, name end
  for i, id in ipairs(shape[name]) do
    local entry = list[i]
    if not entry or entry.id ~= id or not pierrot.is_pid(entry.pid) then return nil, id end
    pids[id] = entry.pid
    if shape[id] then
      local found, missing = look(id, shape, pids)
      if not found then return nil, missing end
    end
  end
  if #list ~= #shape[name] then return nil, name end
  pids[name] = sup
  return pids
end

-- Whether a supervisor is linked with its children and its parent, and with nobody else.
local function has_its_links(id, pids, shape)
  local wanted = { [pierrot.info(pids[id], "parent")] = true }
  for _, child in ipairs(shape[id]) do wanted[pids[child]] = true end
  local links = pierrot.info(pids[id], "links") or {}
  for _, pid in ipairs(links) do
    if not wanted[pid] then return false end
  end
  return #links == #shape[id] + 1
end

local function is_settled(name, shape, before)
  local pids, missing = look(name, shape, {})
  if not pids then return nil, missing end
  for id, pid in pairs(pids) do
    if not pierrot.is_alive(pid) then return nil, id end
    local is_named = not id:find(" plain$")
    if is_named and pierrot.whereis(id) ~= pid then return nil, id end
    if shape[id] and not has_its_links(id, pids, shape) then return nil, id .. "'s links" end
  end
  local stranger = find_stranger(pids, before)
  if stranger then return nil, stranger end
  return pids
end

-- What is dying has its turn meanwhile.
local function settle(name, shape, before)
  local pids, missing
  for _ = 1, ROUNDS_MAX do
    pids, missing = is_settled(name, shape, before)
    if pids then return pids end
    pierrot.yield()
  end
  error(("seed %d: the tree does not settle, it wants %s"):format(seed, tostring(missing)), 0)
end

-- Harm ----------------------------------------------------------------------------------------

local function harm(id, pid, shape)
  if shape[id] then return pierrot.exit(pid, "kill") end
  local is_server = id:find " server$" or id:find " trapping$"
  local ways = is_server and { "kill", "sour", "crash", "stop" } or { "kill", "sour" }
  local way = one_of(ways)
  if way == "crash" or way == "stop" then return gen_server.cast(pid, { way }) end
  return pierrot.exit(pid, way)
end

local function ids_of(shape, name)
  local ids = {}
  for id, children in pairs(shape) do
    if id ~= name then ids[#ids + 1] = id end
    for _, child in ipairs(children) do
      if not shape[child] then ids[#ids + 1] = child end
    end
  end
  table.sort(ids) -- pairs has no order that a seed could repeat
  return ids
end

local function shake(name, strategy)
  local before, branches = {}, {}
  for _, pid in ipairs(pierrot.processes()) do before[pid] = true end
  for i = 1, N_BRANCHES do
    branches[i] = { strategies[i], one_of(strategies), math.random(pierrot.schedulers()) }
  end
  local top = assert(forest.start(name, strategy, branches))
  local shape = forest.shape(name, N_BRANCHES)
  local ids, pids = ids_of(shape, name), settle(name, shape, before)
  for _ = 1, N_BURSTS do
    for _ = 1, math.random(4) do
      local id = one_of(ids)
      harm(id, pids[id], shape)
    end
    pids = settle(name, shape, before)
    assert(pids[name] == top, "the top supervisor has ended")
  end
  supervisor.stop(top)
  for id, pid in pairs(pids) do
    assert(not pierrot.is_alive(pid), id .. " is left")
    assert(pierrot.whereis(id) == nil, id .. " has its name still")
  end
end

describe(("a tree that is shaken, from seed %d"):format(seed), function()
  trees.quiet(setup, teardown)

  for i = 1, N_TREES do
    local strategy = strategies[(i - 1) % #strategies + 1]
    it(("is whole again each time it settles: %s, %d"):format(strategy, i), support.alone(function()
      math.randomseed(seed, i)
      pierrot.trap_exit(true)

      shake("tree " .. i, strategy)
    end))
  end
end)
