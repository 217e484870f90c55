-- SPDX-License-Identifier: MIT
--- The blocks in docs/tcp.md print what their comments say.

local support = require "spec.support"

if not support.program then
  describe("docs/tcp.md", function() pending "needs the program: set PIERROT" end)
  return
end

local function read_blocks()
  local file <close> = assert(io.open(support.root .. "/docs/tcp.md", "rb"))
  local blocks = {}
  for code in file:read("a"):gmatch "```lua\n(.-)```" do blocks[#blocks + 1] = code end
  return blocks
end

local function squeezed(text)
  return (text:gsub("[ \t]+", " "))
end

for i, code in ipairs(read_blocks()) do
  describe("block " .. i .. " of docs/tcp.md", function()
    it("prints what its comments say", function()
      local expected = {}
      for text in code:gmatch "%-%->%s*([^\n]*)" do expected[#expected + 1] = squeezed(text) end
      local script <close> = support.temporary_file(code)

      local output, errors, status = support.execute(support.command(support.program, script.path))

      assert.same({ "", 0 }, { errors, status })
      assert.equal(table.concat(expected, "\n") .. "\n", squeezed(output))
    end)
  end)
end
