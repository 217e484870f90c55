--- The main process of the program: the steps of the command line, then the script.

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

-- With a prompt after all that. What fails before it does not keep it from coming.
local function with_prompt(run, prompt)
  return function()
    prompt.script = run
    local status = require("pierrot.repl").run(prompt)
    if status ~= 0 then require("pierrot").halt(status) end
  end
end

---@param steps { kind: string, text: string }[]
---@param script string|nil a path, or "-" for standard input
---@param prompt { terminal: userdata, version: string }|nil a prompt is wanted
---@return function main
return function(steps, script, prompt)
  -- Without steps before it a script that cannot be loaded is known at once.
  local chunk = script and #steps == 0 and not prompt and load_script(script)
  local function run()
    for _, step in ipairs(steps) do
      if step.kind == "execute" then execute(step.text) else load_module(step.text) end
    end
    if script then
      chunk = chunk or load_script(script)
      chunk(table.unpack(arg))
    end
  end
  if not prompt then return run end
  return with_prompt((script or #steps > 0) and run or nil, prompt)
end
