--- What is typed at the prompt as a function: an expression first, then a statement. Its outermost
--- locals outlive it.
--
-- The text is compiled inside of a function whose upvalues are the bindings that it names, the very
-- cells that earlier inputs have made; so closures and the prompt see one another's assignments.
-- Its own outermost locals are handed out by a call at its end:
--
--   local x, keep return function(...) local y = x; keep(function() return y end)
--   end
--
-- _ENV stays the globals, and line numbers stay as they were typed.

local tokens = require "pierrot.repl.tokens"

local KEEP <const> = "_PIERROT_KEEP"
local CHUNK <const> = "=prompt"
local MAX_NAMES <const> = 190 -- Lua has 200 locals to a function

local OPENS <const> = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local CLOSES <const> = { ["end"] = true, ["until"] = true }

local M = {}

-- What a text declares and names ---------------------------------------------------------------

-- Names of the local statement whose first token after "local" is at `i`, added to `found`.
local function add_locals(list, i, found)
  local function text(at) return list[at] and list[at].text end
  if text(i) == "function" then i = i + 1 end
  while list[i] and list[i].kind == "name" do
    local name = text(i)
    local attribute = text(i + 1) == "<" and text(i + 2)
    if attribute ~= "close" then found[#found + 1] = name end
    i = i + (attribute and 4 or 1)
    if text(i) ~= "," then return end
    i = i + 1
  end
end

-- Outermost locals in order, where an outermost return stands, and the set of all names.
local function survey(text)
  local found = { locals = {}, names = {}, return_at = nil }
  local depth = 0
  local list = tokens.split(text)
  for i, token in ipairs(list) do
    if token.kind == "name" then
      found.names[token.text] = true
      if OPENS[token.text] then
        depth = depth + 1
      elseif CLOSES[token.text] then
        depth = depth - 1
      elseif depth == 0 and token.text == "local" then
        add_locals(list, i + 1, found.locals)
      elseif depth == 0 and token.text == "return" then
        found.return_at = found.return_at or token.at
      end
    end
  end
  return found
end

-- Compiling ------------------------------------------------------------------------------------

local function is_incomplete(why)
  return why:find("near <eof>$") ~= nil
end

-- The text of a function body, and whether it is an expression; nil and what is wrong with it.
local function classify(text)
  local as_expression, why_no_expression = load("return " .. text, CHUNK, "t")
  if as_expression then return "return " .. text, true end
  local as_statement, why = load(text, CHUNK, "t")
  if as_statement then return text, false end
  if is_incomplete(why_no_expression) or is_incomplete(why) then return nil, "incomplete" end
  return nil, why
end

--- Whether the text is "complete", "incomplete" (more lines could make it whole), or a mistake.
---@param text string
---@return "complete"|"incomplete"|"wrong", string|nil why
function M.status(text)
  local body, why = classify(text)
  if body then return "complete" end
  return why == "incomplete" and "incomplete" or "wrong", why
end

local function unique(names)
  local seen, list = {}, {}
  for _, name in ipairs(names) do
    if not seen[name] and #list < MAX_NAMES then
      seen[name] = true
      list[#list + 1] = name
    end
  end
  return list
end

local function with_keep(text, found)
  local names = unique(found.locals)
  if #names == 0 then return text, names end
  local call = (";%s(function() return %s end);"):format(KEEP, table.concat(names, ", "))
  local at = found.return_at
  if at then return text:sub(1, at - 1) .. call .. " " .. text:sub(at), names end
  return text .. "\n" .. call, names
end

-- The function, with its upvalues still its own.
local function build(body, names)
  local prelude = "local " .. table.concat({ KEEP, table.unpack(names) }, ", ")
  local make, why = load(prelude .. " return function(...) " .. body .. "\nend", CHUNK, "t")
  return make and make(), why
end

local function join(fn, bindings, keep)
  local i, name = 1, debug.getupvalue(fn, 1)
  while name do
    if name == KEEP then
      debug.setupvalue(fn, i, keep)
    elseif name ~= "_ENV" then
      debug.upvaluejoin(fn, i, bindings:cell(name), 1)
    end
    i = i + 1
    name = debug.getupvalue(fn, i)
  end
end

--- A function that runs the text with these bindings; nil and what is wrong, "incomplete" when more
--- lines could make it whole.
---@param text string
---@param bindings table see pierrot.repl.bindings
---@return function|nil, string|boolean why_or_is_expression
function M.compile(text, bindings)
  local body, is_expression = classify(text)
  if not body then return nil, is_expression end
  local found = survey(text)
  local names, kept = {}, nil
  for name in next, found.names do
    if #names < MAX_NAMES and name ~= KEEP and bindings:has(name) then names[#names + 1] = name end
  end
  local whole = body
  if not is_expression then whole, kept = with_keep(text, found) end
  local fn = build(whole, names) or build(body, names)
  if not fn then return nil, "cannot compile this at the prompt; try it in a file" end
  join(fn, bindings, function(getter) bindings:keep(getter, kept) end)
  return fn, is_expression
end

return M
