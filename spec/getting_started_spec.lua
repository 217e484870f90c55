-- SPDX-License-Identifier: MIT
--- docs/getting-started.md, from an empty folder to its end.

local documents = require "spec.documents"
local support = require "spec.support"

if not support.program then
  describe("docs/getting-started.md", function() pending "needs the program: set PIERROT" end)
  return
end

-- A folder in which `pierrot` is the program.
local function make_place()
  local place = os.tmpname()
  os.remove(place)
  assert(os.execute(("mkdir -p %s/bin %s/work"):format(place, place)))
  local program = support.program
  if not program:find "^/" then
    program = support.execute("pwd"):gsub("\n$", "") .. "/" .. program
  end
  assert(os.execute(("ln -s '%s' %s/bin/pierrot"):format(program, place)))
  return { root = place, folder = place .. "/work" }
end

-- Runs a command line in the place; the folder it ends in is the next one's.
local function run(place, commands, input)
  local where = place.root .. "/where"
  local text = ("cd '%s'\nPATH='%s/bin':$PATH\n{ %s\n} <%s\npwd >%s\n"):format(place.folder,
    place.root, commands, input or "/dev/null", where)
  local output, errors, status = support.execute(support.command("sh", "-eu", "-c", text))
  if status == 0 then
    local file <close> = assert(io.open(where))
    place.folder = file:read("l")
  end
  return output, errors, status
end

local function write(place, path, text)
  local file <close> = assert(io.open(place.folder .. "/" .. path, "wb"))
  file:write(text)
end

local function check_session(place, text)
  local typed, shown, command = documents.session(text)
  local input <close> = support.temporary_file(typed)
  if not command:find " %-i" then command = command .. " -i" end

  local output, errors = run(place, command, input.path)

  assert.equal(documents.without_numbers(shown), documents.without_numbers(output), errors)
end

local function check_commands(place, text)
  local output, errors, status = run(place, text)

  assert.equal(0, status, output .. errors)
end

describe("docs/getting-started.md", function()
  it("can be followed block by block", function()
    local place = make_place()
    finally(function() os.execute("rm -rf " .. place.root) end)
    local n = { lua = 0, sh = 0, [""] = 0 }

    for _, block in ipairs(documents.blocks(documents.read "docs/getting-started.md")) do
      n[block.language] = n[block.language] + 1
      if block.language == "lua" then
        write(place, block.path, block.text)
      elseif block.language == "sh" then
        check_commands(place, block.text)
      else
        check_session(place, block.text)
      end
    end

    assert.same({ lua = 6, sh = 3, [""] = 4 }, n)
  end)
end)
