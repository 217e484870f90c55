---@meta pierrot.application

--- Applications: a supervision tree that is started and stopped as one, after what it needs. An
--- application is a module with `start(args)`, which answers the pid of its top supervisor, and
--- maybe `applications` (what it needs), `env` and `stop()`.
---@class pierrot.application
local application = {}

--- Starts an application; what it needs must run.
---@param app table|string
---@param args? any
---@return true|nil ok
---@return any why `{"already_started", app}`, `{"not_started", dependency}`, or the reason
function application.start(app, args) end

--- Starts an application and what it needs; the list of what was started.
---@param app table|string
---@return table|nil started
---@return any why
function application.ensure_all_started(app) end

--- Stops an application.
---@param app table|string
---@return true|nil ok
---@return any why `{"not_started", app}`
function application.stop(app) end

--- A value of the application's `env`.
---@param app table|string
---@param key any
---@param default? any
---@return any
function application.get_env(app, key, default) end

return application
