-- SPDX-License-Identifier: MIT
--- Sockets for the specs of tcp.

local support = require "spec.support"
local tcp = require "pierrot.tcp"

local sockets = {}

--- A listener on a free port, and the port.
function sockets.listen(opts)
  local listener = assert(tcp.listen(0, opts))
  local _, port = assert(tcp.sockname(listener))
  return listener, port
end

--- Both ends of a connection, the caller's: the end that was accepted, and the one that connected.
function sockets.pair(server_opts, client_opts)
  local listener, port = sockets.listen(server_opts)
  local client = sockets.connect(port, client_opts)
  local server = assert(tcp.accept(listener))
  tcp.close(listener)
  return server, client
end

--- A connection to that port of this machine.
function sockets.connect(port, opts)
  return assert(tcp.connect("127.0.0.1", port, opts))
end

--- A port where nobody listens.
function sockets.free_port()
  local listener, port = sockets.listen()
  tcp.close(listener)
  return port
end

--- Runs a server of the examples as a program, until the value is closed. Its `port` is what it
--- says.
function sockets.program(name, ...)
  local command = support.command(support.program, support.root .. "/examples/" .. name, ...)
  local pipe = assert(io.popen("echo $$; exec " .. command .. " 2>&1", "r"))
  local pid = assert(pipe:read "n")
  local said = pipe:read "L" and pipe:read "L"
  local port = said and said:match "^listening on .* port (%d+)"
  return setmetatable({ port = math.tointeger(tonumber(port)), said = said }, {
    __close = function()
      os.execute("kill " .. pid)
      pipe:close()
    end,
  })
end

return sockets
