-- SPDX-License-Identifier: MIT
-- Bodies of the processes that the workloads send plain messages to. They are named as
-- "bench.peers:pong", so that they run on any scheduler.

local pierrot = require "pierrot"

local receive <const>, send <const> = pierrot.receive, pierrot.send

local MSG <const> = { "msg", pierrot.any }

local M = {}

--- Answers {"ping", pid} with "pong" until "stop".
function M.pong()
  while true do
    local msg = receive()
    if msg == "stop" then return end
    send(msg[2], "pong")
  end
end

--- Answers {tag, pid} with {tag, "reply"} until "stop".
function M.answer()
  while true do
    local msg = receive()
    if msg == "stop" then return end
    send(msg[2], { msg[1], "reply" })
  end
end

--- Takes n messages {"msg", i}.
---@param n integer
function M.drain(n)
  for _ = 1, n do receive(MSG) end
end

--- Takes n messages and then tells the client.
---@param client userdata
---@param n integer
function M.sink(client, n)
  M.drain(n)
  send(client, "done")
end

--- Sends n messages {"msg", i}.
---@param pid userdata
---@param n integer
function M.sends(pid, n)
  for i = n, 1, -1 do send(pid, { "msg", i }) end
end

--- Spins for ever.
function M.hog()
  local n = 0
  while true do n = n + 1 end
end

--- Makes garbage for ever, a little in each slice.
function M.litter()
  while true do
    local chain
    for i = 1, 100 do chain = { id = i, name = { i }, rest = chain } end
    pierrot.yield()
  end
end

return M
