--- For specs that run what stands in documents: their blocks, and sessions at the prompt.

local support = require "spec.support"

local documents = {}

--- The text of a file of the project.
function documents.read(path)
  local file <close> = assert(io.open(support.root .. "/" .. path, "rb"))
  return file:read("a")
end

--- The blocks of a page in order: language, text, and the path in the line `path`: above, if any.
function documents.blocks(text)
  local list, block = {}, nil
  local path
  for line in text:gmatch "([^\n]*)\n" do
    local fence = line:match "^```(%l*)$"
    if fence and not block then
      block = { language = fence, path = path, lines = {} }
    elseif fence then
      list[#list + 1] = {
        language = block.language, path = block.path,
        text = table.concat(block.lines, "\n") .. "\n",
      }
      block = nil
    elseif block then
      block.lines[#block.lines + 1] = line
    elseif line ~= "" then
      path = line:match "^`([^`]+)`:$"
    end
  end
  return list
end

--- What is typed in a session, and what is shown; the command in its first line, if any.
function documents.session(text)
  local typed, shown, command = {}, {}, nil
  for line in text:gmatch "[^\n]+" do
    local input = line:match "^ *pierrot%(%d+%)> (.*)$" or line:match "^ +%.%.%.> (.*)$"
    if line:find "^%$ " then
      command = line:sub(3)
    else
      local list = input and typed or shown
      list[#list + 1] = input or line
    end
  end
  return table.concat(typed, "\n") .. "\n", table.concat(shown, "\n") .. "\n", command
end

--- Pids and refs by the order in which they occur first.
function documents.without_numbers(text)
  local known, n = {}, 0
  return (text:gsub("<%d+%.%d+%.%d+>", function(id)
    if not known[id] then
      n = n + 1
      known[id] = "<" .. n .. ">"
    end
    return known[id]
  end):gsub("#Ref<[%d.]+>", "#Ref"))
end

return documents
