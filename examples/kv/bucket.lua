-- SPDX-License-Identifier: MIT
--- A bucket as a user would write it: a gen_server that keeps keys and values, and tells those who
--- have subscribed of each change.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local Bucket = {}

-- Client ---------------------------------------------------------------------

--- Starts an empty bucket linked to the caller.
---@param opts? table  as gen_server.start_link takes them: name
---@return pid|nil bucket
---@return any reason  why there is none
function Bucket.start_link(opts)
  return gen_server.start_link(Bucket, nil, opts)
end

--- How a supervisor starts one: nobody misses a bucket that has lost what it held.
---@param opts? table
---@return table
function Bucket.child_spec(opts)
  return {
    id = Bucket, start = function() return Bucket.start_link(opts) end, restart = "temporary",
  }
end

--- The value of a key, nil when there is none. This and all that follow exit as a call does.
---@param bucket pid|string|table
---@param key any
---@return any value
function Bucket.get(bucket, key)
  return gen_server.call(bucket, { "get", key })
end

--- Stores a value.
---@param bucket pid|string|table
---@param key any
---@param value any
---@return true
function Bucket.put(bucket, key, value)
  return gen_server.call(bucket, { "put", key, value })
end

--- Removes a key. Gives the value it had.
---@param bucket pid|string|table
---@param key any
---@return any value
function Bucket.delete(bucket, key)
  return gen_server.call(bucket, { "delete", key })
end

--- From now on the caller gets {"put", key, value, bucket} and {"delete", key, bucket}.
---@param bucket pid|string|table
---@return true
function Bucket.subscribe(bucket)
  return gen_server.cast(bucket, { "subscribe", pierrot.self() })
end

--- Ends the bucket.
---@param bucket pid|string|table
---@param ... any reason, timeout
---@return true
function Bucket.stop(bucket, ...)
  return gen_server.stop(bucket, ...)
end

-- Server ---------------------------------------------------------------------

local function tell(state, message)
  for _, subscriber in pairs(state.subscribers) do pierrot.send(subscriber, message) end
end

function Bucket.init()
  return "ok", { items = {}, subscribers = {} }
end

Bucket.handle_call = {
  get = function(state, _, key) return "reply", state.items[key] end,

  put = function(state, _, key, value)
    state.items[key] = value
    tell(state, { "put", key, value, pierrot.self() })
    return "reply", true
  end,

  delete = function(state, _, key)
    local value = state.items[key]
    state.items[key] = nil
    if value ~= nil then tell(state, { "delete", key, pierrot.self() }) end
    return "reply", value
  end,
}

Bucket.handle_cast = {
  subscribe = function(state, pid) state.subscribers[pierrot.monitor(pid)] = pid end,
}

Bucket.handle_info = {
  DOWN = function(state, ref) state.subscribers[ref] = nil end,
}

return Bucket
