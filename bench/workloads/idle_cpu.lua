-- SPDX-License-Identifier: MIT
-- The CPU time that a program takes while nothing happens in it, in percent of the time gone by. To
-- fall asleep and to wake takes a millisecond or so, however long it sleeps: two spans tell what
-- does not.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local harness = require "bench.harness"
local pierrot = require "pierrot"

local SHORT_MS <const>, LONG_MS <const> = harness.count(1000), harness.count(4000)

local function cpu_of(ms)
  local cpu = os.clock()
  pierrot.sleep(ms)
  return (os.clock() - cpu) * 1e3
end

harness.main {
  idle_cpu = function()
    harness.report("idle_cpu", "%", harness.repetitions(function()
      local short = cpu_of(SHORT_MS)
      return math.max(cpu_of(LONG_MS) - short, 0) / (LONG_MS - SHORT_MS) * 100
    end))
  end,
}
