-- SPDX-License-Identifier: MIT
--- Patterns as the KEYS command of Redis has them: * ? [ab] [^a-c] and \ before a character that
--- means itself. The time is bounded by the product of both lengths, whatever the pattern.

local glob = {}

-- One part of a pattern: "*", or a function that says whether a byte fits.
local function any_byte() return true end

local function one_byte(wanted)
  return function(byte) return byte == wanted end
end

-- From behind the "[" on: the function, and where the pattern goes on.
local function read_set(pattern, at)
  local is_negated = pattern:sub(at, at) == "^"
  if is_negated then at = at + 1 end
  local members = {}
  while at <= #pattern and pattern:sub(at, at) ~= "]" do
    if pattern:sub(at, at) == "\\" and at < #pattern then at = at + 1 end
    local low, high = pattern:byte(at), pattern:match("^%-([^%]])", at + 1)
    if high then at = at + 2 end
    high = high and high:byte() or low
    for byte = math.min(low, high), math.max(low, high) do members[byte] = true end
    at = at + 1
  end
  return function(byte) return (members[byte] or false) ~= is_negated end, at + 1
end

--- Reads a pattern.
---@param pattern string
---@return (string|function)[]
function glob.compile(pattern)
  local parts, at = {}, 1
  while at <= #pattern do
    local character = pattern:sub(at, at)
    at = at + 1
    if character == "*" then
      if parts[#parts] ~= "*" then parts[#parts + 1] = "*" end
    elseif character == "?" then
      parts[#parts + 1] = any_byte
    elseif character == "[" then
      parts[#parts + 1], at = read_set(pattern, at)
    else
      if character == "\\" and at <= #pattern then
        character, at = pattern:sub(at, at), at + 1
      end
      parts[#parts + 1] = one_byte(character:byte())
    end
  end
  return parts
end

--- Whether all of `text` fits what compile gave. Only the last star is ever taken back.
---@param parts (string|function)[]
---@param text string
---@return boolean
function glob.matches(parts, text)
  local part, at, star, star_at = 1, 1, nil, nil
  while at <= #text do
    local wanted = parts[part]
    if wanted == "*" then
      star, star_at, part = part, at, part + 1
    elseif wanted and wanted(text:byte(at)) then
      part, at = part + 1, at + 1
    elseif star then
      part, star_at = star + 1, star_at + 1
      at = star_at
    else
      return false
    end
  end
  if parts[part] == "*" then part = part + 1 end
  return parts[part] == nil
end

return glob
