-- SPDX-License-Identifier: MIT
--- The examples in docs/registry.md print what their comments say.

local support = require "spec.support"

if not support.program then
  describe("docs/registry.md", function() pending "needs the program: set PIERROT" end)
  return
end

local function read_page()
  local file <close> = assert(io.open(support.root .. "/docs/registry.md", "rb"))
  return file:read("a")
end

describe("the example in docs/registry.md", function()
  local n = 0
  for code in read_page():gmatch "```lua\n(.-)```" do
    n = n + 1
    it(("number %d prints what its comments say"):format(n), function()
      local expected = {}
      for text in code:gmatch "%-%->%s*([^\n]*)" do expected[#expected + 1] = text end
      local script <close> = support.temporary_file(code)

      local output, errors, status = support.execute(support.command(support.program, script.path))

      assert.equal(0, status, errors)
      assert.is_true(#expected > 0)
      assert.equal(table.concat(expected, "\n") .. "\n", (output:gsub("[ \t]+", " ")))
    end)
  end

  it("is one of several", function() assert.is_true(n >= 5) end)
end)
