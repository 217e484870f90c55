-- SPDX-License-Identifier: MIT
-- Where and when something was measured, in one line.

local function read_first(path, pattern)
  local file <close> = io.open(path)
  return file and file:read("a"):match(pattern) or "?"
end

--- "2026-11-21, some CPU, 2 cores"
---@return string
return function()
  local _, cores = read_first("/proc/cpuinfo", "^(.*)$"):gsub("processor%s*:", "")
  return ("%s, %s, %d cores"):format(os.date("%Y-%m-%d"),
    read_first("/proc/cpuinfo", "model name%s*:%s*([^\n]*)"), cores)
end
