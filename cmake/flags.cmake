# SPDX-License-Identifier: MIT
#
# How everything in this directory and below is compiled, with gcc and clang alike.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

if(NOT CMAKE_C_COMPILER_LAUNCHER)
  find_program(PIERROT_CCACHE ccache)
  mark_as_advanced(PIERROT_CCACHE)
  if(PIERROT_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${PIERROT_CCACHE}")
  endif()
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wshadow -Wpointer-arith -Wvla
                    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(PIERROT_WERROR)
  add_compile_options(-Werror)
endif()

# Thread-local data is read in a signal handler: initial-exec never allocates on first use.
add_compile_options(-ftls-model=initial-exec)

# The same bytes wherever the tree lies, and short paths in asserts and reports. The last that fits
# counts, and the build may lie inside of the tree.
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/="
                    "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build")

# Debug builds check the invariants (PR_ASSERT, pr_*_check).
add_compile_definitions($<$<CONFIG:Debug>:PR_DEBUG>)
if(PIERROT_SANITIZE)
  add_compile_options("-fsanitize=${PIERROT_SANITIZE}" -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -O1)
  add_link_options("-fsanitize=${PIERROT_SANITIZE}")
endif()
# Lua leaves C functions by longjmp, which ThreadSanitizer does not see where Lua was built with
# _FORTIFY_SOURCE (__longjmp_chk): its stack of frames grows until it crashes. So none are noted.
include(CheckCCompilerFlag)
check_c_compiler_flag("--param=tsan-instrument-func-entry-exit=0" PIERROT_HAS_FRAMELESS_TSAN)
if(PIERROT_SANITIZE MATCHES "thread" AND PIERROT_HAS_FRAMELESS_TSAN)
  add_compile_options("--param=tsan-instrument-func-entry-exit=0")
endif()
