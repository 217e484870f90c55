-- SPDX-License-Identifier: MIT
--- pierrot new and pierrot test.

local support = require "spec.support"

if not support.program then
  describe("pierrot new", function() pending "needs the program: set PIERROT" end)
  return
end

local program = support.program
local folder

setup(function()
  if not program:find "^/" then
    program = support.execute("pwd"):gsub("\n$", "") .. "/" .. program
  end
end)

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)

after_each(function() os.execute("rm -rf " .. folder) end)

--- Runs the program in the folder, or in one of its own.
local function run_in(place, ...)
  return support.execute(("cd %s/%s && %s </dev/null"):format(folder, place,
    support.command(program, "-s", "1", ...)))
end

local function read(path)
  local file <close> = io.open(folder .. "/" .. path, "rb")
  return file and file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(folder .. "/" .. path, "wb"))
  file:write(text)
end

describe("pierrot new", function()
  it("writes a project whose tests pass at once", function()
    local output, errors, status = run_in("", "new", "shop")

    assert.same({ "", 0 }, { errors, status })
    assert.is_truthy(output:find("cd shop && pierrot test", 1, true))
    local report, _, test_status = run_in("shop", "test", "-o", "plainTerminal")
    assert.is_truthy(report:find("4 successes / 0 failures / 0 errors", 1, true), report)
    assert.equal(0, test_status)
  end)

  it("writes a project that runs, and ends with the application", function()
    run_in("", "new", "shop")

    write("shop/typed", table.concat({
      "require('shop.counter').add('shop.counter', 'milk', 3)",
      "_ = pierrot.exit(whereis('shop.supervisor'), 'kill') receive('never sent')",
    }, "\n"))
    local output, _, status = support.execute(("cd %s/shop && %s <typed"):format(folder,
      support.command(program, "-i", "main.lua")))

    assert.same({ "3\n", 1 }, { output, status })
  end)

  it("leaves what is there as it is", function()
    write("shop", "mine")

    local output, errors, status = run_in("", "new", "shop")

    assert.same({ "", 1 }, { output, status })
    assert.is_truthy(errors:find("shop", 1, true))
    assert.equal("mine", read("shop"))
  end)

  for _, name in ipairs { "Shop", "1shop", "my-shop", "../shop", "", "string", "pierrot" } do
    it(("refuses the name %q"):format(name), function()
      local output, errors, status = run_in("", "new", name)

      assert.same({ "", 1 }, { output, status })
      assert.is_truthy(errors:find("^pierrot: [^\n]*\n$"), errors)
    end)
  end

  it("says what it wants when there is no name", function()
    local _, errors, status = run_in("", "new")

    assert.equal(1, status)
    assert.is_truthy(errors:find("pierrot new shop", 1, true))
  end)

  it("gives way to a script of that name", function()
    write("new", "print('a script', ...)")

    assert.equal("a script\tshop\n", (run_in("", "new", "shop")))
  end)
end)

describe("pierrot test", function()
  before_each(function() assert(os.execute("mkdir " .. folder .. "/spec")) end)

  it("runs each test in a process of its own, without a .busted", function()
    write("spec/own_spec.lua", [[
      local pierrot = require "pierrot"
      local seen = {}
      for n = 1, 2 do
        it("is number " .. n, function()
          assert.is_nil(seen[pierrot.self()])
          seen[pierrot.self()] = true
          start_supervised "pierrot.bucket"
        end)
      end
    ]])

    local report, _, status = run_in("", "test", "-o", "plainTerminal")

    assert.is_truthy(report:find("2 successes / 0 failures / 0 errors", 1, true), report)
    assert.equal(0, status)
  end)

  it("has the status of busted when a test fails, and takes its options", function()
    write("spec/bad_spec.lua", [[
      it("is bad", function() assert.equal(1, 2) end)
      it("is good", function() end)
    ]])

    local _, _, status = run_in("", "test", "-o", "plainTerminal")
    local _, _, filtered = run_in("", "test", "-o", "plainTerminal", "--filter", "good")

    assert.same({ 1, 0 }, { status, filtered })
  end)

  it("leaves a helper of the project's own in its place", function()
    write(".busted", 'return { default = { ROOT = { "spec" }, helper = "./help.lua" } }')
    write("help.lua", 'require "pierrot.testing" helped = true')
    write("spec/own_spec.lua", [[
      it("is helped", function() assert.is_true(helped and start_supervised ~= nil) end)
    ]])

    local report, _, status = run_in("", "test", "-o", "plainTerminal")

    assert.equal(0, status, report)
  end)

  it("says what to install where there is no busted", function()
    local _, errors, status = support.execute(("cd %s && LUA_PATH_5_4='./?.lua' %s </dev/null")
      :format(folder, support.command(program, "test")))

    assert.equal(1, status)
    assert.is_truthy(errors:find("lua-busted", 1, true), errors)
  end)
end)
