-- SPDX-License-Identifier: MIT
--- Random histories of a supervisor beside a model of it: after each step both agree on the
--- children, and on which of them are the same processes as before. PIERROT_MODEL_SEED repeats
--- a run.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local inspect = require "pierrot.inspect"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local trees = require "spec.trees"

local N_HISTORIES <const> = tonumber(os.getenv "PIERROT_MODEL_HISTORIES") or 20
local N_STEPS <const> = 60
local seed <const> = tonumber(os.getenv "PIERROT_MODEL_SEED") or os.time()

local ids <const> = { "a", "b", 3, { "d", 4 }, true }
local restarts <const> = { "permanent", "transient", "temporary" }
local reasons <const> = { "normal", "shutdown", { "shutdown", 1 }, "sour", "kill" }

local function one_of(list)
  return list[math.random(#list)]
end

-- The model -----------------------------------------------------------------------------------

-- A list of { id =, restart =, life = number of its process, or false }.
local function new_model(strategy)
  return { strategy = strategy, lives = 0 }
end

local function find(model, id)
  for i, child in ipairs(model) do
    if child.id == id then return child, i end
  end
end

local function revive(model, child)
  model.lives = model.lives + 1
  child.life = model.lives
end

local function put_down(model, child)
  child.life = false
  if child.restart == "temporary" then table.remove(model, select(2, find(model, child.id))) end
end

local function restart_from(model, first)
  for i = #model, first, -1 do put_down(model, model[i]) end
  for i = first, #model do revive(model, model[i]) end
end

local steps = {}

function steps.start(model, id, restart)
  local child = find(model, id)
  if child then return nil, child.life and "already_started" or "already_present" end
  child = { id = id, restart = restart }
  model[#model + 1] = child
  revive(model, child)
  return "pid"
end

function steps.terminate(model, id)
  local child = find(model, id)
  if not child then return nil, "not_found" end
  put_down(model, child)
  return true
end

function steps.delete(model, id)
  local child, i = find(model, id)
  if not child then return nil, "not_found" end
  if child.life then return nil, "running" end
  table.remove(model, i)
  return true
end

function steps.restart(model, id)
  local child = find(model, id)
  if not child then return nil, "not_found" end
  if child.life then return nil, "running" end
  revive(model, child)
  return "pid"
end

function steps.finish(model, id, reason)
  local child, i = find(model, id)
  if not child or not child.life then return nil end
  local is_clean = reason ~= "sour" and reason ~= "kill"
  local stays_down = child.restart == "temporary" or (child.restart == "transient" and is_clean)
  if stays_down then
    put_down(model, child)
  elseif model.strategy == "one_for_one" then
    revive(model, child)
  else
    restart_from(model, model.strategy == "one_for_all" and 1 or i)
  end
  return true
end

-- The supervisor ------------------------------------------------------------------------------

local Leaf = {}
function Leaf.init() return "ok", {} end
function Leaf.handle_cast(request) return "stop", request.reason end

local acts = {}

function acts.start(sup, id, restart)
  return supervisor.start_child(sup, { id = id, restart = restart,
    start = function() return gen_server.start_link(Leaf) end })
end

function acts.terminate(sup, id) return supervisor.terminate_child(sup, id) end
function acts.delete(sup, id) return supervisor.delete_child(sup, id) end
function acts.restart(sup, id) return supervisor.restart_child(sup, id) end

function acts.finish(_, _, reason, pid)
  if not pid then return nil end
  local ref = pierrot.monitor(pid)
  if reason == "kill" then
    pierrot.exit(pid, "kill")
  else
    gen_server.cast(pid, { reason = reason })
  end
  support.await_down(ref)
  return true
end

-- A pid as "pid"; of a reason its first word.
local function outcome(result, reason)
  if result == nil then return nil, type(reason) == "table" and reason[1] or reason end
  return pierrot.is_pid(result) and "pid" or result
end

-- Both ----------------------------------------------------------------------------------------

-- An id that came back is another table.
local function known_id(id)
  if type(id) ~= "table" then return id end
  for _, known in ipairs(ids) do
    if type(known) == "table" and known[1] == id[1] then return known end
  end
end

-- `pids` holds the process of each life that is known.
local function compare(model, sup, pids)
  local list = supervisor.which_children(sup)
  local n_links = 1 -- its parent's
  assert.equal(#model, #list)
  for i, child in ipairs(model) do
    local pid = list[i].pid
    assert.equal(child.id, known_id(list[i].id))
    assert.equal(child.life ~= false, pid ~= nil)
    if child.life then
      n_links = n_links + 1
      assert.is_true(pierrot.is_alive(pid))
      assert.is_true(pids[child.life] == nil or pids[child.life] == pid)
      pids[child.life] = pid
    end
  end
  assert.equal(n_links, #pierrot.info(sup, "links"))
end

-- No two lives are one process, and those that are over are over.
local function check_lives(model, pids)
  local is_alive, seen = {}, {}
  for _, child in ipairs(model) do
    if child.life then is_alive[child.life] = true end
  end
  for life, pid in pairs(pids) do
    assert.is_nil(seen[pid])
    seen[pid] = true
    assert.equal(is_alive[life] == true, pierrot.is_alive(pid))
  end
end

local function run(strategy, history)
  local model, pids = new_model(strategy), {}
  local sup = trees.start({}, { strategy = strategy, max_restarts = 1000000 })
  for _ = 1, N_STEPS do
    local what = one_of { "start", "start", "finish", "finish", "terminate", "delete", "restart" }
    local id, more = one_of(ids), one_of(what == "start" and restarts or reasons)
    history[#history + 1] = ("%s %s %s"):format(what, inspect(id), inspect(more))
    local child = find(model, id)
    local pid = child and child.life and pids[child.life]
    local expected = table.pack(steps[what](model, id, more))
    local actual = table.pack(outcome(acts[what](sup, id, more, pid)))
    assert.same({ expected[1], expected[2] }, { actual[1], actual[2] })
    compare(model, sup, pids)
    check_lives(model, pids)
  end
  supervisor.stop(sup)
  for _, pid in pairs(pids) do assert.is_false(pierrot.is_alive(pid)) end
end

describe(("a supervisor and its model, from seed %d"):format(seed), function()
  trees.quiet(setup, teardown)

  for _, strategy in ipairs { "one_for_one", "one_for_all", "rest_for_one" } do
    it("agree whatever happens: " .. strategy, support.alone(function()
      for i = 1, N_HISTORIES do
        math.randomseed(seed, i)
        local history = {}
        local passed, why = pcall(run, strategy, history)
        if not passed then
          local text = type(why) == "table" and why.message or why
          error(("seed %d, history %d: %s\n%s"):format(seed, i, table.concat(history, "; "),
            type(text) == "string" and text or inspect(text)), 0)
        end
      end
    end))
  end
end)
