# SPDX-License-Identifier: MIT
#
# Lua 5.4 and libuv as the targets pierrot::lua and pierrot::uv. Included by the build and, installed
# beside it, by the package configuration. LUA_INCLUDE_DIR and LUA_LIBRARY name a Lua of your own;
# with PIERROT_MODULE_ONLY the library is not needed.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)

set(LUA_INCLUDE_DIR "" CACHE PATH "Where lua.h lies; empty: ask pkg-config for Lua 5.4")
set(LUA_LIBRARY "" CACHE FILEPATH "Lua's library; used with LUA_INCLUDE_DIR")

function(pierrot_use_given_lua)
  set(number "")
  if(EXISTS "${LUA_INCLUDE_DIR}/lua.h")
    file(STRINGS "${LUA_INCLUDE_DIR}/lua.h" number REGEX "LUA_VERSION_NUM[ \t]+504")
  endif()
  if(NOT number)
    message(FATAL_ERROR "pierrot needs Lua 5.4; there is no such lua.h in ${LUA_INCLUDE_DIR}")
  endif()
  if(NOT LUA_LIBRARY AND NOT PIERROT_MODULE_ONLY)
    message(FATAL_ERROR "LUA_INCLUDE_DIR is set: set LUA_LIBRARY as well")
  endif()
  add_library(pierrot::lua INTERFACE IMPORTED)
  target_include_directories(pierrot::lua INTERFACE "${LUA_INCLUDE_DIR}")
  if(LUA_LIBRARY)
    target_link_libraries(pierrot::lua INTERFACE "${LUA_LIBRARY}" m ${CMAKE_DL_LIBS})
  endif()
endfunction()

# Systems do not agree on the name, and `lua` alone is often another version.
function(pierrot_find_lua)
  foreach(name IN ITEMS lua5.4 lua-5.4 lua54 lua)
    string(MAKE_C_IDENTIFIER "PIERROT_${name}" prefix)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${name})
    if(${prefix}_FOUND AND ${prefix}_VERSION VERSION_GREATER_EQUAL 5.4
       AND ${prefix}_VERSION VERSION_LESS 5.5)
      add_library(pierrot::lua INTERFACE IMPORTED)
      target_link_libraries(pierrot::lua INTERFACE PkgConfig::${prefix})
      target_include_directories(pierrot::lua INTERFACE ${${prefix}_INCLUDE_DIRS})
      set_target_properties(pierrot::lua PROPERTIES PIERROT_PKG_CONFIG ${name})
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "pierrot needs Lua 5.4, but pkg-config knows none (tried lua5.4, lua-5.4, "
                      "lua54, lua): install liblua5.4-dev, or set LUA_INCLUDE_DIR and LUA_LIBRARY")
endfunction()

if(NOT PkgConfig_FOUND)
  message(FATAL_ERROR "pierrot needs pkg-config to find its dependencies")
endif()
if(NOT TARGET pierrot::lua)
  if(LUA_INCLUDE_DIR)
    pierrot_use_given_lua()
  else()
    pierrot_find_lua()
  endif()
endif()
if(NOT TARGET pierrot::uv)
  pkg_check_modules(PIERROT_UV REQUIRED QUIET IMPORTED_TARGET libuv>=1.40)
  add_library(pierrot::uv INTERFACE IMPORTED)
  target_link_libraries(pierrot::uv INTERFACE PkgConfig::PIERROT_UV)
endif()
