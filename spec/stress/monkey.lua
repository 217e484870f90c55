-- Calls every public function with arguments that make little sense, from processes of their own.
-- Nothing may crash, hang or stay behind.
--
--   pierrot spec/stress/monkey.lua [ROUNDS] [SEED]

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"

local ROUNDS <const> = tonumber(arg and arg[1]) or 20000
local SEED <const> = tonumber(arg and arg[2]) or os.time()
local BATCH <const> = 50
local MODULES <const> = {
  "pierrot", "pierrot.gen_server", "pierrot.bucket", "pierrot.registry", "pierrot.supervisor",
  "pierrot.dynamic_supervisor", "pierrot.application", "pierrot.agent", "pierrot.task",
  "pierrot.task_supervisor", "pierrot.sys", "pierrot.tcp",
}
-- These end or block the program, or change it for everybody, as they should.
local LEFT_OUT <const> = {
  ["pierrot.halt"] = true, ["pierrot.configure"] = true, ["pierrot.reload"] = true,
}

math.randomseed(SEED)
io.stderr:write(("monkey: %d rounds, seed %d\n"):format(ROUNDS, SEED))
-- What is said of all those crashes is of no use here.
require("pierrot.logger").set_level("none")

local functions = {}
for _, name in ipairs(MODULES) do
  local found, module = pcall(require, name)
  for key, fn in pairs(found and module or {}) do
    local full = name .. "." .. tostring(key)
    if type(fn) == "function" and not LEFT_OUT[full] then
      functions[#functions + 1] = { name = full, fn = fn }
    end
  end
end
table.sort(functions, function(a, b) return a.name < b.name end)

local Server = {}
function Server.init(arg) return "ok", arg end
function Server.handle_call(request, _, state) return "reply", request, state end
function Server.handle_cast() end
function Server.handle_info() end

local cyclic = { 1, x = {} }
cyclic.x.back = cyclic
local deep = {}
for _ = 1, 1000 do deep = { deep } end

local function random_pid()
  local all = pierrot.processes()
  return all[math.random(#all)]
end

-- Makes one argument.
local makers = {
  function() return nil end,
  function() return math.random(-2, 300) end,
  function() return math.random(3) end,
  function() return math.random() * 10 end,
  function() return 0 / 0 end,
  function() return math.huge end,
  function() return math.mininteger end,
  function() return true end,
  function() return "" end,
  function() return "a\0b" end,
  function() return ("name%d"):format(math.random(5)) end,
  function() return ("normal kill shutdown infinity any hibernate"):match("%S+",
    math.random(30)) end,
  function() return ("x"):rep(100000) end,
  function() return {} end,
  function() return { 1, nil, 3, n = 3 } end,
  function() return cyclic end,
  function() return deep end,
  function() return { "via", "name1", "key" } end,
  function() return { "via", random_pid(), "key" } end,
  function() return { name = "name2", link = true } end,
  function() return { scheduler = "any", timeout = 10 } end,
  function() return { scheduler = 2, monitor = true, max_queue = 1 } end,
  function() return { timeout = "infinity", name = {} } end,
  function() return { strategy = "one_for_one" } end,
  function() return { flush = true, info = true } end,
  function() return { alias = "reply_demonitor" } end,
  function() return { id = "child", start = function() return pierrot.spawn_link(print) end } end,
  function() return { pierrot.self(), pierrot.make_ref() } end,
  function() return setmetatable({}, { __index = function() error("index") end }) end,
  function() return print end,
  function() return function(...) return ... end end,
  function() return function() error("monkey") end end,
  function() return function() return pierrot.receive(nil, 5) end end,
  function() return coroutine.create(print) end,
  function() return io.stderr end,
  function() return Server end,
  function() return "pierrot.bucket" end,
  function() return "no.such.module" end,
  function() return "pierrot:self" end,
  pierrot.self,
  random_pid,
  random_pid,
  pierrot.make_ref,
  function() return pierrot.alias() end,
  function() return pierrot.monitor(random_pid()) end,
  function() return pierrot.any end,
  function() return pierrot.one_of(1, { "x" }) end,
  function() return gen_server.start(Server, {}) end,
  function() return (require("pierrot.bucket").start()) end,
  function() return (require("pierrot.registry").start()) end,
}

local main <const> = pierrot.self()
local keep = { [main] = true }
for _, pid in ipairs(pierrot.processes()) do keep[pid] = true end

-- pierrot.exit and the like may hit any process but those that were there from the start.
local function is_kept(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if keep[value] or (type(value) == "table" and rawget(value, 2) ~= nil and
        keep[rawget(value, 2)]) then
      return true
    end
  end
  return false
end

local function call_one(seed)
  math.randomseed(seed)
  local target = functions[math.random(#functions)]
  local n = math.random(0, 4)
  local arguments = table.pack()
  for i = 1, n do
    local made, value = pcall(makers[math.random(#makers)])
    arguments[i] = made and value or nil
  end
  if is_kept(table.unpack(arguments, 1, n)) then return end
  if os.getenv("MONKEY_VERBOSE") then io.stderr:write(seed, " ", target.name, "\n") end
  pcall(target.fn, table.unpack(arguments, 1, n))
end

local function batch(first)
  for i = first, first + BATCH - 1 do
    -- To carry all of this elsewhere is work: a few do.
    local scheduler = i % 25 == 0 and pierrot.schedulers() or "local"
    pierrot.spawn_opt({ scheduler = scheduler }, call_one, SEED * 1000000 + i)
    if i % 10 == 0 then pierrot.yield() end
  end
  pierrot.sleep(5)
  for _, pid in ipairs(pierrot.processes()) do
    if not keep[pid] then
      local ref = pierrot.monitor(pid)
      pierrot.exit(pid, "kill")
      assert(pierrot.receive({ "DOWN", ref }, 10000), "a process does not die")
    end
  end
  pierrot.flush()
end

for first = 1, ROUNDS, BATCH do batch(first) end

local left = {}
for _, pid in ipairs(pierrot.processes()) do
  if not keep[pid] then left[#left + 1] = pierrot.inspect(pierrot.info(pid)) end
end
assert(#left == 0, table.concat(left, "\n"))
print("monkey: nothing broke")
