--- The end of the program: supervision trees are stopped before all else, the last started first.

local core = require "pierrot.core"

local M = {}

-- What stops them is loaded by those who have something to stop: a script that has not ends in half
-- the time.

local function is_supervisor(pid)
  local dictionary = core.info(pid, "dictionary")
  return dictionary ~= nil and dictionary["$supervisor"] == true
end

-- `reason` "normal" leaves whoever is linked with it alive.
local function stop(pid, reason)
  pcall(require("pierrot.gen_server").stop, pid, reason)
end

--- Stops the supervisors that a process is linked with, the last linked first.
---@param pid userdata
function M.stop_linked(pid)
  local links = core.info(pid, "links") or {}
  for i = #links, 1, -1 do
    if is_supervisor(links[i]) then stop(links[i], "normal") end
  end
end

-- In a module of another program the first process of all stands for its main state.
local function main_process()
  return core.main_process or (core.configure and core.parse_pid "<0.0.0>")
end

--- Stops the trees of the main process, then the applications.
function M.run()
  local main = main_process()
  if main then M.stop_linked(main) end
  -- Applications have names.
  if #core.registered() == 0 then return end
  for _, pid in ipairs(require("pierrot.application.master").all()) do stop(pid, "shutdown") end
end

return M
