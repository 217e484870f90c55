-- SPDX-License-Identifier: MIT
--- A tree of three levels of supervisors with 1000 servers under random kills: `pierrot -s 2
--- spec/stress/chaos.lua [SECONDS [SEED]]`.
---
--- Each burst harms some of the tree at once; then the tree settles. Now it must have its shape,
--- every name must lead to its live process, no other process may be there, and those that are new
--- must be the ones that the strategies demand, each started as often as they demand. In the end
--- nothing may have grown: processes, names, memory.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local find_stranger = require "spec.strangers"
local grove = require "spec.fixtures.grove"
local supervisor = require "pierrot.supervisor"

local seconds <const> = tonumber(arg[1]) or 10
local seed <const> = tonumber(arg[2]) or os.time()

local strategies <const> = { "one_for_one", "one_for_all", "rest_for_one" }
local leaf_kinds <const> = {
  "server", "server", "trapping", "server", "bucket", "server", "plain", "server", "trapping",
  "server",
}
local n_branches <const>, n_twigs <const> = 10, 10
local most_victims <const> = 6
local patience_ms <const> = 30000 -- a tree that has not settled by then never will
local n_warm_bursts <const> = 20
local growth_most <const> = 1.2

math.randomseed(seed)
require("pierrot.logger").set_level "none"

local function fail(text, ...)
  io.stderr:write(("seed %d: "):format(seed), text:format(...), "\n")
  os.exit(false)
end

-- The plan ------------------------------------------------------------------------------------

local function make_twig(name, i)
  local twig = { name = name, strategy = strategies[i % 3 + 1], children = {} }
  for k, kind in ipairs(leaf_kinds) do
    twig.children[k] = { name = ("%s %d %s"):format(name, k, kind), kind = kind }
  end
  return twig
end

local function make_branch(name, i)
  local branch = {
    name = name, strategy = strategies[i % 3 + 1], scheduler = i % pierrot.schedulers() + 1,
    children = {},
  }
  for k = 1, n_twigs do branch.children[k] = make_twig(name .. " " .. k, i // 3 + k) end
  return branch
end

local function make_tree()
  local top = { name = "grove", strategy = "rest_for_one", children = {} }
  for i = 1, n_branches do top.children[i] = make_branch("grove " .. i, i) end
  return top
end

-- Every node below the top, with its parent and its place there.
local function list_nodes(node, nodes)
  for i, child in ipairs(node.children or {}) do
    child.parent, child.place = node, i
    nodes[#nodes + 1] = child
    list_nodes(child, nodes)
  end
  return nodes
end

-- A look at the tree --------------------------------------------------------------------------

-- From name to pid; nil, and what is missing while something is about to be restarted.
local function look(node, pids)
  local sup = pierrot.whereis(node.name)
  if not sup then return nil, node.name end
  local answered, list = pcall(supervisor.which_children, sup)
  if not answered then return nil, node.name end
  if #list ~= #node.children then fail("%s has %d children", node.name, #list) end
  pids[node.name] = sup
  for i, child in ipairs(node.children) do
    local pid = list[i].pid
    if list[i].id ~= child.name then fail("%s is not in its place", child.name) end
    if not pierrot.is_pid(pid) or pierrot.whereis(child.name) ~= pid then return nil, child.name end
    pids[child.name] = pid
    if child.children then
      local found, missing = look(child, pids)
      if not found or pids[child.name] ~= pid then return nil, missing or child.name end
    end
  end
  return pids
end

local function settle(tree, before)
  local deadline = pierrot.now() + patience_ms
  while true do
    local pids, missing = look(tree, {})
    local stranger = pids and find_stranger(pids, before)
    if pids and not stranger then return pids end
    if pierrot.now() > deadline then
      fail("the tree does not settle: %s", pierrot.inspect(missing or stranger))
    end
    pierrot.yield()
  end
end

-- What a function gives on each scheduler.
local function ask_schedulers(fn)
  local answers = {}
  for i = 1, pierrot.schedulers() do
    local _, ref = pierrot.spawn_opt({ scheduler = i, monitor = true }, function(to)
      require "pierrot".send(to, { "answer", fn() })
    end, pierrot.self())
    answers[i] = pierrot.receive { "answer" }[2]
    pierrot.receive { "DOWN", ref }
  end
  return answers
end

-- How often each leaf was started, on all schedulers.
local function count_starts()
  local starts = {}
  for _, found in ipairs(ask_schedulers(grove.starts)) do
    for name, n in pairs(found) do starts[name] = (starts[name] or 0) + n end
  end
  return starts
end

-- Harm ----------------------------------------------------------------------------------------

local ways <const> = {
  server = { "kill", "sour", "crash", "stop" }, trapping = { "kill", "crash", "stop" },
  bucket = { "kill", "sour" }, plain = { "kill", "sour" },
}

local function harm(node, pid)
  local choices = node.kind and ways[node.kind] or { "kill" }
  local way = choices[math.random(#choices)]
  if way == "crash" or way == "stop" then return gen_server.cast(pid, { way }) end
  pierrot.exit(pid, way)
end

-- Harms some at once and waits for their ends, which their supervisors have heard of by then.
local function strike(nodes, pids)
  local victims, refs = {}, {}
  local are_leaves = math.random(10) > 2
  while #victims < math.random(most_victims) do
    local node = nodes[math.random(#nodes)]
    if (not are_leaves or node.kind) and not refs[node.name] then
      victims[#victims + 1] = node
      refs[node.name] = pierrot.monitor(pids[node.name])
    end
  end
  for _, node in ipairs(victims) do harm(node, pids[node.name]) end
  for _, ref in pairs(refs) do pierrot.receive { "DOWN", ref } end
  return victims, are_leaves
end

-- What the strategies demand -----------------------------------------------------------------

local function demand_all(node, demanded, n)
  demanded[node.name] = n
  for _, child in ipairs(node.children or {}) do demand_all(child, demanded, n) end
end

-- From name to how often it may be started again: each at least once.
local function demand_of(victims)
  local demanded = {}
  for _, node in ipairs(victims) do
    local siblings, strategy = node.parent.children, node.parent.strategy
    local first = strategy == "one_for_all" and 1 or node.place
    local last = strategy == "one_for_one" and node.place or #siblings
    for i = first, last do
      local name = siblings[i].name
      -- Two ends are two restarts only where the second one concerns fewer.
      local n = strategy == "rest_for_one" and (demanded[name] or 0) + 1 or 1
      demand_all(siblings[i], demanded, n)
    end
  end
  return demanded
end

-- Whoever is new must be demanded, and the other way round.
local function check_changed(nodes, demanded, old, new)
  local n = 0
  for _, node in ipairs(nodes) do
    local name = node.name
    local is_new = old[name] ~= new[name]
    if is_new ~= (demanded[name] ~= nil) then
      fail("%s is %s process", name, is_new and "another" or "the same")
    end
    if is_new and node.kind then n = n + 1 end
  end
  return n
end

-- Supervisors that were killed may be restarted before their names are free, and then once more.
local function check_starts(nodes, demanded, old, new, are_leaves)
  local total = 0
  for _, node in ipairs(nodes) do
    if node.kind then
      local n, most = new[node.name] - old[node.name], demanded[node.name]
      if most == nil and n ~= 0 or most and (n < 1 or are_leaves and n > most) then
        fail("%s was started %d times", node.name, n)
      end
      total = total + n
    end
  end
  return total
end

-- The run -------------------------------------------------------------------------------------

local function list_to_set(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

local function measure()
  ask_schedulers(function()
    collectgarbage()
    return collectgarbage()
  end)
  return pierrot.memory().total
end

-- A burst: what was harmed, and how many leaves the strategies demanded and had started.
local function burst(run)
  local victims, are_leaves = strike(run.nodes, run.pids)
  local pids, starts, demanded = settle(run.tree, run.before), count_starts(), demand_of(victims)
  local n_demanded = check_changed(run.nodes, demanded, run.pids, pids)
  local n_started = check_starts(run.nodes, demanded, run.starts, starts, are_leaves)
  if pids[run.tree.name] ~= run.top then fail("the top supervisor has ended") end
  if #pierrot.registered() ~= run.n_names then fail("%d names", #pierrot.registered()) end
  run.pids, run.starts = pids, starts
  run.n_bursts, run.n_kills = run.n_bursts + 1, run.n_kills + #victims
  run.n_demanded, run.n_started = run.n_demanded + n_demanded, run.n_started + n_started
end

local function begin()
  count_starts() -- loads what it needs, everywhere
  local tree = make_tree()
  local run = {
    tree = tree, nodes = list_nodes(tree, {}), before = list_to_set(pierrot.processes()),
    n_names_before = #pierrot.registered(), n_bursts = 0, n_kills = 0, n_demanded = 0,
    n_started = 0,
  }
  run.top = assert(grove.start(tree))
  run.pids, run.starts = settle(tree, run.before), count_starts()
  run.n_names = #pierrot.registered()
  return run
end

local function finish(run)
  supervisor.stop(run.top)
  local stranger = find_stranger({}, run.before)
  if stranger then fail("%s is left over", stranger) end
  if #pierrot.registered() ~= run.n_names_before then fail("names are left over") end
end

local run <const> = begin()
local stop_at <const> = pierrot.now() + seconds * 1000
for _ = 1, n_warm_bursts do burst(run) end
local memory_before <const> = measure()
while pierrot.now() < stop_at do burst(run) end
local memory_after <const> = measure()
finish(run)
print(("seed %d: %d servers, %d bursts, %d kills, %d restarts wanted, %d seen; %d kB, then %d kB")
  :format(seed, n_branches * n_twigs * #leaf_kinds, run.n_bursts, run.n_kills, run.n_demanded,
    run.n_started, memory_before // 1024, memory_after // 1024))
if memory_after > memory_before * growth_most then fail("memory has grown") end
