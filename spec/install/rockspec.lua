-- SPDX-License-Identifier: MIT
-- lua rockspec.lua ROCKSPEC SOURCE LUA_INCDIR LIBDIR: checks a rockspec against the tree and prints
-- its variables for CMake, one -D a line.

local path <const>, source <const>, include <const>, libdir <const> = table.unpack(arg)
local rockspec <const> = {}
assert(loadfile(path, "t", rockspec))()

local header <const> = assert(io.open(source .. "/include/pierrot.h")):read "a"
local version <const> = header:match '#define PIERROT_VERSION "([^"]+)"'
assert(rockspec.version == version .. "-1", "the rockspec's version is not that of pierrot.h")
assert(path:match "[^/]+$" == ("%s-%s.rockspec"):format(rockspec.package, rockspec.version))
assert(rockspec.build.type == "cmake" and rockspec.source.url)

local places <const> = { LUA_INCDIR = include, LIBDIR = libdir }
for name, value in pairs(rockspec.build.variables) do
  print(("-D%s=%s"):format(name, (value:gsub("%$%((.-)%)", places))))
end
