--- testing: processes under test. Under busted, as its helper or required by a spec file, every
--- test runs in a process of its own, and what it started is gone before the next one.

local hook_of = require "pierrot.testing.busted"
local log = require "pierrot.testing.log"
local mailbox = require "pierrot.testing.mailbox"
local supervised = require "pierrot.testing.supervised"
local virtual = require "pierrot.testing.virtual"

-- Spec files that require these get the ones that are loaded now: busted forgets, after each file,
-- what that file has loaded.
for _, name in ipairs {
  "gen_server", "supervisor", "dynamic_supervisor", "bucket", "registry", "logger", "agent", "task",
  "task_supervisor", "inspect",
} do
  require("pierrot." .. name)
end
require "pierrot"

local M = {
  start_supervised = supervised.start_supervised,
  try_start_supervised = supervised.try_start_supervised,
  start_link_supervised = supervised.start_link_supervised,
  stop_supervised = supervised.stop_supervised,
  on_exit = supervised.on_exit,
  assert_receive = mailbox.assert_receive,
  assert_received = mailbox.assert_received,
  refute_receive = mailbox.refute_receive,
  refute_received = mailbox.refute_received,
  capture_log = log.capture_log,
  virtual_time = virtual.virtual_time,
  advance = virtual.advance,
}

-- A number of real milliseconds that the environment may give.
local function read_time(name)
  local text = os.getenv(name)
  if text == nil or text == "" then return nil end
  if text == "infinity" then return text end
  local ms = tonumber(text)
  if not ms or ms ~= ms or ms <= 0 then
    error(("%s: milliseconds or infinity expected, got %s"):format(name, text), 0)
  end
  return ms
end

local function set_globals()
  for name, value in next, M do rawset(_G, name, value) end
end

local busted = hook_of.find()
if not busted then return M end

-- Another file of the same run has loaded this one before.
local hook = busted.pierrot_testing
if not hook then
  hook = hook_of.install(busted, {
    limit = read_time "PIERROT_TEST_TIMEOUT", grace = read_time "PIERROT_TEST_GRACE",
  })
  hook.module = M
  busted.pierrot_testing = hook
end
hook_of.extend(hook)
M = hook.module
set_globals()
return M
