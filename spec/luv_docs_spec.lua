-- SPDX-License-Identifier: MIT
--- The blocks in docs/luv.md print what their comments say.

local documents = require "spec.documents"
local support = require "spec.support"

local why = not support.program and "needs the program: set PIERROT"
  or not package.searchpath("luv", package.cpath) and "needs luv, which is not installed"

if why then
  describe("docs/luv.md", function() pending(why) end)
  return
end

--- Blanks are of no account, nor is the name of a directory that was made.
local function squeezed(text)
  return (text:gsub("[ \t]+", " "):gsub("/tmp/pierrot%-%w+", "{directory}"))
end

for i, block in ipairs(documents.blocks(documents.read "docs/luv.md")) do
  describe("block " .. i .. " of docs/luv.md", function()
    it("prints what its comments say", function()
      local expected = {}
      for text in block.text:gmatch "%-%->%s*([^\n]*)" do
        expected[#expected + 1] = squeezed(text) .. "\n"
      end
      local script <close> = support.temporary_file(block.text)

      local output, errors, status = support.execute(support.command(support.program, script.path))

      assert.same({ "", 0 }, { errors, status })
      assert.equal(table.concat(expected), squeezed(output))
    end)
  end)
end
