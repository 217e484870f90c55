---@meta pierrot.bucket

--- A key-value store in a process, written in C. Keys are strings, numbers, booleans, pids and
--- refs; values are what a message can hold, but nil. Each function exits as `gen_server.call` does
--- when there is no such bucket.
---@class pierrot.bucket
local bucket = {}

--- Starts an empty bucket, linked with the caller.
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function bucket.start_link(opts) end

--- Starts an empty bucket.
---@param opts? pierrot.start_options
---@return pierrot.pid|nil pid
---@return any reason
function bucket.start(opts) end

--- How a supervisor starts a bucket; it is temporary.
---@param arg? pierrot.start_options
---@return pierrot.child_spec
function bucket.child_spec(arg) end

--- The value of a key, or nil.
---@param b pierrot.server
---@param key any
---@return any value
function bucket.get(b, key) end

--- Stores a value.
---@param b pierrot.server
---@param key any
---@param value any
---@return true
function bucket.put(b, key, value) end

--- Stores a value where there is none; whether it did.
---@param b pierrot.server
---@param key any
---@param value any
---@return boolean
function bucket.put_new(b, key, value) end

--- Removes a key; the value that it had, or nil.
---@param b pierrot.server
---@param key any
---@return any value
function bucket.delete(b, key) end

--- Adds to a number, which is 0 where there is none; the new one.
---@param b pierrot.server
---@param key any
---@param by? number 1
---@return number
function bucket.incr(b, key, by) end

--- The number of keys.
---@param b pierrot.server
---@return integer
function bucket.size(b) end

--- All keys, as a list.
---@param b pierrot.server
---@return any[]
function bucket.keys(b) end

--- All keys and values, as a table.
---@param b pierrot.server
---@return table
function bucket.items(b) end

--- Removes all keys.
---@param b pierrot.server
---@return true
function bucket.clear(b) end

--- From now on the caller gets `{"put", key, value, b}` for each change and `{"delete", key, b}`
--- for each key that went.
---@param b pierrot.server
---@return true
function bucket.subscribe(b) end

--- Ends that.
---@param b pierrot.server
---@return true
function bucket.unsubscribe(b) end

--- Ends the bucket, as `gen_server.stop`.
---@param b pierrot.server
---@param reason? any
---@return true
function bucket.stop(b, reason) end

return bucket
