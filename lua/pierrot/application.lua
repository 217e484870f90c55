--- application: what is started and stopped as one, after what it needs.
--
-- A module with start(args), which gives the pid of a top supervisor; and, if it likes,
-- applications (a list of what it needs), env (a table), stop().

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local master = require "pierrot.application.master"
local parcel = require "pierrot.parcel"
local start_rules = require "pierrot.start"

local M = {}

-- The module and the name that it goes by.
local function find(level, fname, app)
  local module, name = start_rules.check_module(level + 1, fname, app)
  return module, name or start_rules.module_name(module) or tostring(module)
end

local function check_application(level, fname, app)
  local module, name = find(level + 1, fname, app)
  if type(module.start) ~= "function" then
    argument.fail(level + 1, 1, fname, ("module '%s' has no start"):format(name))
  end
  local needs = module.applications
  if needs ~= nil and type(needs) ~= "table" then
    argument.fail(level + 1, 1, fname, ("list expected as applications of '%s', got %s"):format(
      name, argument.describe(needs)))
  end
  return module, name
end

-- The name of something needed, which is loaded only if it is a name no more.
local function name_of(app)
  if type(app) == "string" then return app end
  return start_rules.module_name(app) or tostring(app)
end

-- The process of an application that is started, or is about to be.
local function process_of(app)
  return core.whereis(master.name_of(name_of(app)))
end

local function is_started(app)
  local pid = process_of(app)
  return pid ~= nil and master.is_up(pid)
end

-- The first of what it needs that is not started.
local function missing(module)
  for _, needed in ipairs(module.applications or {}) do
    if not is_started(needed) then return needed end
  end
  return nil
end

-- pid; or nil, reason.
local function begin(level, module, name, args)
  -- A module that is loaded by a name is found by it everywhere.
  local is_named = package.loaded[name] == module
  local request = { module = is_named and name or module, name = name, args = args }
  local wrapped = parcel.wrap(level + 1, request, core.scheduler())
  local _ <close> = parcel.guard(wrapped)
  local pid, reason = gen_server.start(master, wrapped, { name = master.name_of(name) })
  return pid, reason
end

-- The process of a start that somebody else has begun, which a start failed for.
local function other_start(reason, name)
  if type(reason) ~= "table" or reason[1] ~= "already_started" then return nil end
  return reason[2] == core.whereis(master.name_of(name)) and reason[2] or nil
end

local function start(level, app, module, name, args)
  while true do
    local needed = missing(module)
    if needed ~= nil then return nil, { "not_started", needed } end
    local pid, reason = begin(level + 1, module, name, args)
    if pid then return true end
    local other = other_start(reason, name)
    if not other then return nil, reason end
    local outcome, why = master.await(other)
    if outcome == "up" then return nil, { "already_started", app } end
    if outcome == "failed" then return nil, why end
  end
end

--- Starts an application; what it needs must be started. It fails with {"already_started", app},
--- {"not_started", needed}, or what its start failed with.
---@param app table|string a module by table or name
---@param args? any for its start
---@return true|nil, any reason
function M.start(app, args)
  local module, name = check_application(2, "start", app)
  local started, reason = start(2, app, module, name, args)
  if started then return true end
  return nil, reason
end

-- "up", "failed", reason, or "gone": what became of a start that was begun.
local function outcome_of(app)
  local pid = process_of(app)
  if not pid then return "gone" end
  return master.await(pid)
end

-- Starts app after what it needs. `done` gets what was started, in order. What is needed and is no
-- application is a failure like any other: what was started before it stops again.
local function ensure(app, done, path)
  local is_one, module, name = pcall(check_application, 1, "ensure_all_started", app)
  if not is_one then return nil, { app, module } end
  if path[name] then return nil, { app, "needs_itself" } end
  local outcome, why = outcome_of(app)
  if outcome == "up" then return true end
  if outcome == "failed" then return nil, { app, why } end
  path[name] = true
  for _, needed in ipairs(module.applications or {}) do
    local ok, reason = ensure(needed, done, path)
    if not ok then return nil, reason end
  end
  path[name] = nil
  local started, reason = start(3, app, module, name)
  if started then
    done[#done + 1] = app
  elseif type(reason) ~= "table" or reason[1] ~= "already_started" then
    return nil, { app, reason }
  end
  return true
end

--- Starts an application and first what it needs; those that were not started yet, in order. Should
--- one fail, those started before it are stopped again.
---@param app table|string
---@return any[]|nil started, table|nil reason {app, reason}
function M.ensure_all_started(app)
  check_application(2, "ensure_all_started", app)
  local done = {}
  local ok, reason = ensure(app, done, {})
  if ok then return done end
  for i = #done, 1, -1 do M.stop(done[i]) end
  return nil, reason
end

--- Stops an application: its top supervisor, then its own stop() is called.
---@param app table|string
---@return true|nil, table|nil reason {"not_started", app}
function M.stop(app)
  if type(app) ~= "string" then start_rules.check_module(2, "stop", app) end
  local pid = process_of(app)
  if not pid then return nil, { "not_started", app } end
  local ok, failure = pcall(gen_server.stop, pid, "normal", "infinity")
  if ok then return true end
  -- It ended by itself meanwhile.
  if type(failure) == "table" and failure.class == "exit" then
    return nil, { "not_started", app }
  end
  error(failure, 0)
end

-- Whether a name is that of no module at all; one that fails to load is a module.
local function is_nowhere(app)
  if type(app) ~= "string" or package.loaded[app] ~= nil then return false end
  local loaded, fault = pcall(require, app)
  local missing_text = ("module '%s' not found:"):format(app)
  return not loaded and type(fault) == "string" and fault:find(missing_text, 1, true) == 1
end

--- A value of an application's env, started or not; the default also where there is no such module.
---@param app table|string
---@param key any
---@param default? any
---@return any
function M.get_env(app, key, default)
  if is_nowhere(app) then return default end
  local module = find(2, "get_env", app)
  local env = module.env
  local value = type(env) == "table" and key ~= nil and env[key]
  if type(env) ~= "table" or key == nil or value == nil then return default end
  return value
end

return M
