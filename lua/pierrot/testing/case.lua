--- A case: the process of one test, or of the setup and teardown of one block, and what is left to
--- do when it ends.
--
-- A runner opens a case, has functions run in its process, and closes it; then comes the next one.
-- At the end the supervised processes stop, last started first; then the case's process ends with
-- "shutdown", and what is linked to it with it; then the functions of on_exit run. What has not
-- ended after five seconds is killed, and that is a problem of the case. Should the process of a
-- case die earlier, the runner hears of it by a monitor, and all the rest is the same.
--
-- Runner and cases live on one scheduler, so functions pass between them as they are.

local clock = require "pierrot.testing.clock"
local core = require "pierrot.core"
local inspect = require "pierrot.inspect"
local log = require "pierrot.testing.log"
local same = require "pierrot.same"

local DEFAULT_GRACE <const> = 5000
local DEFAULT_LIMIT <const> = 60000

local M = {}

-- By pid of their processes; each is there from open to close.
local cases <const> = {}

-- The process ----------------------------------------------------------------------------------

-- Links go when the process has ended: a closing variable, which runs on every kind of end, is the
-- last that sees them.
local function remember_links(case)
  case.links = core.links()
end

local function serve(case, marker)
  core.as_script() -- a test does not know that it has a process of its own
  local _ <close> = setmetatable({}, { __close = function() remember_links(case) end })
  while true do
    local message = core.receive { marker }
    if message[2] == "end" then core.exit "shutdown" end
    local job = case.job
    case.job = nil
    case.results = table.pack(job())
    core.send(case.runner, { marker, "done" })
  end
end

--- Starts the process of a case. `limit`: for each function that it runs, in ms (60000); `grace`:
--- for what it has started to end (5000).
---@param times { limit: number|string|nil, grace: number|string|nil }
---@return table case
function M.open(times)
  local case = {
    marker = core.make_ref(), runner = core.self(), on_exit = {}, links = {}, linked = {},
    limit = times.limit or DEFAULT_LIMIT, grace = times.grace or DEFAULT_GRACE,
  }
  -- Without ancestors: for what is started in a test, the test is the beginning.
  local opts = { monitor = true, orphan = true }
  case.pid, case.ref = core.spawn_local(opts, function() serve(case, case.marker) end)
  cases[case.pid] = case
  return case
end

--- The case of the calling process; nil: it is not the process of one.
---@return table|nil
function M.current()
  return cases[core.self()]
end

local function place_of(pid)
  local trace = core.info(pid, "current_stacktrace")
  return type(trace) == "string" and trace or ""
end

-- A reason may be anything, nil too.
local function note_death(case, down)
  case.death = { reason = down[5] }
end

local function hung(case)
  local place = place_of(case.pid)
  core.exit(case.pid, "kill")
  note_death(case, core.receive { "DOWN", case.ref })
  return ("it took longer than %s ms and was ended\n%s"):format(inspect(case.limit), place)
end

-- The next message that concerns the case: done, a request, its end; nil when its time is over.
local function next_message(case, limit)
  local expected = core.one_of({ case.marker }, { "DOWN", case.ref })
  return limit:receive(expected)
end

--- Runs a function in the case's process. true and its results; or false and why not: the process
--- died, or took too long.
---@param case table
---@param fn function
---@return boolean ran, any ...
function M.run(case, fn)
  if M.is_dead(case) then return false, M.describe_death(case) end
  case.job = fn
  core.send(case.pid, { case.marker, "job" })
  local limit <close> = clock.limit(case.limit)
  local message = next_message(case, limit)
  while message and message[1] == case.marker and message[2] == "stop_time" do
    limit:stop_time()
    core.send(case.pid, { case.marker, "stands" })
    message = next_message(case, limit)
  end
  if not message then return false, hung(case) end
  if message[1] ~= case.marker then
    note_death(case, message)
    return false, M.describe_death(case)
  end
  return true, table.unpack(case.results, 1, case.results.n)
end

--- Whether the case's process has died.
---@param case table
---@return boolean
function M.is_dead(case)
  if case.death then return true end
  local down = core.receive({ "DOWN", case.ref }, 0)
  if down then note_death(case, down) end
  return down ~= nil
end

--- Makes time stand while the function runs. For the case's process.
---@param case table
function M.stop_time(case)
  core.send(case.runner, { case.marker, "stop_time" })
  core.receive { case.marker, "stands" }
end

--- A reason as text: an error's with its traceback.
---@param reason any
---@return string
function M.describe(reason)
  if type(reason) ~= "table" or reason[1] ~= "error" or type(reason[3]) ~= "string" then
    return inspect(reason)
  end
  local value = type(reason[2]) == "string" and reason[2] or inspect(reason[2])
  return value .. "\n" .. reason[3]
end

--- What the end of a case's process is called.
---@param case table
---@return string
function M.describe_death(case)
  return "its process ended with " .. M.describe(case.death.reason)
end

--- The case of the calling process; without one an error of the caller's caller.
---@param fname string
---@return table case
function M.need(fname)
  local case = M.current()
  if not case then
    error(("%s can only be called from the process of a test"):format(fname), 3)
  end
  return case
end

-- The end --------------------------------------------------------------------------------------

-- Whether a process has another among its ancestors.
local function descends(pid, from)
  local ancestors = core.info(pid, "ancestors")
  for _, ancestor in ipairs(ancestors or {}) do
    if ancestor == from then return true end
  end
  return false
end

-- Waits for the ends of processes; those that have not ended in time.
local function await_ends(pids, limit)
  local refs, rest = {}, {}
  for i, pid in ipairs(pids) do refs[i] = core.monitor(pid) end
  for i, pid in ipairs(pids) do
    if not limit:receive { "DOWN", refs[i] } then
      core.demonitor(refs[i], true)
      rest[#rest + 1] = pid
    end
  end
  return rest
end

-- So that those who are about to stop do not take the case's process along.
local function unlink_supervised(case)
  if next(case.linked) == nil or case.death then return end
  M.run(case, function()
    for pid in next, case.linked do core.unlink(pid) end
  end)
end

local function stop_supervised(case, limit, rest)
  local supervisor = case.supervisor
  if not supervisor then return end
  unlink_supervised(case)
  core.system_cast(supervisor, { "terminate", "shutdown" })
  if #await_ends({ supervisor }, limit) == 0 then return end
  for _, pid in ipairs(core.processes()) do
    if pid == supervisor or descends(pid, supervisor) then rest[#rest + 1] = pid end
  end
end

-- The case's descendants among what it is linked with, and what these are linked with. Others were
-- there before and stay.
local function find_linked(case)
  local seen, found, at = { [case.pid] = true }, {}, 1
  local function add(pids)
    for _, pid in ipairs(pids or {}) do
      if core.is_pid(pid) and not seen[pid] then
        seen[pid] = true
        if descends(pid, case.pid) then found[#found + 1] = pid end
      end
    end
  end
  add(not case.death and core.info(case.pid, "links") or case.links)
  while found[at] do
    add(core.info(found[at], "links"))
    at = at + 1
  end
  return found
end

local function end_process(case)
  if case.death then return end
  core.send(case.pid, { case.marker, "end" })
  note_death(case, core.receive { "DOWN", case.ref })
end

local function kill(pids)
  local names = {}
  local forever <close> = clock.limit "infinity"
  for i, pid in ipairs(pids) do
    local name = core.info(pid, "name")
    names[i] = tostring(pid) .. (name and " " .. inspect(name) or "")
    core.exit(pid, "kill")
  end
  await_ends(pids, forever)
  return names
end

-- Stops what the case started; a problem, or nil.
local function stop_all(case)
  local limit <close> = clock.limit(case.grace)
  local rest = {}
  stop_supervised(case, limit, rest)
  local linked = find_linked(case)
  end_process(case)
  for _, pid in ipairs(await_ends(linked, limit)) do rest[#rest + 1] = pid end
  if #rest == 0 then return nil end
  local names = kill(rest)
  return ("what was started here had not ended after %s ms and was killed: %s"):format(
    inspect(case.grace), table.concat(names, ", "))
end

local function failure_of(value)
  if type(value) == "table" and value.class == "exit" then
    return { text = "exit with " .. M.describe(value.reason) }
  end
  local has_text = type(value) == "string" or (debug.getmetatable(value) or {}).__tostring
  local text = has_text and tostring(value) or inspect(value)
  return { text = text .. "\n" .. debug.traceback(nil, 2) }
end

-- Runs a function of on_exit in a process of its own; a problem, or nil.
local function run_on_exit(case, fn)
  local outcome
  local body = function()
    local ok, failure = xpcall(fn, failure_of)
    outcome = ok and "passed" or failure.text
    core.exit "shutdown"
  end
  local pid, ref = core.spawn_local({ monitor = true, orphan = true }, body)
  local limit <close> = clock.limit(case.limit)
  local down = limit:receive { "DOWN", ref }
  if not down then
    local place = place_of(pid)
    core.exit(pid, "kill")
    core.receive { "DOWN", ref }
    return ("a function of on_exit took longer than %s ms\n%s"):format(inspect(case.limit), place)
  elseif not outcome then
    return "the process of a function of on_exit ended with " .. M.describe(down[5])
  end
  return outcome ~= "passed" and "in a function of on_exit: " .. outcome or nil
end

--- Ends a case: its processes, then its functions of on_exit.
---@param case table
---@return string|nil leftovers what had to be killed
---@return string[] failures of functions of on_exit
function M.close(case)
  M.is_dead(case)
  local leftovers = stop_all(case)
  cases[case.pid] = nil
  log.clean()
  local failures = {}
  for i = #case.on_exit, 1, -1 do
    failures[#failures + 1] = run_on_exit(case, case.on_exit[i].fn)
  end
  return leftovers, failures
end

--- Remembers a function for the end; one of the same name gives way, and its place.
---@param case table
---@param name any nil: none; a table is known by its contents
---@param fn function
function M.add_on_exit(case, name, fn)
  for _, entry in ipairs(case.on_exit) do
    if name ~= nil and same(entry.name, name) then
      entry.fn = fn
      return
    end
  end
  case.on_exit[#case.on_exit + 1] = { name = name, fn = fn }
end

return M
