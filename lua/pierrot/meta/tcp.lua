---@meta pierrot.tcp

--- Sockets that processes own. A call that waits suspends its process alone; a socket closes with
--- its owner. Failures are `nil, "closed"`, `nil, "timeout"`, `nil, "econnrefused"`, and so on.
---@class pierrot.tcp
local tcp = {}

--- A socket; messages can carry it.
---@class pierrot.tcp.socket: userdata

--- Options of a socket.
---@class pierrot.tcp.options
---@field ip? string `"127.0.0.1"`
---@field packet? "raw"|"line"|1|2|4
---@field active? boolean|"once"|integer
---@field backlog? integer
---@field nodelay? boolean
---@field reuseaddr? boolean
---@field buffer? integer the longest line or packet
---@field send_timeout? pierrot.timeout

--- Listens; port 0 takes a free one.
---@param port integer
---@param opts? pierrot.tcp.options
---@return pierrot.tcp.socket|nil listener
---@return string|nil why
function tcp.listen(port, opts) end

--- Waits for a connection.
---@param listener pierrot.tcp.socket
---@param timeout? pierrot.timeout
---@return pierrot.tcp.socket|nil socket
---@return string|nil why
function tcp.accept(listener, timeout) end

--- Connects.
---@param host string
---@param port integer
---@param opts? pierrot.tcp.options
---@param timeout? pierrot.timeout
---@return pierrot.tcp.socket|nil socket
---@return string|nil why
function tcp.connect(host, port, opts, timeout) end

--- Waits for data of a passive socket: n bytes, or what there is; a line or a packet where the
--- socket gives those.
---@param socket pierrot.tcp.socket
---@param n? integer
---@param timeout? pierrot.timeout
---@return string|nil data
---@return string|nil why
function tcp.recv(socket, n, timeout) end

--- Sends data, and waits until the system has taken it.
---@param socket pierrot.tcp.socket
---@param data string
---@return true|nil ok
---@return string|nil why
function tcp.send(socket, data) end

--- Closes a socket.
---@param socket pierrot.tcp.socket
---@return true
function tcp.close(socket) end

--- Closes one direction, or both.
---@param socket pierrot.tcp.socket
---@param how "read"|"write"|"read_write"
---@return true|nil ok
---@return string|nil why
function tcp.shutdown(socket, how) end

--- The own address.
---@param socket pierrot.tcp.socket
---@return string|nil ip
---@return integer|string port or why
function tcp.sockname(socket) end

--- The address of the other side.
---@param socket pierrot.tcp.socket
---@return string|nil ip
---@return integer|string port or why
function tcp.peername(socket) end

--- Gives a socket of the caller's to another process.
---@param socket pierrot.tcp.socket
---@param pid pierrot.pid
---@return true|nil ok
---@return string|nil why
function tcp.controlling_process(socket, pid) end

--- Changes options.
---@param socket pierrot.tcp.socket
---@param opts pierrot.tcp.options
---@return true|nil ok
---@return string|nil why
function tcp.setopts(socket, opts) end

return tcp
