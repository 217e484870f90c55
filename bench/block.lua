-- SPDX-License-Identifier: MIT
-- Parts of Markdown files that programs write: from a line `<!-- NAME -->` to the next line
-- `<!-- end of NAME -->`. So a figure in the text is one that was measured.

local M = {}

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

--- Puts `text` between the marks of `name`. A file that is not there yet becomes one with that
--- block alone; one without the marks is left as it is.
---@param path string
---@param name string
---@param text string  ends with a newline
---@return true? done
---@return string? reason
function M.replace(path, name, text)
  local first, last = ("<!-- %s -->\n"):format(name), ("<!-- end of %s -->\n"):format(name)
  local old = read(path)
  if not old then
    write(path, first .. text .. last)
    return true
  end
  local _, from = old:find(first, 1, true)
  local to = from and old:find(last, from + 1, true)
  if not to then return nil, ("%s has no block <!-- %s -->"):format(path, name) end
  write(path, old:sub(1, from) .. text .. old:sub(to))
  return true
end

return M
