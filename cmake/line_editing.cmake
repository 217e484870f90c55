# SPDX-License-Identifier: MIT
#
# libedit as the target pierrot::edit, for the program alone. Without it lines at the prompt are read
# as they come, with what the terminal itself offers.
if(PIERROT_LIBEDIT AND NOT PIERROT_MODULE_ONLY)
  pkg_check_modules(PIERROT_EDIT QUIET IMPORTED_TARGET libedit)
  if(PIERROT_EDIT_FOUND)
    add_library(pierrot::edit INTERFACE IMPORTED)
    target_link_libraries(pierrot::edit INTERFACE PkgConfig::PIERROT_EDIT)
  else()
    message(STATUS "libedit not found: no line editing at the prompt")
  endif()
endif()
