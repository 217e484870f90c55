--- bucket: a key-value store in a process. The server is a C actor (src/actor/bucket.c).

local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local start = require "pierrot.start"

local request <const> = core.request

local M = {}

-- What a caller gets wrong ---------------------------------------------------------------------

-- `level` as for error, counted from whoever calls this.
local function bad_argument(level, arg, fname, expected, value)
  local given = core.is_pid(value) and "pid" or core.is_ref(value) and "ref" or type(value)
  if value ~= value then given = "NaN" end
  local text = "bad argument #%d to '%s' (%s expected, got %s)"
  error(text:format(arg, fname, expected, given), level + 1)
end

-- Anything but a userdata: a pid needs no look.
local function check_server(level, server, fname)
  local kind = type(server)
  if kind ~= "string" and not (kind == "table" and server[1] == "via") then
    bad_argument(level + 1, 1, fname, "pid, name or via", server)
  end
end

local function check_key(level, key, fname)
  local kind = type(key)
  if kind == "string" or kind == "boolean" or (kind == "number" and key == key)
    or core.is_pid(key) or core.is_ref(key) then
    return
  end
  bad_argument(level + 1, 2, fname, "string, number, boolean, pid or ref", key)
end

local function check(server, key, fname)
  if type(server) ~= "userdata" then check_server(3, server, fname) end
  if type(key) ~= "string" then check_key(3, key, fname) end
end

-- The server answers nil where a success never is: it had no memory, and nothing has changed.
local function no_memory()
  error("not enough memory in the bucket", 3)
end

-- Client ---------------------------------------------------------------------------------------

local function check_options(opts, fname)
  if opts ~= nil and type(opts) ~= "table" then
    bad_argument(3, 1, fname, "table of options", opts)
  end
end

--- Starts an empty bucket, linked to the caller.
---@param opts? table name, scheduler, max_queue
---@return userdata|nil pid, any reason
function M.start_link(opts)
  check_options(opts, "start_link")
  return start.actor("bucket", nil, opts, true)
end

--- Starts an empty bucket that is not linked.
---@param opts? table
---@return userdata|nil pid, any reason
function M.start(opts)
  check_options(opts, "start")
  return start.actor("bucket", nil, opts, false)
end

--- How a supervisor starts a bucket.
---@param arg? table the options of start_link
---@return table
function M.child_spec(arg)
  return {
    id = "pierrot.bucket", start = { "pierrot.bucket", "start_link", arg },
    restart = "temporary", shutdown = 5000, type = "worker",
  }
end

--- The value of a key, nil when there is none. This and all that follow exit as gen_server.call
--- does when there is no such bucket.
---@param server userdata|string|table pid, name or via
---@param key any string, number, boolean, pid or ref
---@return any value
function M.get(server, key)
  if type(server) ~= "userdata" then check_server(2, server, "get") end
  if type(key) ~= "string" then check_key(2, key, "get") end
  return request(server, "get", key)
end

--- Stores a value, a copy of it.
---@param key any
---@param value any anything a message can hold but nil
---@return true
function M.put(server, key, value)
  if type(server) ~= "userdata" then check_server(2, server, "put") end
  if type(key) ~= "string" then check_key(2, key, "put") end
  if value == nil then bad_argument(2, 3, "put", "value", nil) end
  return request(server, "put", key, value) or no_memory()
end

--- Removes a key; the value it had, or nil.
---@param key any
---@return any value
function M.delete(server, key)
  check(server, key, "delete")
  return request(server, "delete", key)
end

--- Stores a value where there is none yet; whether that was so.
---@param key any
---@param value any
---@return boolean
function M.put_new(server, key, value)
  check(server, key, "put_new")
  if value == nil then bad_argument(2, 3, "put_new", "value", nil) end
  local is_new = request(server, "put_new", key, value)
  if is_new == nil then no_memory() end
  return is_new
end

--- Adds to a number, which is 0 at first; what it is then.
---@param key any
---@param by? number 1
---@return number
function M.incr(server, key, by)
  if by == nil then by = 1 end
  check(server, key, "incr")
  if type(by) ~= "number" then bad_argument(2, 3, "incr", "number", by) end
  local sum = request(server, "incr", key, by)
  if type(sum) == "string" then
    local text = "bad argument #2 to 'incr' (key of a number expected, its value is a %s)"
    error(text:format(sum), 2)
  end
  return sum or no_memory()
end

--- How many keys there are.
---@return integer
function M.size(server)
  if type(server) ~= "userdata" then check_server(2, server, "size") end
  return request(server, "size") or no_memory()
end

--- All keys.
---@return any[]
function M.keys(server)
  if type(server) ~= "userdata" then check_server(2, server, "keys") end
  return request(server, "keys") or no_memory()
end

--- Everything in it.
---@return table<any, any>
function M.items(server)
  if type(server) ~= "userdata" then check_server(2, server, "items") end
  return request(server, "items") or no_memory()
end

--- Removes all keys.
---@return true
function M.clear(server)
  if type(server) ~= "userdata" then check_server(2, server, "clear") end
  return request(server, "clear") or no_memory()
end

--- From now on the caller gets {"put", key, value, bucket} for each change and {"delete", key,
--- bucket} for each key that went, before whoever made the change has its answer.
---@return true
function M.subscribe(server)
  if type(server) ~= "userdata" then check_server(2, server, "subscribe") end
  return request(server, "subscribe") or no_memory()
end

--- Ends subscribe.
---@return true
function M.unsubscribe(server)
  if type(server) ~= "userdata" then check_server(2, server, "unsubscribe") end
  return request(server, "unsubscribe") or no_memory()
end

--- Ends the bucket, as gen_server.stop.
---@param server userdata|string|table
---@param ... any reason ("normal"), timeout ("infinity")
---@return true
function M.stop(server, ...)
  return gen_server.stop(server, ...)
end

return M
