-- SPDX-License-Identifier: MIT
--- max_heap: a process that holds more than its limit ends with "killed"; what it made and let go
--- does not count, nor what belongs to others.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"

local LIMIT <const> = 256 * 1024

-- Holds more and more, giving way now and then; from another scheduler as well.
local function hoard()
  local yield <const> = require("pierrot").yield
  local held = {}
  while true do
    for _ = 1, 100 do held[#held + 1] = { #held } end
    yield(#held)
  end
end

-- The reason with which a process ends that runs the function under the limit.
local function reason_of(fn, opts)
  opts = opts or {}
  opts.monitor, opts.max_heap = true, LIMIT
  local _, ref <const> = pierrot.spawn_opt(opts, fn)
  return pierrot.receive({ "DOWN", ref }, 20000)[5]
end

local Keeper <const> = {
  init = function() return "ok", {} end,
  handle_call = {
    keep = function(state, _, n)
      for _ = 1, n do state[#state + 1] = ("x"):rep(100) .. #state end
      return "reply", #state
    end,
    pass = function(_, _, n)
      return "reply", #("x"):rep(n)
    end,
  },
}

describe("max_heap", function()
  it("ends a process that holds too much", function()
    assert.equal("killed", reason_of(hoard))
  end)

  it("ends one on another scheduler", function()
    assert.equal("killed", reason_of(hoard, { scheduler = "any" }))
  end)

  it("counts what coroutines, closures and strings hold", function()
    local ways <const> = {
      function(held)
        local co <const> = coroutine.create(function() local n = { held } coroutine.yield(n) end)
        coroutine.resume(co)
        return co
      end,
      function(held) return function() return held end end,
      function(held) return ("text"):rep(20) .. #tostring(held) .. pierrot.now() end,
    }
    for i, way in ipairs(ways) do
      local reason <const> = reason_of(function()
        local held = {}
        for n = 1, 1e6 do
          held = { held, way(held) }
          if n % 50 == 0 then pierrot.yield() end
        end
      end)
      assert.equal("killed", reason, "way " .. i)
    end
  end)

  it("lets a process make as much garbage as it likes", function()
    local reason <const> = reason_of(function()
      local last
      for n = 1, 20000 do
        last = { n, last and last[1] }
        if n % 100 == 0 then pierrot.yield() end
      end
    end)

    assert.equal("normal", reason)
  end)

  it("does not count the globals and the modules, which belong to all", function()
    package.loaded["max_heap.shared"] = {}
    for i = 1, 20000 do package.loaded["max_heap.shared"][i] = { i } end

    local reason <const> = reason_of(function()
      local shared <const> = require "max_heap.shared"
      local grown = {}
      for n = 1, 2000 do
        grown = { n, #shared }
        if n % 100 == 0 then pierrot.yield() end
      end
      return grown
    end)

    package.loaded["max_heap.shared"] = nil
    assert.equal("normal", reason)
  end)

  it("harms no other process", function()
    local neighbour <const>, ref <const> = pierrot.spawn_monitor(function()
      local held <const> = {}
      for i = 1, 20000 do held[i] = { i } end
      pierrot.receive "end"
      return held
    end)

    assert.equal("killed", reason_of(hoard))
    pierrot.send(neighbour, "end")

    assert.equal("normal", pierrot.receive({ "DOWN", ref })[5])
  end)

  it("is for servers as well: their state counts, what a call leaves behind does not", function()
    local server <const>, ref <const> = gen_server.start_monitor(Keeper, nil, { max_heap = LIMIT })
    for _ = 1, 50 do assert.equal(100000, gen_server.call(server, { "pass", 100000 })) end
    assert.equal(10, gen_server.call(server, { "keep", 10 }))

    -- The answer may come before the end is found, or not.
    pcall(gen_server.call, server, { "keep", 10000 })

    assert.equal("killed", pierrot.receive({ "DOWN", ref }, 20000)[5])
  end)

  it("cannot be trapped", function()
    local reason <const> = reason_of(function()
      pierrot.trap_exit(true)
      pcall(hoard)
      return "survived"
    end)

    assert.equal("killed", reason)
  end)
end)
