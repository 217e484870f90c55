---@meta pierrot.testing

--- Support for busted: `busted --helper=pierrot.testing` runs each `it` in a process of its own,
--- and what that has started is gone before the next. The functions are globals of a spec as well.
---@class pierrot.testing
local testing = {}

--- Starts a process that ends with the test; raises when it does not start. Not linked with the
--- test.
---@param spec pierrot.child
---@return pierrot.pid
function testing.start_supervised(spec) end

--- start_supervised that answers a failure.
---@param spec pierrot.child
---@return pierrot.pid|nil pid
---@return any reason
function testing.try_start_supervised(spec) end

--- start_supervised, linked: its crash fails the test.
---@param spec pierrot.child
---@return pierrot.pid
function testing.start_link_supervised(spec) end

--- Ends what start_supervised has started.
---@param id any
---@return true|nil ok
---@return "not_found"|nil why
function testing.stop_supervised(id) end

--- A function that runs after the test, in another process; last registered first.
---@param name any the function, or a name of which the last function counts
---@param fn? function
function testing.on_exit(name, fn) end

--- Waits for a message and returns it; without one the test fails and shows the mailbox.
---@param pattern any
---@param ms? number 100
---@return any message
function testing.assert_receive(pattern, ms) end

--- assert_receive of what is there already.
---@param pattern any
---@return any message
function testing.assert_received(pattern) end

--- Fails when such a message comes.
---@param pattern any
---@param ms? number 100
---@return true
function testing.refute_receive(pattern, ms) end

--- Fails when such a message is there.
---@param pattern any
---@return true
function testing.refute_received(pattern) end

--- What was logged while the function ran, by anyone.
---@param fn function
---@return string
function testing.capture_log(fn) end

--- From now on in this test timers fire by `advance` alone.
function testing.virtual_time() end

--- Lets time pass; returns when all is idle.
---@param ms number
function testing.advance(ms) end

return testing
