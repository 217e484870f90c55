-- SPDX-License-Identifier: MIT
--- A process that is killed leaves nothing behind, whatever it was doing.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"
local servers = require "spec.servers"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local NEVER_MS <const> = 100000000

-- A process that has told the test that it is where it should be killed. Gives pid and monitor.
local function victim(body, ...)
  local test = pierrot.self()
  local pid, ref = pierrot.spawn_monitor(function(...)
    body(function() pierrot.send(test, "ready") end, ...)
  end, ...)
  expect "ready"
  return pid, ref
end

local function kill(pid, ref)
  pierrot.exit(pid, "kill")
  assert.equal("killed", await_down(ref))
  assert.is_false(pierrot.is_alive(pid))
end

local function relations_of(pid)
  return pierrot.info(pid, { "links", "monitors", "monitored_by", "mailbox" })
end

local NO_RELATIONS <const> = { links = {}, monitors = {}, monitored_by = {}, mailbox = 0 }

-- A process that ignores whatever it gets, with no relations.
local function bystander()
  return pierrot.spawn(function() pierrot.receive "stop" end)
end

-- Nobody is there who was not before `body`, and nothing has a name.
local function leaves_no_process(body)
  return alone(function()
    local n_processes, n_names = #pierrot.processes(), #pierrot.registered()
    body()
    assert.equal(n_processes, #pierrot.processes())
    assert.equal(n_names, #pierrot.registered())
    assert.same({ n = 0 }, pierrot.flush())
    local left = pierrot.info(pierrot.self(), { "links", "monitors" })
    assert.same({ links = {}, monitors = {} }, left)
  end)
end

describe("a process that is killed", function()
  it("in a call under three pcalls is forgotten by the server", leaves_no_process(function()
    local server = servers.start_alone { handle_call = function() return "noreply" end }
    local pid, ref = victim(function(ready)
      pcall(pcall, pcall, function()
        ready()
        gen_server.call(server, "never answered", "infinity")
      end)
      pierrot.receive()
    end)

    kill(pid, ref)

    assert.same({}, pierrot.info(server, "monitored_by"))
    gen_server.stop(server)
  end))

  it("in a coroutine of its own in a coroutine is gone", leaves_no_process(function()
    local pid, ref = victim(function(ready)
      coroutine.wrap(function()
        coroutine.wrap(function()
          ready()
          pierrot.receive()
        end)()
      end)()
    end)

    kill(pid, ref)
  end))

  for what, close in pairs {
    ["loop"] = function() while true do end end,
    ["raise"] = function() error "not now" end,
    ["wait"] = function() pierrot.receive() end,
    ["exit"] = function() pierrot.exit "otherwise" end,
    ["loop under pcall"] = function() while true do pcall(function() while true do end end) end end,
  } do
    it("with values to be closed that " .. what .. " is gone", leaves_no_process(function()
      local closed = {}
      local pid, ref = victim(function(ready)
        local function note(text)
          return setmetatable({}, { __close = function() closed[#closed + 1] = text end })
        end
        local _ <close> = note "outer"
        local _ <close> = setmetatable({}, { __close = close })
        local _ <close> = note "inner"
        ready()
        pierrot.receive()
      end)

      kill(pid, ref)

      assert.same({ "inner", "outer" }, closed)
    end))
  end

  it("while init runs is a failed start", leaves_no_process(function()
    local test = pierrot.self()
    local starter, ref = pierrot.spawn_monitor(function()
      pierrot.exit { "shutdown", { gen_server.start(servers.module {
        init = function()
          pierrot.send(test, { "starting", pierrot.self() })
          pierrot.receive()
        end,
      }, nil, { name = "half started" }) } }
    end)
    local server = expect({ "starting" })[2]
    assert.equal(server, pierrot.whereis "half started")

    kill(server, pierrot.monitor(server))

    assert.is_nil(pierrot.whereis "half started")
    assert.same({ "shutdown", { [2] = "killed" } }, await_down(ref))
    assert.is_false(pierrot.is_alive(starter))
  end))

  it("while the server that it starts with a link is in init takes it along",
    leaves_no_process(function()
      local test = pierrot.self()
      local starter, ref = pierrot.spawn_monitor(function()
        gen_server.start_link(servers.module {
          init = function()
            pierrot.send(test, { "starting", pierrot.self() })
            pierrot.receive()
          end,
        }, nil, { name = "half started" })
      end)
      local server = expect({ "starting" })[2]
      local watch = pierrot.monitor(server)

      kill(starter, ref)

      assert.equal("killed", await_down(watch))
      assert.is_nil(pierrot.whereis "half started")
    end))

  it("takes along the timers that go to it", leaves_no_process(function()
    local timers
    local pid, ref = victim(function(ready)
      local mine = pierrot.send_after(NEVER_MS, pierrot.self(), "mine")
      pierrot.put("timer", mine)
      ready()
      pierrot.sleep(NEVER_MS)
    end)
    timers = { pierrot.info(pid, "dictionary").timer, pierrot.start_timer(NEVER_MS, pid, "ours") }
    assert.is_number(pierrot.read_timer(timers[1]))
    assert.is_number(pierrot.read_timer(timers[2]))

    kill(pid, ref)

    assert.is_false(pierrot.read_timer(timers[1]))
    assert.is_false(pierrot.cancel_timer(timers[2]))
  end))

  it("leaves the timers that go to others", leaves_no_process(function()
    local test = pierrot.self()
    local pid, ref = victim(function(ready)
      pierrot.put("timer", pierrot.send_after(NEVER_MS, test, "late"))
      ready()
      pierrot.receive()
    end)
    local timer = pierrot.info(pid, "dictionary").timer

    kill(pid, ref)

    assert.is_number(pierrot.cancel_timer(timer))
  end))

  it("gives back name, aliases, links and monitors", leaves_no_process(function()
    local other = bystander()
    local pid, ref = victim(function(ready)
      pierrot.register("held", pierrot.self())
      pierrot.put("alias", pierrot.alias())
      pierrot.put("watch", pierrot.monitor(other, { alias = "explicit_unalias" }))
      ready()
      pierrot.receive()
    end)
    local dictionary = pierrot.info(pid, "dictionary")

    kill(pid, ref)

    assert.is_nil(pierrot.whereis "held")
    assert.equal("to nobody", pierrot.send(dictionary.alias, "to nobody"))
    assert.equal("to nobody", pierrot.send(dictionary.watch, "to nobody"))
    assert.same(NO_RELATIONS, relations_of(other))
    assert.is_true(pierrot.register("held", other))
    local gone = pierrot.monitor(other)
    pierrot.send(other, "stop")
    await_down(gone)
  end))

  it("in a callback does not terminate, and who called hears of it", leaves_no_process(function()
    local test = pierrot.self()
    local server = servers.start_alone({
      handle_call = function()
        pierrot.send(test, "in the callback")
        pierrot.receive "never"
      end,
      terminate = function() pierrot.send(test, "terminated") end,
    })
    local watch = pierrot.monitor(server)
    local _, ref = pierrot.spawn_monitor(function() gen_server.call(server, "ask", "infinity") end)
    expect "in the callback"

    kill(server, watch)

    assert.equal("killed", await_down(ref)[1])
  end))

  it("frees what lies in its mailbox and what it holds", alone(function()
    local function round()
      local pid, ref = victim(function(ready)
        local held = {}
        for i = 1, 100 do held[i] = ("x"):rep(1000) .. i end
        ready()
        pierrot.receive "never"
        return held
      end)
      for i = 1, 100 do pierrot.send(pid, { i, ("y"):rep(1000) .. i }) end
      pierrot.send_after(NEVER_MS, pid, ("z"):rep(1000))
      pierrot.monitor(pid)
      kill(pid, ref)
      pierrot.flush()
    end
    local function total()
      collectgarbage()
      collectgarbage()
      return pierrot.memory().total
    end
    for _ = 1, 20 do round() end
    local before = total()

    for _ = 1, 100 do round() end

    -- A hundred victims held 20 MB.
    assert.is_true(total() - before < 1000000, total() - before)
  end))
end)

describe("a process of another scheduler that is killed", function()
  if not support.has_two_schedulers then return end

  local function elsewhere(code, ...)
    return pierrot.spawn_opt({ scheduler = support.elsewhere(), monitor = true }, code, ...)
  end

  for where, body in pairs {
    ["a loop"] = function(test)
      local p = require "pierrot"
      p.send(test, "ready")
      while true do pcall(function() while true do end end) end
    end,
    ["a comparator of table.sort"] = function(test)
      local p = require "pierrot"
      table.sort({ 1, 2 }, function()
        p.send(test, "ready")
        while true do pcall(function() while true do end end) end
      end)
    end,
    ["a gsub callback in a coroutine"] = function(test)
      local p = require "pierrot"
      coroutine.wrap(function()
        string.gsub("x", "x", function()
          p.send(test, "ready")
          while true do end
        end)
      end)()
    end,
    ["a coroutine in a gsub callback"] = function(test)
      local p = require "pierrot"
      string.gsub("x", "x", function()
        local co = coroutine.wrap(function()
          local _ <close> = setmetatable({}, { __close = function() while true do end end })
          p.send(test, "ready")
          while true do end
        end)
        pcall(co)
        while true do end
      end)
    end,
    ["a comparator with values to be closed that loop"] = function(test)
      local p = require "pierrot"
      local _ <close> = setmetatable({}, { __close = function() while true do end end })
      table.sort({ 1, 2 }, function()
        p.send(test, "ready")
        while true do end
      end)
    end,
    ["a message handler"] = function(test)
      local p = require "pierrot"
      xpcall(error, function()
        p.send(test, "ready")
        while true do end
      end, "no milk")
    end,
    ["a message handler in a comparator"] = function(test)
      local p = require "pierrot"
      table.sort({ 1, 2 }, function()
        xpcall(error, function()
          p.send(test, "ready")
          while true do end
        end, "no milk")
      end)
    end,
    ["a gsub callback with a message handler that loops when the end comes"] = function(test)
      local p = require "pierrot"
      string.gsub("x", "x", function()
        while true do
          xpcall(function()
            p.send(test, "ready")
            while true do end
          end, function() while true do end end)
        end
      end)
    end,
    ["a message handler of a message handler"] = function(test)
      local p = require "pierrot"
      local function loop() while true do end end
      xpcall(error, function()
        p.send(test, "ready")
        xpcall(loop, loop)
      end, "no milk")
    end,
    ["values of a coroutine of its own that it closes"] = function(test)
      local p = require "pierrot"
      local function loop() while true do pcall(function() while true do end end) end end
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = loop })
        local _ <close> = setmetatable({}, { __close = loop })
        coroutine.yield()
      end)
      coroutine.resume(co)
      p.send(test, "ready")
      coroutine.close(co)
    end,
    ["values of a coroutine of its own that has failed"] = function(test)
      local p = require "pierrot"
      pcall(coroutine.wrap(function()
        local _ <close> = setmetatable({}, { __close = function()
          p.send(test, "ready")
          while true do end
        end })
        error "no milk"
      end))
    end,
    ["values to be closed that resume coroutines that loop"] = function(test)
      local p = require "pierrot"
      local function loop() while true do end end
      local _ <close> = setmetatable({}, { __close = function()
        while true do pcall(coroutine.wrap(loop)) end
      end })
      p.send(test, "ready")
      p.receive "never sent"
    end,
    ["values to be closed that close coroutines with values that loop"] = function(test)
      local p = require "pierrot"
      local function begin()
        local _ <close> = setmetatable({}, { __close = function() while true do end end })
        coroutine.yield()
      end
      local _ <close> = setmetatable({}, { __close = function()
        while true do
          local co = coroutine.create(begin)
          coroutine.resume(co)
          pcall(coroutine.close, co)
        end
      end })
      p.send(test, "ready")
      p.receive "never sent"
    end,
    ["values to be closed with a message handler that loops"] = function(test)
      local p = require "pierrot"
      local function loop() while true do end end
      local _ <close> = setmetatable({}, { __close = function() xpcall(loop, loop) end })
      p.send(test, "ready")
      p.receive "never sent"
    end,
  } do
    it("in " .. where .. " is gone", leaves_no_process(function()
      local pid, ref = elsewhere(body, pierrot.self())
      expect "ready"

      kill(pid, ref)
    end))
  end

  it("in a comparator of a server's callback does not terminate", leaves_no_process(function()
    local test = pierrot.self()
    local server = gen_server.start({
      init = function(arg) return "ok", arg end,
      handle_cast = function(_, to)
        table.sort({ 1, 2 }, function()
          require "pierrot".send(to, "ready")
          while true do end
        end)
      end,
      terminate = function(_, to) require "pierrot".send(to, "terminated") end,
    }, test, { scheduler = support.elsewhere() })
    gen_server.cast(server, test)
    expect "ready"

    kill(server, pierrot.monitor(server))
  end))

  it("in a comparator of a server's callback does not harm the next ones", alone(function()
    local where = support.elsewhere()
    local Server = {
      init = function(arg) return "ok", arg end,
      handle_cast = function(_, to)
        table.sort({ 1, 2 }, function()
          require "pierrot".send(to, "ready")
          while true do end
        end)
      end,
      handle_call = function(request) return "reply", request end,
    }
    local server = gen_server.start(Server, pierrot.self(), { scheduler = where })
    gen_server.cast(server, pierrot.self())
    expect "ready"
    kill(server, pierrot.monitor(server))

    local after = {}
    for i = 1, 5 do
      after[i] = assert(gen_server.start(Server, nil, { scheduler = where }))
      assert.equal(i, gen_server.call(after[i], i))
    end

    for _, other in ipairs(after) do gen_server.stop(other) end
  end))

  -- Runs there: who comes after `ended` on its coroutine is killed, and its values are closed.
  local function close_after(ended, test)
    local p = require "pierrot"
    p.receive { "DOWN", ended }
    local next_one, ref = p.spawn_monitor(function()
      local _ <close> = setmetatable({}, { __close = function() p.send(test, "closed") end })
      p.receive "never sent"
    end)
    p.yield()
    p.exit(next_one, "kill")
    p.receive { "DOWN", ref }
    p.send(test, "over")
  end

  it("in a comparator, the last that it does, does not harm the next on its coroutine",
    alone(function()
      local _, over = elsewhere(function(test)
        local p = require "pierrot"
        local _, ended = p.spawn_monitor(function()
          p.send(test, { "ready", p.self() })
          return pcall(table.sort, { 1, 2 }, function() while true do end end)
        end)
        close_after(ended, test)
      end, pierrot.self())

      pierrot.exit(expect({ "ready" })[2], "kill")

      await_down(over)
      assert.same({ "closed", "over", n = 2 }, pierrot.flush())
    end))

  it("in a comparator of a server that has answered does not harm its caller", alone(function()
    local _, over = elsewhere(function(test)
      local p, gs = require "pierrot", require "pierrot.gen_server"
      local server = gs.start {
        init = function() return "ok", {} end,
        handle_call = function(_, from)
          gs.reply(from, "soon")
          p.send(test, { "ready", p.self() })
          table.sort({ 1, 2 }, function() while true do end end)
        end,
      }
      local _, ended = p.spawn_monitor(function() assert(gs.call(server, "go") == "soon") end)
      close_after(ended, test)
    end, pierrot.self())

    pierrot.exit(expect({ "ready" })[2], "kill")

    await_down(over)
    assert.same({ "closed", "over", n = 2 }, pierrot.flush())
  end))

  it("takes along the timers that go to it, and who armed them may be dead",
    leaves_no_process(function()
      local pid, ref = elsewhere(function() require "pierrot".receive() end)
      local timer = pierrot.send_after(NEVER_MS, pid, "late")
      local _, armed = pierrot.spawn_monitor(function()
        pierrot.exit { "shutdown", pierrot.send_after(NEVER_MS, pid, "later") }
      end)
      local orphan = await_down(armed)[2]
      assert.is_number(pierrot.read_timer(orphan))

      kill(pid, ref)

      assert.is_false(pierrot.read_timer(timer))
      assert.is_false(pierrot.read_timer(orphan))
    end))

  it("while others send it much frees it all", alone(function()
    local function round()
      local pid, ref = elsewhere(function() require "pierrot".receive "never" end)
      local senders = {}
      for i = 1, 3 do
        local _, watch = pierrot.spawn_monitor(function()
          for n = 1, 100 do
            pierrot.send(pid, { n, ("y"):rep(1000), { pierrot.self() } })
            if n % 10 == 0 then pierrot.yield() end
          end
        end)
        senders[i] = watch
      end
      pierrot.yield()
      kill(pid, ref)
      for _, watch in ipairs(senders) do await_down(watch) end
    end
    for _ = 1, 20 do round() end
    collectgarbage()
    local before = pierrot.memory().total

    for _ = 1, 100 do round() end

    collectgarbage()
    assert.is_true(pierrot.memory().total - before < 2000000, pierrot.memory().total - before)
  end))
end)
