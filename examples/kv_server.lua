-- SPDX-License-Identifier: MIT
--- The key-value application as a server:
---
---   pierrot examples/kv_server.lua [PORT]     4040; 0 takes a free port
---
---   $ nc 127.0.0.1 4040
---   CREATE shopping
---   OK
---   PUT shopping milk 3
---   OK
---   GET shopping milk
---   3
---   OK
---   SUBSCRIBE shopping
---   eggs SET TO 12

package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path

local pierrot = require "pierrot"
local server = require "kv.server"

local port <const> = math.tointeger(tonumber(arg[1] or 4040))
if not port then
  io.stderr:write "usage: kv_server.lua [PORT]\n"
  os.exit(1)
end

assert(server.start_link { port = port, ready = pierrot.self() })
while true do
  local message = pierrot.receive { "listening" }
  print(("listening on %s port %d"):format(message[2], message[3]))
  io.stdout:flush()
end
