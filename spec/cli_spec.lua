-- SPDX-License-Identifier: MIT
--- The pierrot program: options, scripts, exit statuses, output and signals.

local support = require "spec.support"

if not support.program then
  pending("the program: its path is not known; set PIERROT")
  return
end

local command, execute, temporary_file = support.command, support.execute, support.temporary_file

--- Runs the program with these words and an empty standard input.
local function run(...)
  return execute(command(support.program, ...) .. " </dev/null")
end

--- Runs a script of this text.
local function run_text(text, ...)
  local script <close> = temporary_file(text)
  return run(script.path, ...)
end

describe("a script", function()
  it("runs, and the status is 0", function()
    local output, errors, status = run_text [[print("hello", 42)]]

    assert.same({ "hello\t42\n", "", 0 }, { output, errors, status })
  end)

  it("runs as a process", function()
    local output = run_text [[
      local pierrot = require "pierrot"
      pierrot.send(pierrot.self(), "hello")
      print(pierrot.is_pid(pierrot.self()), pierrot.receive())
    ]]

    assert.equal("true\thello\n", output)
  end)

  it("has its arguments in arg and in ...", function()
    local script <close> = temporary_file [[
      print(arg[0], #arg, arg[1], arg[2], arg[3])
      print(arg[-1], arg[-2], arg[-3])
      print(select("#", ...), ...)
    ]]

    local output = run("-s", "1", script.path, "one", "two words", "")

    assert.equal(table.concat {
      script.path, "\t3\tone\ttwo words\t\n",
      "1\t-s\t", support.program, "\n",
      "3\tone\ttwo words\t\n",
    }, output)
  end)

  it("may take options of its own", function()
    local output = run_text([[print(...)]], "-s", "--help", "-x")

    assert.equal("-s\t--help\t-x\n", output)
  end)

  it("may start with a line for the shell", function()
    local output = run_text "#!/usr/bin/env pierrot\nprint('hello')\n"

    assert.equal("hello\n", output)
  end)

  it("finds modules as in lua", function()
    local output = run_text [[
      print(require("spec.fixtures.counter").init(5))
      print(type(package.path), type(package.cpath), type(package.searchers))
    ]]

    assert.equal("ok\t5\nstring\tstring\ttable\n", output)
  end)

  it("finds modules by LUA_PATH", function()
    local script <close> = temporary_file [[print(require("counter").init(5))]]

    local output = execute("LUA_PATH_5_4='spec/fixtures/?.lua;;' " ..
      command(support.program, script.path))

    assert.equal("ok\t5\n", output)
  end)

  it("from standard input has the program's arguments in arg, and none in ...", function()
    local output = execute("echo 'print(#arg, arg[0], select(\"#\", ...))' | " ..
      command(support.program, "-s", "1"))

    assert.equal(("2\t%s\t0\n"):format(support.program), output)
  end)

  it("reads standard input", function()
    local script <close> = temporary_file [[
      for line in io.lines() do
        print("<" .. line .. ">")
      end
    ]]

    local output = execute("printf 'a\\nb\\n' | " .. command(support.program, script.path))

    assert.equal("<a>\n<b>\n", output)
  end)

  it("that fails gives status 1, the error and a traceback", function()
    local script <close> = temporary_file 'local function f()\n  error("no milk")\nend\nf()\n'

    local output, errors, status = run(script.path)

    assert.equal("", output)
    assert.equal(1, status)
    assert.is_truthy(errors:find(script.path .. ":2: no milk", 1, true))
    assert.is_truthy(errors:find("traceback", 1, true))
    assert.is_truthy(errors:find(script.path .. ":4: in ", 1, true))
  end)

  it("that fails with a table gives status 1, and shows it", function()
    local _, errors, status = run_text [[error({ code = 4711 })]]

    assert.equal(1, status)
    assert.is_truthy(errors:find("4711", 1, true))
  end)

  it("that fails with a value that has a __tostring shows that, as lua does", function()
    local _, errors, status = run_text [[
      error(setmetatable({ code = 4711 }, { __tostring = function() return "no milk" end }))
    ]]

    assert.equal(1, status)
    assert.is_truthy(errors:find("error: no milk\n", 1, true))
    assert.is_nil(errors:find("4711", 1, true))
  end)

  it("with a syntax error gives status 1 and its place", function()
    local script <close> = temporary_file "print('hello')\nlocal x = = 1\n"

    local output, errors, status = run(script.path)

    assert.equal("", output)
    assert.equal(1, status)
    assert.is_truthy(errors:find(script.path .. ":2:", 1, true))
  end)

  it("that is missing gives status 1 and its name", function()
    local output, errors, status = run("/no/such/script.lua")

    assert.equal("", output)
    assert.equal(1, status)
    assert.is_truthy(errors:find("/no/such/script.lua", 1, true))
  end)

  it("ends the program though other processes go on", function()
    local output, _, status = run_text [[
      local pierrot = require "pierrot"
      pierrot.spawn(function() pierrot.receive("never sent") end)
      pierrot.spawn(function() while true do end end)
      pierrot.spawn(function() while true do pierrot.yield() end end)
      print("done")
    ]]

    assert.same({ "done\n", 0 }, { output, status })
  end)

  it("does not wait at its end for processes that wait for each other for ever", function()
    local script <close> = temporary_file [[
      local pierrot = require "pierrot"
      for i = 1, pierrot.schedulers() do
        pierrot.spawn_opt({ scheduler = i, link = true }, function(main)
          local p = require "pierrot"
          p.trap_exit(true)
          p.send(main, "traps")
          while true do p.receive() end
        end, pierrot.self())
        pierrot.receive "traps"
      end
      print "done"
    ]]

    for _, schedulers in ipairs { "1", "2" } do
      local output, _, status = execute("timeout 4 " ..
        command(support.program, "-s", schedulers, script.path))
      assert.same({ "done\n", 0 }, { output, status })
    end
  end)

  it("waits at its end for processes that still have something to do", function()
    local output = run_text [[
      local pierrot = require "pierrot"
      local main = pierrot.self()
      local function last(fn)
        pierrot.spawn(function()
          pierrot.trap_exit(true)
          pierrot.send(main, "traps")
          pierrot.receive { "EXIT" }
          fn()
        end)
        pierrot.receive "traps"
      end
      last(function()
        pierrot.sleep(100)
        print "slept"
        pierrot.send("waits", "at last")
      end)
      last(function()
        pierrot.register("waits", pierrot.self())
        print(pierrot.receive "at last")
      end)
    ]]

    assert.equal("slept\nat last\n", output)
  end)

  it("is reported where it lets others wait in C code, with its place", function()
    local output, errors = run_text [[
      local pierrot = require "pierrot"
      pierrot.spawn(print, "ran")
      os.execute "sleep 1"
      pierrot.spawn(os.execute, "sleep 1")
      pierrot.sleep(1)
    ]]

    assert.equal("ran\n", output)
    local told <const> = " held up scheduler 1 for %d+ ms, where it cannot be preempted\n"
    local _, last = errors:find(
      "^process <0%.0%.0>" .. told .. "  it goes on at:\n\t[^\n]*:4:[^\n]*\n")
    assert.is_truthy(last, errors)
    assert.is_truthy(errors:find("^process <[%d.]+>" .. told .. "$", last + 1), errors)
  end)

  it("is not reported for time in C code that nobody waits for", function()
    local _, errors = run_text [[os.execute "sleep 1"]]

    assert.equal("", errors)
  end)

  it("lets servers that trap exits terminate at its end, linked with it or not", function()
    local output, errors, status = run_text [[
      local pierrot = require "pierrot"
      require("pierrot.gen_server").start {
        init = function()
          pierrot.trap_exit(true)
          return "ok", {}
        end,
        terminate = function(reason) print("terminated", reason) end,
      }
    ]]

    assert.same({ "terminated\tshutdown\n", "", 0 }, { output, errors, status })
  end)

  it("that exits normally gives status 0", function()
    local output, errors, status = run_text [[
      require("pierrot").exit()
      print("not reached")
    ]]

    assert.same({ "", "", 0 }, { output, errors, status })
  end)

  it("that is ended by a linked process's crash gives status 1, and the reason", function()
    local _, errors, status = run_text [[
      local pierrot = require "pierrot"
      pierrot.spawn_link(function() error("no milk") end)
      pierrot.receive("never sent")
    ]]

    assert.equal(1, status)
    assert.is_truthy(errors:find("no milk", 1, true))
  end)

  it("goes on when a process that is not linked crashes, which is reported", function()
    local output, errors, status = run_text [[
      local pierrot = require "pierrot"
      local pid, ref = pierrot.spawn_monitor(function() error("no milk") end)
      pierrot.receive { "DOWN", ref }
      print(pid)
    ]]

    assert.equal(0, status)
    assert.is_truthy(errors:find("no milk", 1, true))
    assert.is_truthy(errors:find(output:match("<[%d.]+>"), 1, true))
  end)
end)

describe("the end of a script", function()
  -- A process that traps exits and goes on all the same, whatever it is told; `first` runs before.
  -- Its starter is gone.
  local stray <const> = [[
    local pierrot = require "pierrot"
    local main = pierrot.self()
    local function stray(first)
      local function go_on()
        pierrot.trap_exit(true)
        if first then first() end
        pierrot.send(main, pierrot.self())
        while true do pierrot.receive(nil, 10) end
      end
      pierrot.spawn(function() pierrot.spawn(go_on) end)
      return pierrot.receive(pierrot.is_pid)
    end
  ]]

  it("kills who goes on when it is told to end, though a server has not terminated yet", function()
    local output, errors, status = run_text(stray .. [[
      local pid = stray()
      require("pierrot.gen_server").start {
        init = function()
          pierrot.trap_exit(true)
          return "ok", pierrot.monitor(pid)
        end,
        terminate = function(_, ref) print(pierrot.receive({ "DOWN", ref })[5]) end,
      }
    ]])

    assert.same({ "killed\n", "", 0 }, { output, errors, status })
  end)

  it("tells those next that were started by who went on", function()
    local output, errors, status = run_text(stray .. [[
      stray(function()
        local self = pierrot.self()
        pierrot.spawn(function()
          pierrot.trap_exit(true)
          pierrot.send(self, "traps")
          print(pierrot.receive({ "EXIT" })[3])
        end)
        pierrot.receive "traps"
      end)
    ]])

    assert.same({ "shutdown\n", "", 0 }, { output, errors, status })
  end)

  it("leaves the main process its time, where that traps exits", function()
    local output, errors, status = run_text(stray .. [[
      local ref = pierrot.monitor(stray())
      pierrot.trap_exit(true)
      pierrot.spawn(pierrot.halt, 3)
      pierrot.receive { "EXIT" }
      print(pierrot.receive({ "DOWN", ref })[5])
    ]])

    assert.same({ "killed\n", "", 3 }, { output, errors, status })
  end)

  it("comes where a process starts itself anew while it ends", function()
    local output, errors, status = run_text [[
      local pierrot = require "pierrot"
      local function live()
        local again <close> = setmetatable({}, { __close = function() pierrot.spawn(live) end })
        pierrot.receive()
      end
      pierrot.spawn(live)
      pierrot.yield()
      print "over"
    ]]

    assert.same({ "over\n", "", 0 }, { output, errors, status })
  end)
end)

describe("os.exit", function()
  for title, row in pairs {
    ["without a value"] = { "os.exit()", 0 },
    ["of true"] = { "os.exit(true)", 0 },
    ["of false"] = { "os.exit(false)", 1 },
    ["of a number"] = { "os.exit(7)", 7 },
  } do
    it("ends the program, " .. title, function()
      local output, _, status = run_text("io.write('before') " .. row[1] .. " print('after')")

      assert.same({ "before", row[2] }, { output, status })
    end)
  end

  it("ends the program from any process, at once, and flushes", function()
    local output, _, status = run_text [[
      local pierrot = require "pierrot"
      pierrot.spawn_opt({ scheduler = "any" }, function()
        io.write("no newline")
        os.exit(3)
      end)
      pierrot.receive("never sent")
    ]]

    assert.same({ "no newline", 3 }, { output, status })
  end)
end)

describe("halt", function()
  it("ends the program with its status", function()
    local output, _, status = run_text [[
      local pierrot = require "pierrot"
      io.write("before")
      pierrot.halt(3)
      pierrot.receive("never sent")
    ]]

    assert.same({ "before", 3 }, { output, status })
  end)

  it("gives status 0 without one, from any process", function()
    local _, _, status = run_text [[
      local pierrot = require "pierrot"
      pierrot.spawn(function() pierrot.halt() end)
      pierrot.receive("never sent")
    ]]

    assert.equal(0, status)
  end)
end)

describe("the option", function()
  it("-e runs code, as often as it is given, in order", function()
    local output, errors, status = run("-e", "x = 1", "-e", "print(x + 1)")

    assert.same({ "2\n", "", 0 }, { output, errors, status })
  end)

  it("-e runs before the script, which sees its globals", function()
    local script <close> = temporary_file [[print(x, ...)]]

    local output = run("-e", "x = 42", script.path, "one")

    assert.equal("42\tone\n", output)
  end)

  it("-e gives status 1 for an error", function()
    local _, errors, status = run("-e", "error('no milk')")

    assert.equal(1, status)
    assert.is_truthy(errors:find("no milk", 1, true))
  end)

  it("-e gives status 1 for a syntax error", function()
    local _, errors, status = run("-e", "x = = 1")

    assert.equal(1, status)
    assert.is_truthy(errors:find("near '='", 1, true))
  end)

  it("-l requires a module into the global of its name", function()
    local output, _, status = run("-l", "pierrot", "-e", "print(type(pierrot.self))")

    assert.same({ "function\n", 0 }, { output, status })
  end)

  it("-l gives status 1 for a module that is missing", function()
    local _, errors, status = run("-l", "no_such_module", "-e", "print('not reached')")

    assert.equal(1, status)
    assert.is_truthy(errors:find("no_such_module", 1, true))
  end)

  for _, words in ipairs { { "-s", "3" }, { "-s3" }, { "--schedulers", "3" },
    { "--schedulers=3" } } do
    it(table.concat(words, " ") .. " sets the number of schedulers", function()
      local all = { table.unpack(words) }
      all[#all + 1] = "-e"
      all[#all + 1] = "print(require('pierrot').schedulers())"

      local output = run(table.unpack(all))

      assert.equal("3\n", output)
    end)
  end

  for _, number in ipairs { "0", "-1", "many", "1.5", "" } do
    it(("-s refuses %q"):format(number), function()
      local output, errors, status = run("-s", number, "-e", "print('not reached')")

      assert.equal("", output)
      assert.is_true(errors ~= "")
      assert.is_true(status ~= 0)
    end)
  end

  for _, how in ipairs { "signal", "count", "off" } do
    it("--preempt " .. how .. " is taken", function()
      local output = run("--preempt", how, "-e", "print('hello')")

      assert.equal("hello\n", output)
    end)
  end

  -- ThreadSanitizer keeps a signal back from Lua that spins.
  for _, how in ipairs(os.getenv "TSAN_OPTIONS" and { "count" } or { "signal", "count" }) do
    it("--preempt " .. how .. " preempts", function()
      local output = run("--preempt", how, "-s", "1", "-e", [[
        local pierrot = require "pierrot"
        pierrot.spawn(function() while true do end end)
        pierrot.sleep(10)
        print("hello")
      ]])

      assert.equal("hello\n", output)
    end)
  end

  it("--preempt refuses what it does not know", function()
    local _, errors, status = run("--preempt", "now", "-e", "print('not reached')")

    assert.is_truthy(errors:find("now", 1, true))
    assert.is_true(status ~= 0)
  end)

  for _, option in ipairs { "-h", "--help" } do
    it(option .. " tells the options, and the status is 0", function()
      local output, errors, status = run(option)

      for _, word in ipairs { "-e", "-l", "-i", "-s", "--schedulers", "--no-halt", "--preempt",
        "-h", "-V" } do
        assert.is_truthy(output:find(word, 1, true), word)
      end
      assert.same({ "", 0 }, { errors, status })
    end)
  end

  it("-V tells the version, and the status is 0", function()
    local output, errors, status = run("-V")

    assert.is_truthy(output:find("pierrot", 1, true))
    assert.is_truthy(output:find("%d+%.%d+%.%d+"))
    assert.same({ "", 0 }, { errors, status })
  end)

  it("that is none is refused, with the way to help", function()
    local output, errors, status = run("--no-such-option")

    assert.equal("", output)
    assert.is_truthy(errors:find("no-such-option", 1, true))
    assert.is_true(status ~= 0)
  end)

  it("--no-halt goes on after the main process has ended", function()
    local output, _, status = run("--no-halt", "-e", [[
      local pierrot = require "pierrot"
      local main = pierrot.self()
      pierrot.spawn(function()
        local ref = pierrot.monitor(main)
        pierrot.receive { "DOWN", ref }
        print("main has ended")
        os.exit(5)
      end)
    ]])

    assert.same({ "main has ended\n", 5 }, { output, status })
  end)
end)

describe("standard input", function()
  for _, words in ipairs { {}, { "-" } } do
    it("is run as a script: " .. (words[1] or "no arguments"), function()
      local text <close> = temporary_file "x = 42\nprint('hello', x)\n"

      local output, errors, status =
        execute(command(support.program, table.unpack(words)) .. " <" .. text.path)

      assert.same({ "hello\t42\n", "", 0 }, { output, errors, status })
    end)
  end

  it("gives status 1 when it fails", function()
    local _, errors, status = execute("echo 'error(\"no milk\")' | " .. command(support.program))

    assert.equal(1, status)
    assert.is_truthy(errors:find("no milk", 1, true))
  end)

  it("may be empty", function()
    assert.same({ "", "", 0 }, { run() })
  end)
end)

describe("print", function()
  it("writes its line in one piece, whoever else prints", function()
    local output, _, status = run("-s", "2", "-e", [[
      local pierrot = require "pierrot"
      local refs = {}
      for i = 1, 8 do
        local _
        _, refs[i] = pierrot.spawn_opt({ scheduler = "any", monitor = true }, function(letter)
          for n = 1, 500 do
            print(letter:rep(100), n, letter:rep(100))
          end
        end, string.char(96 + i))
      end
      for _, ref in ipairs(refs) do
        pierrot.receive { "DOWN", ref }
      end
    ]])

    local count = 0
    for line in output:gmatch("[^\n]*\n") do
      local before, number, after = line:match("^(%l+)\t(%d+)\t(%l+)\n$")
      if not before or before ~= after or before ~= before:sub(1, 1):rep(100) or not number then
        error("a line in pieces: " .. line)
      end
      count = count + 1
    end
    assert.equal(4000, count)
    assert.equal(0, status)
  end)

  it("uses tostring, as in lua", function()
    local output = run("-e", [[
      print(setmetatable({}, { __tostring = function() return "milk" end }), nil, 1.0, true)
    ]])

    assert.equal("milk\tnil\t1.0\ttrue\n", output)
  end)
end)

describe("the signal", function()
  -- Runs a script that can call signal_myself: a shell that it starts sends the signal.
  local function run_signalled(signal, text)
    return run_text(([[
      local pierrot = require "pierrot"
      local gen_server = require "pierrot.gen_server"
      local function signal_myself() io.popen("kill -%s $PPID"):close() end
    ]]):format(signal) .. text)
  end

  -- The input is a pipe in which nothing comes and that ends after a minute. Unlike in a pipeline,
  -- the shell does not wait for who holds it open.
  local function run_with_silent_input(path, environment)
    local input = os.tmpname()
    local program = (environment or "") .. command(support.program, "-s", "1", path)
    return execute((([[
      rm INPUT; mkfifo INPUT; sleep 60 >INPUT & writer=$!
      PROGRAM <INPUT
      status=$?; rm INPUT; { kill $writer; wait $writer; } 2>/dev/null
      [ $? -eq 143 ] || echo "ended with its input"
      (exit $status)]])
      :gsub("%u%u+", { INPUT = input, PROGRAM = program })))
  end

  local early = support.program:match "^(.*)/[^/]*$" .. "/spec/libearly_signal.so"

  local function with_early(variable, number)
    return ("%s=%d ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=%s "):format(
      variable, number, early)
  end

  for signal, number in pairs { TERM = 15, INT = 2 } do
    it(signal .. " ends a program that has just begun to take it", function()
      if not io.open(early, "rb") then return pending "built without the tests" end

      local output, errors, status = execute(with_early("EARLY_SIGNAL", number)
        .. command(support.program, "-e", [[
          print("lost", require("pierrot").receive("never sent", 3000))
        ]]))

      assert.same({ "", "", 128 + number }, { output, errors, status })
    end)

    it(signal .. " ends a wait for input that begins just after it has come", function()
      if not io.open(early, "rb") then return pending "built without the tests" end

      local script <close> = temporary_file 'io.read() print "not reached"'

      local output, errors, status =
        run_with_silent_input(script.path, with_early("READ_SIGNAL", number))

      assert.same({ "", "", 128 + number }, { output, errors, status })
    end)
  end

  for _, signal in ipairs { "TERM", "INT" } do
    it(signal .. " ends a program that waits", function()
      local output, errors = run_signalled(signal, [[
        signal_myself()
        pierrot.receive("never sent")
        print("not reached")
      ]])

      assert.same({ "", "" }, { output, errors })
    end)

    it(signal .. " ends a program that spins", function()
      local output = run_signalled(signal, [[
        signal_myself()
        while true do end
      ]])

      assert.equal("", output)
    end)

    it(signal .. " is an EXIT with a pid where the main process traps exits", function()
      local output = run_signalled(signal, [[
        pierrot.trap_exit(true)
        signal_myself()
        local message = pierrot.receive { "EXIT", pierrot.self() }
        print(pierrot.is_pid(message[2]), message[3])
        pierrot.send(pierrot.self(), message)
      ]])

      assert.equal("true\tshutdown\n", output)
    end)

    for how, code in pairs {
      ["reads its input"] = "io.read()",
      ["goes over its lines"] = "for _ in io.lines() do end",
      ["goes over its lines in a coroutine"] = [[
        coroutine.wrap(function() for _ in io.stdin:lines() do end end)()
      ]],
    } do
      it(signal .. " ends a program that " .. how, function()
        local script <close> = temporary_file(([[
          local signal = io.popen "sleep 0.2; kill -%s $PPID"
          %s
          print("not reached", signal)
        ]]):format(signal, code))

        local output, errors, status = run_with_silent_input(script.path)

        assert.same({ "", "", signal == "TERM" and 143 or 130 }, { output, errors, status })
      end)
    end

    it(signal .. " lets the main process wait while its trees end", function()
      local script <close> = temporary_file(([[
        local pierrot = require "pierrot"
        local Server = {
          init = function() pierrot.trap_exit(true) return "ok", {} end,
          terminate = function() pierrot.sleep(200) print "terminated" end,
        }
        require("pierrot.supervisor").start_link({ { Server, 1 } }, { strategy = "one_for_one" })
        local signal = io.popen "sleep 0.2; kill -%s $PPID"
        io.read()
        print("not reached", signal)
      ]]):format(signal))

      local output, errors, status = run_with_silent_input(script.path)

      assert.same({ "terminated\n", "", signal == "TERM" and 143 or 130 },
        { output, errors, status })
    end)

    it(signal .. " is such an EXIT also when a receive has passed it over", function()
      local output = run_signalled(signal, [[
        pierrot.trap_exit(true)
        signal_myself()
        while pierrot.info(pierrot.self(), "mailbox") == 0 do pierrot.yield() end
        pierrot.receive("never sent", 0)
        print(pierrot.receive({ "EXIT" }, 0)[2] == pierrot.self())
      ]])

      assert.equal("true\n", output)
    end)

    it(signal .. " lets linked servers that trap exits terminate", function()
      local output = run_signalled(signal, [[
        gen_server.start_link {
          init = function()
            pierrot.trap_exit(true)
            return "ok", {}
          end,
          terminate = function(reason) print("terminated", reason) end,
        }
        signal_myself()
        pierrot.receive("never sent")
      ]])

      assert.equal("terminated\tshutdown\n", output)
    end)
  end
end)
