-- SPDX-License-Identifier: MIT
--- Files read and written while other processes go on: `pierrot files.lua FILE...` counts the lines
--- of each in a process of its own. Needs luv.

local pierrot = require "pierrot"
local task = require "pierrot.task"
local uv = require "luv"

local M = {}

local PIECE <const> = 65536

--- The results of a luv function whose last parameter is a callback; nil, reason when it fails.
local function await(fn, ...)
  local me <const>, ref <const> = pierrot.self(), pierrot.make_ref()
  local arguments <const> = table.pack(...)
  arguments[arguments.n + 1] = function(err, ...) pierrot.send(me, { ref, err, ... }) end
  local begun, failure = fn(table.unpack(arguments, 1, arguments.n + 1))
  if not begun then return nil, failure end
  local message <const> = pierrot.receive { ref }
  if message[2] then return nil, message[2] end
  return table.unpack(message, 3)
end

--- Calls `fn(piece)` for what the file holds, piece by piece: true; or nil, reason. The file closes
--- with its process, so an error in `fn` leaves nothing open.
function M.each_piece(path, fn)
  local fd, failure = await(uv.fs_open, path, "r", 0)
  if not fd then return nil, failure end
  local offset = 0
  repeat
    local piece
    piece, failure = await(uv.fs_read, fd, PIECE, offset)
    if piece and piece ~= "" then
      offset = offset + #piece
      fn(piece)
    end
  until not piece or piece == ""
  await(uv.fs_close, fd)
  if failure then return nil, failure end
  return true
end

--- All of a file; or nil, reason.
function M.read(path)
  local pieces <const> = {}
  local done, failure = M.each_piece(path, function(piece) pieces[#pieces + 1] = piece end)
  if not done then return nil, failure end
  return table.concat(pieces)
end

--- Puts `text` in the place of what the file held: true; or nil, reason. Whoever reads meanwhile
--- finds the old file or the new one.
function M.write(path, text)
  local new <const> = path .. ".new"
  local fd, failure = await(uv.fs_open, new, "w", tonumber("644", 8))
  if not fd then return nil, failure end
  local offset = 0
  while offset < #text do
    local n
    n, failure = await(uv.fs_write, fd, text:sub(offset + 1, offset + PIECE), offset)
    if not n then break end
    offset = offset + n
  end
  await(uv.fs_close, fd)
  if failure then
    await(uv.fs_unlink, new)
    return nil, failure
  end
  return await(uv.fs_rename, new, path)
end

local function count_lines(path)
  local n = 0
  local done, failure = M.each_piece(path, function(piece)
    n = n + select(2, piece:gsub("\n", "\n"))
  end)
  return done and n or failure
end

local function main(paths)
  local tasks <const> = {}
  for i, path in ipairs(paths) do tasks[i] = task.async(count_lines, path) end
  for i, path in ipairs(paths) do print(path, task.await(tasks[i])) end
end

if arg and arg[0] and arg[0]:match "files%.lua$" then main(arg) end

return M
