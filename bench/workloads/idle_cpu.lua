-- SPDX-License-Identifier: MIT
-- The CPU time that a program takes while nothing happens in it, in percent of the time gone by.

package.path = (arg[0]:match("^(.*/)") or "./") .. "../../?.lua;" .. package.path

local harness = require "bench.harness"
local pierrot = require "pierrot"

local SPAN_MS <const> = harness.count(3000)

harness.main {
  idle_cpu = function()
    harness.report("idle_cpu", "%", harness.repetitions(function()
      local cpu, start = os.clock(), pierrot.now()
      pierrot.sleep(SPAN_MS)
      return (os.clock() - cpu) * 1e3 / (pierrot.now() - start) * 100
    end))
  end,
}
