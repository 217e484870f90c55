-- SPDX-License-Identifier: MIT
--- What the program says of itself, and of what is wrong with a command line.

local support = require "spec.support"

if not support.program then
  describe("the program", function() pending "its path is not known: set PIERROT" end)
  return
end

local function run(...)
  return support.execute(support.command(support.program, ...) .. " </dev/null")
end

local function sorted(set)
  local list = {}
  for word in next, set do list[#list + 1] = word end
  table.sort(list)
  return list
end

-- Options with what they take: "-e CODE", "--help".
local function add_options(set, text)
  for option, rest in text:gmatch "(%-%-?%a[%w%-]*)([^,]*)" do
    local taken = rest:match "^ (%u+)"
    set[taken and option .. " " .. taken or option] = true
  end
end

local function help_options()
  local set = {}
  for line in run("--help"):gmatch "[^\n]+" do
    local head = line:match "^  (%s*%-.-)%s%s" or line:match "^  (%s*%-.*)$"
    -- "-s, --schedulers N": both take it.
    local short, long, taken = (head or ""):match "(%-%a), (%-%-%a+) (%u+)$"
    if short then
      set[short .. " " .. taken], set[long .. " " .. taken] = true, true
    elseif head then
      add_options(set, head)
    end
  end
  return sorted(set)
end

local function read(path)
  local file <close> = assert(io.open(support.root .. "/" .. path, "rb"))
  return file:read("a")
end

-- Without the markup: \- and \fR, the macros of fonts, and their quotes.
local function man_options()
  local set = {}
  local text = read("man/pierrot.1"):match "%.SH OPTIONS\n(.-)%.SH"
  for line in text:gmatch "%.TP\n%.%a+ ([^\n]+)" do
    add_options(set, (line:gsub("\\f.", ""):gsub("\\", ""):gsub('"', ""):gsub("%s+", " ")))
  end
  return sorted(set)
end

describe("the man page", function()
  it("has the options of --help, and what they take", function()
    local expected = help_options()

    assert.is_true(#expected >= 11)
    assert.same(expected, man_options())
  end)

  it("has the commands of --help", function()
    local commands = {}
    for command in run("--help"):gmatch "\n +pierrot %[options%] (%l+)" do
      commands[#commands + 1] = command
    end

    assert.same({ "new", "test" }, commands)
    local text = read("man/pierrot.1")
    for _, command in ipairs(commands) do
      assert.is_truthy(text:find("\n%.BI? " .. command .. " ") or text:find("\n%.BR " .. command))
    end
  end)

  it("can be read by man", function()
    local version = support.execute("command -v man")
    if version == "" then pending "there is no man" end

    local output, errors = support.execute("man --warnings -l "
      .. support.root .. "/man/pierrot.1 2>&1 >/dev/null | grep -v 'not found\\|locale' || true")

    assert.same({ "", "" }, { output, errors })
  end)
end)

describe("a command line", function()
  for title, row in pairs {
    ["with an unknown letter"] = { { "-x" }, "there is no option -x" },
    ["with an unknown word"] = { { "--foo" }, "there is no option --foo" },
    ["with an option that lacks what it takes"] = { { "-e" }, "the option -e wants an argument" },
    ["with a word that lacks what it takes"] = {
      { "--preempt" }, "the option --preempt wants an argument",
    },
  } do
    it(title .. " is refused in one line, with the way to help", function()
      local output, errors, status = run(table.unpack(row[1]))

      assert.same({ "", "pierrot: " .. row[2] .. "; see pierrot --help\n", 1 },
        { output, errors, status })
    end)
  end

  it("names a module that is missing without a line of the program's own", function()
    local _, errors, status = run("-l", "no_such_module", "-e", "print('not reached')")

    assert.equal(1, status)
    assert.is_truthy(errors:find("module 'no_such_module' not found", 1, true))
    assert.is_nil(errors:find("pierrot/program.lua", 1, true))
  end)

  it("says in one line what is wrong with the text of -e, before anything is run", function()
    local output, errors, status = run("-e", "print('not reached')", "-e", "x = = 1")

    assert.same({ "", "pierrot: (command line):1: unexpected symbol near '='\n", 1 },
      { output, errors, status })
  end)
end)

describe("after the signal", function()
  for signal, number in pairs { TERM = 15, INT = 2 } do
    it(signal .. " the status is " .. 128 + number, function()
      local _, _, status = run("-e", ([[
        io.popen("kill -%s $PPID"):close()
        require("pierrot").receive("never sent")
      ]]):format(signal))

      assert.equal(128 + number, status)
    end)
  end
end)
