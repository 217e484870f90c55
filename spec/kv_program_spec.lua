-- SPDX-License-Identifier: MIT
--- The example program, examples/kv.lua: the mission's walk, H5 and H6, and the story.

local support = require "spec.support"

package.path = support.root .. "/examples/?.lua;" .. package.path
local command = require "kv.command"

describe("a command line of the key-value application", function()
  local table_of_lines = {
    { "CREATE shopping", { "create", "shopping" } },
    { "CREATE  shopping  ", { "create", "shopping" } },
    { "PUT shopping milk 1", { "put", "shopping", "milk", "1" } },
    { "GET shopping milk", { "get", "shopping", "milk" } },
    { "DELETE shopping eggs", { "delete", "shopping", "eggs" } },
    { " \tDELETE\tshopping  eggs\r", { "delete", "shopping", "eggs" } },
  }
  for _, row in ipairs(table_of_lines) do
    it(("H5 %q is read"):format(row[1]), function()
      assert.same(row[2], command.parse(row[1]))
      assert.same(row[2], command.parse(row[1] .. "\r\n"))
    end)
  end

  for _, line in ipairs { "UNKNOWN shopping eggs", "GET shopping", "GET a b c", "get a b", "" } do
    it(("H5 %q is an unknown command"):format(line), function()
      assert.same({ nil, "unknown_command" }, { command.parse(line) })
    end)
  end
end)

local kv_path <const> = support.root .. "/examples/kv.lua"

local commands <const> = [[
UNKNOWN shopping
GET shopping eggs
CREATE shopping
PUT shopping eggs 3
GET shopping eggs
DELETE shopping eggs
GET shopping eggs
]]

local answers <const> = "UNKNOWN COMMAND\nNOT FOUND\nOK\nOK\n3\nOK\nOK\n\nOK\n"

local function run_kv(...)
  return support.execute(support.command(support.interpreter, kv_path, ...))
end

describe("the key-value program", function()
  for _, options in ipairs { {}, { "--lua" } } do
    local title = options[1] and " with " .. options[1] or ""

    it("H6 answers the commands of its file" .. title, function()
      local path = support.root .. "/examples/shopping.kv"
      local output, errors, status = run_kv(path, table.unpack(options))

      assert.same({ answers, "", 0 }, { output, errors, status })
    end)

    it("H6 answers the commands of standard input, whatever ends its lines" .. title, function()
      local file <close> = support.temporary_file(commands:gsub("\n", "\r\n"))
      local words = { support.interpreter, kv_path, table.unpack(options) }
      words[#words + 1] = "-"

      local output, errors, status =
        support.execute(support.command(table.unpack(words)) .. " <" .. file.path)

      assert.same({ answers, "", 0 }, { output, errors, status })
    end)
  end

  it("says which file it cannot read, and fails", function()
    local output, errors, status = run_kv("/no/such/file")

    assert.equal("", output)
    assert.is_truthy(errors:find("/no/such/file", 1, true))
    assert.equal(1, status)
  end)

  it("tells the story without a file", function()
    local output, _, status = run_kv()

    assert.equal(0, status)
    assert.is_truthy(output:find("its ref is the one that monitor gave  ->  true", 1, true))
    assert.is_truthy(output:find('exit with {"noproc", ', 1, true))
  end)

  it("tells the same story with the registry in Lua", function()
    local built_in = run_kv()

    local in_lua, _, status = run_kv("--lua")

    assert.equal(0, status)
    assert.equal(built_in, in_lua)
  end)
end)
