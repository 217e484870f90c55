-- SPDX-License-Identifier: MIT
--- reload: a module loaded anew by every scheduler.

local gen_server = require "pierrot.gen_server"
local pierrot = require "pierrot"
local support = require "spec.support"
local sys = require "pierrot.sys"

local NAME <const> = "spec_reloaded_module"

-- A folder with one module in it, whose text can be changed; found by require until it is closed.
local function folder()
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. dir))
  local path = package.path
  package.path = dir .. "/?.lua;" .. path
  local made = {}
  function made.write(text)
    local file <close> = assert(io.open(dir .. "/" .. NAME .. ".lua", "wb"))
    file:write(text)
  end
  return setmetatable(made, {
    __close = function()
      package.path = path
      package.loaded[NAME] = nil
      os.remove(dir .. "/" .. NAME .. ".lua")
      os.remove(dir)
    end,
  })
end

-- What the module is on each scheduler.
local function versions()
  local me, list = pierrot.self(), {}
  for index = 1, pierrot.schedulers() do
    local _, ref = pierrot.spawn_opt({ scheduler = index, monitor = true }, function()
      local loaded = package.loaded.spec_reloaded_module
      require("pierrot").send(me, { "version", loaded and loaded.version })
    end)
    support.await_down(ref)
    list[index] = support.expect({ "version" })[2] or false
  end
  return list
end

local function everywhere(version)
  local list = {}
  for index = 1, pierrot.schedulers() do list[index] = version end
  return list
end

describe("reload", function()
  it("has loaded the module on every scheduler when it returns", support.alone(function()
    local files <close> = folder()
    files.write "return { version = 1 }"
    assert.is_true(pierrot.reload(NAME))
    local first = versions()
    files.write "return { version = 2 }"

    assert.is_true(pierrot.reload(NAME))

    assert.same(everywhere(1), first)
    assert.same(everywhere(2), versions())
    assert.equal(2, require(NAME).version)
  end))

  it("takes the table of a module that is loaded", support.alone(function()
    local files <close> = folder()
    files.write "return { version = 1 }"
    local module = require(NAME)
    files.write "return { version = 2 }"

    assert.is_true(pierrot.reload(module))

    assert.equal(2, require(NAME).version)
    assert.equal(1, module.version)
  end))

  it("keeps what was loaded when the new text is wrong, and says why", support.alone(function()
    local files <close> = folder()
    files.write "return { version = 1 }"
    assert.is_true(pierrot.reload(NAME))

    files.write "return {"
    local loaded, why = pierrot.reload(NAME)
    files.write "error 'not loadable'"
    local again, error_ = pierrot.reload(NAME)

    assert.is_nil(loaded)
    assert.is_truthy(why:find(NAME, 1, true), why)
    assert.is_nil(again)
    assert.is_truthy(error_:find("not loadable", 1, true), error_)
    assert.same(everywhere(1), versions())
  end))

  it("says so of a module that is not there", support.alone(function()
    local loaded, why = pierrot.reload "spec.no_such_module"

    assert.is_nil(loaded)
    assert.is_truthy(why:find("spec.no_such_module", 1, true))
  end))

  it("leaves a running server its code until change_code", support.alone(function()
    local files <close> = folder()
    local text <const> = [[
      return {
        init = function(state) return "ok", state end,
        handle_call = function(request, from, state) return "reply", { %d, state } end,
        code_change = function(old, state, extra) return "ok", state + extra end,
      }]]
    files.write(text:format(1))
    local pid = assert(gen_server.start_link(NAME, 5))
    files.write(text:format(2))
    assert.is_true(pierrot.reload(NAME))
    local before = gen_server.call(pid, "which")

    assert.is_true(sys.change_code(pid, NAME, 1, 10))

    assert.same({ 1, 5 }, before)
    assert.same({ 2, 15 }, gen_server.call(pid, "which"))
    assert.same({ 2, 1 }, gen_server.call(assert(gen_server.start_link(NAME, 1)), "which"))
  end))

  it("tells of a mistake of the caller's at its line", support.alone(function()
    for _, module in ipairs { 1, {}, "pierrot.gen_server" } do
      local text = support.error_text(function() pierrot.reload(module) end)
      assert.is_truthy(text:find("reload_spec.lua:%d+: bad argument #1 to 'reload'"), text)
    end
    assert.is_truthy(support.error_text(function() pierrot.reload() end):find "got nil")
  end))
end)
