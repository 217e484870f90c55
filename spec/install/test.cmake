# SPDX-License-Identifier: MIT
#
# cmake -DBUILD=… -DLUA=… -P test.cmake: installs a build, moves what was installed, and uses it from
# there by find_package, by pkg-config with a plain compiler (shared and static), by require from a
# stock interpreter, and by the program. DESTDIR keeps a fault of ours from writing elsewhere.

set(work "${BUILD}/install_test")
set(prefix "${work}/moved")
set(host "${CMAKE_CURRENT_LIST_DIR}")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY WORKING_DIRECTORY "${work}")
endfunction()

file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
run(${CMAKE_COMMAND} -E env "DESTDIR=${work}/first"
    ${CMAKE_COMMAND} --install "${BUILD}" --prefix /prefix)
file(GLOB outside "${work}/first/*")
if(NOT outside STREQUAL "${work}/first/prefix")
  message(FATAL_ERROR "installed outside of the prefix: ${outside}")
endif()
# Taken back, then once more for the rest.
run(${CMAKE_COMMAND} -E env "DESTDIR=${work}/first" ${CMAKE_COMMAND} --build "${BUILD}"
    --target uninstall)
file(GLOB_RECURSE left "${work}/first/*")
if(left OR EXISTS "${work}/first/prefix/lib/cmake/pierrot")
  message(FATAL_ERROR "uninstall leaves ${left}")
endif()
run(${CMAKE_COMMAND} -E env "DESTDIR=${work}/first"
    ${CMAKE_COMMAND} --install "${BUILD}" --prefix /prefix)
file(RENAME "${work}/first/prefix" "${prefix}")
file(GLOB_RECURSE pc "${prefix}/*/pierrot.pc")
get_filename_component(pc_dir "${pc}" DIRECTORY)
get_filename_component(lib_dir "${pc_dir}" DIRECTORY)

# No file names the place where it was built or installed first.
execute_process(COMMAND grep -rlF -e "${work}/first" -e "${BUILD}" "${prefix}"
                OUTPUT_VARIABLE named RESULT_VARIABLE result)
if(NOT result EQUAL 1)
  message(FATAL_ERROR "these name a place of the build: ${named}")
endif()
file(GLOB library "${lib_dir}/libpierrot.so.*.*.*")
execute_process(COMMAND readelf -d "${library}" OUTPUT_VARIABLE dynamic
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT dynamic MATCHES "SONAME[^\n]*libpierrot\\.so\\.[0-9]+\\.[0-9]+\\]")
  message(FATAL_ERROR "no soname of two numbers in ${library}")
endif()

run(${CMAKE_COMMAND} -S "${host}" -B "${work}/host" "-DCMAKE_PREFIX_PATH=${prefix}")
run(${CMAKE_COMMAND} --build "${work}/host")
run("${work}/host/host_pierrot")
run("${work}/host/host_pierrot_static")

# The examples as the project that they are to others.
run(${CMAKE_COMMAND} -S "${host}/../../examples/embed" -B "${work}/examples"
    "-DCMAKE_PREFIX_PATH=${prefix}")
run(${CMAKE_COMMAND} --build "${work}/examples" --parallel 2)
run("${work}/examples/embed_minimal")

set(ENV{PKG_CONFIG_PATH} "${pc_dir}")
run(sh -ec "cc -o shared '${host}/host.c' $(pkg-config --cflags --libs pierrot)")
run(${CMAKE_COMMAND} -E env "LD_LIBRARY_PATH=${lib_dir}" "${work}/shared")
run(sh -ec "cc -o static '${host}/host.c' $(pkg-config --cflags pierrot) \
            '${lib_dir}/libpierrot.a' $(pkg-config --libs --static pierrot)")
run("${work}/static")

run("${prefix}/bin/pierrot" -e "assert(require 'pierrot')")
if(NOT EXISTS "${prefix}/share/man/man1/pierrot.1")
  message(FATAL_ERROR "the man page is not installed")
endif()
set(ENV{LUA_CPATH_5_4} "${prefix}/lib/lua/5.4/?.so")
run("${LUA}" -e "assert(require 'pierrot')")
