--- The hook into busted: tests, and the setup and teardown of blocks, run in cases.
--
-- busted 2.1 has no interface for that. A test is run by the executor of `it`: before_each, body,
-- finally and after_each, in one call; so it is replaced by one that runs the old one in a case.
-- setup and teardown of a block are run by functions of a table `block`, which executors have as an
-- upvalue; these functions are replaced likewise. Three things keep the rest of busted as it was:
--
-- - The end of a test is published when its case is closed, so that what is found then counts.
-- - The executor moves through busted's stack of contexts; should its process die on the way, the
--   stack is brought back to where it was.
-- - What is needed and is not there is an error at once.

local case_of = require "pierrot.testing.case"
local core = require "pierrot.core"

local M = {}

-- Finding busted -------------------------------------------------------------------------------

local function cannot(busted, what)
  error(("pierrot.testing cannot hook into busted %s: %s"):format(
    tostring(busted and busted.version), what), 0)
end

local function upvalue(fn, wanted)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if not name then return nil end
    if name == wanted then return value, i end
  end
end

--- busted's own table when busted runs, else nil.
---@return table|nil
function M.find()
  local module = package.loaded.busted
  local meta = type(module) == "table" and debug.getmetatable(module)
  local index = type(meta) == "table" and rawget(meta, "__index")
  if not index then return nil end -- loaded, but no runner has begun
  local busted = type(index) == "function" and upvalue(index, "busted")
  if type(busted) ~= "table" then cannot(module, "its module does not lead to its functions") end
  return busted
end

local function check_function(busted, owner, name)
  if type(owner) ~= "table" or type(owner[name]) ~= "function" then
    cannot(busted, ("there is no function '%s'"):format(name))
  end
end

local function find_executors(busted)
  check_function(busted, busted, "register")
  local executors = upvalue(busted.register, "executors")
  if type(executors) ~= "table" or type(executors.it) ~= "function" then
    cannot(busted, "there is no executor of 'it'")
  end
  return executors
end

local function find_block(busted, executors)
  local block = upvalue(executors.it, "block")
  for _, name in ipairs { "execAll", "execAllOnce", "dexecAll", "lazySetup" } do
    check_function(busted, block, name)
  end
  return block
end

local function check_core(busted)
  for _, name in ipairs { "safe", "safe_publish", "publish", "fail" } do
    check_function(busted, busted, name)
  end
  for _, name in ipairs { "get", "push", "pop", "parent" } do
    check_function(busted, busted.context, name)
  end
end

-- Where the hook holds -------------------------------------------------------------------------

local function file_of(hook, element)
  while element and element.descriptor ~= "file" do
    element = hook.busted.context.parent(element)
  end
  return element
end

-- A helper hooks all files, a spec file that requires the module itself alone.
local function holds_for(hook, element)
  return hook.is_everywhere or hook.files[file_of(hook, element) or false] or false
end

--- The hook from now on holds for the file that is being loaded; for all where there is none yet.
---@param hook table
function M.extend(hook)
  local file = file_of(hook, hook.busted.context.get())
  if file then hook.files[file] = true else hook.is_everywhere = true end
end

-- Contexts -------------------------------------------------------------------------------------

local function count_contexts(hook)
  local context = hook.busted.context
  local push, pop = context.push, context.pop
  hook.depth = 0
  context.push = function(...)
    hook.depth = hook.depth + 1
    return push(...)
  end
  context.pop = function(...)
    hook.depth = hook.depth - 1
    return pop(...)
  end
end

local function restore_contexts(hook, depth)
  while hook.depth > depth do hook.busted.context.pop() end
end

-- Outcomes -------------------------------------------------------------------------------------

local RANKS <const> = { success = 1, pending = 2, failure = 3, error = 4 }

local function worse(a, b)
  return (RANKS[b] or 4) > (RANKS[a] or 4) and b or a
end

-- Says of an element what nobody has raised there.
local function publish_problem(hook, element, status, text)
  local busted = hook.busted
  local trace = element.trace or { traceback = "", short_src = "?", currentline = 0 }
  busted.publish({ status, element.descriptor }, element, busted.context.parent(element), text,
    trace)
end

-- While a test runs its events go through here.
local function watch_events(hook)
  local safe_publish = hook.busted.safe_publish
  hook.safe_publish = safe_publish
  hook.busted.safe_publish = function(descriptor, channel, element, ...)
    local test = hook.test
    if test and test.element == element and channel[1] == "test" then
      if channel[2] == "start" then
        test.has_started = true
      else
        test.has_ended = true
        test.descriptor, test.parent, test.status = descriptor, ...
        return true
      end
    end
    return safe_publish(descriptor, channel, element, ...)
  end
end

-- The number of schedulers of a stock interpreter may be set until the first test begins.
local function prepare(hook)
  if hook.is_prepared then return end
  hook.is_prepared = true
  if core.configure then pcall(core.configure, 1, "signal") end
end

-- Tests ----------------------------------------------------------------------------------------

-- Runs a test in a case. What is wrong with it beyond what its body has raised, as a status and a
-- text; nil: nothing.
local function run_case(hook, element, execute)
  local depth = hook.depth
  local texts, status = {}, "failure"
  local case = case_of.open(hook.times)
  local ran, why = case_of.run(case, function() execute(element) end)
  if not ran then texts[1] = why end
  restore_contexts(hook, depth)
  local leftovers, failures = case_of.close(case)
  if leftovers then
    texts[#texts + 1] = leftovers
    status = "error"
  end
  table.move(failures, 1, #failures, #texts + 1, texts)
  restore_contexts(hook, depth)
  if #texts == 0 then return nil end
  return { status = status, text = table.concat(texts, "\n") }
end

local function finish_test(hook, test, problem)
  local element = test.element
  local parent = hook.busted.context.parent(element)
  if not test.has_ended and not problem then return end -- before_each failed, and said so
  if not test.has_started then hook.safe_publish("test", { "test", "start" }, element, parent) end
  local status = test.status or "success"
  if problem then
    publish_problem(hook, element, problem.status, problem.text)
    status = worse(status, problem.status)
  end
  hook.safe_publish(test.descriptor or "test", { "test", "end" }, element, parent, status)
end

-- What keeps a test from running: the process of a block that it is in has died.
local function dead_block(hook, element)
  local parent = hook.busted.context.parent(element)
  while parent do
    local case = hook.blocks[parent]
    if case and case_of.is_dead(case) then return case end
    parent = hook.busted.context.parent(parent)
  end
  return nil
end

local function replace_it(hook, executors, block)
  local execute = executors.it
  local function run_test(element)
    if not holds_for(hook, element) then return execute(element) end
    prepare(hook)
    -- Its own process would be the wrong one.
    if not block.lazySetup(hook.busted.context.parent(element)) then return end
    local test = { element = element }
    local dead = dead_block(hook, element)
    local problem
    if dead then
      problem = { status = "error", text = "the setup of its block is gone: "
        .. case_of.describe_death(dead) }
    else
      hook.test = test
      problem = run_case(hook, element, execute)
      hook.test = nil
    end
    finish_test(hook, test, problem)
  end
  for name, executor in next, executors do
    if executor == execute then executors[name] = run_test end
  end
end

-- Blocks ---------------------------------------------------------------------------------------

local SETUPS <const> = { strict_setup = true, lazy_setup = true }
local TEARDOWNS <const> = { strict_teardown = true, lazy_teardown = true }

-- Runs setups or teardowns of a block in its process, which begins with the first of them.
local function run_in_block(hook, element, fn, ...)
  local case = hook.blocks[element]
  if not case then
    prepare(hook)
    case = case_of.open(hook.times)
    hook.blocks[element] = case
  end
  local depth, arguments = hook.depth, table.pack(...)
  local results = table.pack(case_of.run(case, function()
    return fn(table.unpack(arguments, 1, arguments.n))
  end))
  restore_contexts(hook, depth)
  if results[1] then return table.unpack(results, 2, results.n) end
  publish_problem(hook, element, "error", results[2])
  return nil
end

local function close_block(hook, element)
  local case = hook.blocks[element]
  if not case then return end
  hook.blocks[element] = nil
  local depth = hook.depth
  local leftovers, failures = case_of.close(case)
  restore_contexts(hook, depth)
  if leftovers then publish_problem(hook, element, "error", leftovers) end
  for _, text in ipairs(failures) do publish_problem(hook, element, "error", text) end
end

local function has_any(element, descriptor)
  return element[descriptor] ~= nil and #element[descriptor] > 0
end

local function replace_setups(hook, block, name, wanted)
  local original = block[name]
  block[name] = function(descriptor, element, ...)
    if not wanted[descriptor] or not holds_for(hook, element) or
      not has_any(element, descriptor) then
      return original(descriptor, element, ...)
    end
    if name == "execAllOnce" then
      -- Each level in its own process: the outer ones are done before this one's.
      local parent = hook.busted.context.parent(element)
      if parent and not block.execAllOnce(descriptor, parent) then return false end
      if element[descriptor].success ~= nil then return element[descriptor].success end
    end
    local results = table.pack(run_in_block(hook, element, original, descriptor, element, ...))
    return table.unpack(results, 1, results.n)
  end
end

-- A block is over when its strict teardowns have run.
local function replace_teardown(hook, block)
  local teardown = block.teardown
  block.teardown = function(element, ...)
    local results = table.pack(teardown(element, ...))
    close_block(hook, element)
    return table.unpack(results, 1, results.n)
  end
end

local function hook_block(hook, block)
  replace_setups(hook, block, "execAll", SETUPS)
  replace_setups(hook, block, "execAllOnce", SETUPS)
  replace_setups(hook, block, "dexecAll", TEARDOWNS)
  replace_teardown(hook, block)
end

-- busted makes a second table of these functions when it begins to run.
local function hook_later_blocks(hook)
  local make = package.loaded["busted.block"]
  if type(make) ~= "function" then cannot(hook.busted, "there is no module 'busted.block'") end
  package.loaded["busted.block"] = function(...)
    local block = make(...)
    if type(block) == "table" then hook_block(hook, block) end
    return block
  end
end

-- ----------------------------------------------------------------------------------------------

--- Hooks into busted, once.
---@param busted table its own table
---@param times { limit: number|string|nil, grace: number|string|nil } as case.open takes them
---@return table hook
function M.install(busted, times)
  check_core(busted)
  local executors = find_executors(busted)
  local block = find_block(busted, executors)
  local hook = { busted = busted, files = {}, blocks = {}, times = times }
  count_contexts(hook)
  watch_events(hook)
  hook_block(hook, block)
  hook_later_blocks(hook)
  replace_it(hook, executors, block)
  return hook
end

return M
