--- Keys of buckets and registries: what a Lua table takes as a key and is no table.

local argument = require "pierrot.argument"

local M = {}

M.is_key = argument.is_key

--- Raises for a second argument that is no key.
---@param level integer as in pierrot.argument
---@param fname string
---@param value any
function M.check(level, fname, value)
  if M.is_key(value) then return end
  argument.reject(level + 1, 2, fname, "string, number, boolean, pid or ref", value)
end

--- Raises for what are no server and key; most are a pid and a string, which need no look.
---@param level integer
---@param fname string
---@param server any
---@param value any
function M.check_with_server(level, fname, server, value)
  if type(server) ~= "userdata" then argument.check_server(level + 1, 1, fname, server) end
  if type(value) ~= "string" then M.check(level + 1, fname, value) end
end

return M
