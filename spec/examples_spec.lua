-- SPDX-License-Identifier: MIT
--- The small examples: what they print, and the rate limiter on virtual time.

local pierrot = require "pierrot"
local support = require "spec.support"
local testing = require "pierrot.testing"

package.path = support.root .. "/examples/?.lua;" .. package.path

local function run(name, ...)
  return support.execute(support.command(support.interpreter, support.root .. "/examples/" .. name,
    ...))
end

describe("the chat", function()
  it("reaches those in the room, and forgets who has gone", function()
    local output, errors, status = run "chat.lua"

    assert.equal(0, status, errors)
    assert.equal([[
in #lua	2
ann has seen
  #lua bob: hello ann
  #lua cy: bye bob
cy has seen
  #lua ann: hello
  #lua bob: hello ann
]], output)
    assert.equal("", errors)
  end)
end)

describe("the parallel map", function()
  it("gives results in order, and exits in their places", function()
    local output, errors, status = run("parallel_map.lua", "3")

    assert.equal(0, status, errors)
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.same({
      "below 10000: 1229 primes", "below 20000: 2262 primes", "below 30000: 3245 primes",
      "ok\t12",
    }, { lines[1], lines[2], lines[3], lines[4] })
    assert.is_truthy(lines[5]:find("^exit\t.*attempt to "), lines[5])
    assert.equal("ok\t3", lines[6])
  end)
end)

describe("the rate limiter", function()
  local Limiter = require "rate_limiter"
  local limiter

  before_each(function()
    testing.virtual_time()
    limiter = testing.start_supervised { Limiter, { limit = 2, period = 1000 } }
  end)

  it("lets as many go as it may, and tells the others when", function()
    assert.same({ true }, { Limiter.take(limiter, "a") })
    testing.advance(400)
    assert.same({ true }, { Limiter.take(limiter, "a") })

    assert.same({ false, 600.0 }, { Limiter.take(limiter, "a") })
    assert.same({ true }, { Limiter.take(limiter, "b") })
  end)

  it("begins anew when the period is over", function()
    for _ = 1, 3 do Limiter.take(limiter, "a") end
    testing.advance(999)
    assert.is_false((Limiter.take(limiter, "a")))

    testing.advance(1)
    assert.is_true((Limiter.take(limiter, "a")))
  end)

  it("keeps nothing of keys whose period is over", function()
    for i = 1, 100 do Limiter.take(limiter, i) end
    testing.advance(1000)

    assert.same({}, require("pierrot.sys").get_state(limiter).counts)
    assert.is_true(pierrot.is_alive(limiter))
  end)

  it("is a program of its own", function()
    local output, errors, status = run "rate_limiter.lua"

    assert.same({ "", 0 }, { errors, status })
    assert.is_truthy(output:find("^%d goes in 120 ms at 3 in 50 ms\n$"), output)
  end)
end)
