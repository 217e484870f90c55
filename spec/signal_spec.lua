-- SPDX-License-Identifier: MIT
--- What docs/signals.md promises and no other spec attacks.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local Echo = {
  init = function() return "ok", {} end,
  handle_call = function(request) return "reply", request end,
}

local function wait() pierrot.receive "never sent" end

describe("a full mailbox", function()
  it("takes what was promised, DOWN, EXIT and the answer, and nothing else", alone(function()
    local test, from = pierrot.self(), nil
    local mortals = { pierrot.spawn(wait), pierrot.spawn(wait) }
    local server = gen_server.start_link { init = Echo.init, handle_call = function(_, caller)
      from = caller
      return "noreply"
    end }
    local pid = pierrot.spawn_opt({ max_queue = 1, link = true }, function()
      pierrot.trap_exit(true)
      pierrot.link(mortals[1])
      pierrot.monitor(mortals[2])
      gen_server.send_request(server, "later")
      pierrot.send(test, pierrot.alias())
      pierrot.receive { "EXIT", test, "go on" }
      pierrot.send(test, pierrot.flush())
    end)
    local alias = expect()

    pierrot.send(pid, "fills it")
    pierrot.send(pid, "refused")
    pierrot.send(alias, "refused")
    gen_server.cast(pid, "refused")
    pierrot.send_after(0, pid, "refused")
    assert.equal("overload", support.exit_reason(gen_server.call, pid, "refused")[1])
    for _, mortal in ipairs(mortals) do
      pierrot.exit(mortal, "gone")
      await_down(mortal)
    end
    while not from do pierrot.yield() end
    gen_server.reply(from, "answered")
    while pierrot.info(pid, "dropped") < 4 do pierrot.yield() end
    pierrot.exit(pid, "go on")
    local got = expect()

    local kinds = {}
    for i, message in ipairs(got) do
      kinds[i] = type(message) ~= "table" and message or type(message[1]) == "string" and message[1]
        or message[2]
    end
    assert.same({ "fills it", "EXIT", "DOWN", "answered" }, kinds)
  end))
end)

-- Where the other process runs.
local places <const> = { { "here", function() return "local" end } }
if support.has_two_schedulers then places[2] = { "elsewhere", support.elsewhere } end

for _, place in ipairs(places) do
  describe("an exit signal from " .. place[1], function()
    it("keeps its place among the messages of its sender, trapped", alone(function()
      pierrot.trap_exit(true)
      for _ = 1, 20 do
        local sender = pierrot.spawn_opt({ link = true, scheduler = place[2]() }, function(test)
          local p = require "pierrot"
          p.send(test, "first")
          p.exit(test, "second")
          p.send(test, "third")
          p.exit(test, "fourth")
        end, pierrot.self())

        assert.equal("first", expect())
        assert.same({ "EXIT", sender, "second" }, expect())
        assert.equal("third", expect())
        assert.same({ "EXIT", sender, "fourth" }, expect())
        assert.same({ "EXIT", sender, "normal" }, expect())
      end
    end))

    it("keeps what its sender sends later from a process that it ends", alone(function()
      for _ = 1, 20 do
        local pid, ref = pierrot.spawn_opt({ monitor = true, scheduler = place[2]() }, function()
          local p = require "pierrot"
          while p.receive(nil, 0) ~= "too late" do end
          p.exit "too late"
        end)

        pierrot.send(pid, "in time")
        pierrot.exit(pid, "in time")
        pierrot.send(pid, "too late")

        assert.equal("in time", await_down(ref))
      end
    end))

    it("is over once the link is removed: no EXIT comes later", alone(function()
      pierrot.trap_exit(true)
      for _ = 1, 20 do
        local pid, ref = pierrot.spawn_opt(
          { link = true, monitor = true, scheduler = place[2]() }, function()
            require "pierrot".receive "never sent"
          end)

        pierrot.exit(pid, "no milk")
        pierrot.unlink(pid)
        pierrot.receive({ "EXIT", pid }, 0)

        assert.equal("no milk", await_down(ref))
        assert.equal(0, pierrot.flush().n)
      end
    end))
  end)
end

describe("what is sent before a question to another scheduler", function()
  if not support.has_two_schedulers then return end

  it("is there when the question is answered", alone(function()
    local pid = pierrot.spawn_opt({ scheduler = support.elsewhere(), link = true }, function()
      require "pierrot".receive "never sent"
    end)

    for i = 1, 300 do
      pierrot.send(pid, i)
      assert.equal(i, pierrot.info(pid, "mailbox"))
    end

    local ref = pierrot.monitor(pid)
    assert.same({ pierrot.self() }, pierrot.info(pid, "monitored_by"))
    pierrot.demonitor(ref)
    assert.same({}, pierrot.info(pid, "monitored_by"))
    pierrot.unlink(pid)
    assert.same({}, pierrot.info(pid, "links"))
    pierrot.exit(pid, "kill")
  end))

  it("is an exit that the question finds dead, by is_alive and by info", alone(function()
    local pid = pierrot.spawn_opt({ scheduler = support.elsewhere() }, function()
      while true do end
    end)

    pierrot.exit(pid, "no milk")

    assert.is_false(pierrot.is_alive(pid))
    assert.is_nil(pierrot.info(pid))
  end))
end)

describe("a start elsewhere whose starter has died", function()
  if not support.has_two_schedulers then return end

  -- Opening one waits, in C, until the other side opens it as well: its scheduler stands still.
  local function fifo()
    local path = os.tmpname()
    os.remove(path)
    assert(os.execute("mkfifo " .. path))
    return setmetatable({ path = path }, { __close = function() os.remove(path) end })
  end

  it("leaves the process without its half of the link", alone(function()
    local where, test = support.elsewhere(), pierrot.self()
    local ready <close> = fifo()
    local released <close> = fifo()
    local trapped <close> = fifo()
    local command = ("echo >%s; cat %s"):format(ready.path, released.path)
    pierrot.spawn_opt({ scheduler = where, link = true }, os.execute, command)
    io.open(ready.path):close()
    local starter, ref = pierrot.spawn_monitor(function()
      pierrot.spawn_opt({ scheduler = where, link = true }, function(path)
        local p = require "pierrot"
        p.trap_exit(true)
        io.open(path, "w"):close()
        local message = p.receive { "EXIT" }
        p.send(test, { "child", message[2], message[3], p.info(p.self(), "links") })
      end, trapped.path)
    end)
    while pierrot.info(starter, "status") == "runnable" do pierrot.yield() end
    pierrot.exit(starter, "kill")
    await_down(ref)

    io.open(released.path, "w"):close()
    io.open(trapped.path):close() -- here nothing is taken in before

    assert.same({ "child", starter, "noproc", {} }, expect { "child" })
  end))
end)
