-- SPDX-License-Identifier: MIT
--- The example with files: what it reads and writes, and what it leaves behind.

local pierrot = require "pierrot"
local support = require "spec.support"

if not package.searchpath("luv", package.cpath) then
  describe("the files", function() pending "needs luv, which is not installed" end)
  return
end

package.path = support.root .. "/examples/?.lua;" .. package.path

local files = require "files"

--- A path below /tmp that is gone with the returned value.
local function temporary_path()
  local file = support.temporary_file ""
  return file.path, file
end

describe("the files", function()
  it("are read as they were written, in pieces", support.alone(function()
    local path, file <close> = temporary_path()
    assert.is_truthy(file)
    local text = ("a line of some letters\n"):rep(10000)

    assert.is_true(files.write(path, text))

    assert.equal(text, files.read(path))
    assert.is_nil(io.open(path .. ".new"))
  end))

  it("may be empty", support.alone(function()
    local path, file <close> = temporary_path()
    assert.is_truthy(file)

    assert.is_true(files.write(path, ""))

    assert.equal("", files.read(path))
  end))

  it("that are not there are a reason", support.alone(function()
    local text, reason = files.read "/nowhere/nothing"

    assert.is_nil(text)
    assert.matches("^ENOENT", reason)
    assert.is_nil((files.write("/nowhere/nothing", "text")))
  end))

  it("that are no files are a reason", support.alone(function()
    local text, reason = files.read "/"

    assert.is_nil(text)
    assert.matches("^EISDIR", reason)
  end))

  it("let others go on meanwhile", support.alone(function()
    local n, me = 0, pierrot.self()
    local other = pierrot.spawn_link(function()
      while pierrot.receive() do
        n = n + 1
        pierrot.send(me, "pong")
      end
    end)

    files.each_piece(support.root .. "/LICENSE", function()
      pierrot.send(other, "ping")
      support.expect "pong"
    end)

    assert.is_true(n > 0)
  end))

  it("are counted by the program", function()
    local output, errors, status = support.execute(support.command(support.interpreter,
      support.root .. "/examples/files.lua", support.root .. "/LICENSE", "/nowhere"))

    assert.same({ "", 0 }, { errors, status })
    assert.matches("LICENSE\t%d+\n/nowhere\tENOENT", output)
  end)
end)
