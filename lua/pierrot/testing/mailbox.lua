--- Assertions about the caller's mailbox.

local argument = require "pierrot.argument"
local clock = require "pierrot.testing.clock"
local core = require "pierrot.core"
local failure = require "pierrot.testing.failure"
local inspect = require "pierrot.inspect"

local WAIT <const> = 100
local SHOWN <const> = 10

local M = {}

-- The messages, and their number: nil is one, too.
local function mailbox()
  local found = core.info(core.self(), { "messages", "mailbox" })
  return found.messages, found.mailbox
end

-- A pattern may hold functions of the test's, which may fail.
local function has_come_since(pattern)
  local match <const> = require "pierrot".match
  local messages, n = mailbox()
  for i = 1, n do
    local ok, is_match = pcall(match, pattern, messages[i])
    if ok and is_match then return true end
  end
  return false
end

local function mailbox_text()
  local messages, n = mailbox()
  if n == 0 then return "the mailbox is empty" end
  local lines = {}
  for i = math.max(1, n - SHOWN + 1), n do lines[#lines + 1] = "  " .. inspect(messages[i]) end
  local head = n == 1 and "the mailbox holds 1 message"
    or ("the mailbox holds %d messages"):format(n)
  if n > SHOWN then head = head .. (", the last %d of which are"):format(SHOWN) end
  return head .. ":\n" .. table.concat(lines, "\n")
end

local function is_missing(message, why)
  return message == nil and why == "timeout"
end

local function check_wait(fname, ms)
  argument.check_timeout(3, 2, fname, ms)
  if ms == nil then return WAIT end
  return ms
end

--- The next message that matches, which may take so long to come; else the test fails.
---@param pattern any as for pierrot.receive
---@param ms? number|string 100
---@return any message
function M.assert_receive(pattern, ms)
  ms = check_wait("assert_receive", ms)
  local message, why = clock.receive(pattern, ms)
  if is_missing(message, why) then
    local since = has_come_since(pattern) and ", but one has come since" or ""
    failure.raise(2, ("no message matching %s came within %s ms%s; %s"):format(inspect(pattern),
      inspect(ms), since, mailbox_text()))
  end
  return message
end

--- A message that matches and is there already; else the test fails.
---@param pattern any
---@return any message
function M.assert_received(pattern)
  local message, why = core.receive(pattern, 0)
  if is_missing(message, why) then
    failure.raise(2, ("no message matching %s is there; %s"):format(inspect(pattern),
      mailbox_text()))
  end
  return message
end

--- true when no message that matches comes for so long; else the test fails.
---@param pattern any
---@param ms? number|string 100
---@return true
function M.refute_receive(pattern, ms)
  ms = check_wait("refute_receive", ms)
  local message, why = clock.receive(pattern, ms)
  if is_missing(message, why) then return true end
  failure.raise(2, ("a message matching %s came: %s; besides, %s"):format(inspect(pattern),
    inspect(message), mailbox_text()))
end

--- true when no message that matches is there; else the test fails.
---@param pattern any
---@return true
function M.refute_received(pattern)
  local message, why = core.receive(pattern, 0)
  if is_missing(message, why) then return true end
  failure.raise(2, ("a message matching %s is there: %s; besides, %s"):format(
    inspect(pattern), inspect(message), mailbox_text()))
end

return M
