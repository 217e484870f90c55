-- SPDX-License-Identifier: MIT
--- The documents as a whole: each page whose blocks are code is run by a spec, the session in the
--- README shows what the prompt shows, links lead somewhere, and the limits are named in one place.

local documents = require "spec.documents"
local support = require "spec.support"

local function pages()
  local command <const> = ("cd '%s' && ls *.md docs/*.md docs/reference/*.md"):format(support.root)
  local pipe <close> = assert(io.popen(command))
  local list = {}
  for path in pipe:lines() do list[#list + 1] = path end
  return list
end

local function exists(path)
  local file <close> = io.open(support.root .. "/" .. path, "rb")
  return file ~= nil
end

local function has_code(path)
  for _, block in ipairs(documents.blocks(documents.read(path))) do
    if block.language == "lua" or block.text:find "pierrot%(1%)> " then return true end
  end
  return false
end

-- The specs that run blocks: those that read pages. docs_spec.lua has the names of several.
local function readers()
  local command <const> = "cd '%s' && grep -lE 'documents.blocks|```lua' spec/*_spec.lua"
  local pipe <close> = assert(io.popen(command:format(support.root)))
  local texts = {}
  for path in pipe:lines() do
    if not path:find "documents_spec" then texts[#texts + 1] = documents.read(path) end
  end
  return texts
end

local function is_run(path, texts)
  local name <const> = ('"%s"'):format(path:match "([^/]+)%.md$")
  for _, text in ipairs(texts) do
    local pages_of_text <const> = text:match "local PAGES <const> = (%b{})"
    if text:find(path, 1, true) or pages_of_text and pages_of_text:find(name, 1, true) then
      return true
    end
  end
  return false
end

describe("the documents", function()
  it("have no code that no spec runs", function()
    local n = 0
    local texts <const> = readers()
    for _, path in ipairs(pages()) do
      if has_code(path) then
        n = n + 1
        assert.is_true(is_run(path, texts), path .. " is run by no spec")
      end
    end
    assert.is_true(n >= 11)
  end)

  it("have links that lead somewhere", function()
    local n = 0
    for _, path in ipairs(pages()) do
      local folder <const> = path:match "^(.*/)" or ""
      for target in documents.read(path):gmatch "%]%(([^)%s]+)%)" do
        local file = target:gsub("#.*$", "")
        if not target:find "^%a+:" and file ~= "" then
          n = n + 1
          assert.is_true(exists(folder .. file), path .. " links to " .. target)
        end
      end
    end
    assert.is_true(n > 20)
  end)
end)

if support.program then
  describe("the session in the README", function()
    it("shows what the prompt shows", function()
      local n = 0
      for _, block in ipairs(documents.blocks(documents.read "README.md")) do
        if block.text:find "^pierrot%(1%)> " then
          n = n + 1
          local typed <const>, shown <const> = documents.session(block.text)
          local input <close> = support.temporary_file(typed)

          local output <const> = support.execute(
            support.command(support.program, "-s", "1", "-i") .. " <" .. input.path)

          assert.equal(documents.without_numbers(shown), documents.without_numbers(output))
        end
      end
      assert.equal(1, n)
    end)
  end)
end
