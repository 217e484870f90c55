--- The main process of the program: the steps of the command line, then the script.

local core = require "pierrot.core"

local COMMAND_LINE <const> = "=(command line)"

local function check(chunk, why)
  if not chunk then error(why, 0) end
  return chunk
end

-- -l MODULE, and NAME=MODULE, as lua does. The error for a module that is missing should not name
-- a line of this file.
local function load_module(text)
  local name, module = text:match("^([%a_][%w_]*)=(.*)$")
  if not name then name, module = text, text end
  local chunk = load("return (require(...))", COMMAND_LINE)
  return function() _G[name] = chunk(module) end
end

local function load_step(step)
  if step.kind == "load" then return load_module(step.text) end
  return check(load(step.text, COMMAND_LINE))
end

-- LUA_INIT, as lua has it: code, or a file behind an @. Nil when there is none.
local function load_init()
  for _, name in ipairs { "LUA_INIT_5_4", "LUA_INIT" } do
    local text = os.getenv(name)
    if text then
      local path = text:match "^@(.*)"
      if path then return check(loadfile(path)) end
      return check(load(text, "=" .. name))
    end
  end
end

local function load_script(script)
  if script == "-" then return check(loadfile()) end
  return check(loadfile(script))
end

local function load_command(name)
  local command = require("pierrot.command." .. name)
  return function(...) return command(...) end
end

-- All that is to be run. Without steps before it a script that cannot be loaded is known at once;
-- else a step may be about to write it.
local function make_run(options)
  local chunks = { load_init() }
  local has_steps = #chunks + #options.steps > 0
  for _, step in ipairs(options.steps) do chunks[#chunks + 1] = load_step(step) end
  local script = options.script
  local chunk = options.command and load_command(options.command)
    or script and not has_steps and load_script(script)
  return function()
    for _, step in ipairs(chunks) do step() end
    if not script and not chunk then return end
    chunk = chunk or load_script(script)
    -- Without a script `arg` holds the program's own arguments: what is read gets none of them.
    if options.is_nameless then chunk() else chunk(table.unpack(_G.arg)) end
  end
end

-- With a prompt after all that. What fails before it does not keep it from coming.
local function with_prompt(options)
  local has_work = #options.steps > 0 or options.script or options.command
    or os.getenv "LUA_INIT_5_4" or os.getenv "LUA_INIT"
  local prompt = {
    terminal = options.terminal, version = options.version,
    script = has_work and function() make_run(options)() end or nil,
  }
  return function()
    local status = require("pierrot.repl").run(prompt)
    if status ~= 0 then require("pierrot").halt(status) end
  end
end

-- The end of this process ends what is linked with it, all at once; trees go in order, one by one.
local function stop_trees()
  local loaded = package.loaded
  if loaded["pierrot.supervisor.server"] or loaded["pierrot.supervisor.dynamic"] then
    require("pierrot.ending").stop_linked(core.self())
  end
end

local function as_main(run)
  return function()
    core.main_process = core.self()
    run()
    stop_trees()
  end
end

--- `script` is a path, or "-" for standard input; with `terminal` a prompt is wanted.
---@param options { steps: { kind: string, text: string }[], script: string|nil,
---  command: string|nil, version: string, terminal: userdata|nil, is_nameless: boolean }
---@return function main
return function(options)
  return as_main(options.terminal and with_prompt(options) or make_run(options))
end
