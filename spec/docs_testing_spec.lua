-- SPDX-License-Identifier: MIT
--- The blocks of docs/testing.md are spec files, and their tests pass.

local busted_runs = require "spec.busted_runs"
local documents = require "spec.documents"

describe("docs/testing.md", function()
  local n = 0
  for _, block in ipairs(documents.blocks(documents.read "docs/testing.md")) do
    if block.language == "lua" then
      n = n + 1
      it(("has an example %d whose tests pass"):format(n), function()
        local report = busted_runs.run(block.text, { head = "" })

        assert.equal(0, report.status, report.output .. report.errors)
        assert.is_true(report.n_passed > 0)
        assert.equal(0, report.n_failed, report.output)
      end)
    end
  end

  it("has examples", function() assert.is_true(n >= 3) end)
end)
