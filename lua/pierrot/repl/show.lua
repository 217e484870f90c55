--- How the prompt shows values and failures: by inspect, in colour on a terminal.

local pierrot = require "pierrot"

local TEXT_MAX <const> = 10000 -- bytes of a value that are shown
local TRACEBACK_MAX <const> = 4000

local COLOURS <const> = {
  string = "32", number = "33", word = "35", id = "36", mark = "2", failure = "31", note = "2",
}
local WORDS <const> = { ["true"] = true, ["false"] = true, ["nil"] = true }

local M = {}

-- Colour ---------------------------------------------------------------------------------------

--- Whether to use colour on this output.
---@param is_terminal boolean
---@return boolean
function M.wants_colour(is_terminal)
  local refused, kind = os.getenv "NO_COLOR", os.getenv "TERM"
  return is_terminal and (refused == nil or refused == "") and kind ~= nil and kind ~= "dumb"
end

--- The text in the colour of its role, where colour is wanted.
---@param text string
---@param role string
---@param has_colour boolean
---@return string
function M.paint(text, role, has_colour)
  if not has_colour or text == "" then return text end
  return "\27[" .. COLOURS[role] .. "m" .. text .. "\27[0m"
end

-- What stands at `at` in a text of inspect's: where it ends, and its role.
local function next_piece(text, at)
  local _, stop = text:find('^"[^"\\]*', at)
  if stop then
    while text:sub(stop + 1, stop + 1) == "\\" do
      _, stop = text:find('^[^"\\]*', stop + 3)
    end
    return math.min(stop + 1, #text), "string"
  end
  _, stop = text:find("^<[%d.]+>", at)
  if not stop then _, stop = text:find("^#%a+<[%d.]+>", at) end
  if stop then return stop, "id" end
  _, stop = text:find("^<cycle>", at)
  if not stop then _, stop = text:find("^…", at) end
  if stop then return stop, "mark" end
  _, stop = text:find("^%-?%d[%w.+-]*", at)
  if stop then return stop, "number" end
  _, stop = text:find("^[%a_][%w_]*", at)
  if stop then return stop, WORDS[text:sub(at, stop)] and "word" or nil end
  return at, nil
end

local function paint_value(text)
  local parts, at = {}, 1
  while at <= #text do
    local stop, role = next_piece(text, at)
    local piece = text:sub(at, stop)
    parts[#parts + 1] = role and M.paint(piece, role, true) or piece
    at = stop + 1
  end
  return table.concat(parts)
end

-- Values ---------------------------------------------------------------------------------------

local function cut(text, max)
  if #text <= max then return text end
  local stop = max
  while stop > 0 and text:byte(stop + 1) & 0xc0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. ("… (%d bytes more)"):format(#text - stop)
end

--- One value, bounded.
---@param value any
---@param has_colour boolean
---@return string
function M.value(value, has_colour)
  local text = cut(pierrot.inspect(value), TEXT_MAX)
  return has_colour and paint_value(text) or text
end

--- Several values, on one line; "" for none.
---@param values { n: integer }
---@param has_colour boolean
---@return string
function M.values(values, has_colour)
  local parts = {}
  for i = 1, values.n do parts[i] = M.value(values[i], has_colour) end
  return table.concat(parts, ", ")
end

-- Failures -------------------------------------------------------------------------------------

local function is_exit(value)
  return type(value) == "table" and value.class == "exit"
end

-- Without the prompt's own frames below those of the input.
local function trim_traceback(traceback)
  local lines = {}
  for line in traceback:gmatch("[^\n]+") do
    local is_own = line:find "^%s*pierrot/repl/" or line:find "^%s*pierrot/program%.lua:"
    if is_own or line:find "in function 'xpcall'" then break end
    lines[#lines + 1] = line
  end
  local n_telling = 0
  for i = 2, #lines do
    local line = lines[i]
    if not line:find "^%s*%[C%]" and not line:find "in function <prompt:%d+>$" then
      n_telling = n_telling + 1
    end
  end
  -- The input itself says nothing that the message does not.
  if n_telling == 0 then return "" end
  return "\n" .. cut(table.concat(lines, "\n"), TRACEBACK_MAX)
end

--- Why a process ended, without the traceback of an error.
---@param reason any
---@return string
function M.reason(reason)
  if type(reason) == "table" and reason[1] == "error" and reason[3] then reason = reason[2] end
  return type(reason) == "string" and reason or cut(pierrot.inspect(reason), TEXT_MAX)
end

--- What an input failed with.
---@param failure any
---@param traceback string
---@param has_colour boolean
---@return string
function M.failure(failure, traceback, has_colour)
  local text
  if is_exit(failure) then
    return M.paint("** exit: " .. cut(pierrot.inspect(failure.reason), TEXT_MAX), "failure",
      has_colour)
  elseif type(failure) == "string" then
    text = failure:gsub("^pierrot/[%w_/]+%.lua:%d+: interrupted$", "interrupted")
  else
    local meta = debug.getmetatable(failure)
    local has_text = type(meta) == "table" and rawget(meta, "__tostring") ~= nil
    local is_shown, shown = pcall(has_text and tostring or pierrot.inspect, failure)
    text = is_shown and shown or pierrot.inspect(failure)
  end
  return M.paint("** error: " .. cut(text, TEXT_MAX), "failure", has_colour)
    .. M.paint(trim_traceback(traceback), "note", has_colour)
end

return M
