-- SPDX-License-Identifier: MIT
--- The example in the README does what its comments say.

local support = require "spec.support"

if not support.program then
  describe("the README", function() pending "needs the program: set PIERROT" end)
  return
end

local function read_readme()
  local file <close> = assert(io.open(support.root .. "/README.md", "rb"))
  return file:read("a")
end

describe("the tour in the README", function()
  it("prints what its comments say", function()
    local code = read_readme():match("```lua\n(.-)```")
    local expected = {}
    for text in code:gmatch("%-%->%s*([^\n]*)") do
      expected[#expected + 1] = (text:gsub("%s+", " "))
    end
    local script <close> = support.temporary_file(code)

    local output, errors, status = support.execute(support.command(support.program, script.path))

    assert.equal(0, status, errors)
    assert.equal(table.concat(expected, "\n") .. "\n", (output:gsub("[ \t]+", " ")))
  end)
end)
