-- SPDX-License-Identifier: MIT
--- The prompt on a terminal of its own: lines, keys, Ctrl-C, the history.

local prompt = require "spec.prompt"
local support = require "spec.support"

if prompt.is_missing then
  describe("the prompt on a terminal", function() pending "needs the program: set PIERROT" end)
  return
end

prompt.homes(before_each, after_each)

local drive, converse, GO = prompt.drive, prompt.converse, prompt.GO
local answer, answers = prompt.answer, prompt.answers

describe("the prompt on a terminal", function()
  it("greets, and Ctrl-D leaves with status 0", function()
    local output, status = drive { "h() lists", "", "pierrot(1)> ", "\4" }

    assert.equal(0, status)
    assert.is_truthy(output:find("Lua 5.4", 1, true))
  end)

  it("shows the value of an expression, and nothing for a statement or no value", function()
    assert.same({ "2", "", "1, \"two\", {3}", "said", "nil" }, answers {
      "1 + 1", "x = 5", "1, 'two', {3}", "print('said')", "nil",
    })
  end)

  it("does what the story of the monitored bucket tells", function()
    local found = answers {
      "local pid = bucket.start_link()", "monitor(pid)", "bucket.stop(pid)", "flush()", "flush()",
      "self()",
    }

    assert.equal("", found[1])
    local ref = found[2]:match "^#Ref<[%d.]+>$"
    assert.is_truthy(ref)
    assert.equal("true", found[3])
    local pattern = '^{"DOWN", ' .. ref:gsub("%p", "%%%0") .. ', "process", <[%d.]+>, "normal"}$'
    assert.is_truthy(found[4]:find(pattern), found[4])
    assert.equal("", found[5])
    assert.is_truthy(found[6]:find "^<[%d.]+>$")
  end)

  it("goes on over several lines while an input is incomplete", function()
    local output, status = drive {
      "pierrot(1)> ", "function double(n)\n", "      ...> ", "return 2 *\n", "      ...> ",
      "n end\n", "pierrot(2)> ", "{ double(2),\n", "      ...> ", "3 }\n", "{4, 3}\r\n", "",
      "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("drops what was typed on Ctrl-C, and stays", function()
    local output, status = drive {
      "pierrot(1)> ", "x = [[\n", "      ...> ", "text\3", "^C", "", "pierrot(1)> ", "'y'\n",
      "\"y\"\r\n", "", "pierrot(2)> ", "oops\3", "pierrot(2)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  for title, code in pairs {
    ["waits"] = "receive('never sent')",
    ["sleeps"] = "sleep(1e9)",
    ["spins"] = "while true do end",
    ["spins in a coroutine"] = "coroutine.wrap(function() while true do end end)()",
    ["waits in a coroutine"] = "coroutine.wrap(function() receive('never sent') end)()",
    ["waits for a server"] = "gen_server.call(deaf, 'anything', 'infinity')",
    ["traps exits"] = "trap_exit(true) while true do receive() end",
  } do
    it("interrupts by Ctrl-C an evaluation that " .. title .. ", whose process lives on", function()
      local output, status = drive {
        "pierrot(1)> ", "deaf = spawn_link(function() receive('never sent') end) me = self()\n",
        "pierrot(2)> ", "print('begun') " .. code .. "\n", "begun\r\n", "\3", "interrupted", "",
        "pierrot(3)> ", "me == self(), is_alive(deaf), receive('x', 0)\n",
        "true, true, nil, \"timeout\"", "", "pierrot(4)> ", "\4",
      }

      assert.equal(0, status, output)
    end)
  end

  it("interrupts one that spins where processes are preempted by count", function()
    local output, status = drive({
      "pierrot(1)> ", "print('begun') while true do end\n", "begun\r\n", "\3", "interrupted", "",
      "pierrot(2)> ", "\4",
    }, { arguments = { "--preempt", "count" } })

    assert.equal(0, status, output)
  end)

  it("ends by a second Ctrl-C an evaluation that goes on after the first", function()
    local output, status = drive {
      "pierrot(1)> ", "local x = 42\n", "pierrot(2)> ",
      "print('begun') while true do print(pcall(receive, 'never sent')) end\n", "begun\r\n",
      "\3", "false\tinterrupted", "\3", "was killed", "", "pierrot(3)> ", "x\n", "42\r\n", "",
      "pierrot(4)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("goes on in a new process when a link takes its process down, and says so", function()
    local output, status = drive {
      "pierrot(1)> ", "local x = 42\n", "pierrot(2)> ",
      "_ = self() spawn_link(function() pierrot.exit('no milk') end) receive('never sent')\n",
      "ended: no milk", "", "goes on with its bindings", "", "pierrot(3)> ", "x, _ == self()\n",
      "42, false", "", "pierrot(4)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("says so when that comes while a line is typed, and keeps the line", function()
    local output, status = drive {
      "pierrot(1)> ",
      "local pid = spawn_link(function() " .. prompt.await .. "pierrot.exit('no milk') end)\n",
      "pierrot(2)> ", "'kept", "'kept", GO, "ended: no milk", "", "pierrot(2)> 'kept",
      " whole'\n", "\"kept whole\"", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("shows what others log and print above the line that is typed", function()
    local output, status = drive {
      "pierrot(1)> ",
      "spawn(function() " .. prompt.await .. "print('printed') logger.error('logged') end)\n",
      "pierrot(2)> ", "'half", "'half", GO, "printed\r\n", "", "logged\r\n", "",
      "pierrot(2)> 'half", " and half'\n", "\"half and half\"", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("says what Ctrl-C cannot interrupt, and does it when that is over", function()
    -- It keeps signals back from a thread that is inside the C library.
    if os.getenv "TSAN_OPTIONS" then pending("no Ctrl-C is heard of under ThreadSanitizer") end
    -- The line end is the program's and says that it has heard: the terminal shows ^C before that
    -- or after it.
    local output, status = drive {
      "pierrot(1)> ", "me = self()\n", "pierrot(2)> ",
      "io.write('na', 'me? ') io.read() receive('never')\n",
      "name? ", "\3", "\r\n", "\3", "cannot be interrupted", "", "ends the program\r\n", "milk\n",
      "interrupted", "", "pierrot(3)> ", "me == self()\n", "true\r\n", "",
      "pierrot(4)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("shows the line again when the program goes on after a stop", function()
    local output, status = drive {
      "pierrot(1)> ",
      "spawn(function() " .. prompt.await .. "io.popen('kill -CONT $PPID'):close() end)\n",
      "pierrot(2)> ", "'half", "'half", GO, "pierrot(2)> 'half", " and half'\n",
      "\"half and half\"", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("takes a paste of many lines, with tabs in front of some", function()
    local lines = { "function total()\n" }
    for i = 1, 100 do lines[#lines + 1] = ("\t\tlocal x%d = %d\n"):format(i, i) end
    lines[#lines + 1] = "return x1 + x100, [[\n\tx]] end\ntotal()\n"

    local output, status = drive {
      "pierrot(1)> ", table.concat(lines), "101, \"\\tx\"\r\n", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("takes a line of 10000 characters", function()
    local output, status = drive {
      "pierrot(1)> ", "#'" .. ("x"):rep(10000) .. "'\n", "10000\r\n", "", "pierrot(2)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("goes on while another process writes without an end", function()
    local output, status = drive {
      "pierrot(1)> ", "local p = spawn(function() while true do print 'flood' end end)\n",
      "pierrot(2)> ", "pierrot.exit(p, 'kill')\n", "pierrot(3)> ", "'o' .. 'k'\n", "\"ok\"\r\n", "",
      "pierrot(4)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("edits by characters, also those of several bytes", function()
    assert.same({ "5, \"ö\"" }, answers { "#'ä€', 'ä'\127\127ö'" })
  end)

  it("shows others' lines above a line of several rows", function()
    local long = ("x"):rep(250)
    local output, status = drive {
      "pierrot(1)> ", "spawn(function() " .. prompt.await .. "print('printed') end)\n",
      "pierrot(2)> ", "#'" .. long, ("x"):rep(50), GO, "printed\r\n", "",
      "pierrot(2)> #'xxx", "'\n", "250\r\n", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("lets an evaluation read lines", function()
    local output, status = drive {
      "pierrot(1)> ", "io.write('na', 'me? ') return io.read()\n", "name? ", "milk\n",
      "\"milk\"\r\n", "", "pierrot(2)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("begins on a line of its own after output without an end", function()
    assert.same({ "half a line" }, answers { "_ = io.write('half a line')" })
  end)

  for title, code in pairs {
    ["all processes, its own too,"] =
      "for _, p in ipairs(processes()) do pierrot.exit(p, 'kill') end",
    ["the terminal's process"] = "pierrot.exit(processes()[1], 'kill')",
  } do
    it("ends with status 1 when " .. title .. " are killed", function()
      local output, status = drive { "pierrot(1)> ", code .. "\n" }

      assert.equal(1, status, output)
    end)
  end

  it("leaves by q()", function()
    local _, status = drive { "pierrot(1)> ", "q()\n" }

    assert.equal(0, status)
  end)

  it("leaves the program by os.exit with its status", function()
    local _, status = drive { "pierrot(1)> ", "os.exit(7)\n" }

    assert.equal(7, status)
  end)

  it("ends by SIGTERM", function()
    local _, status = drive { "pierrot(1)> ", "io.popen('kill -TERM $PPID'):close()\n" }

    assert.equal(128 + 15, status)
  end)

  for title, row in pairs {
    ["SIGTERM comes"] = { "io.popen('kill -TERM $PPID'):close()", 128 + 15 },
    ["another process calls os.exit"] = { "print('the ' .. 'last') os.exit(7)", 7, "the last" },
    ["another process halts"] = { "pierrot.halt(7)", 7 },
  } do
    it("leaves the terminal in order when " .. title .. " while a line is typed", function()
      local output, status = drive {
        "pierrot(1)> ", ("spawn(function() %s%s end)\n"):format(prompt.await, row[1]),
        "pierrot(2)> ", "half a li", "half a li", GO,
      }

      assert.equal(row[2], status, output)
      assert.is_truthy(output:find(row[3] or "half", 1, true))
    end)
  end
end)

describe("colour", function()
  it("is used on a terminal", function()
    local output = converse({ "'text', 42" }, { environment = "TERM=xterm" })

    assert.is_truthy(output:find('\27[32m"text"\27[0m, \27[33m42\27[0m', 1, true), output)
  end)

  for title, environment in pairs {
    ["where NO_COLOR is set"] = "TERM=xterm NO_COLOR=1",
    ["on a terminal that is dumb"] = "TERM=dumb",
  } do
    it("is not used " .. title, function()
      local output = converse({ "'text', 42" }, { environment = environment })

      assert.is_truthy(output:find('"text", 42', 1, true), output)
    end)
  end
end)

describe("Tab", function()
  -- Types `text` and Tab, then the rest of the input that shows what came of it.
  local function completed(prelude, text, rest)
    local output = converse { prelude, text .. "\t" .. rest }
    return answer(output, 2)
  end

  for title, row in pairs {
    ["a global"] = { "", "tostr", "(1)", '"1"' },
    ["a field"] = { "", "string.for", "('x')", '"x"' },
    ["a method"] = { "s = 'x'", "s:upp", "()", '"X"' },
    ["a binding"] = { "local groceries = 3", "groc", "", "3" },
    ["a field of a binding"] = { "local list = { milk = 3 }", "list.mi", "", "3" },
    ["a name of the prompt's"] = { "", "is_ali", "(self())", "true" },
    ["a part of pierrot"] = { "", "pierrot.gen_s", " == gen_server", "true" },
    ["a module's name"] = { "", "require 'pierrot.gen_s", "' == gen_server", "true" },
    ["a registered name"] = {
      "register('shopping', self())", "whereis 'shopp", "' == self()", "true",
    },
  } do
    it("completes " .. title, function()
      assert.equal(row[4], completed(row[1] == "" and "x = 1" or row[1], row[2], row[3]))
    end)
  end

  it("lists what there is when there are several", function()
    local output, status = drive {
      "pierrot(1)> ", "bucket.st\t", "start ", "", "start_link", "", "stop", "", "bucket.st",
      "\3", "pierrot(1)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("runs nothing for it", function()
    local found = answers {
      "t = setmetatable({}, { __index = function() ran = true end })", "1 --[[t.x\t]]", "ran",
    }

    assert.equal("nil", found[3])
  end)
end)

describe("the history", function()
  local function read_history()
    local file <close> = assert(io.open(prompt.home() .. "/state/pierrot/history", "rb"))
    return file:read("a")
  end

  it("keeps lines in a file for the user alone, but not those after a blank", function()
    converse { "'milk'", " 'secret'" }

    assert.equal("'milk'\n", read_history())
    local mode = support.execute("stat -c %a " .. prompt.home() .. "/state/pierrot/history")
    assert.equal("600\n", mode)
  end)

  it("is there again in the next session, by the arrow and by Ctrl-R", function()
    converse { "'bread'", "'eggs'" }

    local output, status = drive {
      "pierrot(1)> ", "\27[A\n", "\"eggs\"", "", "pierrot(2)> ", "\18brea", "'bread'", "\n",
      "\"bread\"", "", "pierrot(3)> ", "\4",
    }

    assert.equal(0, status, output)
  end)

  it("goes without where the file cannot be", function()
    local output, status = converse({ "1 + 1" }, {
      environment = "TERM=xterm NO_COLOR=1 PIERROT_HISTORY=/dev/null/history",
    })

    assert.equal(0, status)
    assert.is_truthy(output:find("/dev/null/history", 1, true))
  end)
end)

describe("the option -i", function()
  it("gives a prompt after the script, in its process and with its globals", function()
    local script <close> = support.temporary_file [[
      local pierrot = require "pierrot"
      name, me = ..., pierrot.self()
      print "script"
    ]]

    local output, status = drive({
      "script\r\n", "", "pierrot(1)> ", "name, me == self()\n", "\"milk\", true", "",
      "pierrot(2)> ", "\4",
    }, { arguments = { "-i", script.path, "milk" } })

    assert.equal(0, status, output)
  end)

  it("shows nothing of its own where the script cannot be found, or is interrupted", function()
    local output = drive({ "no/such.lua", "", "pierrot(1)> ", "\4" },
      { arguments = { "-i", "no/such.lua" } })
    assert.is_nil(output:find("program.lua", 1, true), output)

    output = drive({ "spins\r\n", "\3", "** error: ", "", "interrupted", "", "pierrot(1)> ", "\4" },
      { arguments = { "-i", "-e", "print 'spins' while true do end" } })
    assert.is_nil(output:find("program.lua", 1, true), output)
  end)

  it("gives a prompt after a script that failed; the status is 1", function()
    local script <close> = support.temporary_file [[x = 42 error("no milk")]]

    local output, status = drive({
      "no milk", "", "pierrot(1)> ", "x\n", "42\r\n", "", "pierrot(2)> ", "\4",
    }, { arguments = { "-i", script.path } })

    assert.equal(1, status, output)
  end)
end)

describe("a prompt that is left with --no-halt", function()
  it("leaves the program to Ctrl-C", function()
    local _, status = drive({
      "pierrot(1)> ", "local ancestors = info(self(), 'ancestors')\n", "pierrot(2)> ",
      "spawn(function() monitor(ancestors[#ancestors]) receive { 'DOWN' } " .. prompt.await
        .. "print 'goes on' end)\n",
      "pierrot(3)> ", "q()\n", "q()\r\n", GO, "goes on\r\n", "\3",
    }, { arguments = { "-i", "--no-halt" } })

    assert.equal(128 + 2, status)
  end)
end)

describe("the line editor", function()
  it("holds no scheduler: others run while the prompt waits for a key", function()
    local _, status = drive {
      "pierrot(1)> ", "spawn(function() for n = 1, 3 do sleep(1) print('tick', n) end end)\n",
      "tick\t3", "", "pierrot(2)> ", "\4",
    }

    assert.equal(0, status)
  end)
end)
