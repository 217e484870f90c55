# SPDX-License-Identifier: MIT
#
# `cpack -G DEB` in a build makes four packages, one for each component: the program, the shared library,
# what is needed to build with it, and the module for the stock interpreter; `cpack -G TGZ` makes archives
# of the same parts. They go below /usr, whatever the build's own prefix is.
set(CPACK_PACKAGE_NAME pierrot)
set(CPACK_PACKAGE_VENDOR pierrot)
set(CPACK_PACKAGE_CONTACT "the authors of pierrot <pierrot@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development lua)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION interpreters)

set(soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME pierrot)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME "libpierrot${soversion}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpierrot-dev)
set(CPACK_DEBIAN_LUA_PACKAGE_NAME lua-pierrot)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Runs Lua scripts as processes of an actor runtime.")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "The runtime, for programs that embed it.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers and libraries for programs that embed the runtime.")
set(CPACK_COMPONENT_LUA_DESCRIPTION "The runtime as a module of the stock Lua 5.4 interpreter.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)

# Where dpkg-shlibdeps is missing the libraries are named here.
find_program(PIERROT_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(PIERROT_SHLIBDEPS)
if(PIERROT_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "libc6, libuv1 (>= 1.40), liblua5.4-0, libedit2")
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libc6, libuv1 (>= 1.40), liblua5.4-0")
  set(CPACK_DEBIAN_LUA_PACKAGE_DEPENDS "libc6, libuv1 (>= 1.40)")
endif()
set(CPACK_DEBIAN_LUA_PACKAGE_RECOMMENDS lua5.4)
set(CPACK_DEBIAN_LUA_PACKAGE_SUGGESTS lua-luv)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS lua-luv)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libpierrot${soversion} (= ${PROJECT_VERSION}), libuv1-dev (>= 1.40), liblua5.4-dev")

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER "${component}" upper)
  install(FILES LICENSE DESTINATION "share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}" RENAME copyright
          COMPONENT ${component})
endforeach()
if(is_top_level)
  include(CPack)
endif()
