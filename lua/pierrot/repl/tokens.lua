--- Lua text as tokens: as much of the lexer as the prompt needs.

local M = {}

-- Where a long bracket that opens at `at` ends; nil when none opens there. One without an end goes
-- on to the end of the text.
local function long_bracket_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, stop = text:find("]" .. level .. "]", at, true)
  return stop or #text
end

local function skip_comment(text, at)
  local stop = long_bracket_end(text, at + 2)
  return stop or (text:find("\n", at, true) or #text + 1) - 1
end

-- The first place from `at` on that is neither blank nor in a comment.
local function skip_blanks(text, at)
  at = text:find("%S", at) or #text + 1
  while text:sub(at, at + 1) == "--" do
    at = text:find("%S", skip_comment(text, at) + 1) or #text + 1
  end
  return at
end

local function string_end(text, at)
  local quote = text:sub(at, at)
  local stop = at + 1
  while stop <= #text do
    local byte = text:sub(stop, stop)
    if byte == "\\" then
      stop = stop + 1
    elseif byte == quote or byte == "\n" then
      return stop
    end
    stop = stop + 1
  end
  return #text
end

local function classify(text, at)
  local _, stop = text:find("^[%a_][%w_]*", at)
  if stop then return "name", stop end
  _, stop = text:find("^%.?%d[%w%.]*", at)
  if stop then return "number", stop end
  if text:find("^[\"']", at) then return "string", string_end(text, at) end
  stop = long_bracket_end(text, at)
  if stop then return "string", stop end
  _, stop = text:find("^%.%.%.?", at)
  if not stop then _, stop = text:find("^::", at) end
  return "symbol", stop or at
end

--- A list of tokens. Keywords are names; numbers are cut roughly; of the symbols only "..", "..."
--- and "::" are longer than a byte.
---@param text string
---@return { kind: string, text: string, at: integer }[]
function M.split(text)
  local tokens = {}
  local at = skip_blanks(text, 1)
  while at <= #text do
    local kind, stop = classify(text, at)
    tokens[#tokens + 1] = { kind = kind, text = text:sub(at, stop), at = at }
    at = skip_blanks(text, stop + 1)
  end
  return tokens
end

return M
