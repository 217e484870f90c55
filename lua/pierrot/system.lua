--- System messages that need Lua, as a gen_server of Lua's answers them: called by its engine, in
--- its process. pierrot.sys asks.

local argument = require "pierrot.argument"
local core = require "pierrot.core"
local parcel = require "pierrot.parcel"

-- The tracer is a process beside the server: it answers at once, if it answers at all.
local LOG_TIMEOUT <const> = 1000

local M = {}

-- The reason of what was raised: {"error", value, traceback}, or that of an exit.
local function failure(value)
  if type(value) == "table" and value.class == "exit" then return { value.reason } end
  local lines = debug.traceback(nil, 2):gsub("\n\t%[C%]: in function 'xpcall'.*", "")
  return { { "error", value, lines } }
end

-- { fn = parcel }: the new state, or { false, why }.
local function replace_state(request, state)
  local is_had, fn = pcall(parcel.unwrap, request.fn)
  if not is_had then return { false, { "error", fn, "" } } end
  if not fn then return { false, "timeout" } end
  local passed, new = xpcall(fn, failure, state)
  if not passed then return { false, new[1] } end
  if new == nil then new = state end
  return { true, new }, true, new
end

-- A table like it, to be filled. What must be told of its end does not end with a copy.
local function empty_like(value)
  local metatable = debug.getmetatable(value)
  if metatable and rawget(metatable, "__gc") then metatable = nil end
  return debug.setmetatable({}, metatable)
end

-- The same shape, with what no message could hold in it as it is.
local function copy_of(root)
  local copies, waiting = {}, {}
  local function copied(value)
    if type(value) ~= "table" then return value end
    if not copies[value] then
      copies[value] = empty_like(value)
      waiting[#waiting + 1] = value
    end
    return copies[value]
  end
  local copy = copied(root)
  while #waiting > 0 do
    local source = table.remove(waiting)
    for key, value in next, source do rawset(copies[source], copied(key), copied(value)) end
  end
  return copy
end

-- What sys.log keeps of a server, the oldest first.
local function logged(tracer)
  local passed, log = pcall(core.call, tracer, { "log", "get" }, LOG_TIMEOUT)
  return passed and log or {}
end

-- What format_status shows of the state, of which it is given a copy: it may well hide things in
-- that. Where it fails the state is not shown: it was to hide something.
local function formatted(state, module, tracer)
  local format = module.format_status
  if type(format) ~= "function" then return state end
  local given = { state = copy_of(state), log = tracer and logged(tracer) or {} }
  local passed, shown = pcall(format, given)
  if not passed then return "format_status crashed" end
  if type(shown) ~= "table" then return "format_status returned no table" end
  if shown.state == nil then shown = given end -- it left that out of a table of its own
  return shown.state
end

local function status(_, state, module, name, tracer)
  local me = core.self()
  local dictionary = {}
  for key, value in next, core.dictionary() do dictionary[key] = value end
  return {
    pid = me, name = core.info(me, "name"), module = name or tostring(module),
    status = core.is_suspended() and "suspended" or "running", parent = core.info(me, "parent"),
    dictionary = dictionary, state = formatted(state, module, tracer),
  }
end

local function find_module(request)
  if request.module == nil then return request.name, require(request.name) end
  return request.name, parcel.unwrap(request.module)
end

-- Of the results of a code_change: the state. Otherwise the reply that says what is wrong.
local function read_change(results)
  if not results[1] then return false, { results[2][1] } end
  if results[2] == "ok" and results.n == 3 then return true, results[3] end
  if results[2] == "error" and results.n == 3 then return false, { results[3] } end
  return false, { { "bad_return_value", results[2] } }
end

-- A server whose module runs another one, as a supervisor does, keeps its own and is told.
local function change_inner(request, state, module, inner)
  local changed, new = read_change(table.pack(xpcall(module.change_inner, failure, inner,
    request.old, state, request.extra)))
  if not changed then return new end
  return true, new ~= nil, new
end

-- { name =, module = parcel, old =, extra = }: true, or { reason }.
local function change_code(request, state, current)
  local passed, name, module = xpcall(find_module, failure, request)
  if not passed then return { name[1] } end
  local is_inner = type(current.change_inner) == "function"
  if type(module) ~= "table" or not (is_inner or module.init) then
    return { { "bad_module", argument.describe(module) } }
  end
  if is_inner then return change_inner(request, state, current, module) end
  if type(module.code_change) ~= "function" then return true, false, nil, module, name end
  local changed, new = read_change(table.pack(xpcall(module.code_change, failure, request.old,
    state, request.extra)))
  if not changed then return new end
  return true, new ~= nil, new, module, name
end

local ANSWERS <const> = {
  replace_state = replace_state, status = status, change_code = change_code,
}

--- Results: the reply [, whether there is a new state, that state [, new module, its name]].
---@param request table
---@param state any
---@param module table
---@param name string|nil
---@param tracer userdata|nil
function M.handle(request, state, module, name, tracer)
  local answer = type(request) == "table" and ANSWERS[request[1]]
  if not answer then return nil end
  return answer(request, state, module, name, tracer)
end

--- format_status of a traced server that ends, called with what was logged of it.
function M.format(format_status, given, tracer)
  given.log = logged(tracer)
  return format_status(given)
end

return M
