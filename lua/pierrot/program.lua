--- The main process of the program: the steps of the command line, then the script.

local core = require "pierrot.core"

local function execute(code)
  local chunk, why = load(code, "=(command line)")
  if not chunk then error(why, 0) end
  chunk()
end

-- -l MODULE, and NAME=MODULE, as lua does.
local function load_module(text)
  local name, module = text:match("^([%a_][%w_]*)=(.*)$")
  if not name then name, module = text, text end
  local loaded = require(module)
  _G[name] = loaded
end

local function load_script(script)
  local chunk, why
  if script == "-" then
    chunk, why = loadfile()
  else
    chunk, why = loadfile(script)
  end
  if not chunk then error(why, 0) end
  return chunk
end

-- The end of this process ends what is linked with it, all at once; trees go in order, one by one.
local function stop_trees()
  local loaded = package.loaded
  if loaded["pierrot.supervisor.server"] or loaded["pierrot.supervisor.dynamic"] then
    require("pierrot.ending").stop_linked(core.self())
  end
end

---@param steps { kind: string, text: string }[]
---@param script string|nil a path, or "-" for standard input
---@return function main
return function(steps, script)
  -- Without steps before it a script that cannot be loaded is known at once.
  local chunk = script and #steps == 0 and load_script(script)
  return function()
    core.main_process = core.self()
    for _, step in ipairs(steps) do
      if step.kind == "execute" then execute(step.text) else load_module(step.text) end
    end
    if script then
      chunk = chunk or load_script(script)
      chunk(table.unpack(arg))
    end
    stop_trees()
  end
end
