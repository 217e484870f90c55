--- The files that pierrot new writes; NAME stands for the name of the project.

return {
  { path = "README.md", text = [[
# NAME

```sh
pierrot test                 # runs the tests in spec/
pierrot --no-halt main.lua   # runs the application, until Ctrl-C
pierrot -i main.lua          # the same with a prompt
```

`NAME/application.lua` says which processes there are, and how they are restarted.
`NAME/counter.lua` is one of them: a server that counts things by name.
]] },

  { path = "main.lua", text = [[
--- Starts the application: pierrot --no-halt main.lua, or with a prompt pierrot -i main.lua

local application = require "pierrot.application"
local pierrot = require "pierrot"

assert(application.start "NAME.application")

-- When the application gives up, so does the program.
pierrot.spawn(function()
  local ref = pierrot.monitor "NAME.supervisor"
  pierrot.receive { "DOWN", ref }
  pierrot.halt(1)
end)
]] },

  { path = "NAME/application.lua", text = [[
--- The application: its processes, and how they are restarted.

local supervisor = require "pierrot.supervisor"

local M = {}

--- Starts the tree; what starts it is linked with it.
---@return userdata|nil pid, any reason
function M.start()
  return supervisor.start_link({
    { "NAME.counter", { name = "NAME.counter" } },
  }, { strategy = "one_for_one", name = "NAME.supervisor" })
end

return M
]] },

  { path = "NAME/counter.lua", text = [[
--- counter: counts things by name, in a process.

local gen_server = require "pierrot.gen_server"

local M = {}

-- Client ---------------------------------------------------------------------------------------

--- Starts a counter, linked to the caller.
---@param opts? { name: string }
---@return userdata|nil pid, any reason
function M.start_link(opts)
  return gen_server.start_link("NAME.counter", nil, opts)
end

--- Adds so many of a thing, 1 without a number. The number of all of it.
---@param counter userdata|string pid or name
---@param thing string
---@param n? integer
---@return integer
function M.add(counter, thing, n)
  return gen_server.call(counter, { "add", thing, n or 1 })
end

--- How many of a thing there are.
---@param counter userdata|string
---@param thing string
---@return integer
function M.get(counter, thing)
  return gen_server.call(counter, { "get", thing })
end

-- Server ---------------------------------------------------------------------------------------

function M.init()
  return "ok", {}
end

M.handle_call = {
  add = function(counts, _, thing, n)
    counts[thing] = (counts[thing] or 0) + n
    return "reply", counts[thing]
  end,

  get = function(counts, _, thing)
    return "reply", counts[thing] or 0
  end,
}

return M
]] },

  { path = "spec/counter_spec.lua", text = [[
local counter = require "NAME.counter"

describe("a counter", function()
  local pid

  -- What a test starts is gone before the next one.
  before_each(function() pid = start_supervised("NAME.counter") end)

  it("has nothing of what was never added", function()
    assert.equal(0, counter.get(pid, "milk"))
  end)

  it("adds up", function()
    counter.add(pid, "milk")
    counter.add(pid, "eggs", 6)

    assert.equal(3, counter.add(pid, "milk", 2))
    assert.equal(6, counter.get(pid, "eggs"))
  end)
end)
]] },

  { path = "spec/application_spec.lua", text = [[
local application = require "NAME.application"
local counter = require "NAME.counter"
local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"

describe("the application", function()
  local top

  before_each(function()
    top = start_supervised { id = "NAME", start = application.start, type = "supervisor" }
  end)

  it("has a counter that goes by its name", function()
    assert.equal(1, counter.add("NAME.counter", "milk"))
  end)

  it("starts another counter when one crashes", function()
    counter.add("NAME.counter", "milk")
    local ref = pierrot.monitor("NAME.counter")

    pierrot.exit(pierrot.whereis "NAME.counter", "kill")

    assert_receive { "DOWN", ref }
    supervisor.which_children(top) -- answered when the supervisor has done its part
    assert.equal(0, counter.get("NAME.counter", "milk"))
  end)
end)
]] },

  { path = ".busted", text = [[
return {
  default = {
    ROOT = { "spec" },
    helper = "pierrot.testing",
  },
}
]] },
}
