-- SPDX-License-Identifier: MIT
--- The protocol of Redis: reading commands, writing replies.

local resp = {}

local INLINE_MAX <const> = 64 * 1024
local WORDS_MAX <const> = 1024 * 1024
local WORD_MAX <const> = 16 * 1024 * 1024
local COMMAND_MAX <const> = 2 * WORD_MAX

-- Reading -------------------------------------------------------------------------------------

local find, match, sub = string.find, string.match, string.sub

--- Takes commands out of what comes in, in whatever pieces. `rest` from `at` on is not read yet;
--- `n` words make the command that is being read, of which `words` are there, `size` bytes so far.
local Reader = {}
Reader.__index = Reader

--- One that has got nothing yet.
function resp.reader()
  return setmetatable({ rest = "", at = 1, n = nil, words = nil, size = 0 }, Reader)
end

--- Adds what has come.
---@param data string
function Reader:feed(data)
  self.rest = self.at > #self.rest and data or sub(self.rest, self.at) .. data
  self.at = 1
end

-- A line of words, as somebody types it.
function Reader:read_inline()
  local ending, last = find(self.rest, "\r?\n", self.at)
  if not ending then
    if #self.rest - self.at >= INLINE_MAX then return nil, "too big inline request" end
    return nil
  end
  local words = {}
  for word in sub(self.rest, self.at, ending - 1):gmatch "%S+" do words[#words + 1] = word end
  self.at = last + 1
  return words
end

-- A number after its mark. What is too short to be wrong is to be waited for.
function Reader:read_count(pattern, max, problem)
  local rest, at = self.rest, self.at
  local _, last, digits = find(rest, pattern, at)
  if last then
    local count = #digits <= 10 and tonumber(digits)
    if not count or count < 0 or count > max then return nil, problem end
    self.at = last + 1
    return count
  end
  if #rest - at >= 32 or find(rest, "^.%-?%d*[^%d\r%-]", at) then return nil, problem end
  return nil
end

-- The next word of a command. True, or nil as resp.next.
function Reader:read_word()
  local rest, at = self.rest, self.at
  if at > #rest then return nil end
  if sub(rest, at, at) ~= "$" then
    return nil, ("expected '$', got '%s'"):format((sub(rest, at, at):gsub("%c", "?")))
  end
  local len, problem = self:read_count("^%$(%-?%d+)\r\n", WORD_MAX, "invalid bulk length")
  if not len then return nil, problem end
  if self.size + len > COMMAND_MAX then return nil, "too big mbulk request" end
  local missing = self.at + len + 1 - #rest
  if missing > 0 then
    self.at = at
    return nil, missing
  end
  self.words[#self.words + 1] = sub(rest, self.at, self.at + len - 1)
  self.at, self.size = self.at + len + 2, self.size + len
  return true
end

-- Words as they come as a rule: short, and there as a whole. What is left is read_word's.
function Reader:read_short_words()
  local rest, words, at, size = self.rest, self.words, self.at, self.size
  local n_bytes = #rest
  for i = #words + 1, self.n do
    local digits, from = match(rest, "^%$(%d%d?%d?)\r\n()", at)
    if not digits then break end
    local len = tonumber(digits)
    if from + len + 1 > n_bytes or size + len > COMMAND_MAX then break end
    words[i] = sub(rest, from, from + len - 1)
    at, size = from + len + 2, size + len
  end
  self.at, self.size = at, size
end

--- The next command. nil when it is not there as a whole yet, with the number of bytes that are
--- missing if that is known, or with a text that says what is wrong with it.
---@return string[]|nil words, integer|string|nil
function Reader:next()
  if not self.n then
    if self.at > #self.rest then return nil end
    if sub(self.rest, self.at, self.at) ~= "*" then return self:read_inline() end
    local n, problem = self:read_count("^%*(%-?%d+)\r\n", WORDS_MAX, "invalid multibulk length")
    if not n then return nil, problem end
    self.n, self.words, self.size = n, {}, 0
  end
  self:read_short_words()
  for _ = #self.words + 1, self.n do
    local read, why = self:read_word()
    if not read then return nil, why end
  end
  self.n = nil
  return self.words
end

-- Writing -------------------------------------------------------------------------------------

resp.OK = "+OK\r\n"
resp.NIL = "$-1\r\n"

function resp.simple(text) return "+" .. text .. "\r\n" end

function resp.failure(text) return "-" .. text:gsub("%c", " ") .. "\r\n" end

function resp.integer(number) return ":" .. number .. "\r\n" end

function resp.bulk(text)
  text = tostring(text)
  return "$" .. #text .. "\r\n" .. text .. "\r\n"
end

--- Items that are replies themselves, as one.
---@param items string[]
---@return string
function resp.array(items)
  return "*" .. #items .. "\r\n" .. table.concat(items)
end

--- A list of texts.
---@param texts any[]
---@return string
function resp.bulks(texts)
  local items = {}
  for i, text in ipairs(texts) do items[i] = resp.bulk(text) end
  return resp.array(items)
end

return resp
