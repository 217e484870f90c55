-- SPDX-License-Identifier: MIT
--- Finalizers: they run in whatever process allocates, in the midst of whatever it does.

local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local servers = require "spec.servers"
local support = require "spec.support"

local alone, await_down = support.alone, support.await_down

local ROUNDS <const>, FINALIZED <const> = 300, 3000

-- Objects are finalized by `fn` again and again, a bounded number of times, wherever `body`, which
-- runs `n_rounds` times, allocates something; how often that was within a slice of a process, where
-- it can do so. Once the objects are used up the rounds go on without a collection at every turn.
local function amid_finalizers(fn, n_rounds, body)
  local n, n_passed, is_over = 0, 0, false
  local meta = {}
  local function litter()
    setmetatable({}, meta)
  end
  function meta.__gc()
    n = n + 1
    if pcall(fn) then n_passed = n_passed + 1 end
    if n < FINALIZED and not is_over then litter() end
  end
  for _ = 1, 50 do litter() end
  collectgarbage("incremental", 50, 400)
  local passed, failure = pcall(function()
    for i = 1, n_rounds do
      body(i)
      if n >= FINALIZED then collectgarbage("incremental", 200, 100) end
    end
  end)
  is_over = true
  collectgarbage("incremental", 200, 100)
  collectgarbage()
  assert(passed, failure)
  return n_passed
end

local Sum = servers.module {
  handle_call = { sum = function(state, _, list)
    local sum = 0
    for _, item in ipairs(list) do sum = sum + item[1] end
    return "reply", { sum, { state.n } }
  end },
  handle_cast = { note = function(state) state.n = state.n + 1 end },
  handle_info = { _ = function(state) state.n = state.n + 1 end },
}

describe("a finalizer", function()
  for what, send in pairs {
    ["casts to"] = function(server) gen_server.cast(server, { "note" }) end,
    ["sends to"] = function(server) pierrot.send(server, { "hello" }) end,
  } do
    it("that " .. what .. " the server that is called harms nobody", alone(function()
      local server = servers.start(Sum, { n = 0 })
      local n_sent = amid_finalizers(function() send(server) end, ROUNDS, function(i)
        assert.equal(i + 2, gen_server.call(server, { "sum", { { i }, { 2 } } })[1])
      end)

      assert.equal(n_sent, gen_server.call(server, { "sum", {} })[2][1])
    end))
  end

  it("that sends a request to the bucket that is called harms nobody", alone(function()
    local b = bucket.start_link()
    amid_finalizers(function() gen_server.send_request(b, { "size" }) end, ROUNDS, function(i)
      assert.is_true(bucket.put(b, i % 10, { { i } }))
      assert.same({ { i } }, bucket.get(b, i % 10))
    end)

    assert.equal(10, bucket.size(b))
  end))

  it("that kills the server that is called harms nobody else", alone(function()
    local server, ref = servers.start_watched(Sum, { n = 0 })
    local other = servers.start(Sum, { n = 0 })
    amid_finalizers(function() pierrot.exit(server, "kill") end, ROUNDS, function(i)
      pcall(gen_server.call, server, { "sum", { { i } } })
      assert.equal(i, gen_server.call(other, { "sum", { { i } } })[1])
    end)

    assert.equal("killed", await_down(ref))
  end))

  it("that starts processes harms nobody", alone(function()
    local server = servers.start(Sum, { n = 0 })
    amid_finalizers(function() pierrot.spawn(function() end) end, ROUNDS, function(i)
      assert.equal(i, gen_server.call(server, { "sum", { { i } } })[1])
    end)
  end))

  for what, take in pairs {
    ["receives"] = function() pierrot.receive(nil, 0) end,
    ["receives by a function"] = function() pierrot.receive(function() return true end, 0) end,
    ["flushes"] = function() pierrot.flush() end,
  } do
    it("that " .. what .. " gets an error and no message of the process", alone(function()
      local dead = support.dead()
      local outcome = {}
      amid_finalizers(function()
        local text = tostring(select(2, pcall(take)))
        -- Between the slices of processes there is nothing to take from.
        if not text:find("no process runs", 1, true) then outcome[text] = true end
      end, ROUNDS, function()
        for _ = 1, 5 do pierrot.monitor(dead) end
        assert.is_nil(pierrot.receive("never sent", 0))
        assert.equal("DOWN", pierrot.receive({ "DOWN" })[1])
        assert.equal(4, pierrot.flush().n)
      end)

      local text, is_taken = next(outcome)
      assert.is_true(is_taken)
      assert.is_nil(next(outcome, text))
      assert.matches("a finalizer cannot take messages of the process that it runs in", text)
    end))
  end

  for what, wait in pairs {
    ["calls"] = function(server) gen_server.call(server, { "sum", {} }) end,
    ["sleeps"] = function() pierrot.sleep(0) end,
    ["gives way"] = function() pierrot.yield() end,
    ["receives in a coroutine"] = function()
      coroutine.wrap(function() pierrot.receive "never sent" end)()
    end,
  } do
    it("that " .. what .. " gets an error, and the process's own wait has its timeout",
      alone(function()
        local server = servers.start(Sum, { n = 0 })
        local dead = support.dead()
        local outcome = {}
        amid_finalizers(function()
          outcome[tostring(select(2, pcall(wait, server))):match "[^:]*$"] = true
        end, 30, function(i)
          if i == 1 then collectgarbage() end -- the first is due at once, not by the old pause
          for _ = 1, 5 do pierrot.monitor(dead) end
          local _, why = pierrot.receive("never sent", 1)
          assert.equal("timeout", why)
          pierrot.flush()
        end)

        local n_texts = 0
        for text in pairs(outcome) do
          n_texts = n_texts + 1
          assert.matches("finalizer", text)
        end
        assert.is_true(n_texts > 0)
      end))
  end

  it("that changes the pattern of a receive lets it find nothing that neither pattern wants",
    alone(function()
      local prefix <const> = ("x"):rep(70)
      collectgarbage() -- so that the next one is due in the midst of the messages
      for i = 1, 2000 do
        pierrot.send(pierrot.self(), { prefix .. "sent", ("y"):rep(3000) .. i })
      end
      local pattern <const> = { prefix .. "else" }
      local outcome
      amid_finalizers(function() pattern[1] = "never sent" end, 1, function()
        outcome = table.pack(pierrot.receive(pattern, 0))
      end)

      assert.same({ nil, "timeout", n = 2 }, outcome)
    end))

  it("at the end of a host's state finds that there are no processes", function()
    local output, errors, status = support.run_script [[
      local pierrot
      local _ <const> = setmetatable({}, { __gc = function()
        print((select(2, pcall(pierrot.self))))
        print(coroutine.wrap(function() return coroutine.isyieldable() end)())
      end })
      pierrot = require "pierrot"
      debug.sethook(function() end, "l")
      pierrot.sleep(1)
    ]]

    assert.equal("", errors)
    assert.equal(0, status)
    assert.matches("a finalizer cannot use pierrot\n", output)
  end)
end)
