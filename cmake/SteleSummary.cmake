# SPDX-License-Identifier: Apache-2.0
#
# What was decided, on one screen.

if(PROJECT_IS_TOP_LEVEL)
    get_property(rooms GLOBAL PROPERTY STELE_ROOMS)
    list(JOIN rooms " " rooms)
    message(STATUS "")
    message(STATUS "Stele ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
    message(STATUS "  rooms       ${rooms}")
    if(STELE_SANITIZE)
        message(STATUS "  sanitizers  ${STELE_SANITIZE}")
    endif()
    foreach(part LZ4 ZSTD CLI TESTS FUZZ BENCH DOCS)
        string(TOLOWER "${part}" word)
        string(SUBSTRING "${word}            " 0 12 word)
        set(line "  ${word}${STELE_BUILD_${part}}")
        if(STELE_NOTE_${part})
            string(APPEND line ": ${STELE_NOTE_${part}}")
        endif()
        message(STATUS "${line}")
    endforeach()
    message(STATUS "")
endif()
