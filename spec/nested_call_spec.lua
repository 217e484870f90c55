-- SPDX-License-Identifier: MIT
--- gen_server: a call to an idle server here runs its callback at once, within the call. Nobody can
-- tell that from a call that waits for its turn.

local core = require "pierrot.core"
local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local servers = require "spec.servers"
local support = require "spec.support"
local sys = require "pierrot.sys"

local alone, await_down, expect = support.alone, support.await_down, support.expect

-- Two such calls, one after the other, are not both sent to wait in the mailbox for fairness.
local function warm_up()
  local echo = servers.start { handle_call = function(request) return "reply", request end }
  for i = 1, 2 do gen_server.call(echo, i) end
end

-- Where a text stands, and what the server's pid is, differs.
local function plain(value)
  return (pierrot.inspect(value):gsub("<%d+%.%d+%.%d+>", "<pid>"):gsub("#Ref<[^>]*>", "#Ref<>"))
end

-- All that can be seen of a call of this request to a server with these callbacks.
local function observe(callbacks, request, waits)
  return function()
    local seen = {}
    local server, ref = servers.start_watched(callbacks(seen), { n = 0 })
    if waits then sys.statistics(server, true) end
    local outcome = table.pack(pcall(gen_server.call, server, request, 10000))
    seen.outcome = plain(outcome[1] and outcome or outcome[2].reason or outcome[2])
    seen.is_alive = pierrot.is_alive(server)
    if seen.is_alive then
      seen.state = plain(sys.get_state(server))
      pierrot.exit(server, "kill")
    end
    seen.reason = plain(await_down(ref))
    seen.mailbox = plain(pierrot.flush())
    return seen
  end
end

local inherited <const> = { init = function(arg) return "ok", arg end }

local function raising(seen)
  return setmetatable({ init = inherited.init }, { __index = function(_, key)
    if key ~= "handle_call" then return nil end
    seen.runs_in_test = pierrot.self() == seen.test
    error "no milk"
  end })
end

local function replying(...)
  local results <const> = table.pack(...)
  return function()
    return servers.module {
      handle_call = function() return table.unpack(results, 1, results.n) end,
    }
  end
end

local cases <const> = {
  ["replies with a table"] = { replying("reply", { 1, { 2 } }, { n = 1 }), "get" },
  ["replies with a function"] = { replying("reply", print, { n = 1 }), "get" },
  ["replies with a function in a table"] = { replying("reply", { print }, { n = 1 }), "get" },
  ["replies with a function deep in a table"] = { replying("reply", { a = { { print } } }), "get" },
  ["replies with a function for a key"] = { replying("reply", { [print] = 1 }, nil), "get" },
  ["cannot reply, and terminates"] = { function(seen)
    return servers.module {
      handle_call = function() return "reply", { print }, { n = 1 } end,
      terminate = function(reason, state) seen.terminated = plain { reason, state } end,
    }
  end, { "get", 1 } },
  ["replies with too much"] = { replying("reply", 1, 2, 3, 4), "get" },
  ["returns a table"] = { replying({}), "get" },
  ["returns nothing"] = { replying(), "get" },
  ["stops with a reply that cannot be sent"] = { replying("stop", "normal", print, 1), "get" },
  ["answers twice"] = { function()
    return servers.module { handle_call = function(request, from)
      gen_server.reply(from, request)
      return "reply", 2, { n = 2 }
    end }
  end, "first" },
  ["answers, and then with what cannot be sent"] = { function()
    return servers.module { handle_call = function(request, from)
      gen_server.reply(from, request)
      local outcome = table.pack(pcall(gen_server.reply, from, { print }))
      return "reply", print, { outcome[1], outcome[2]:match "cannot send.*" }
    end }
  end, "first" },
  ["answers and fails"] = { function()
    return servers.module { handle_call = function(request, from)
      gen_server.reply(from, request)
      error "no milk"
    end }
  end, "first" },
  ["answers with what cannot be sent"] = { function()
    return servers.module { handle_call = function(_, from) gen_server.reply(from, { print }) end }
  end, "first" },
  ["takes a request with a very large key"] = { function()
    return servers.module { handle_call = { x = function() return "reply", 1 end } }
  end, { "x", [300] = 1 } },
  ["takes a request with a very large key and a table"] = { function()
    return servers.module { handle_call = { x = function() return "reply", 1 end } }
  end, { "x", {}, [300] = 1 } },
  ["takes a request that cannot be sent"] = { replying("reply", 1), { print } },
  ["has no such function"] = { function()
    return servers.module { handle_call = { x = function() return "reply", 1 end } }
  end, { "y" } },
  ["has something else for a function"] = { function()
    return servers.module { handle_call = { x = 1 } }
  end, { "x" } },
  ["has something else for callbacks"] = { function()
    return servers.module { handle_call = 1 }
  end, { "x" } },
  ["inherits its callbacks"] = { function()
    return setmetatable({ init = inherited.init }, { __index = {
      handle_call = function(request) return "reply", request end,
    } })
  end, { "x" } },
  ["fails where its callbacks are looked for"] = { raising, { "x" } },
  ["ends itself"] = { function()
    return servers.module { handle_call = function() pierrot.exit(pierrot.self(), "kill") end }
  end, "x" },
  ["exits"] = { function()
    return servers.module { handle_call = function() pierrot.exit "enough" end }
  end, "x" },
  ["waits"] = { function()
    return servers.module { handle_call = function()
      pierrot.sleep(1)
      return "reply", 1, { n = 3 }
    end }
  end, "x" },
  ["looks at the caller"] = { function()
    return servers.module { handle_call = function(_, from)
      return "reply", pierrot.info(from[1], { "status", "current_function", "mailbox", "links" })
    end }
  end, "x" },
  ["sends to the caller"] = { function()
    return servers.module { handle_call = function(_, from)
      pierrot.send(from[1], "hello")
      return "reply", 1
    end }
  end, "x" },
}

-- Computes until the clock shows `till`, where nobody can interrupt it.
local function hold(till)
  string.gsub("x", "x", function()
    while pierrot.now() < till do end
  end)
end

-- What a call raised.
local function why_not(...)
  local ok, exit = pcall(gen_server.call, ...)
  return not ok and exit.reason[1] or "answered"
end

describe("a call of an idle server", function()
  for what, case in pairs(cases) do
    it("that " .. what .. " is like any other", alone(function()
      warm_up()
      local test = pierrot.self()
      local function run(waits)
        local body <const> = observe(function(seen)
          seen.test = pierrot.self()
          return case[1](seen)
        end, case[2], waits)
        local ref = select(2, pierrot.spawn_monitor(function()
          local seen = body()
          seen.test = nil
          pierrot.send(test, { "seen", seen })
        end))
        await_down(ref)
        return expect({ "seen" })[2]
      end

      assert.same(run(true), run(false))
    end))
  end

  it("counts its limit from the call, not from where the server first waits", alone(function()
    warm_up()
    local server = servers.start { handle_call = function(till)
      hold(till)
      -- Behind the limit, ahead of one that counts from here on.
      pierrot.send_after(50, pierrot.self(), "enough")
      pierrot.receive "enough"
      return "reply", 1
    end }

    assert.equal("timeout", why_not(server, pierrot.now() + 100, 100))
  end))

  it("does not succeed beyond its limit where the server never gives way", alone(function()
    warm_up()
    local server = servers.start { handle_call = function(till)
      if till then hold(till) end
      return "reply", "done", {}
    end }

    assert.equal("timeout", why_not(server, pierrot.now() + 50, 10))
    assert.equal("done", gen_server.call(server, false))
    assert.same({ n = 0 }, pierrot.flush())
  end))

  -- Once is enough of what takes as long as the default limit does.
  if support.program and pierrot.schedulers() == 1 and not core.is_module then
    it("counts the default limit from the call where nothing preempts as well", function()
      local script <close> = support.temporary_file [[
        local pierrot = require "pierrot"
        local gen_server = require "pierrot.gen_server"
        local function start(scheduler, waits)
          return gen_server.start({
            init = function() return "ok", {} end,
            handle_call = function(command)
              os.execute(command)
              if waits then pierrot.receive "never sent" end
              return "reply", "done"
            end,
          }, nil, { scheduler = scheduler })
        end
        local function try(waits)
          local server, echo = start("local", waits), start("local", false)
          for _ = 1, 2 do gen_server.call(echo, "true") end -- as warm_up
          local begun = pierrot.now()
          local _, exit = pcall(gen_server.call, server, waits and "sleep 3" or "sleep 5.2")
          return exit.reason and exit.reason[1] or exit, pierrot.now() - begun < 7000
        end
        local _, ref = pierrot.spawn_opt({ scheduler = 2, monitor = true }, function()
          print("waits", try(true))
        end)
        print("answers", try(false))
        pierrot.receive { "DOWN", ref }
      ]]

      local output, errors, status = support.execute(support.command(support.program,
        "--preempt", "off", "-s", "2", script.path))

      local lines = {}
      for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
      table.sort(lines)
      assert.same({ "answers\ttimeout\ttrue", "waits\ttimeout\ttrue" }, lines)
      assert.same({ "", 0 }, { errors, status })
    end)
  end

  it("gives a wait of its own, or a stop, no trace in a coroutine of the caller's", alone(function()
    warm_up()
    local server = servers.start { handle_call = function(_, from)
      gen_server.reply(from, "soon")
      pierrot.receive "go on"
      return "noreply"
    end }
    local co = coroutine.wrap(function()
      coroutine.yield(gen_server.call(server, "x"))
      return "last"
    end)

    assert.equal("soon", co())
    assert.equal("last", co())
    pierrot.send(server, "go on")
  end))

  it("that answers and waits leaves yields as they are, by whomever", function()
    local output, errors, status = support.run_script [[
      local yield = coroutine.yield -- as C code may call it
      local pierrot = require "pierrot"
      local gen_server = require "pierrot.gen_server"
      local Server = {
        init = function() return "ok", {} end,
        handle_call = function(_, from)
          gen_server.reply(from, "soon")
          pierrot.receive "never sent"
        end,
      }
      for _ = 1, 5 do pierrot.spawn(function() end) end
      pierrot.yield()
      local echo = gen_server.start {
        init = Server.init, handle_call = function() return "reply", 1 end,
      }
      for _ = 1, 2 do gen_server.call(echo, "x") end
      local server = gen_server.start(Server)
      local _, ref = pierrot.spawn_monitor(function()
        local co = coroutine.wrap(function() yield(gen_server.call(server, "x")) end)
        print(co())
      end)
      pierrot.receive({ "DOWN", ref }, 10000)
    ]]

    assert.equal("", errors)
    assert.equal(0, status)
    assert.equal("soon\n", output)
  end)
end)
