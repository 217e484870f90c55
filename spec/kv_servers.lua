-- SPDX-License-Identifier: MIT
--- For specs of the servers of the key-value application, whose modules it makes known.

local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"
local support = require "spec.support"
local task_supervisor = require "pierrot.task_supervisor"

package.path = support.root .. "/examples/?.lua;" .. package.path

local servers = {}

local n_servers = 0

--- A server of its own for a test, linked with it: its port, and the name that its parts' names
--- begin with.
---@param module table  kv.server or kv.redis
---@param port? integer
function servers.start(module, port)
  n_servers = n_servers + 1
  local name = "kv spec " .. n_servers
  assert(module.start_link { port = port or 0, name = name, ready = pierrot.self() })
  return support.expect { "listening" }[3], name
end

--- A child of the server of that name.
function servers.child(name, id)
  for _, entry in ipairs(supervisor.which_children(name .. ".supervisor")) do
    if entry.id == id then return entry.pid end
  end
end

--- The clients' tasks, when there are so many.
function servers.clients_of(name, n)
  local pids
  repeat
    pierrot.yield()
    pids = task_supervisor.children(name .. ".clients")
  until #pids == n
  return pids
end

return servers
