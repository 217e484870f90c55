# SPDX-License-Identifier: MIT
#
# cmake -DPROGRAM=… -DEXPECTED=… -P run.cmake: the program ends well and prints what the file says.
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE output ERROR_VARIABLE errors
                RESULT_VARIABLE result TIMEOUT 60)
file(READ "${EXPECTED}" expected)
if(NOT result EQUAL 0 OR NOT output STREQUAL expected)
  message(FATAL_ERROR "ended with ${result}; it printed\n${output}\ninstead of\n${expected}\n${errors}")
endif()
