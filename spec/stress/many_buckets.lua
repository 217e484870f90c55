-- SPDX-License-Identifier: MIT
--- A million buckets live in one runtime, hold a value each, and are stopped; the bytes in use are
-- then what they were before: `pierrot spec/stress/many_buckets.lua [COUNT]`.

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local bucket = require "pierrot.bucket"
local crowd = require "crowd"

crowd.run {
  what = "buckets",
  count = tonumber(arg[1]) or 1000000,
  start = function() return bucket.start() end,
  check = function(pid, number)
    return bucket.size(pid) == 0
      and bucket.put(pid, "number", number)
      and bucket.get(pid, "number") == number
  end,
  stop = bucket.stop,
}
