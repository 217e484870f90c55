-- SPDX-License-Identifier: MIT
--- What the servers of the key-value application have in common: a tree of a registry of buckets, a
--- supervisor of the clients' tasks, and a task that accepts clients.
---
--- A client is a task that owns its socket: whatever becomes of it is nobody else's affair. When
--- the acceptor ends it is started again and listens on the same port; clients do not notice.

local pierrot = require "pierrot"
local supervisor = require "pierrot.supervisor"
local task = require "pierrot.task"
local task_supervisor = require "pierrot.task_supervisor"
local tcp = require "pierrot.tcp"

local acceptor = {}

local RETRIES <const> = 50
local RETRY_MS <const> = 20

---@class kv.server.options
---@field port integer             0: a free one
---@field ip? string               127.0.0.1
---@field name string              begins the names of the parts: "<name>.clients", …
---@field socket table             options of the sockets
---@field serve fun(socket: userdata, server: kv.server.options)  a client's task
---@field children? table[]        started before the clients' supervisor
---@field ready? userdata          gets {"listening", ip, port} each time the acceptor has begun

-- The socket of an acceptor that was killed closes a moment after it.
local function listen(server)
  local options = { ip = server.ip, backlog = 1024 }
  for name, value in pairs(server.socket) do options[name] = value end
  for _ = 1, RETRIES do
    local listener, reason = tcp.listen(server.port, options)
    if listener then return listener end
    if reason ~= "eaddrinuse" then error("cannot listen: " .. reason, 0) end
    pierrot.sleep(RETRY_MS)
  end
  error("cannot listen: the port is taken", 0)
end

local function accept_clients(server)
  local listener = listen(server)
  if server.ready then
    pierrot.send(server.ready, { "listening", tcp.sockname(listener) })
  end
  while true do
    local socket, reason = tcp.accept(listener)
    if not socket then error("cannot accept: " .. reason, 0) end
    local pid = task_supervisor.start_child(server.name .. ".clients", function()
      server.serve(socket, server)
    end)
    -- A client that has ended already takes its socket along when this process does not keep it.
    if not pid or not tcp.controlling_process(socket, pid) then tcp.close(socket) end
  end
end

--- Starts the tree, linked to the caller.
---@param server kv.server.options
---@return userdata|nil pid, any reason
function acceptor.start_link(server)
  local children = { table.unpack(server.children or {}) }
  children[#children + 1] = {
    id = "clients", restart = "permanent", type = "supervisor", shutdown = "infinity",
    start = function()
      return task_supervisor.start_link { name = server.name .. ".clients" }
    end,
  }
  children[#children + 1] = {
    id = "acceptor", restart = "permanent",
    start = function()
      return task.start_link(function() accept_clients(server) end)
    end,
  }
  return supervisor.start_link(children,
    { strategy = "one_for_one", name = server.name .. ".supervisor" })
end

return acceptor
