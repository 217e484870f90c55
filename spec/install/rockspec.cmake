# SPDX-License-Identifier: MIT
#
# cmake -DSOURCE=… -DBUILD=… -DLUA=… -DLUA_INCLUDE=… -P rockspec.cmake: does what the rockspec asks for, as a
# manager of rocks would: configures with its variables, builds, installs, and requires the module.
set(work "${BUILD}/rockspec_test")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
file(GLOB rockspec "${SOURCE}/*.rockspec")

execute_process(
  COMMAND "${LUA}" "${CMAKE_CURRENT_LIST_DIR}/rockspec.lua" "${rockspec}" "${SOURCE}"
          "${LUA_INCLUDE}" "${work}/lib"
  OUTPUT_VARIABLE variables OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" variables "${variables}")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

run(${CMAKE_COMMAND} -S "${SOURCE}" -B "${work}/build" "-DCMAKE_INSTALL_PREFIX=${work}/prefix"
    ${variables})
run(${CMAKE_COMMAND} --build "${work}/build" --parallel 2)
run(${CMAKE_COMMAND} --install "${work}/build")
file(GLOB_RECURSE installed RELATIVE "${work}" "${work}/lib/*" "${work}/prefix/*")
if(NOT installed STREQUAL "lib/pierrot.so")
  message(FATAL_ERROR "a rock holds the module alone, not ${installed}")
endif()
set(ENV{LUA_CPATH_5_4} "${work}/lib/?.so")
run("${LUA}" -e "assert(require 'pierrot'.self())")
