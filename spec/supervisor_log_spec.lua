-- SPDX-License-Identifier: MIT
--- What supervisors write to the log.

local support = require "spec.support"

describe("a supervisor's log", function()
  it("LOG-004 has one report for a child that failed", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      local supervisor = require "pierrot.supervisor"
      local child = { id = "milk", start = function()
        return pierrot.spawn_link(function() pierrot.receive() pierrot.exit("sour") end)
      end }
      local sup = supervisor.start_link({ child }, { strategy = "one_for_one", name = "larder" })
      local pid = supervisor.which_children(sup)[1].pid
      local ref = pierrot.monitor(pid)
      pierrot.send(pid, "go")
      pierrot.receive { "DOWN", ref }
      supervisor.count_children(sup)
      supervisor.stop(sup)
    ]]

    local _, n = errors:gsub("child_terminated", "")
    assert.equal(1, n, errors)
    assert.is_truthy(errors:find('supervisor "larder" <', 1, true), errors)
    assert.is_truthy(errors:find('child "milk" <', 1, true), errors)
    assert.is_truthy(errors:find('reason: "sour"', 1, true), errors)
  end)

  it("LOG-004 says that a start failed, and which", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      pierrot.trap_exit(true)
      local supervisor = require "pierrot.supervisor"
      supervisor.start_link({ { id = "milk", start = function() return nil, "sold out" end } },
        { strategy = "one_for_one" })
    ]]

    local _, n = errors:gsub("start_error", "")
    assert.equal(1, n, errors)
    assert.is_truthy(errors:find('child "milk"', 1, true), errors)
    assert.is_truthy(errors:find('reason: "sold out"', 1, true), errors)
  end)

  it("LOG-004 says that a child did not stop in time", function()
    local _, errors = support.run_script [[
      local pierrot = require "pierrot"
      local supervisor = require "pierrot.supervisor"
      local main = pierrot.self()
      local sup = supervisor.start_link({ { id = "milk", shutdown = 1, start = function()
        return pierrot.spawn_link(function()
          pierrot.trap_exit(true)
          pierrot.send(main, "up")
          pierrot.receive("never sent")
        end)
      end } }, { strategy = "one_for_one" })
      pierrot.receive("up")
      supervisor.stop(sup)
    ]]

    assert.is_truthy(errors:find("shutdown_error", 1, true), errors)
    assert.is_truthy(errors:find('child "milk"', 1, true), errors)
    assert.is_truthy(errors:find('reason: "killed"', 1, true), errors)
  end)

  it("is silent about children that end in order", function()
    local _, errors = support.run_script [[
      local supervisor = require "pierrot.supervisor"
      local sup = supervisor.start_link({ "pierrot.bucket" }, { strategy = "one_for_one" })
      require("pierrot.bucket").stop(supervisor.which_children(sup)[1].pid)
      supervisor.start_child(sup, "pierrot.registry")
      supervisor.stop(sup)
    ]]

    assert.equal("", errors)
  end)
end)
