# SPDX-License-Identifier: MIT
#
# The files of lua/ as bytes in a C file (the interface is src/lua/embedded.h). Included by the
# build it makes the rule and sets PIERROT_EMBEDDED_C; run by `cmake -P`, it writes that file from
# LIST, the paths relative to ROOT, one a line. pierrot/meta is there for the prompt's help, which
# reads it. The list is a file of its own so that adding or removing a Lua file is a change that the
# rule sees.

function(pierrot_embed_rule)
  set(root "${PROJECT_SOURCE_DIR}/lua")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${root}" "${root}/*.lua")
  list(SORT files)
  list(JOIN files "\n" lines)
  set(list "${PROJECT_BINARY_DIR}/generated/embedded.list")
  file(GENERATE OUTPUT "${list}" CONTENT "${lines}\n")

  set(script "${CMAKE_CURRENT_FUNCTION_LIST_FILE}")
  set(output "${PROJECT_BINARY_DIR}/generated/embedded.c")
  list(TRANSFORM files PREPEND "${root}/" OUTPUT_VARIABLE depends)
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DROOT=${root}" "-DLIST=${list}" "-DOUTPUT=${output}"
            -P "${script}"
    DEPENDS "${list}" "${script}" ${depends}
    COMMENT "Embedding the Lua files"
    VERBATIM)
  set(PIERROT_EMBEDDED_C "${output}" PARENT_SCOPE)
endfunction()

# pierrot/init.lua is "pierrot", pierrot/a/b.lua is "pierrot.a.b".
function(module_name file result)
  string(REGEX REPLACE "(/init)?\\.lua$" "" name "${file}")
  string(REPLACE "/" "." name "${name}")
  set(${result} "${name}" PARENT_SCOPE)
endfunction()

# A NUL follows the bytes of each file, beyond its length.
function(write_embedded)
  file(STRINGS "${LIST}" files)
  list(LENGTH files n)
  set(arrays "")
  set(entries "")
  set(i 0)
  foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" hex HEX)
    string(LENGTH "${hex}" n_digits)
    math(EXPR len "${n_digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    module_name("${file}" name)
    string(APPEND arrays "static const unsigned char file_${i}[] = {\n${bytes}0};\n")
    string(APPEND entries "    {\"${name}\", \"@${file}\", file_${i}, ${len}},\n")
    math(EXPR i "${i} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "/* Written by cmake/embed.cmake. */\n#include \"lua/embedded.h\"\n\n"
       "${arrays}\nconst struct pr_embedded pr_embedded[] = {\n${entries}    {0}};\n"
       "const size_t pr_n_embedded = ${n};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  write_embedded()
else()
  pierrot_embed_rule()
endif()
