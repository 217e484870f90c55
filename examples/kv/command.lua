-- SPDX-License-Identifier: MIT
--- The commands of the key-value application: one line in, the lines of the answer out.

local bucket = require "pierrot.bucket"

local command = {}

local forms <const> = {
  CREATE = { verb = "create", words = 2 },
  PUT = { verb = "put", words = 4 },
  GET = { verb = "get", words = 3 },
  DELETE = { verb = "delete", words = 3 },
}

local refusals <const> = {
  unknown_command = "UNKNOWN COMMAND",
  not_found = "NOT FOUND",
}

--- Reads a line: words between blanks, CR and LF at its end included.
---@param line string
---@return string[]|nil command  its verb, then its arguments
---@return string|nil reason     "unknown_command"
function command.parse(line)
  local words = {}
  for word in line:gmatch("%S+") do
    words[#words + 1] = word
  end

  local form = forms[words[1]]
  if not form or #words ~= form.words then
    return nil, "unknown_command"
  end
  words[1] = form.verb
  return words
end

-- What is done with the bucket that the second word names. Each gives the lines before the OK.
local on_bucket <const> = {
  put = function(pid, key, value) bucket.put(pid, key, value) end,
  get = function(pid, key) return bucket.get(pid, key) or "" end,
  delete = function(pid, key) bucket.delete(pid, key) end,
}

--- Runs a command that parse gave.
---@param words string[]
---@param names table     pierrot.registry, or a module with the same functions
---@param registry pid|string
---@return string|nil answer  its lines, the last one is OK
---@return string|nil reason  "not_found"
function command.run(words, names, registry)
  local verb, name, key, value = table.unpack(words)
  if verb == "create" then
    assert(names.create(registry, name))
    return "OK"
  end

  local pid = names.lookup(registry, name)
  if not pid then
    return nil, "not_found"
  end
  local line = on_bucket[verb](pid, key, value)
  return line and line .. "\nOK" or "OK"
end

--- The answer to a line, whatever it is.
---@param line string
---@param names table
---@param registry pid|string
---@return string
function command.answer(line, names, registry)
  local words, reason = command.parse(line)
  local answer
  if words then
    answer, reason = command.run(words, names, registry)
  end
  return answer or refusals[reason]
end

return command
