-- SPDX-License-Identifier: MIT
--- Starts of the built-in C actors: options, links, other schedulers; and where errors of starts on
--- other schedulers stand.

local pierrot = require "pierrot"
local bucket = require "pierrot.bucket"
local gen_server = require "pierrot.gen_server"
local registry = require "pierrot.registry"
local support = require "spec.support"

local alone, await_down, expect = support.alone, support.await_down, support.expect

local places = { { "here", function() return nil end } }
if support.has_two_schedulers then places[2] = { "elsewhere", support.elsewhere } end

local actors = { bucket = bucket, registry = registry }

--- The processes that there are now, as keys; and those that have come since.
local function census()
  local pids = {}
  for _, pid in ipairs(pierrot.processes()) do pids[pid] = true end
  return pids
end

local function newcomers(before)
  local pids = {}
  for pid in pairs(census()) do
    if not before[pid] then pids[#pids + 1] = pid end
  end
  return pids
end

for name, module in pairs(actors) do
  for _, place in ipairs(places) do
    describe(("a %s started %s"):format(name, place[1]), function()
      it("is linked with its starter by start_link, and by the option", alone(function()
        local linked = module.start_link { scheduler = place[2]() }
        local too = module.start { scheduler = place[2](), link = true }
        local other = module.start { scheduler = place[2]() }

        assert.same({ linked, too }, pierrot.info(pierrot.self(), "links"))
        assert.same({ pierrot.self() }, pierrot.info(linked, "links"))
        assert.same({}, pierrot.info(other, "links"))
        gen_server.stop(other)
      end))

      it("is a child of its starter", alone(function()
        local pid = module.start_link { scheduler = place[2]() }

        assert.equal(pierrot.self(), pierrot.info(pid, "parent"))
      end))

      it("is monitored by the option", alone(function()
        local pid, ref = module.start { scheduler = place[2](), monitor = true }

        gen_server.stop(pid, "no milk")

        assert.same({ "DOWN", ref, "process", pid, "no milk" }, expect())
        assert.equal(0, pierrot.flush().n)
      end))

      it("has its name, which nobody else gets", alone(function()
        local opts = { scheduler = place[2](), name = "an actor's name" }
        local pid = module.start_link(opts)

        assert.equal(pid, pierrot.whereis "an actor's name")
        assert.same({ nil, { "already_started", pid } }, { module.start_link(opts) })
        assert.same({ nil, { "already_started", pid } }, { module.start(opts) })
        assert.same({ pid }, pierrot.info(pierrot.self(), "links"))
      end))

      it("may have its name in a registry, which nobody else gets", alone(function()
        local names = registry.start_link()
        local opts = { scheduler = place[2](), name = { "via", names, "key", "value" } }
        local pid = module.start(opts)

        assert.same({ pid, "value" }, { registry.lookup(names, "key") })
        assert.same({ nil, { "already_started", pid } }, { module.start_link(opts) })
        assert.same({ names }, pierrot.info(pierrot.self(), "links"))
      end))

      it("leaves nothing when its registry is none", alone(function()
        local before = census()

        local pid, reason = module.start_link {
          scheduler = place[2](), name = { "via", "no such registry", "key" },
        }

        assert.is_nil(pid)
        assert.equal("noproc", reason[1])
        assert.same({}, newcomers(before))
        assert.same({}, pierrot.info(pierrot.self(), "links"))
      end))

      it("has a bounded mailbox by the option", alone(function()
        local pid = module.start_link { scheduler = place[2](), max_queue = 1 }

        for _ = 1, 1000 do pierrot.send(pid, "what is this") end
        assert.is_true(gen_server.stop(pid))
      end))

      it("ends with a starter that ends at whatever moment, 200 times", alone(function()
        local scheduler = place[2]()
        local before = census()
        for i = 1, 200 do
          local starter, ref = pierrot.spawn_monitor(function()
            module.start_link { scheduler = scheduler }
            pierrot.exit "shutdown"
          end)
          for _ = 1, i % 4 do pierrot.yield() end
          pierrot.exit(starter, "shutdown")
          await_down(ref)
        end

        -- What still lives is about to end; else this waits in vain.
        for _, pid in ipairs(newcomers(before)) do await_down(pid) end
      end))
    end)
  end
end

describe("what cannot be carried to another scheduler", function()
  if not support.has_two_schedulers then return end

  local open <const> = io.tmpfile()

  it("is an error at the line that starts it: spawn_opt", alone(function()
    local scheduler = support.elsewhere()
    local function using() return open end

    local text = support.error_text(function()
      local pid = pierrot.spawn_opt({ scheduler = scheduler }, using)
      return pid
    end)

    assert.is_truthy(text:find("^[^:]*actor_start_spec.lua:%d+: cannot carry"), text)
  end))

  it("is an error at the line that starts it: gen_server", alone(function()
    local scheduler = support.elsewhere()
    local Module = { init = function() return "ok", open end }

    for _, start in ipairs { "start", "start_link", "start_monitor" } do
      local text = support.error_text(function()
        local pid = gen_server[start](Module, nil, { scheduler = scheduler })
        return pid
      end)

      assert.is_truthy(text:find("^[^:]*actor_start_spec.lua:%d+: cannot carry"), text)
    end
  end))
end)

describe("a start elsewhere that took too long", function()
  if not support.has_two_schedulers then return end

  it("leaves nothing", alone(function()
    local scheduler = support.elsewhere()
    -- A C function cannot be preempted: this one holds the scheduler from when the pipe is open on
    -- both sides until it is closed on this one.
    local path = os.tmpname()
    assert(os.remove(path) and os.execute("mkfifo " .. path))
    local busy = pierrot.spawn_opt({ scheduler = scheduler, link = true }, function()
      loadfile(path)
      pierrot.receive "stop"
    end)
    local pipe = assert(io.open(path, "w"))

    local results = {
      { bucket.start_link { scheduler = scheduler, timeout = 1, name = "a late bucket" } },
      { gen_server.start_link({ init = function() return "ok", 1 end }, nil,
        { scheduler = scheduler, timeout = 1, name = "a late server" }) },
    }
    pipe:close()
    os.remove(path)
    pierrot.send(busy, "stop")
    await_down(busy)

    assert.same({ { nil, "timeout" }, { nil, "timeout" } }, results)
    for _, name in ipairs { "a late bucket", "a late server" } do
      local pid = pierrot.whereis(name)
      if pid then await_down(pid) end
      assert.is_nil((pierrot.whereis(name)))
    end
    assert.equal(0, pierrot.flush().n)
  end))
end)
