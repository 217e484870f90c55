# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where: the program, both libraries, the public headers, the files for
# find_package and pkg-config (both find their prefix by where they lie), and the Lua module.
include(CMakePackageConfigHelpers)

set(PIERROT_LUA_CMODULE_DIR "lib/lua/5.4" CACHE STRING
    "Where the Lua module goes, below the prefix; stock interpreters look there in /usr/local")
if(TARGET pierrot_module)
  install(TARGETS pierrot_module DESTINATION "${PIERROT_LUA_CMODULE_DIR}" COMPONENT lua)
endif()

add_custom_target(uninstall
  COMMAND "${CMAKE_COMMAND}" "-DBUILD=${PROJECT_BINARY_DIR}"
          -P "${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake"
  COMMENT "Removing what was installed" VERBATIM)
if(PIERROT_MODULE_ONLY)
  return()
endif()

if(TARGET pierrot)
  install(TARGETS pierrot DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  set(VERSION "${PROJECT_VERSION}")
  configure_file(man/pierrot.1 "${PROJECT_BINARY_DIR}/generated/pierrot.1" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/generated/pierrot.1"
          DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT program)
endif()
install(TARGETS ${libraries} EXPORT pierrot
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library
        NAMELINK_COMPONENT development)
install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
        FILES_MATCHING PATTERN "*.h")
# Types for editors, and what docs/reference is made of; a language server takes it as a library.
install(DIRECTORY lua/pierrot/meta DESTINATION "${CMAKE_INSTALL_DATADIR}/pierrot"
        COMPONENT development)
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development)

# ------------------------------------------------------------------------------------ find_package

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/pierrot")
install(EXPORT pierrot NAMESPACE pierrot:: FILE pierrot-targets.cmake
        DESTINATION "${package_dir}" COMPONENT development)
configure_package_config_file(cmake/pierrot-config.cmake.in
  "${PROJECT_BINARY_DIR}/generated/pierrot-config.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/generated/pierrot-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES cmake/dependencies.cmake
              "${PROJECT_BINARY_DIR}/generated/pierrot-config.cmake"
              "${PROJECT_BINARY_DIR}/generated/pierrot-config-version.cmake"
        DESTINATION "${package_dir}" COMPONENT development)

# -------------------------------------------------------------------------------------- pkg-config

set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH pc_to_prefix "/${pc_dir}" "/")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
get_target_property(pc_lua pierrot::lua PIERROT_PKG_CONFIG)
set(pc_requires "libuv")
set(pc_libs "-pthread -lm")
if(pc_lua)
  string(PREPEND pc_requires "${pc_lua}, ")
else()
  string(PREPEND pc_libs "${LUA_LIBRARY} -ldl ")
endif()
configure_file(cmake/pierrot.pc.in "${PROJECT_BINARY_DIR}/generated/pierrot.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/pierrot.pc" DESTINATION "${pc_dir}"
        COMPONENT development)

# ---------------------------------------------------------------------------------------- packages

include(packages)
