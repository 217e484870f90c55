# SPDX-License-Identifier: MIT
#
# cmake -DSOURCE=… -DBUILD=… -P reproducible.cmake: two copies of the tree in folders of different names,
# built at different moments, give the same objects to the byte. Two layers stand for all, which would
# take long.
set(work "${BUILD}/reproducible_test")
file(REMOVE_RECURSE "${work}")
foreach(name IN ITEMS one another-one)
  file(COPY "${SOURCE}/CMakeLists.txt" "${SOURCE}/LICENSE" "${SOURCE}/README.md" "${SOURCE}/cmake"
            "${SOURCE}/include" "${SOURCE}/man" "${SOURCE}/src" "${SOURCE}/lua" DESTINATION "${work}/${name}")
  execute_process(COMMAND ${CMAKE_COMMAND} -S "${work}/${name}" -B "${work}/${name}/build-${name}"
                          -DPIERROT_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo
                  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  execute_process(COMMAND ${CMAKE_COMMAND} --build "${work}/${name}/build-${name}" --parallel 2
                          --target pierrot_base pierrot_proc
                  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  file(GLOB_RECURSE objects LIST_DIRECTORIES FALSE "${work}/${name}/build-${name}/*.o")
  list(SORT objects)
  list(LENGTH objects n_objects)
  set(hash_${name} ${n_objects})
  foreach(object IN LISTS objects)
    file(SHA256 "${object}" hash)
    list(APPEND hash_${name} ${hash})
  endforeach()
endforeach()
list(GET hash_one 0 n_objects)
if(n_objects LESS 10 OR NOT hash_one STREQUAL hash_another-one)
  message(FATAL_ERROR "two builds of the same tree differ")
endif()
