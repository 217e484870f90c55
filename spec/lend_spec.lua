-- SPDX-License-Identifier: MIT
--- A process that waits while one other is ready: that one runs on top of its stack. Nobody is to
-- see more of that than that it is faster.

local bucket = require "pierrot.bucket"
local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

--- Runs `body(peer)` in a process whose peer runs `peer_body(lender)` as soon as the first waits,
--- also where that was preempted before; they are alone, but for the test, which waits for what
--- `body` returns. It gives way first: it may be the test that lends its stack, and who runs on
--- that lends none.
local function pair(peer_body, body)
  local test = pierrot.self()
  local _, ref = pierrot.spawn_monitor(function()
    pierrot.yield()
    local lender <const> = pierrot.self()
    local peer <const> = pierrot.spawn(function()
      while pierrot.info(lender, "status") == "runnable" do pierrot.yield() end
      peer_body(lender)
    end)
    pierrot.send(test, { "returned", body(peer) })
  end)
  local message = pierrot.receive(pierrot.one_of({ "returned" }, { "DOWN", ref }), 60000)
  if message[1] == "DOWN" then return "DOWN", message[5] end
  await_down(ref)
  return table.unpack(message, 2)
end

describe("a process that waits while another is ready", function()
  it("gets what that one sends it", alone(function()
    assert.equal("hello", pair(function(lender)
      pierrot.send(lender, "hello")
    end, function()
      return pierrot.receive()
    end))
  end))

  it("gets all of it, however much, in its order", alone(function()
    local n <const> = 100000
    assert.equal(n, pair(function(lender)
      for i = 1, n do pierrot.send(lender, i) end
    end, function()
      for i = 1, n do
        if pierrot.receive() ~= i then return i end
      end
      return n
    end))
  end))

  it("is told to wait, not to run, by info", alone(function()
    assert.equal("waiting", pair(function(lender)
      pierrot.send(lender, pierrot.info(lender, "status"))
    end, function()
      return pierrot.receive()
    end))
  end))

  it("goes on when that one sends to it and spins", alone(function()
    assert.equal("hello", pair(function(lender)
      pierrot.send(lender, "hello")
      while true do end
    end, function(peer)
      local message = pierrot.receive()
      pierrot.exit(peer, "kill")
      return message
    end))
  end))

  it("goes on when its time is up, while that one spins", alone(function()
    assert.same({ "timeout" }, { select(2, pair(function()
      while true do end
    end, function(peer)
      local message, why = pierrot.receive("never sent", 5)
      pierrot.exit(peer, "kill")
      return message or false, why
    end)) })
  end))

  it("passes over what it does not want", alone(function()
    assert.same({ "wanted", 1, 2 }, { pair(function(lender)
      pierrot.send(lender, 1)
      pierrot.send(lender, 2)
      pierrot.yield()
      pierrot.send(lender, "wanted")
    end, function()
      local wanted = pierrot.receive("wanted")
      return wanted, pierrot.receive(), pierrot.receive()
    end) })
  end))

  it("can be killed by that one", alone(function()
    assert.same({ "DOWN", "killed" }, { pair(function(lender)
      pierrot.exit(lender, "kill")
      pierrot.send(lender, "too late")
    end, function()
      return pierrot.receive()
    end) })
  end))

  it("ends with that one when they are linked", alone(function()
    assert.same({ "DOWN", "no milk" }, { pair(function(lender)
      pierrot.link(lender)
      pierrot.exit("no milk")
    end, function()
      return pierrot.receive()
    end) })
  end))

  it("is told of its end by a link that it traps", alone(function()
    assert.equal("no milk", pair(function(lender)
      pierrot.link(lender)
      pierrot.exit("no milk")
    end, function()
      pierrot.trap_exit(true)
      return pierrot.receive({ "EXIT" })[3]
    end))
  end))

  it("closes its variables when that one kills it softly", alone(function()
    local test = pierrot.self()
    assert.same({ "DOWN", "no milk" }, { pair(function(lender)
      pierrot.exit(lender, "no milk")
    end, function()
      local _ <close> = setmetatable({}, { __close = function() pierrot.send(test, "closed") end })
      return pierrot.receive()
    end) })
    assert.equal("closed", expect())
  end))

  it("has its turn in the order of those that were woken", alone(function()
    local test = pierrot.self()
    local first = pierrot.spawn(function()
      pierrot.receive("go")
      pierrot.send(test, { "went", 1 })
    end)
    assert.equal("hello", pair(function(lender)
      pierrot.send(first, "go")
      pierrot.send(lender, "hello")
    end, function()
      local message = pierrot.receive()
      pierrot.send(test, { "went", 2 })
      return message
    end))
    assert.same({ "went", 1 }, expect { "went" })
    assert.same({ "went", 2 }, expect { "went" })
  end))

  it("waits on while others have their turns, one after the other", alone(function()
    local n <const> = 10
    assert.same({ "waiting", n }, { pair(function(lender)
      local function pass_on(i, message)
        if i == 0 then return pierrot.send(lender, message) end
        local next_one <const> = pierrot.spawn(function() pass_on(i - 1, pierrot.receive()) end)
        pierrot.send(next_one, { pierrot.info(lender, "status"), message[2] + 1 })
      end
      pass_on(n, { "none", 0 })
    end, function()
      return table.unpack(pierrot.receive())
    end) })
  end))

  it("can be killed by the second of them", alone(function()
    assert.same({ "DOWN", "killed" }, { pair(function(lender)
      local other <const> = pierrot.spawn(function()
        pierrot.receive()
        pierrot.exit(lender, "kill")
        pierrot.send(lender, "too late")
      end)
      pierrot.send(other, "go")
    end, function()
      return pierrot.receive()
    end) })
  end))

  it("keeps no other waiting in a conversation without end", alone(function()
    local test = pierrot.self()
    local pinger = pierrot.spawn(function()
      local me <const> = pierrot.self()
      local echo <const> = pierrot.spawn_link(function()
        while true do pierrot.send(me, pierrot.receive()) end
      end)
      while true do
        pierrot.send(echo, "ping")
        pierrot.receive("ping")
      end
    end)
    pierrot.send_after(1, test, "later")
    assert.equal("later", expect())
    local other = pierrot.spawn(function() pierrot.send(test, pierrot.receive()) end)
    for i = 1, 100 do
      pierrot.send(other, i)
      assert.equal(i, expect())
      other = pierrot.spawn(function() pierrot.send(test, pierrot.receive()) end)
    end
    pierrot.exit(pinger, "kill")
    pierrot.exit(other, "kill")
  end))

  -- As the prompt does with what evaluates, at Ctrl-C.
  local function interrupt(pid) core.interrupt(pid) end
  local function kill(pid) pierrot.exit(pid, "kill") end
  for what, steps in pairs {
    ["is interrupted and killed"] = { interrupt, kill },
    ["is killed and interrupted"] = { kill, interrupt },
  } do
    it("does not go on when it " .. what .. " meanwhile", alone(function()
      assert.same({ "DOWN", "killed" }, { pair(function(lender)
        for _, step in ipairs(steps) do step(lender) end
      end, function()
        pcall(pierrot.receive)
        return "ran on"
      end) })
    end))
  end

  it("goes on with an interrupt in its turn, behind who was woken before", alone(function()
    local test = pierrot.self()
    local first = pierrot.spawn(function()
      pierrot.receive("go")
      pierrot.send(test, { "went", "first" })
    end)
    local failure = pair(function(lender)
      pierrot.send(first, "go")
      interrupt(lender)
    end, function()
      local _, message = pcall(pierrot.receive)
      pierrot.send(test, { "went", pierrot.info(pierrot.self(), "status") })
      return message
    end)

    assert.matches("interrupted$", failure)
    assert.equal("first", expect({ "went" })[2])
    assert.equal("running", expect({ "went" })[2])
  end))

  it("waits in a coroutine of its own as in its body", alone(function()
    assert.equal("hello", pair(function(lender)
      pierrot.send(lender, "hello")
    end, function()
      return coroutine.wrap(pierrot.receive)()
    end))
  end))

  it("leaves timers their turn behind each slice that is used up", alone(function()
    local test, n <const> = pierrot.self(), 12
    local spinners, n_begun, n_at_alarm = {}, 0, nil
    for i = 1, n do
      spinners[i] = pierrot.spawn_link(function()
        pierrot.receive("go")
        n_begun = n_begun + 1
        if i < n then pierrot.send(spinners[i + 1], "go") end
        while not n_at_alarm do end
      end)
    end
    pierrot.yield()
    pierrot.spawn_link(function()
      pierrot.send_after(0.01, test, "alarm")
      pierrot.send(spinners[1], "go")
      pierrot.receive("never sent")
    end)

    expect "alarm"
    n_at_alarm = n_begun

    assert.is_true(n_at_alarm < n, "it came when all of them had begun")
  end))

  --- Who goes on first: one that was woken by a C actor with a long slice, on its stack, or
  --- one whose timer is over by then.
  local function first_behind_actor()
    local first, test = nil, pierrot.self()
    local actor <const> = bucket.start_link()
    for i = 1, 20000 do bucket.put(actor, "key " .. i, { i }) end
    local timed <const> = pierrot.spawn_link(function()
      pierrot.receive("time is over")
      first = first or "timed"
      pierrot.send(test, "over")
    end)
    local _, ref = pierrot.spawn_monitor(function()
      pierrot.yield()
      pierrot.send_after(0.5, timed, "time is over")
      gen_server.receive_response(gen_server.send_request(actor, { "clear" }))
      first = first or "woken"
    end)
    expect "over"
    await_down(ref)
    return first
  end

  it("has a slice of its own behind a long one of a C actor's", alone(function()
    local first
    for _ = 1, 10 do -- where this thread stands still, a timer may be over before
      first = first_behind_actor()
      if first == "woken" then break end
    end
    assert.equal("woken", first)
  end))

  it("gives way by a yield of another library's as before", function()
    if support.program == support.interpreter then return pending "of a stock interpreter" end

    local output, errors = support.run_script [[
      local yield = coroutine.yield
      local pierrot = require "pierrot"
      local main = pierrot.self()
      pierrot.spawn(function()
        local lender = pierrot.self()
        pierrot.spawn(function()
          pierrot.send(lender, "go on")
          pierrot.receive "never sent"
        end)
        pierrot.receive "go on"
        yield()
        pierrot.send(main, "has gone on")
      end)
      print(pierrot.receive(nil, 5000))]]

    assert.equal("", errors)
    assert.equal("has gone on\n", output)
  end)
end)
