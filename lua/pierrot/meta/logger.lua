---@meta pierrot.logger

--- The log: lines of programs and reports of crashes.
---@class pierrot.logger
local logger = {}

--- Logs a line; the arguments are those of string.format.
---@param text string
---@param ... any
---@return true
function logger.debug(text, ...) end

---@param text string
---@param ... any
---@return true
function logger.info(text, ...) end

---@param text string
---@param ... any
---@return true
function logger.warning(text, ...) end

---@param text string
---@param ... any
---@return true
function logger.error(text, ...) end

--- Drops what is below a level; `"none"` drops all.
---@param level "debug"|"info"|"warning"|"error"|"none"
---@return true
function logger.set_level(level) end

--- From now on `fn(event)` is called for each event, in the logger's process. An event has `level`, `text`,
--- `time` (ms of the wall clock), `pid`, and of a crash `report`: `what`, `pid`, `name`, `reason`,
--- `initial_call`, `client`, `ancestors`, `callers`. A handler that fails is removed, and reported. The default
--- handler is `"default"`; when it was removed, that id without a function brings it back.
---@param id any
---@param fn? fun(event: table)
---@return true|nil ok
---@return any why
function logger.add_handler(id, fn) end

--- Removes a handler.
---@param id any
---@return true|nil ok
---@return any why
function logger.remove_handler(id) end

--- The ids of all handlers.
---@return any[]
function logger.handlers() end

--- Returns when all that was logged before, by anyone, has been handled.
---@return true
function logger.flush() end

return logger
