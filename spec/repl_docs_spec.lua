-- SPDX-License-Identifier: MIT
--- The sessions in docs/repl.md show what the prompt shows.

local support = require "spec.support"

if not support.program then
  describe("docs/repl.md", function() pending "needs the program: set PIERROT" end)
  return
end

local function read_page()
  local file <close> = assert(io.open(support.root .. "/docs/repl.md", "rb"))
  return file:read("a")
end

-- What is typed in a session, and what is shown.
local function split(session)
  local typed, shown = {}, {}
  for line in session:gmatch "[^\n]+" do
    local input = line:match "^ *pierrot%(%d+%)> (.*)$" or line:match "^ +%.%.%.> (.*)$"
    local list = input and typed or shown
    list[#list + 1] = input or line
  end
  return table.concat(typed, "\n") .. "\n", table.concat(shown, "\n") .. "\n"
end

-- Pids and refs by the order in which they occur first.
local function without_numbers(text)
  local known, n = {}, 0
  return (text:gsub("<%d+%.%d+%.%d+>", function(id)
    if not known[id] then
      n = n + 1
      known[id] = "<" .. n .. ">"
    end
    return known[id]
  end):gsub("#Ref<[%d.]+>", "#Ref"))
end

describe("the session in docs/repl.md", function()
  local n = 0
  for session in read_page():gmatch "```\n( *pierrot%(1%)> .-)```" do
    n = n + 1
    it(("number %d shows what the prompt shows"):format(n), function()
      local typed, shown = split(session)
      local input <close> = support.temporary_file(typed)

      local output = support.execute(support.command(support.program, "-s", "1", "-i")
        .. " <" .. input.path)

      assert.equal(without_numbers(shown), without_numbers(output))
    end)
  end

  it("is one of several", function() assert.is_true(n >= 4) end)
end)
