-- SPDX-License-Identifier: MIT
--- The blocks of docs/supervisors.md do what their comments say.

local support = require "spec.support"

if not support.program then
  describe("docs/supervisors.md", function() pending "needs the program: set PIERROT" end)
  return
end

local function read_page()
  local file <close> = assert(io.open(support.root .. "/docs/supervisors.md", "rb"))
  return file:read("a")
end

-- What a block says that it prints.
local function expected_of(code)
  local lines = {}
  for text in code:gmatch("%-%->%s*([^\n]*)") do lines[#lines + 1] = text:gsub("%s+", " ") end
  return table.concat(lines, "\n") .. "\n"
end

describe("docs/supervisors.md", function()
  local n = 0
  for code in read_page():gmatch("```lua\n(.-)```") do
    n = n + 1
    it("has a block that does what it says: " .. n, function()
      local script <close> = support.temporary_file(code)

      local output, errors, status = support.execute(support.command(support.program, script.path))

      output = output:gsub("[ \t]+", " "):gsub("table: 0x%x+", "table")
      assert.same({ expected_of(code), 0 }, { output, status }, errors)
    end)
  end

  it("has blocks", function() assert.equal(3, n) end)
end)
