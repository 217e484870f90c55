--- pierrot test: runs busted on spec/, each test in a process of its own.

local HELPER <const> = "--helper=pierrot.testing"

local function has_helper(options)
  for _, option in ipairs(options) do
    if option:find "^%-%-helper" then return true end
  end
  -- A project's own helper, which may require pierrot.testing and add to it.
  local read, config = pcall(dofile, ".busted")
  local default = read and type(config) == "table" and config.default
  return type(default) == "table" and default.helper ~= nil
end

local function find_runner()
  local found, runner = pcall(require, "busted.runner")
  if found then return runner end
  if tostring(runner):find("module 'busted.runner' not found", 1, true) then
    error("pierrot test needs busted for Lua 5.4, and there is none on package.path: "
      .. "install it (Debian calls it lua-busted)", 0)
  end
  error(runner, 0)
end

--- Runs busted with these options of its own; it ends the program.
return function(...)
  local runner = find_runner()
  local options = { [0] = "pierrot test", ... }
  if not has_helper(options) then table.insert(options, 1, HELPER) end
  _G.arg = options
  runner({ standalone = false })
end
