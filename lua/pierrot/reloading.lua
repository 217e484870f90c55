--- pierrot.reload: a module loaded anew by every scheduler.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local start = require "pierrot.start"

local M = {}

-- Loads it here. What was loaded before stays when that fails. true; or nil and why.
local function load_here(name)
  local old = package.loaded[name]
  package.loaded[name] = nil
  local passed, why = pcall(require, name)
  if passed then return true end
  package.loaded[name] = old
  return nil, why
end

--- Runs in a process of each other scheduler; its exit says how it went.
---@private
function M.load_for(name, path, cpath)
  package.path, package.cpath = path, cpath
  local loaded, why = load_here(name)
  if not loaded then core.exit { "shutdown", why } end
end

local function load_elsewhere(name)
  local refs, failure = {}, nil
  for index = 1, core.schedulers() do
    if index ~= core.scheduler() then
      local _, ref = start.spawn({ scheduler = index, monitor = true },
        "pierrot.reloading:load_for", name, package.path, package.cpath)
      refs[#refs + 1] = ref
    end
  end
  for _, ref in ipairs(refs) do
    local reason = core.receive({ "DOWN", ref })[5]
    if reason ~= "normal" then failure = failure or reason end
  end
  if not failure then return true end
  return nil, type(failure) == "table" and failure[1] == "shutdown" and failure[2] or failure
end

--- See pierrot.reload.
function M.reload(module)
  local name = module
  if type(module) == "table" then name = start.module_name(module) end
  if type(name) ~= "string" then
    argument.reject(3, 1, "reload", "name of a module", module)
  end
  if name == "pierrot" or name:find("^pierrot%.") then
    argument.fail(3, 1, "reload", ("'%s' is a part of pierrot itself"):format(name))
  end
  local loaded, why = load_here(name)
  if not loaded then return nil, why end
  return load_elsewhere(name)
end

return M
