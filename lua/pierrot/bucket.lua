--- bucket: a key-value store in a process. The server is a C actor (src/actor/bucket.c).

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local key_rules = require "pierrot.key"
local start = require "pierrot.start"

local request <const>, check <const> = core.request, key_rules.check_with_server

local M = {}

-- The server answers nil where a success never is: it had no memory, and nothing has changed.
local function no_memory()
  error("not enough memory in the bucket", 3)
end

-- Client ---------------------------------------------------------------------------------------

--- Starts an empty bucket, linked to the caller.
---@param opts? table name, scheduler, max_queue
---@return userdata|nil pid, any reason
function M.start_link(opts)
  return start.actor("bucket", nil, opts, true)
end

--- Starts an empty bucket that is not linked.
---@param opts? table
---@return userdata|nil pid, any reason
function M.start(opts)
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
  check(2, "get", server, key)
  return request(server, "get", key)
end

--- Stores a value, a copy of it.
---@param key any
---@param value any anything a message can hold but nil
---@return true
function M.put(server, key, value)
  check(2, "put", server, key)
  if value == nil then argument.reject(2, 3, "put", "value", nil) end
  return request(server, "put", key, value) or no_memory()
end

--- Removes a key; the value it had, or nil.
---@param key any
---@return any value
function M.delete(server, key)
  check(2, "delete", server, key)
  return request(server, "delete", key)
end

--- Stores a value where there is none yet; whether that was so.
---@param key any
---@param value any
---@return boolean
function M.put_new(server, key, value)
  check(2, "put_new", server, key)
  if value == nil then argument.reject(2, 3, "put_new", "value", nil) end
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
  check(2, "incr", server, key)
  if type(by) ~= "number" then argument.reject(2, 3, "incr", "number", by) end
  local sum = request(server, "incr", key, by)
  if type(sum) == "string" then
    argument.fail(2, 2, "incr", "key of a number expected, its value is a " .. sum)
  end
  return sum or no_memory()
end

--- How many keys there are.
---@return integer
function M.size(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "size", server) end
  return request(server, "size") or no_memory()
end

--- All keys.
---@return any[]
function M.keys(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "keys", server) end
  return request(server, "keys") or no_memory()
end

--- Everything in it.
---@return table<any, any>
function M.items(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "items", server) end
  return request(server, "items") or no_memory()
end

--- Removes all keys.
---@return true
function M.clear(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "clear", server) end
  return request(server, "clear") or no_memory()
end

--- From now on the caller gets {"put", key, value, bucket} for each change and {"delete", key,
--- bucket} for each key that went, before whoever made the change has its answer.
---@return true
function M.subscribe(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "subscribe", server) end
  return request(server, "subscribe") or no_memory()
end

--- Ends subscribe.
---@return true
function M.unsubscribe(server)
  if type(server) ~= "userdata" then argument.check_server(2, 1, "unsubscribe", server) end
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
