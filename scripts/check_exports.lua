-- SPDX-License-Identifier: MIT
-- That libraries export what the public headers declare, and nothing else:
-- `lua5.4 scripts/check_exports.lua LIBRARY...`. What opens a Lua module needs no declaration.

local HEADERS <const> = { "include/pierrot.h", "include/pierrot_actors.h", "include/pierrot_lua.h" }

-- The set of functions behind PIERROT_API.
local function declared()
  local names = {}
  for _, path in ipairs(HEADERS) do
    local file <close> = io.open(path)
    local text = file and file:read("a") or ""
    text = text:gsub("/%*.-%*/", ""):gsub("\n#[^\n]*", "")
    for prototype in text:gmatch("PIERROT_API%s+([^;]*);") do
      names[assert(prototype:match("([%w_]+)%s*%("), prototype)] = true
    end
  end
  return names
end

local function exported(library)
  local pipe = assert(io.popen(("nm -D --defined-only '%s'"):format(library)))
  local names = {}
  for name in pipe:read("a"):gmatch("%x+ %a ([^\n]+)") do
    names[name] = true
  end
  assert(pipe:close(), "nm failed")
  return names
end

local breaches <const> = {}
local function breach(...)
  table.insert(breaches, ("%s: %s: %s"):format(...))
end

local expected <const> = declared()
assert(next(expected), "no prototypes found")
for _, library in ipairs(arg) do
  local found = exported(library)
  for name in pairs(expected) do
    if not found[name] then
      breach(library, name, "declared but not exported")
    end
  end
  for name in pairs(found) do
    if not expected[name] and not name:match("^luaopen_pierrot") then
      breach(library, name, "exported but not declared")
    end
  end
end
table.sort(breaches)
print(table.concat(breaches, "\n"))
os.exit(#breaches == 0 and #arg > 0)
