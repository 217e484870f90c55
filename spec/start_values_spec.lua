-- SPDX-License-Identifier: MIT
--- What starts a process gives its pid, and no value beside it; what succeeds gives one value.

local pierrot = require "pierrot"
local support = require "spec.support"

local Server <const> = { init = function() return "ok", {} end }
local function nothing() end

local STARTS <const> = {
  ["pierrot.spawn"] = function() return pierrot.spawn(nothing) end,
  ["pierrot.spawn_opt"] = function() return pierrot.spawn_opt({}, nothing) end,
  ["gen_server.start_link"] = function()
    return require("pierrot.gen_server").start_link(Server, nil, { name = "start values" })
  end,
  ["bucket.start_link"] = function() return require("pierrot.bucket").start_link() end,
  ["bucket.start with a name"] = function()
    return require("pierrot.bucket").start { name = "start values" }
  end,
  ["bucket.start with a via"] = function()
    local registry = require("pierrot.registry").start_link()
    return require("pierrot.bucket").start { name = { "via", registry, "start values" } }
  end,
  ["registry.start_link"] = function() return require("pierrot.registry").start_link() end,
  ["supervisor.start_link"] = function()
    return require("pierrot.supervisor").start_link({}, { strategy = "one_for_one" })
  end,
  ["dynamic_supervisor.start_link"] = function()
    return require("pierrot.dynamic_supervisor").start_link()
  end,
  ["task_supervisor.start_link"] = function()
    return require("pierrot.task_supervisor").start_link()
  end,
  ["task_supervisor.start_child"] = function()
    local task_supervisor = require "pierrot.task_supervisor"
    return task_supervisor.start_child(task_supervisor.start_link(), nothing)
  end,
  ["agent.start_link"] = function() return require("pierrot.agent").start_link(nothing) end,
  ["agent.start"] = function() return require("pierrot.agent").start(nothing) end,
  ["task.start"] = function() return require("pierrot.task").start(nothing) end,
}

for name, start in pairs(STARTS) do
  it(name .. " gives the pid alone", support.alone(function()
    local results = table.pack(start())

    assert.is_true(pierrot.is_pid(results[1]))
    assert.equal(1, results.n)
    if pierrot.is_alive(results[1]) then pierrot.exit(results[1], "kill") end
  end))
end

local OTHERS <const> = {
  ["application.start"] = function()
    return require("pierrot.application").start {
      start = function() return require("pierrot.gen_server").start_link(Server) end,
    }
  end,
  ["reload"] = function() return pierrot.reload "spec.fixtures.counter" end,
  ["task.ignore of one that runs"] = function()
    local task = require "pierrot.task"
    return task.ignore(task.async(pierrot.receive, "never sent"))
  end,
  ["task_supervisor.terminate_child"] = function()
    local tasks = require "pierrot.task_supervisor"
    local sup = tasks.start_link()
    return tasks.terminate_child(sup, tasks.start_child(sup, pierrot.receive, "never sent"))
  end,
}

for name, call in pairs(OTHERS) do
  it(name .. " gives one value", support.alone(function()
    assert.equal(1, select("#", call()))
  end))
end
