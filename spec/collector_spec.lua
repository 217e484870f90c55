-- SPDX-License-Identifier: MIT
--- The garbage collector of a scheduler: when it works, and that it leaves to the user what is his.

local support = require "spec.support"

-- Each runs in a program of its own, whose collector nobody else has touched.
local PRELUDE <const> = [[
  local pierrot = require "pierrot"

  local held = {} -- a heap of some size
  for i = 1, 20000 do held[i] = { i } end

  -- Some 20 KB of garbage in this slice.
  local function litter()
    for i = 1, 180 do local _ = { i, i } end
  end

  -- Cycles of the collector that have ended from now on: an object dies in each and is made anew.
  local in_slices, between = 0, 0
  local meta = {}
  function meta.__gc()
    if pcall(pierrot.self) then in_slices = in_slices + 1 else between = between + 1 end
    setmetatable({}, meta)
  end
  local function count_cycles()
    setmetatable({}, meta)
  end

  local function slices(n)
    local highest = 0
    for _ = 1, n do
      litter()
      highest = math.max(highest, collectgarbage "count")
      pierrot.yield()
    end
    return highest
  end

  -- Goes on until five have ended, and prints how many of them did so within a slice.
  local function print_in_slices()
    count_cycles()
    repeat slices(10) until in_slices + between >= 5
    print(in_slices)
  end

  collectgarbage()
  local at_rest <const> = collectgarbage "count"
]]

--- What the program prints.
local function run(code)
  return support.execute(support.command(support.program, "-s", "1", "-e", PRELUDE .. code))
end

describe("the garbage collector", function()
  if not support.program then return pending "PIERROT does not say where the program is" end

  it("works between slices, for no process, where these allocate little", function()
    local output = run([[
      slices(1000)
      print_in_slices()
    ]])

    assert.equal("0\n", output)
  end)

  it("has its turn where others are ready all the time", function()
    local output = run([[
      slices(1000)
      count_cycles()
      local main = pierrot.self()
      local function answer(peer)
        while true do
          if in_slices + between >= 5 then pierrot.send(main, "enough") end
          if peer then pierrot.send(peer, pierrot.self()) end
          peer = pierrot.receive()
          for i = 1, 8 do local _ = { i, i } end
        end
      end
      for _ = 1, 2 do pierrot.spawn(answer, pierrot.spawn(answer)) end
      pierrot.receive "enough"
      print(in_slices)
    ]])

    assert.equal("0\n", output)
  end)

  it("lets the heap grow to little more than twice its size", function()
    local output = run([[ print(slices(5000) < 3 * at_rest) ]])

    assert.equal("true\n", output)
  end)

  it("works within a slice that does not end", function()
    local output = run([[
      local highest = 0
      table.sort({ 1, 2 }, function(a, b) -- is not interrupted
        for _ = 1, 5000 do
          litter()
          highest = math.max(highest, collectgarbage "count")
        end
        return a < b
      end)
      print(highest < 3 * at_rest)
    ]])

    assert.equal("true\n", output)
  end)

  it("stands still when the user has stopped it, until he lets it go on", function()
    local output = run([[
      count_cycles()
      collectgarbage "stop"
      slices(2000)
      local while_stopped = in_slices + between
      collectgarbage "restart"
      repeat slices(10) until in_slices + between > 0
      print(while_stopped)
    ]])

    assert.equal("0\n", output)
  end)

  it("is the user's where he has made it generational", function()
    local output = run([[
      count_cycles()
      collectgarbage "generational"
      local highest = slices(1000)
      print(in_slices + between < 500, highest < 3 * at_rest, collectgarbage "incremental")
    ]])

    assert.equal("true\ttrue\tgenerational\n", output)
  end)

  it("goes by the size that a collection by hand has left", function()
    local output = run([[
      local more = {}
      for i = 1, 200000 do more[i] = { i } end
      slices(1000)
      more = nil
      collectgarbage()
      slices(1000)
      print_in_slices()
    ]])

    assert.equal("0\n", output)
  end)
end)
