-- SPDX-License-Identifier: MIT
--- The key-value application as a server that clients of Redis talk to:
---
---   pierrot examples/kv_redis.lua [PORT]     6379; 0 takes a free port
---
---   $ redis-cli -p 6379
---   127.0.0.1:6379> set milk 3
---   OK
---   127.0.0.1:6379> incr milk
---   (integer) 4

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local pierrot = require "pierrot"
local redis = require "kv.redis"

local port <const> = math.tointeger(tonumber(arg[1] or 6379))
if not port then
  io.stderr:write "usage: kv_redis.lua [PORT]\n"
  os.exit(1)
end

assert(redis.start_link { port = port, ready = pierrot.self() })
while true do
  local message = pierrot.receive { "listening" }
  print(("listening on %s port %d"):format(message[2], message[3]))
  io.stdout:flush()
end
