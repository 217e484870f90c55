--- The server of an agent: it runs functions on its state.
--
-- The state is what the functions gave, a nil too, so that sys shows it.

local core = require "pierrot.core"
local parcel = require "pierrot.parcel"

local M = {}

-- A nil would leave the state as it is.
local function as_state(value)
  if value == nil then return core.nil_state end
  return value
end

-- A function on the state.
local function run(state, wrapped)
  return table.pack(parcel.unwrap_function(wrapped)(state))
end

--- Runs the first function: its value is the state.
---@param arg table as the client's start makes it
function M.init(arg)
  local fn = parcel.unwrap_function(arg)
  if not fn then core.exit "normal" end -- whoever starts it waits no more
  return "ok", as_state((fn()))
end

M.handle_call = {
  get = function(state, _, wrapped)
    return "reply", run(state, wrapped)[1]
  end,
  update = function(state, _, wrapped)
    local results = run(state, wrapped)
    if results.n == 0 then return "reply", true end
    return "reply", true, as_state(results[1])
  end,
  get_and_update = function(state, _, wrapped)
    local results = run(state, wrapped)
    if results.n < 2 then return "reply", results[1] end
    return "reply", results[1], as_state(results[2])
  end,
}

M.handle_cast = {
  cast = function(state, wrapped)
    local results = run(state, wrapped)
    if results.n > 0 then return "noreply", as_state(results[1]) end
  end,
}

--- A code change: the code_change of the module that it names makes the new state.
function M.change_inner(module, old, state, extra)
  if type(module.code_change) ~= "function" then return "ok", state end
  local results = table.pack(module.code_change(old, state, extra))
  if results[1] == "ok" and results.n == 2 then return "ok", as_state(results[2]) end
  return table.unpack(results, 1, results.n)
end

return M
