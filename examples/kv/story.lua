-- SPDX-License-Identifier: MIT
--- The story of the key-value application, told step by step: what is done, and what came back.
--
-- Pids and refs differ from run to run, so they are printed under the names they are given here.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local kv_registry = require "kv.registry"

-- Printing -------------------------------------------------------------------

--- A teller prints the steps and knows the pids and refs by name.
local function new_teller()
  local labels = {}
  local teller = {}

  --- From now on the pid or ref is printed as `label`. Gives it back.
  function teller.call(label, value, reason)
    if value == nil then
      error("no " .. label .. ": " .. pierrot.inspect(reason), 2)
    end
    labels[tostring(value)] = label
    return value
  end

  local function show(value)
    local text = pierrot.inspect(value)
    text = text:gsub("#Ref<[%d.]+>", labels)
    return (text:gsub("<[%d.]+>", labels))
  end

  function teller.chapter(text)
    print("\n" .. text)
  end

  function teller.note(text)
    print("  " .. text)
  end

  --- One step: what was done, and the values it gave.
  function teller.step(text, ...)
    local values = table.pack(...)
    for i = 1, math.max(values.n, 1) do
      values[i] = show(values[i])
    end
    print("  " .. text .. "  ->  " .. table.concat(values, ", "))
  end

  --- One step that is to end in an exit of the caller: prints the reason.
  function teller.exits(text, fn, ...)
    local ok, failure = pcall(fn, ...)
    if ok or failure.class ~= "exit" then
      error(ok and text .. " did not exit" or failure, 0)
    end
    print("  " .. text .. "  ->  exit with " .. show(failure.reason))
  end

  return teller
end

-- B: buckets -----------------------------------------------------------------

-- A bucket is a C actor and runs no function of its clients; this server does, to show who waits.
local Busy = {}

function Busy.init() return "ok", {} end

Busy.handle_call = {
  wait = function() return "reply", pierrot.receive("go on") end,
  get = function() return "reply", 3 end,
}

local function buckets(teller)
  local step = teller.step

  teller.chapter("B1. A bucket stores values by key")
  local p = teller.call("P", bucket.start_link())
  step('bucket.get(P, "milk")', bucket.get(p, "milk"))
  step('bucket.put(P, "milk", 3)', bucket.put(p, "milk", 3))
  step('bucket.get(P, "milk")', bucket.get(p, "milk"))

  teller.chapter("B2. A bucket with a name")
  local n = teller.call("N", bucket.start_link { name = "groceries" })
  step('N = bucket.start_link { name = "groceries" }', n)
  step('bucket.put("groceries", "eggs", 6)', bucket.put("groceries", "eggs", 6))
  step('bucket.get("groceries", "eggs")', bucket.get("groceries", "eggs"))
  step('bucket.start_link { name = "groceries" }', bucket.start_link { name = "groceries" })
  step('bucket.get("groceries", "eggs")', bucket.get("groceries", "eggs"))
  step("bucket.stop(N)", bucket.stop(n))

  teller.chapter("B3. Deleting")
  step('bucket.delete(P, "milk")', bucket.delete(p, "milk"))
  step('bucket.get(P, "milk")', bucket.get(p, "milk"))
  step('bucket.delete(P, "never put")', bucket.delete(p, "never put"))
  step("bucket.stop(P)", bucket.stop(p))

  teller.chapter("B4. What the server does makes the other clients wait")
  local s = teller.call("S", gen_server.start_link(Busy))
  local first = gen_server.send_request(s, { "wait" })
  local second = gen_server.send_request(s, { "get" })
  teller.note("a first client asks S for something long, a second one for a value")
  step("the second answer within 20 ms", gen_server.wait_response(second, 20))
  pierrot.send(s, "go on")
  step("S goes on; the first answer", gen_server.receive_response(first))
  step("the second answer", gen_server.receive_response(second))
  teller.note("a client that takes its time in its own process delays nobody:")
  local client = pierrot.spawn_link(function() pierrot.receive("go on") end)
  step('gen_server.call(S, { "get" })', gen_server.call(s, { "get" }))
  pierrot.send(client, "go on")
  step("gen_server.stop(S)", gen_server.stop(s))
end

-- C: a registry --------------------------------------------------------------

local function registry(teller, names)
  local step = teller.step
  local r = teller.call("R", names.start_link())

  teller.chapter("C. A registry of buckets")
  step('lookup(R, "shopping")', (names.lookup(r, "shopping")))
  step('create_async(R, "shopping")', names.create_async(r, "shopping"))
  local p = teller.call("P", names.create(r, "shopping"))
  step('P = create(R, "shopping")', p)
  step('lookup(R, "shopping")', (names.lookup(r, "shopping")))
  step('bucket.put(P, "milk", 1)', bucket.put(p, "milk", 1))
  step('create(R, "shopping")', names.create(r, "shopping"))
  step('bucket.get(P, "milk")', bucket.get(p, "milk"))
  step("gen_server.stop(R)", gen_server.stop(r))
end

-- D: monitors ----------------------------------------------------------------

local function flush_and_compare(teller, ref)
  local messages = pierrot.flush()
  teller.step("pierrot.flush(), the number of messages", messages.n)
  teller.step("the message", messages[1])
  teller.step("its ref is the one that monitor gave", messages[1][2] == ref)
end

local function monitors(teller, names)
  local step = teller.step

  teller.chapter("D1. Watching a bucket")
  local p = teller.call("P", bucket.start_link())
  step("P = bucket.start_link()", p)
  local ref = teller.call("M", pierrot.monitor(p))
  step("M = pierrot.monitor(P)", ref)
  step("bucket.stop(P)", bucket.stop(p))
  flush_and_compare(teller, ref)

  teller.chapter("D1. Watching a process that ends later")
  local q = teller.call("Q", pierrot.spawn(function() pierrot.sleep(20) end))
  ref = teller.call("M2", pierrot.monitor(q))
  step("M2 = pierrot.monitor(Q)", ref)
  step("pierrot.flush(), the number of messages", pierrot.flush().n)
  step("pierrot.receive()", pierrot.receive())

  teller.chapter("D2. A registry forgets buckets that end")
  local r = teller.call("R", names.start_link())
  p = teller.call("P2", names.create(r, "shopping"))
  step('P2 = create(R, "shopping")', p)
  step('bucket.put(P2, "milk", 1)', bucket.put(p, "milk", 1))
  step("bucket.stop(P2)", bucket.stop(p))
  step('lookup(R, "shopping")', (names.lookup(r, "shopping")))
  local new = teller.call("Q2", names.create(r, "shopping"))
  step('Q2 = create(R, "shopping")', new)
  step("Q2 is another process", new ~= p)
  step('bucket.get(Q2, "milk")', bucket.get(new, "milk"))

  teller.chapter("D3. A message that the registry does not know")
  step('pierrot.send(R, "who are you?")', pierrot.send(r, "who are you?"))
  step('lookup(R, "shopping")', (names.lookup(r, "shopping")))
  step("gen_server.stop(R)", gen_server.stop(r))
end

-- F1: crashes ----------------------------------------------------------------

local function crashes(teller, names)
  local step = teller.step

  teller.chapter("F1. A registry that links its buckets goes down with them")
  local r = teller.call("L", kv_registry.start { buckets = "linked" })
  local p = teller.call("P3", kv_registry.create(r, "shopping"))
  step('P3 = create(L, "shopping")', p)
  step('bucket.stop(P3, "shutdown")', bucket.stop(p, "shutdown"))
  teller.exits('lookup(L, "shopping")', kv_registry.lookup, r, "shopping")
  step("pierrot.is_alive(L)", pierrot.is_alive(r))

  teller.chapter("F1. One that traps exits goes on")
  r = teller.call("R", names.start_link())
  p = teller.call("P4", names.create(r, "shopping"))
  step('P4 = create(R, "shopping")', p)
  step('bucket.stop(P4, "shutdown")', bucket.stop(p, "shutdown"))
  step('lookup(R, "shopping")', (names.lookup(r, "shopping")))
  step("pierrot.is_alive(R)", pierrot.is_alive(r))
  step("gen_server.stop(R)", gen_server.stop(r))
end

local story = {}

--- Tells it, with pierrot.registry or a module that has the same functions.
---@param names table
function story.tell(names)
  local teller = new_teller()
  buckets(teller)
  registry(teller, names)
  monitors(teller, names)
  crashes(teller, names)
end

return story
