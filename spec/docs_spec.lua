-- SPDX-License-Identifier: MIT
--- The Lua examples in docs/ do what their comments say: what stands behind --> is printed.

local support = require "spec.support"

if not support.program then
  describe("the docs", function() pending "needs the program: set PIERROT" end)
  return
end

local PAGES <const> = { "erlang", "elixir", "gen_server", "processes" }

local function read_page(name)
  local file <close> = assert(io.open(("%s/docs/%s.md"):format(support.root, name), "rb"))
  return file:read "a"
end

local function expected_of(code)
  local expected = {}
  for text in code:gmatch "%-%->%s*([^\n]*)" do
    expected[#expected + 1] = (text:gsub("%s+", " "))
  end
  return table.concat(expected, "\n") .. "\n"
end

for _, page in ipairs(PAGES) do
  describe("docs/" .. page .. ".md", function()
    local n = 0
    for code in read_page(page):gmatch "```lua\n(.-)```" do
      n = n + 1
      it(("has an example %d that does what it says"):format(n), function()
        local script <close> = support.temporary_file(code)

        local output, errors, status = support.execute(
          support.command(support.program, script.path))

        assert.equal(0, status, errors)
        assert.equal(expected_of(code), (output:gsub("[ \t]+", " ")))
      end)
    end

    it("names no function that the reference does not know", function()
      local known = {}
      local meta <const> = support.root .. "/lua/pierrot/meta"
      local pipe <close> = assert(io.popen(("cat '%s'/*.lua"):format(meta)))
      for name in pipe:read("a"):gmatch "\nfunction ([%w_.]+)%(" do known[name] = true end

      for module, name in read_page(page):gmatch "`pierrot%.([%w_]+)%.([%w_]+)" do
        assert.is_truthy(known[module .. "." .. name], module .. "." .. name)
      end
      assert.is_true(n > 0)
    end)
  end)
end
