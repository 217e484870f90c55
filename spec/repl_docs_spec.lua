-- SPDX-License-Identifier: MIT
--- The sessions in docs/repl.md show what the prompt shows.

local documents = require "spec.documents"
local support = require "spec.support"

if not support.program then
  describe("docs/repl.md", function() pending "needs the program: set PIERROT" end)
  return
end

describe("the session in docs/repl.md", function()
  local n = 0
  for _, block in ipairs(documents.blocks(documents.read "docs/repl.md")) do
    if block.text:find "^pierrot%(1%)> " then
      n = n + 1
      it(("number %d shows what the prompt shows"):format(n), function()
        local typed, shown = documents.session(block.text)
        local input <close> = support.temporary_file(typed)

        local output = support.execute(support.command(support.program, "-s", "1", "-i")
          .. " <" .. input.path)

        assert.equal(documents.without_numbers(shown), documents.without_numbers(output))
      end)
    end
  end

  it("is one of several", function() assert.is_true(n >= 4) end)
end)
