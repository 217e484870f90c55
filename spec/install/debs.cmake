# SPDX-License-Identifier: MIT
#
# cmake -DBUILD=… -DLUA=… -P debs.cmake: makes the Debian packages, unpacks them into an empty root, and
# uses what lies there: the program, the module, and a host built against both libraries.
set(work "${BUILD}/debs_test")
set(root "${work}/root")
set(host "${CMAKE_CURRENT_LIST_DIR}/host.c")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY WORKING_DIRECTORY "${work}"
                  OUTPUT_QUIET)
endfunction()

file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${root}")
run(${CPACK} -G DEB --config "${BUILD}/CPackConfig.cmake" -B "${work}/packages")
file(GLOB packages "${work}/packages/*.deb")
list(LENGTH packages n)
if(NOT n EQUAL 4)
  message(FATAL_ERROR "four packages were expected: ${packages}")
endif()
foreach(package IN LISTS packages)
  run(${DPKG_DEB} -x "${package}" "${root}")
endforeach()
foreach(name IN ITEMS pierrot lua-pierrot libpierrot-dev)
  if(NOT EXISTS "${root}/usr/share/doc/${name}/copyright")
    message(FATAL_ERROR "${name} does not say under which licence it is")
  endif()
endforeach()

run("${root}/usr/bin/pierrot" -e "assert(require 'pierrot'.self())")
set(ENV{LUA_CPATH_5_4} "${root}/usr/lib/lua/5.4/?.so")
run("${LUA}" -e "assert(require 'pierrot'.self())")

set(ENV{PKG_CONFIG_PATH} "${root}/usr/lib/pkgconfig")
run(sh -ec "cc -o shared '${host}' $(pkg-config --cflags --libs pierrot)")
run(${CMAKE_COMMAND} -E env "LD_LIBRARY_PATH=${root}/usr/lib" "${work}/shared")
run(sh -ec "cc -o static '${host}' $(pkg-config --cflags pierrot) \
            '${root}/usr/lib/libpierrot.a' $(pkg-config --libs --static pierrot)")
run("${work}/static")
