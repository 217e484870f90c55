--- The processes of tasks, and how they are begun.
--
-- A task that somebody waits for is begun in two steps: its process is started, then its owner, who
-- watches it by now, tells it what to run, and the ref under which the result is awaited. What the
-- owner makes is both a monitor and an address: when the monitor goes, so does the address, and a
-- late result reaches nobody.

local core = require "pierrot.core"
local parcel = require "pierrot.parcel"
local start = require "pierrot.start"
local unsendable = require "pierrot.unsendable"

local BEGIN <const> = "$task"
local WATCH_AND_ADDRESS <const> = 2 -- the address goes with the monitor (see core.monitor)

local M = {}

-- The process ----------------------------------------------------------------------------------

local function set_callers(callers)
  core.dictionary()["$callers"] = callers
end

-- Waits for its orders; an owner that ends before is a reason to end. One that has started it is
-- linked, and gives them without a wait.
local function await_orders(owner, is_starter)
  if is_starter then return core.receive({ BEGIN, owner })[3] end
  local ref = core.monitor(owner)
  local message = core.receive(core.one_of({ BEGIN, owner }, { "DOWN", ref }))
  core.demonitor(ref, true)
  if message[1] ~= BEGIN then core.exit { "shutdown", message[5] } end
  return message[3]
end

--- The life of a process whose owner awaits its result.
---@param owner userdata
---@param is_starter? boolean
function M.serve(owner, is_starter)
  local orders = await_orders(owner, is_starter)
  if not orders then return end
  set_callers(orders.callers)
  local fn, args = parcel.unwrap_function(orders.fn), orders.args
  local value = fn(table.unpack(args, 1, args.n))
  core.send(orders.reply_to, { orders.tag, value, orders.index })
end

-- Starting, by owners and supervisors ------------------------------------------------------------

--- Who led to a process that the caller starts: the caller, then its own callers.
---@return userdata[]
function M.callers()
  local callers = core.dictionary()["$callers"]
  local mine = { core.self() }
  return type(callers) == "table" and table.move(callers, 1, #callers, 2, mine) or mine
end

--- Starts a process, linked to the caller, that waits for orders of its owner.
---@param owner userdata
---@return userdata pid
function M.start_link(owner)
  return (core.spawn_link(M.serve, owner, owner == core.self()))
end

--- Tells a process what to run; nil: nothing, it ends. Orders are reply_to and tag, where the
--- result goes to and as what; index, which goes with it; callers; fn, wrapped; args.
---@param pid userdata
---@param orders table|nil
---@return boolean sent, string|nil text why the arguments cannot be sent
function M.order(pid, orders)
  local sent, failure = pcall(core.send, pid, { BEGIN, core.self(), orders })
  if sent then return true end
  if not orders or not tostring(failure):find("cannot send", 1, true) then error(failure, 0) end
  local args = table.move(orders.args, 1, orders.args.n, 1, {})
  return false, unsendable(args)
end

--- Gives a process that waits for its orders a function to run, which makes it a task of the
--- caller; or nil and what of the function or its arguments cannot go there.
---@param pid userdata
---@param fn function|string
---@param args table with n
---@return table|nil task, string|nil text
function M.entrust(pid, fn, args)
  local ref = core.monitor(pid, WATCH_AND_ADDRESS)
  local ok, wrapped = pcall(parcel.wrap, 1, fn, pid)
  local sent, text
  if ok then
    sent, text = M.order(pid, {
      reply_to = ref, tag = ref, callers = M.callers(), fn = wrapped, args = args,
    })
  else
    text = wrapped
  end
  if sent then return { pid = pid, ref = ref, owner = core.self() } end
  M.order(pid, nil)
  core.receive { "DOWN", ref }
  return nil, text
end

-- Tasks without a result -------------------------------------------------------------------------

--- Starts a process that runs a function, with its callers; how a supervisor starts it.
---@param link boolean
---@param callers userdata[]
---@param fn function
---@param args table with n
---@return userdata pid
function M.start_alone(link, callers, fn, args)
  fn = start.check_function(1, 3, "start_alone", fn)
  local body = function(...)
    set_callers(callers)
    fn(...)
  end
  return core.spawn_local({ link = link }, body, table.unpack(args, 1, args.n))
end

return M
