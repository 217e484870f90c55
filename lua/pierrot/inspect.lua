--- inspect(value): one line of text, as the prompt and reports show values. The format, its order
--- of keys and its bounds are those of src/term/print.c.

local core = require "pierrot.core"

local ITEMS <const>, DEPTH <const>, TABLES <const> = 50, 20, 1000

local KEYWORDS <const> = {
  ["and"] = true, ["break"] = true, ["do"] = true, ["else"] = true, ["elseif"] = true,
  ["end"] = true, ["false"] = true, ["for"] = true, ["function"] = true, ["goto"] = true,
  ["if"] = true, ["in"] = true, ["local"] = true, ["nil"] = true, ["not"] = true, ["or"] = true,
  ["repeat"] = true, ["return"] = true, ["then"] = true, ["true"] = true, ["until"] = true,
  ["while"] = true,
}

-- Scalars --------------------------------------------------------------------------------------

local ESCAPES <const> = {
  ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\\"] = "\\\\", ['"'] = '\\"',
}

-- `text` is valid UTF-8.
local function escape(text)
  return (text:gsub('()([\0-\31\127"\\])', function(at, byte)
    if byte == "\0" and not text:find("^%d", at + 1) then return "\\0" end
    return ESCAPES[byte] or ("\\x%02x"):format(byte:byte())
  end))
end

local function quote(text)
  if not text:find '[^ !#-%[%]-~]' then return '"' .. text .. '"' end
  local parts, at = {}, 1
  while true do
    local _, bad = utf8.len(text, at)
    parts[#parts + 1] = escape(text:sub(at, bad and bad - 1))
    if not bad then break end
    parts[#parts + 1] = ("\\x%02x"):format(text:byte(bad))
    at = bad + 1
  end
  return '"' .. table.concat(parts) .. '"'
end

-- 14 digits are Lua's, 17 always read back.
local function show_float(number)
  if number ~= number then return "nan" end
  if number == math.huge or number == -math.huge then return number > 0 and "inf" or "-inf" end
  local text
  for precision = 14, 17 do
    text = ("%." .. precision .. "g"):format(number)
    if tonumber(text) == number then break end
  end
  text = text:gsub(",", ".")
  return text:find "[^%-%d]" and text or text .. ".0"
end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil and not KEYWORDS[key]
end

local function is_identifier(value)
  return core.is_pid(value) or core.is_ref(value) or core.socket_holder(value) ~= nil
end

local function show_scalar(value)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if math.type(value) == "float" then return show_float(value) end
  if kind == "nil" or kind == "boolean" or kind == "number" or is_identifier(value) then
    return tostring(value)
  end
  if core.pattern_kind(value) == "any" then return "any" end
  return ("%s: %p"):format(kind, value)
end

-- The order of keys ----------------------------------------------------------------------------

local function rank(key)
  local kind = type(key)
  if kind == "string" then return is_name(key) and 1 or 2 end
  if kind == "number" then return 3 end
  if kind == "boolean" then return 4 end
  return core.is_pid(key) and 5 or core.is_ref(key) and 6 or core.socket_holder(key) and 7 or 8
end

local function is_less(a, b)
  local float_a, float_b = a + 0.0, b + 0.0
  if float_a ~= float_b then return float_a < float_b end
  if math.type(a) == math.type(b) then return a < b end
  return math.type(a) == "integer"
end

local function is_before(a, b)
  local rank_a, rank_b = rank(a), rank(b)
  if rank_a ~= rank_b then return rank_a < rank_b end
  if rank_a <= 2 then return a < b end
  if rank_a == 3 then return is_less(a, b) end
  if rank_a == 4 then return b and not a end
  return ("%p"):format(a) < ("%p"):format(b)
end

-- Keeps the first `limit` keys in order.
local function insert_key(keys, limit, key)
  local n = #keys
  if n == limit and (limit == 0 or not is_before(key, keys[n])) then return end
  local low, high = 1, n + 1
  while low < high do
    local middle = (low + high) // 2
    if is_before(keys[middle], key) then low = middle + 1 else high = middle end
  end
  table.insert(keys, low, key)
  keys[limit + 1] = nil
end

-- Tables ---------------------------------------------------------------------------------------

-- Length of the sequence, looked at only as far as it is shown.
local function shown_length(value)
  local n = 0
  while n <= ITEMS and rawget(value, n + 1) ~= nil do n = n + 1 end
  return n
end

local show

local function show_key(key, state)
  if is_name(key) then return key end
  return "[" .. show(key, state) .. "]"
end

local function show_entries(value, state)
  local len, parts = shown_length(value), {}
  local has_more = len > ITEMS
  for i = 1, math.min(len, ITEMS) do parts[i] = show(rawget(value, i), state) end
  if not has_more then
    local keys, n_pairs = {}, 0
    for key in next, value do
      if not (math.type(key) == "integer" and key >= 1 and key <= len) then
        insert_key(keys, ITEMS - len, key)
        n_pairs = n_pairs + 1
      end
    end
    for _, key in ipairs(keys) do
      parts[#parts + 1] = show_key(key, state) .. " = " .. show(rawget(value, key), state)
    end
    has_more = n_pairs > #keys
  end
  if has_more then parts[#parts + 1] = "…" end
  return table.concat(parts, ", ")
end

-- What pierrot.exit raises: besides one_of's the one kind of table whose metatable counts.
local function is_exit(value)
  local meta = debug.getmetatable(value)
  return meta and rawget(meta, "__name") == "exit" and rawget(value, "class") == "exit"
end

-- A pattern, as it was written.
local function show_one_of(value, state)
  local n, parts = rawget(value, "n"), {}
  for i = 1, math.min(n, ITEMS) do parts[i] = show(rawget(value, i), state) end
  if n > ITEMS then parts[#parts + 1] = "…" end
  return "one_of(" .. table.concat(parts, ", ") .. ")"
end

local function show_table(value, state)
  if next(value) == nil then return "{}" end
  if state.around[value] then return "<cycle>" end
  if state.depth == DEPTH or state.n_tables == TABLES then return "{…}" end
  state.around[value] = true
  state.depth, state.n_tables = state.depth + 1, state.n_tables + 1
  local text
  if is_exit(value) then
    text = "exit: " .. show(rawget(value, "reason"), state)
  elseif core.pattern_kind(value) == "one_of" then
    text = show_one_of(value, state)
  else
    text = "{" .. show_entries(value, state) .. "}"
  end
  state.depth = state.depth - 1
  state.around[value] = nil
  return text
end

function show(value, state)
  if type(value) == "table" then return show_table(value, state) end
  return show_scalar(value)
end

--- One line of text. Metatables do not count; at most 50 entries of a table, 20 levels and 1000
--- tables are shown.
---@param value any
---@return string
return function(value)
  return show(value, { around = {}, depth = 0, n_tables = 0 })
end
