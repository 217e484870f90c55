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

  -- What is written when `body` has run; `milk` gives an error value that shows itself.
  local function log_of(body)
    local _, errors = support.run_script([[
      local pierrot = require "pierrot"
      local gen_server = require "pierrot.gen_server"
      local supervisor = require "pierrot.supervisor"
      local dynamic_supervisor = require "pierrot.dynamic_supervisor"
      local function milk()
        return setmetatable({ code = 7 }, { __tostring = function() return "no milk" end })
      end
      pierrot.trap_exit(true)
    ]] .. body)
    return errors
  end

  for what, body in pairs {
    ["child_terminated"] = [[
      local sup = supervisor.start_link({ { id = "milk", start = function()
        return pierrot.spawn_link(function() pierrot.receive() error(milk()) end)
      end } }, { strategy = "one_for_one" })
      local pid = supervisor.which_children(sup)[1].pid
      local ref = pierrot.monitor(pid)
      pierrot.send(pid, "go")
      pierrot.receive { "DOWN", ref }
      supervisor.stop(sup)
    ]],
    ["child_terminated on another scheduler"] = [[
      local server = {
        init = function() return "ok", {} end,
        handle_cast = function() error(milk()) end,
      }
      local sup = supervisor.start_link({ { id = "milk", start = function()
        return gen_server.start_link(server, nil, { scheduler = pierrot.schedulers() })
      end } }, { strategy = "one_for_one" })
      local pid = supervisor.which_children(sup)[1].pid
      local ref = pierrot.monitor(pid)
      gen_server.cast(pid, "go")
      pierrot.receive { "DOWN", ref }
      supervisor.stop(sup)
    ]],
    ["start_error of init"] = [[
      local server = { init = function() error(milk()) end }
      supervisor.start_link({ { id = "milk", start = function()
        return gen_server.start_link(server)
      end } }, { strategy = "one_for_one" })
    ]],
    ["start_error of the start function"] = [[
      supervisor.start_link({ { id = "milk", start = function() error(milk()) end } },
        { strategy = "one_for_one" })
    ]],
    ["shutdown_error"] = [[
      local server = {
        init = function() pierrot.trap_exit(true) return "ok", {} end,
        terminate = function() error(milk()) end,
      }
      local sup = supervisor.start_link({ { id = "milk", start = function()
        return gen_server.start_link(server)
      end } }, { strategy = "one_for_one" })
      supervisor.stop(sup)
    ]],
    ["shutdown_error of a dynamic one"] = [[
      local server = {
        init = function() pierrot.trap_exit(true) return "ok", {} end,
        terminate = function() error(milk()) end,
      }
      local sup = dynamic_supervisor.start_link()
      dynamic_supervisor.start_child(sup, { start = function()
        return gen_server.start_link(server)
      end })
      dynamic_supervisor.stop(sup)
    ]],
  } do
    it("LOG-004 shows an error value as its __tostring does: " .. what, function()
      local errors = log_of(body)

      assert.is_truthy(errors:find(what:match "^[%w_]+", 1, true), errors)
      assert.is_truthy(errors:find("\n  reason: no milk\n", 1, true), errors)
      assert.is_falsy(errors:find("\n  reason: {", 1, true), errors)
    end)
  end

  it("LOG-004 shows an error value as any other where its __tostring raises", function()
    local errors = log_of [[
      local value = setmetatable({ code = 7 }, { __tostring = function() error "no text" end })
      supervisor.start_link({ { id = "milk", start = function() error(value) end } },
        { strategy = "one_for_one" })
    ]]

    assert.is_truthy(errors:find("\n  reason: {code = 7}\n", 1, true), errors)
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
