-- SPDX-License-Identifier: MIT
--- The key-value application: a supervisor of buckets, then the registry that knows them by name.
--
-- A registry without its buckets, or the other way round, is of no use: should one of the two fail,
-- both begin anew.

local supervisor = require "pierrot.supervisor"

local Application = {}

Application.env = { registry = "kv.names", buckets = "kv.buckets" }

-- The built-in registry looks after its buckets itself.
local function registry_spec(module, name, buckets)
  local options = { name = name }
  if module == "kv.registry" then options.supervisor = buckets end
  return supervisor.child_spec({ module, options }, { id = "registry" })
end

---@class kv.application.arguments
---@field module? string    the registry's: "kv.registry" (default) or "pierrot.registry"
---@field registry? string  its name
---@field buckets? string   the name of the supervisor of buckets
---@field name? string      the name of the top supervisor

--- Starts the top supervisor.
---@param arguments? kv.application.arguments
---@return pid|nil top
---@return any reason
function Application.start(arguments)
  local given, env = arguments or {}, Application.env
  local buckets = given.buckets or env.buckets
  return supervisor.start_link({
    supervisor.child_spec({ "pierrot.dynamic_supervisor", { name = buckets } }, { id = "buckets" }),
    registry_spec(given.module or "kv.registry", given.registry or env.registry, buckets),
  }, { strategy = "one_for_all", name = given.name or "kv" })
end

return Application
