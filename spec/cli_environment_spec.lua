-- SPDX-License-Identifier: MIT
--- The program and what it finds itself in: LUA_INIT, standard files that are closed, a reader that
--- goes away, a script that is careless with what is not its own.

local support = require "spec.support"

if not support.program then
  describe("the program", function() pending "its path is not known: set PIERROT" end)
  return
end

local execute = support.execute

local function program(...)
  return support.command(support.program, ...)
end

describe("LUA_INIT", function()
  it("is run before all else, in the main process", function()
    local output, errors, status = execute(
      [[LUA_INIT='x = 1 print(arg[1], require"pierrot".self() ~= nil)' ]]
        .. program("-e", "print(x)", "-") .. " milk </dev/null")

    assert.same({ "milk\ttrue\n1\n", "", 0 }, { output, errors, status })
  end)

  it("may name a file", function()
    local file <close> = support.temporary_file "print 'from a file'"

    local output = execute("LUA_INIT=@" .. file.path .. " " .. program("-e", "x = 1"))

    assert.equal("from a file\n", output)
  end)

  it("gives way to LUA_INIT_5_4", function()
    local output = execute("LUA_INIT='print(1)' LUA_INIT_5_4='print(2)' " .. program("-e", "x = 1"))

    assert.equal("2\n", output)
  end)

  it("that is wrong gives status 1 and its name", function()
    local _, errors, status = execute("LUA_INIT='x = = 1' " .. program("-e", "x = 1"))

    assert.equal(1, status)
    assert.is_truthy(errors:find("LUA_INIT:1:", 1, true), errors)
  end)
end)

-- Redirected in its own shell: what limits its time is not to be without files.
local function redirected(how, ...)
  return support.command("sh", "-c", 'exec "$0" "$@" ' .. how, support.program, ...)
end

describe("a standard file that is closed", function()
  for title, row in pairs {
    ["takes what is written: output"] = { "print(1)", ">&-" },
    ["takes what is written: errors"] = { "io.stderr:write('x')", "2>&-" },
    ["is at its end: input"] = { "assert(io.read() == nil)", "<&-" },
    ["is at its end, as a script: input"] = { nil, "<&-" },
    ["does no harm beside others: all"] = { "assert(io.read() == nil) print(1)", "<&- >&- 2>&-" },
  } do
    it(title, function()
      local words = row[1] and { "-e", row[1] } or { "-" }

      local _, _, status = execute(redirected(row[2], table.unpack(words)))

      assert.equal(0, status)
    end)
  end

  it("leaves sockets alone", function()
    local _, errors = execute(redirected("<&- >&-", "-e", [[
      local tcp = require "pierrot.tcp"
      local listener = assert(tcp.listen(0))
      local client = assert(tcp.connect("127.0.0.1", select(2, tcp.sockname(listener))))
      local server = assert(tcp.accept(listener))
      print "lost"
      tcp.send(server, "milk")
      io.stderr:write(tcp.recv(client, 4))
    ]]))

    assert.equal("milk", errors)
  end)
end)

describe("a reader that goes away", function()
  it("ends the program by SIGPIPE, as it does lua", function()
    local output = execute("{ { " .. program("-e", "while true do print 'milk' end")
      .. "; echo $? >&2; } | head -1; } 2>&1 | sort")

    assert.equal("141\nmilk\n", output)
  end)
end)

describe("a script that is careless", function()
  local function run(code)
    return execute(program("-s", "1", "-e", code))
  end

  it("may use the names of Lua's functions and libraries for something else", function()
    local output, errors, status = run [[
      local pierrot, print = require "pierrot", print
      table, string, math, debug, os, io = {}, {}, {}, {}, {}, {}
      type, next, pairs, ipairs, select, error, pcall, tostring, setmetatable = nil
      local agent = require "pierrot.agent"
      local a = agent.start_link(function() return 1 end)
      agent.update(a, function(n) return n + 1 end)
      print(agent.get(a, function(n) return n end), pierrot.inspect { 1, { x = 2 } })
    ]]

    assert.same({ "2\t{1, {x = 2}}\n", "", 0 }, { output, errors, status })
  end)

  it("may send something to all processes, those of the runtime's own too", function()
    local output, errors, status = run [[
      local pierrot = require "pierrot"
      for _, pid in ipairs(pierrot.processes()) do pierrot.send(pid, { "DOWN", 1 }) end
      pierrot.sleep(0)
      print(pierrot.receive()[1])
    ]]

    assert.same({ "DOWN\n", "", 0 }, { output, errors, status })
  end)

  it("ends the program with status 1 when it kills all processes", function()
    local _, _, status = run [[
      local pierrot = require "pierrot"
      for _, pid in ipairs(pierrot.processes()) do
        if pid ~= pierrot.self() then pierrot.exit(pid, "kill") end
      end
      pierrot.sleep(0)
      pierrot.halt(7)
    ]]

    assert.equal(1, status)
  end)
end)
