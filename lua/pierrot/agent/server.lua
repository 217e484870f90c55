--- The server of an agent: it runs functions on its state.
--
-- The state is what the functions gave, so that sys shows it; a nil, which a server's callback
-- cannot return for a state, stands there as a table of its own.

local core = require "pierrot.core"
local parcel = require "pierrot.parcel"

core.agent_nil = core.agent_nil or {}
local NIL <const> = core.agent_nil

local M = {}

local function enclose(value)
  if value == nil then return NIL end
  return value
end

local function disclose(state)
  if state == NIL then return nil end
  return state
end

-- A function on the state.
local function run(state, wrapped)
  return table.pack(parcel.unwrap_function(wrapped)(disclose(state)))
end

--- Runs the first function: its value is the state.
---@param arg table as the client's start makes it
function M.init(arg)
  local fn = parcel.unwrap_function(arg)
  if not fn then core.exit "normal" end -- whoever starts it waits no more
  return "ok", enclose((fn()))
end

M.handle_call = {
  get = function(state, _, wrapped)
    return "reply", run(state, wrapped)[1]
  end,
  update = function(state, _, wrapped)
    local results = run(state, wrapped)
    if results.n == 0 then return "reply", true end
    return "reply", true, enclose(results[1])
  end,
  get_and_update = function(state, _, wrapped)
    local results = run(state, wrapped)
    if results.n < 2 then return "reply", results[1] end
    return "reply", results[1], enclose(results[2])
  end,
}

M.handle_cast = {
  cast = function(state, wrapped)
    local results = run(state, wrapped)
    if results.n > 0 then return "noreply", enclose(results[1]) end
  end,
}

--- A code change: the code_change of the module that it names makes the new state.
function M.change_inner(module, old, state, extra)
  if type(module.code_change) ~= "function" then return "ok", state end
  local results = table.pack(module.code_change(old, disclose(state), extra))
  if results[1] == "ok" and results.n == 2 then return "ok", enclose(results[2]) end
  return table.unpack(results, 1, results.n)
end

return M
