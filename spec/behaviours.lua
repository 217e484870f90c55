-- SPDX-License-Identifier: MIT
-- `lua5.4 spec/behaviours.lua COMMAND…`: each behaviour of spec/behaviours.txt is shown by a spec,
-- and the specs name no other. COMMAND lists the names of all specs: `pierrot -s 2 busted --list
-- spec`. Prints what is missing and exits 1.

local ID <const> = "%f[%a](%u+)%-(%d%d%d)%f[%D]"

local function read_wanted()
  local wanted = {}
  for line in io.lines "spec/behaviours.txt" do
    local area, numbers = line:match "^(%u+):(.*)$"
    for number in (numbers or ""):gmatch "%d+" do wanted[area .. "-" .. number] = true end
  end
  return wanted
end

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- From IDs to the first spec that carries each.
local function read_shown(words)
  local shown, n_names = {}, 0
  for i, word in ipairs(words) do words[i] = quoted(word) end
  local pipe <close> = assert(io.popen(table.concat(words, " ")))
  for line in pipe:lines() do
    n_names = n_names + 1
    for area, number in line:gmatch(ID) do
      local id = area .. "-" .. number
      shown[id] = shown[id] or line
    end
  end
  return shown, n_names
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local wanted = read_wanted()
local shown, n_names = read_shown(table.pack(table.unpack(arg)))
local n_wrong = 0

local function complain(...)
  print(...)
  n_wrong = n_wrong + 1
end

for _, id in ipairs(sorted_keys(wanted)) do
  if not shown[id] then complain("no spec shows " .. id) end
end
for _, id in ipairs(sorted_keys(shown)) do
  if not wanted[id] then complain("unknown: " .. shown[id]) end
end
print(("%d behaviours, %d names of specs, %d wrong"):format(#sorted_keys(wanted), n_names, n_wrong))
os.exit(n_wrong == 0)
