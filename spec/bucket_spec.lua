-- SPDX-License-Identifier: MIT
--- The built-in bucket: a key-value store in a process.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local function sorted(list)
  table.sort(list)
  return list
end

describe("a bucket", function()
  it("is linked to its starter by start_link, and not by start", alone(function()
    local linked, plain = bucket.start_link(), bucket.start()

    assert.same({ linked }, pierrot.info(pierrot.self(), "links"))
    bucket.stop(plain)
  end))

  it("may have a name", alone(function()
    local pid = bucket.start_link { name = "a named bucket" }

    assert.equal(pid, pierrot.whereis("a named bucket"))
    assert.is_true(bucket.put("a named bucket", "milk", 3))
    assert.equal(3, bucket.get(pid, "milk"))
    bucket.stop(pid)
  end))

  it("may have its name in a registry", alone(function()
    local via = { "via", require("pierrot.registry").start_link(), "a bucket" }
    local pid = bucket.start_link { name = via }

    bucket.put(via, "milk", 3)

    assert.equal(3, bucket.get(pid, "milk"))
  end))

  it("keeps its name when a second one wants it", alone(function()
    local first = bucket.start_link { name = "a taken bucket" }

    local second, reason = bucket.start_link { name = "a taken bucket" }

    assert.is_nil(second)
    assert.same({ "already_started", first }, reason)
    bucket.stop(first)
  end))

  it("gives nil for a key that was never put", alone(function()
    assert.is_nil(bucket.get(bucket.start_link(), "milk"))
  end))

  it("replaces a value", alone(function()
    local pid = bucket.start_link()

    assert.is_true(bucket.put(pid, "milk", 1))
    assert.is_true(bucket.put(pid, "milk", 2))

    assert.equal(2, bucket.get(pid, "milk"))
    assert.equal(1, bucket.size(pid))
  end))

  local keys = {
    { "a string", "milk" },
    { "the empty string", "" },
    { "a string with NULs", "a\0b" },
    { "a long string", ("x"):rep(100000) },
    { "an integer", 42 },
    { "a float", 0.5 },
    { "infinity", math.huge },
    { "the smallest integer", math.mininteger },
    { "true", true },
    { "false", false },
    { "a pid", pierrot.self() },
    { "a ref", pierrot.make_ref() },
  }
  for _, row in ipairs(keys) do
    it("takes as a key: " .. row[1], alone(function()
      local pid, key = bucket.start_link(), row[2]

      bucket.put(pid, key, "value")

      assert.equal("value", bucket.get(pid, key))
      assert.same({ key }, bucket.keys(pid))
      assert.equal("value", bucket.delete(pid, key))
      assert.is_nil(bucket.get(pid, key))
    end))
  end

  it("takes 1 and 1.0 for one key", alone(function()
    local pid = bucket.start_link()

    bucket.put(pid, 1, "one")

    assert.equal("one", bucket.get(pid, 1.0))
    bucket.put(pid, 1.0, "uno")
    assert.equal("uno", bucket.get(pid, 1))
    assert.equal(1, bucket.size(pid))
    assert.equal("integer", math.type(bucket.keys(pid)[1]))
  end))

  it("tells 1 from its digits and from true", alone(function()
    local pid = bucket.start_link()

    bucket.put(pid, 1, "number")
    bucket.put(pid, "1", "string")
    bucket.put(pid, true, "boolean")

    assert.equal("number", bucket.get(pid, 1))
    assert.equal("string", bucket.get(pid, "1"))
    assert.equal("boolean", bucket.get(pid, true))
  end))

  it("tells keys apart after a NUL", alone(function()
    local pid = bucket.start_link()

    bucket.put(pid, "a\0b", 1)
    bucket.put(pid, "a\0c", 2)

    assert.equal(1, bucket.get(pid, "a\0b"))
    assert.equal(2, bucket.get(pid, "a\0c"))
    assert.is_nil(bucket.get(pid, "a"))
  end))

  local values = {
    { "false", false },
    { "true", true },
    { "0", 0 },
    { "a float that is whole", 1.0 },
    { "the empty string", "" },
    { "a string with NULs", "a\0b" },
    { "a pid", pierrot.self() },
    { "a ref", pierrot.make_ref() },
    { "an empty table", {} },
    { "a nested table", { 1, { kind = "milk" }, [true] = { 2 } } },
  }
  for _, row in ipairs(values) do
    it("takes as a value: " .. row[1], alone(function()
      local pid, value = bucket.start_link(), row[2]

      bucket.put(pid, "key", value)

      local kept = bucket.get(pid, "key")
      assert.same(value, kept)
      assert.equal(math.type(value), math.type(kept))
      assert.same(value, bucket.delete(pid, "key"))
    end))
  end

  it("keeps the shape of shared and cyclic tables", alone(function()
    local pid = bucket.start_link()
    local value = { list = {} }
    value.again, value.itself = value.list, value

    bucket.put(pid, "key", value)

    local kept = bucket.get(pid, "key")
    assert.equal(kept.list, kept.again)
    assert.equal(kept, kept.itself)
  end))

  it("keeps copies, and gives copies", alone(function()
    local pid = bucket.start_link()
    local value = { "before" }

    bucket.put(pid, "key", value)
    value[1] = "after"
    bucket.get(pid, "key")[1] = "changed"

    assert.same({ "before" }, bucket.get(pid, "key"))
  end))

  it("deletes a key that was never put", alone(function()
    assert.is_nil(bucket.delete(bucket.start_link(), "milk"))
  end))

  it("puts a new key with put_new, and not one that is there", alone(function()
    local pid = bucket.start_link()

    assert.is_true(bucket.put_new(pid, "milk", 1))
    assert.is_false(bucket.put_new(pid, "milk", 2))

    assert.equal(1, bucket.get(pid, "milk"))
  end))

  it("takes a value of false for one that is there", alone(function()
    local pid = bucket.start_link()
    bucket.put(pid, "milk", false)

    assert.is_false(bucket.put_new(pid, "milk", 1))
    assert.is_false(bucket.get(pid, "milk"))
  end))

  it("counts with incr, from 0 and by 1", alone(function()
    local pid = bucket.start_link()

    assert.equal(1, bucket.incr(pid, "milk"))
    assert.equal(2, bucket.incr(pid, "milk"))

    assert.equal(2, bucket.get(pid, "milk"))
    assert.equal("integer", math.type(bucket.get(pid, "milk")))
  end))

  it("counts by any number", alone(function()
    local pid = bucket.start_link()

    assert.equal(5, bucket.incr(pid, "milk", 5))
    assert.equal(2, bucket.incr(pid, "milk", -3))
    assert.equal(2.5, bucket.incr(pid, "milk", 0.5))
  end))

  it("counts each of many clients", alone(function()
    local pid = bucket.start_link()
    local refs = {}
    for i = 1, 20 do
      local _
      _, refs[i] = pierrot.spawn_monitor(function()
        for _ = 1, 50 do
          bucket.incr(pid, "milk")
        end
      end)
    end

    for _, ref in ipairs(refs) do
      assert.equal("normal", await_down(ref))
    end

    assert.equal(1000, bucket.get(pid, "milk"))
  end))

  it("gives its size, its keys and its items", alone(function()
    local pid = bucket.start_link()
    bucket.put(pid, "milk", 1)
    bucket.put(pid, "bread", { 2 })

    assert.equal(2, bucket.size(pid))
    assert.same({ "bread", "milk" }, sorted(bucket.keys(pid)))
    assert.same({ milk = 1, bread = { 2 } }, bucket.items(pid))
  end))

  it("is empty at first, in every respect", alone(function()
    local pid = bucket.start_link()

    assert.equal(0, bucket.size(pid))
    assert.same({}, bucket.keys(pid))
    assert.same({}, bucket.items(pid))
  end))

  it("is empty again after clear", alone(function()
    local pid = bucket.start_link()
    bucket.put(pid, "milk", 1)
    bucket.put(pid, "bread", 2)

    assert.is_true(bucket.clear(pid))

    assert.equal(0, bucket.size(pid))
    assert.is_nil(bucket.get(pid, "milk"))
  end))

  it("holds ten thousand keys", alone(function()
    local pid = bucket.start_link()
    for i = 1, 10000 do
      bucket.put(pid, "key " .. i, i)
    end
    for i = 1, 10000, 2 do
      bucket.delete(pid, "key " .. i)
    end

    assert.equal(5000, bucket.size(pid))
    local items = bucket.items(pid)
    for i = 1, 10000 do
      local expected = nil
      if i % 2 == 0 then
        expected = i
      end
      if items["key " .. i] ~= expected or bucket.get(pid, "key " .. i) ~= expected then
        error("not what was put at " .. i)
      end
    end
  end))
end)

describe("a mistake with a bucket", function()
  local mistakes = {
    { "put of nil", function(pid) bucket.put(pid, "milk", nil) end },
    { "put without a value", function(pid) bucket.put(pid, "milk") end },
    { "put of a function", function(pid) bucket.put(pid, "milk", print) end },
    { "put under nil", function(pid) bucket.put(pid, nil, 1) end },
    { "put under NaN", function(pid) bucket.put(pid, 0 / 0, 1) end },
    { "put under a table", function(pid) bucket.put(pid, {}, 1) end },
    { "put under a function", function(pid) bucket.put(pid, print, 1) end },
    { "put_new of nil", function(pid) bucket.put_new(pid, "milk", nil) end },
    { "put_new under NaN", function(pid) bucket.put_new(pid, 0 / 0, 1) end },
    { "get of nil", function(pid) bucket.get(pid, nil) end },
    { "get of NaN", function(pid) bucket.get(pid, 0 / 0) end },
    { "get of a table", function(pid) bucket.get(pid, {}) end },
    { "delete of nil", function(pid) bucket.delete(pid, nil) end },
    { "delete of a table", function(pid) bucket.delete(pid, {}) end },
    { "incr under NaN", function(pid) bucket.incr(pid, 0 / 0) end },
    { "incr by a word", function(pid) bucket.incr(pid, "count", "much") end },
    { "incr by a table", function(pid) bucket.incr(pid, "count", {}) end },
    { "incr of what is no number", function(pid) bucket.incr(pid, "word") end },
    { "get from a ref", function() bucket.get(pierrot.make_ref(), "milk") end },
    { "size of a table", function() bucket.size {} end },
    { "items of nothing", function() bucket.items() end },
    { "stop of a number", function() bucket.stop(42) end },
  }
  for _, row in ipairs(mistakes) do
    it("is the caller's error, and the bucket goes on: " .. row[1], alone(function()
      local pid = bucket.start_link()
      bucket.put(pid, "word", "milk")

      local text = support.error_text(row[2], pid)

      assert.is_truthy(text:find("^[^:]*bucket_spec.lua:%d+: "), text)
      assert.same({ word = "milk" }, bucket.items(pid))
    end))
  end

  for _, name in ipairs { "get", "put", "delete", "put_new", "incr", "size", "keys", "items",
    "clear", "subscribe", "unsubscribe", "stop" } do
    it("that has ended is an exit with noproc: " .. name, alone(function()
      local pid = bucket.start()
      bucket.stop(pid)

      local reason = support.exit_reason(bucket[name], pid,
        name ~= "stop" and "key" or "normal", name ~= "stop" and 1 or nil)

      assert.equal("noproc", reason[1])
      assert.equal("gen_server", reason[2][1])
    end))
  end

  it("that nobody has the name of is an exit with noproc", alone(function()
    local reason = support.exit_reason(bucket.get, "nobody has this name", "key")

    assert.equal("noproc", reason[1])
  end))
end)

describe("a subscriber of a bucket", function()
  it("J2 gets each put and each delete", alone(function()
    local pid = bucket.start_link()

    assert.is_true(bucket.subscribe(pid))
    bucket.put(pid, "milk", 3)
    bucket.delete(pid, "milk")

    assert.same({ "put", "milk", 3, pid }, expect())
    assert.same({ "delete", "milk", pid }, expect())
  end))

  it("J2 gets what others change", alone(function()
    local pid = bucket.start_link()
    bucket.put(pid, "milk", 3)
    bucket.subscribe(pid)

    pierrot.spawn_link(function() bucket.delete(pid, "milk") end)

    assert.same({ "delete", "milk", pid }, expect())
  end))

  it("gets what put_new and incr change, and each key that clear takes", alone(function()
    local pid = bucket.start_link()
    bucket.subscribe(pid)

    bucket.put_new(pid, "milk", 3)
    bucket.put_new(pid, "milk", 4)
    bucket.incr(pid, "eggs", 6)
    bucket.clear(pid)

    local messages = pierrot.flush()
    assert.equal(4, messages.n)
    assert.same({ "put", "milk", 3, pid }, messages[1])
    assert.same({ "put", "eggs", 6, pid }, messages[2])
    local gone = sorted { messages[3][2], messages[4][2] }
    assert.same({ "eggs", "milk" }, gone)
    assert.equal("delete", messages[3][1])
    assert.equal("delete", messages[4][1])
  end))

  it("gets nothing of a delete that deleted nothing", alone(function()
    local pid = bucket.start_link()
    bucket.subscribe(pid)

    bucket.delete(pid, "milk")

    assert.equal(0, pierrot.flush().n)
  end))

  it("gets its messages before the answer to whoever changed the bucket", alone(function()
    local pid = bucket.start_link()
    bucket.subscribe(pid)

    bucket.put(pid, "milk", 3)

    assert.same({ "put", "milk", 3, pid }, (pierrot.receive(nil, 0)))
  end))

  it("subscribed twice gets each message once", alone(function()
    local pid = bucket.start_link()
    assert.is_true(bucket.subscribe(pid))
    assert.is_true(bucket.subscribe(pid))

    bucket.put(pid, "milk", 3)

    assert.equal(1, pierrot.flush().n)
    assert.same({ pierrot.self() }, pierrot.info(pid, "monitors"))
  end))

  it("gets nothing any more once it unsubscribed", alone(function()
    local pid = bucket.start_link()
    bucket.subscribe(pid)

    assert.is_true(bucket.unsubscribe(pid))
    assert.is_true(bucket.unsubscribe(pid))
    bucket.put(pid, "milk", 3)

    assert.equal(0, pierrot.flush().n)
  end))

  it("J2 is forgotten when it ends", alone(function()
    local pid = bucket.start_link()
    local _, ref = pierrot.spawn_monitor(function()
      bucket.subscribe(pid)
      local monitors = pierrot.info(pid, "monitors")
      pierrot.exit(#monitors)
    end)
    assert.equal(1, await_down(ref))

    bucket.size(pid)

    assert.same({}, pierrot.info(pid, "monitors"))
  end))
end)

describe("a bucket as a process", function()
  it("ends with stop, and the reason it is given", alone(function()
    local pid = bucket.start()
    local ref = pierrot.monitor(pid)

    assert.is_true(bucket.stop(pid, "shutdown"))

    assert.equal("shutdown", await_down(ref))
    assert.is_false(pierrot.is_alive(pid))
  end))

  it("can be stopped as any gen_server", alone(function()
    local pid = bucket.start()

    assert.is_true(gen_server.stop(pid))

    assert.is_false(pierrot.is_alive(pid))
  end))

  for signal, reason in pairs { shutdown = "shutdown", kill = "killed" } do
    it("is ended by the exit signal " .. signal, alone(function()
      local pid = bucket.start()
      local ref = pierrot.monitor(pid)

      pierrot.exit(pid, signal)

      assert.equal(reason, await_down(ref))
    end))
  end

  it("ends with its abnormal starter, and lives on after a normal one", alone(function()
    local test = pierrot.self()
    local buckets = {}
    for i, reason in ipairs { "normal", "no milk" } do
      local starter, ref = pierrot.spawn_monitor(function()
        pierrot.send(test, { "bucket", bucket.start_link() })
        pierrot.receive("go on")
        pierrot.exit(reason)
      end)
      local pid = expect({ "bucket" })[2]
      buckets[i] = { pid = pid, ref = pierrot.monitor(pid) }
      pierrot.send(starter, "go on")
      await_down(ref)
    end

    assert.equal("no milk", await_down(buckets[2].ref))
    assert.is_true(pierrot.is_alive(buckets[1].pid))
    bucket.stop(buckets[1].pid)
  end))

  it("lives on after a message that it does not know", alone(function()
    local pid = bucket.start_link()
    bucket.put(pid, "milk", 3)

    pierrot.send(pid, { "what", "is", "this" })
    pierrot.send(pid, 42)

    assert.equal(3, bucket.get(pid, "milk"))
  end))

  it("ends with bad_cast when it is cast what it does not know", alone(function()
    local pid = bucket.start()
    local ref = pierrot.monitor(pid)

    gen_server.cast(pid, { "drink", "milk" })

    assert.same({ "bad_cast", { "drink", "milk" } }, await_down(ref))
  end))

  it("ends with bad_call when it is called with what it does not know", alone(function()
    local pid = bucket.start()

    local reason = support.exit_reason(gen_server.call, pid, { "drink", "milk" })

    assert.same({ "bad_call", { "drink", "milk" } }, reason[1])
  end))
end)
