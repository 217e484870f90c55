-- The module for a stock Lua 5.4, built by CMake: `luarocks make` in this directory.
rockspec_format = "3.0"
package = "pierrot"
version = "0.1.0-1"
source = {
  url = "file://.",
}
description = {
  summary = "An OTP-style actor runtime for Lua",
  detailed = [[
Processes with mailboxes, links and monitors, gen_servers, registries and supervisors, as a C library
on libuv. This is the module alone; the program and the library for C hosts are built by CMake.]],
  license = "MIT",
}
supported_platforms = { "unix" }
dependencies = {
  "lua ~> 5.4",
}
external_dependencies = {
  LIBUV = { header = "uv.h" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "RelWithDebInfo",
    PIERROT_MODULE_ONLY = "ON",
    PIERROT_TESTS = "OFF",
    LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
    PIERROT_LUA_CMODULE_DIR = "$(LIBDIR)",
  },
}
