-- SPDX-License-Identifier: MIT
--- Receiving among messages that earlier receives have passed over: none that matches is skipped,
--- however alike they are.

local pierrot = require "pierrot"
local gen_server = require "pierrot.gen_server"
local support = require "spec.support"

local alone, expect, idle = support.alone, support.expect, support.idle

-- Made anew each time: strings that are equal need not be the same object.
local function values(pids)
  local text = {}
  for _, n in ipairs { 1, 39, 40, 41, 63, 64, 65, 200 } do
    text[#text + 1] = ("a"):rep(n)
    text[#text + 1] = ("a"):rep(n - 1) .. "b"
    text[#text + 1] = "b" .. ("a"):rep(n - 1)
  end
  local list = {
    0, -0.0, 1, 1.0, -1, -1.0, 1.5, 2 ^ 53, 2 ^ 53 | 0, 2 ^ 53 + 2, 2 ^ 63, math.maxinteger,
    math.mininteger, -2 ^ 63, math.huge, -math.huge,
    "", "0", "1", "1.0", "true", "any", "any\0", true, false, {}, { 1 }, { "1" }, { { 1 } },
  }
  table.move(text, 1, #text, #list + 1, list)
  table.move(pids, 1, #pids, #list + 1, list)
  return list
end

-- Each value as the first field of a message that also says which one it is, and by itself; and
-- some messages with nothing in that place.
local function messages_of(list)
  local messages = { { nil, 0 }, { kind = "map" }, { kind = "map", [2] = 1 }, { [1.5] = 1 } }
  for i, value in ipairs(list) do
    messages[#messages + 1] = { value, i }
    messages[#messages + 1] = value
  end
  return messages
end

local function patterns_of(list)
  local patterns = {
    { kind = "map" }, { nil, 0 }, { pierrot.any, 3 }, { { 1 } }, pierrot.any,
    pierrot.one_of({ 1 }, { "1" }), { pierrot.one_of(1.0, "1", true) }, pierrot.one_of("1", 2),
    pierrot.one_of(nil, "1"), {}, function(x) return x == "true" end,
    { function(x) return x == 1 end },
  }
  for _, value in ipairs(list) do
    patterns[#patterns + 1] = value
    patterns[#patterns + 1] = { value }
    patterns[#patterns + 1] = { value, pierrot.any }
  end
  return patterns
end

local function take_from(model, pattern)
  for i, message in ipairs(model) do
    if pierrot.match(pattern, message) then return table.remove(model, i) end
  end
  return nil
end

-- Takes by one pattern after the other what a search from the front finds.
local function check(model, patterns)
  for _, nothing in ipairs { "never", { "never" }, { {}, "never" }, pierrot.make_ref() } do
    assert.is_nil((pierrot.receive(nothing, 0)))
  end
  collectgarbage()
  for i, pattern in ipairs(patterns) do
    local expected = take_from(model, pattern)
    local message, why = pierrot.receive(pattern, 0)
    local case = "pattern " .. i .. ": " .. pierrot.inspect(pattern)
    assert.same({ expected, expected == nil and "timeout" or nil }, { message, why }, case)
    assert.equal(math.type(expected), math.type(message), case)
  end
  local left = pierrot.flush()
  left.n = nil
  assert.same(model, left)
end

-- A function that gives numbers from 1 to n.
local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % n + 1
  end
end

local function shuffled(list, seed)
  local random, copy = generator(seed), table.move(list, 1, #list, 1, {})
  for i = #copy, 2, -1 do
    local j = random(i)
    copy[i], copy[j] = copy[j], copy[i]
  end
  return copy
end

local orders = {
  { "in order", function(list) return list end },
  { "backwards", function(list)
    local copy = {}
    for i, x in ipairs(list) do copy[#list + 1 - i] = x end
    return copy
  end },
}
for seed = 1, 5 do
  orders[#orders + 1] = { "shuffled " .. seed, function(list) return shuffled(list, seed) end }
end

local senders = {
  { "oneself", function(messages)
    for _, message in ipairs(messages) do pierrot.send(pierrot.self(), message) end
  end },
  { "another process", function(messages)
    local test = pierrot.self()
    local _, ref = pierrot.spawn_monitor(function()
      for _, message in ipairs(messages) do pierrot.send(test, message) end
    end)
    expect { "DOWN", ref }
  end },
  { "another scheduler", function(messages)
    local test = pierrot.self()
    local opts = { scheduler = support.has_two_schedulers and support.elsewhere() or nil,
      monitor = true }
    local _, ref = pierrot.spawn_opt(opts, function()
      for _, message in ipairs(messages) do pierrot.send(test, message) end
    end)
    expect { "DOWN", ref }
  end },
}

-- Steps of a process that sends itself messages, many alike in a row, and receives some of them.

local tags <const> = { "a", "b", 1, 2.5, true }

local function send_run(model, random)
  local tag = tags[random(#tags)]
  for _ = 1, random(8) do
    model.n_sent = model.n_sent + 1
    local message = { tag, model.n_sent }
    model[#model + 1] = message
    pierrot.send(pierrot.self(), message)
  end
end

-- A message that waits.
local function some(model, random)
  return model[random(math.max(#model, 1))] or { "none", 0 }
end

local selections <const> = {
  function() return { "never" } end,
  function(_, random) return { tags[random(#tags)] } end,
  function(_, random) return { tags[random(#tags)], pierrot.any } end,
  some,
  function(model, random) return { nil, some(model, random)[2] } end,
  function(model, random)
    local n = some(model, random)[2]
    return function(message) return message[2] == n end
  end,
  function() return nil end,
}

local function take_step(model, random)
  if random(3) == 1 then return send_run(model, random) end
  local pattern = selections[random(#selections)](model, random)
  assert.same(take_from(model, pattern), (pierrot.receive(pattern, 0)))
end

-- Changes one of those that wait, as a function in a pattern can.
local function change(model, random)
  local message, tag = some(model, random), tags[random(#tags)]
  pierrot.receive(function(seen)
    if seen[2] == message[2] then seen[1] = tag end
    return false
  end, 0)
  message[1] = tag
end

describe("a receive among messages that were passed over", function()
  for seed = 1, 20 do
    it("MSG-004 takes the first that matches of many that are alike, seed " .. seed,
      alone(function()
        local model, random = { n_sent = 0 }, generator(seed)
        for step = 1, 500 do
          take_step(model, random)
          if step % 50 == 0 then change(model, random) end
        end
        local left = pierrot.flush()
        left.n, model.n_sent = nil, nil
        assert.same(model, left)
      end))
  end

  for _, sender in ipairs(senders) do
    for _, order in ipairs(orders) do
      it("MSG-004 takes the first that matches, sent by " .. sender[1] .. ", " .. order[1],
        alone(function()
          local pids = { pierrot.self(), idle(), pierrot.make_ref(), pierrot.make_ref() }
          local model = order[2](messages_of(values(pids)))

          sender[2](model)

          check(model, order[2](patterns_of(values(pids))))
        end))
    end
  end

  it("MSG-004 finds signals of all kinds", alone(function()
    pierrot.trap_exit(true)
    local test, signals = pierrot.self(), {}
    for i = 1, 3 do
      local pid = pierrot.spawn_link(function()
        pierrot.receive("end")
        pierrot.exit(i)
      end)
      local down, gone = pierrot.monitor(pid), pierrot.monitor(pid, { tag = "gone" })
      local last = pierrot.monitor(pid)
      pierrot.send(pid, "end")
      expect { "DOWN", last }
      gen_server.cast(test, i)
      local timer = pierrot.start_timer(0, test, i)
      pierrot.start_timer(1, test, "last")
      expect { "timeout", pierrot.any, "last" }
      table.move({
        { "EXIT", pid, i }, { "DOWN", down, "process", pid, i },
        { "gone", gone, "process", pid, i }, { "$gen_cast", i }, { "timeout", timer, i },
      }, 1, 5, #signals + 1, signals)
    end
    collectgarbage()

    for i = #signals, 1, -1 do assert.same(signals[i], (pierrot.receive(signals[i], 0))) end
    assert.equal(0, pierrot.flush().n)
  end))

  it("MSG-004 finds signals of one kind by their refs and pids, the last first", alone(function()
    pierrot.trap_exit(true)
    local test, any, made = pierrot.self(), pierrot.any, {}
    local server = gen_server.start_link { init = function() return "ok", {} end,
      handle_call = function(request) return "reply", request end }
    for i = 1, 6 do
      local pid, ref = pierrot.spawn_opt({ link = true, monitor = true }, function() end)
      made[i] = { pid = pid, down = ref, timer = pierrot.start_timer(0, test, i),
        cancelled = pierrot.send_after(60000, test, i), named = pierrot.monitor("nobody " .. i),
        answer = gen_server.send_request(server, i) }
      pierrot.cancel_timer(made[i].cancelled, { async = true })
      pierrot.start_timer(1, test, "last")
      expect { "timeout", any, "last" }
    end
    local function take(pattern) return (pierrot.receive(pattern, 0)) end

    for i = 6, 1, -1 do
      local one, odd = made[i], i % 2 == 1
      assert.is_nil(take { "DOWN", one.pid })
      assert.is_nil(take { "DOWN", "text" })
      assert.is_nil(take { any, 2, [5] = "normal" })
      assert.same({ "DOWN", one.down, "process", one.pid, "normal" },
        take(odd and { "DOWN", one.down } or { [2] = one.down }))
      assert.same({ "EXIT", one.pid, "normal" }, take { odd and "EXIT" or any, one.pid })
      assert.same({ "timeout", one.timer, i }, take { any, one.timer, odd and i or nil })
      assert.same({ "DOWN", one.named, "process", "nobody " .. i, "noproc" },
        take { "DOWN", odd and one.named or any, "process", "nobody " .. i })
      assert.equal("cancel_timer", take({ [2] = one.cancelled })[1])
      assert.is_true((gen_server.receive_response(one.answer, 0)))
    end
    assert.equal(0, pierrot.flush().n)
  end))

  it("MSG-020 finds a message as a function in a pattern has left it", alone(function()
    local test, change_later = pierrot.self(), nil
    pierrot.send(test, { "a" })
    pierrot.send(test, { "b" })
    assert.is_nil((pierrot.receive({ "never" }, 0)))

    pierrot.receive(function(message)
      if message[1] == "b" then message[1] = "c" end
      if message[1] == "a" then change_later = function() message[1] = "d" end end
      return false
    end, 0)
    assert.same({ "c" }, (pierrot.receive({ "c" }, 0)))
    assert.is_nil((pierrot.receive({ "never" }, 0)))
    change_later()

    assert.is_nil((pierrot.receive({ "a" }, 0)))
    assert.same({ "d" }, (pierrot.receive({ "d" }, 0)))
  end))

  it("MSG-004 waits for one that comes, and finds it behind them", alone(function()
    local test = pierrot.self()
    for i = 1, 100 do pierrot.send(test, { "junk", i }) end
    for i = 1, 3 do
      pierrot.spawn(function()
        pierrot.yield()
        pierrot.send(test, { "junk", 100 + i })
        pierrot.send(test, { i })
      end)
      assert.same({ i }, expect { i })
    end

    for i = 1, 103 do assert.same({ "junk", i }, expect { "junk" }) end
    assert.equal(0, pierrot.flush().n)
  end))
end)
