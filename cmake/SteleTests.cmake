# SPDX-License-Identifier: Apache-2.0
#
# Tests.
#
#   stele_test(<name> SOURCES test_x.c [helper.c] USES base log LABELS unit [threads]
#              [TIMEOUT seconds] [ENVIRONMENT A=B] [NO_RUN])
#
# builds an executable of test support, the sources and the rooms named (USES stele: all), and
# registers it with CTest under <name>, unless NO_RUN says that stele_test_run() does.
#
#   stele_test_run(<name> COMMAND <target or program> [arguments] LABELS sim [TIMEOUT seconds] [ENVIRONMENT A=B])
#
# registers one more run. What has the label `compress` is left out of a build that lacks a library for it. Timeouts are for a plain build; sanitizers multiply them.

if(STELE_SANITIZE MATCHES "thread")
    set(STELE_TIMEOUT_FACTOR 12)
elseif(STELE_SANITIZE OR STELE_COVERAGE)
    set(STELE_TIMEOUT_FACTOR 6)
else()
    set(STELE_TIMEOUT_FACTOR 2)
endif()

# Who makes random tests do more (STELE_TEST_SCALE) must give them the time.
if("$ENV{STELE_TIMEOUT_SCALE}" MATCHES "^[0-9]+$")
    math(EXPR STELE_TIMEOUT_FACTOR "${STELE_TIMEOUT_FACTOR} * $ENV{STELE_TIMEOUT_SCALE}")
endif()

function(stele_test name)
    cmake_parse_arguments(PARSE_ARGV 1 test "NO_RUN" "TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT")
    if(test_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "stele_test(${name}): what is ${test_UNPARSED_ARGUMENTS}?")
    endif()
    get_property(rooms GLOBAL PROPERTY STELE_ROOMS)
    foreach(room IN LISTS test_USES)
        if(NOT room STREQUAL "stele" AND NOT room IN_LIST rooms)
            message(WARNING "test ${name} is left out: there is no room ${room}")
            return()
        endif()
    endforeach()
    foreach(source IN LISTS test_SOURCES)
        if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
            message(WARNING "test ${name} is left out: there is no ${source}")
            return()
        endif()
    endforeach()
    add_executable(${name} ${test_SOURCES})
    target_link_libraries(${name} PRIVATE stele_settings stele_test_support)
    stele_link_rooms(${name} base ${test_USES})
    stele_included_libraries(libraries ${test_SOURCES})
    target_link_libraries(${name} PRIVATE ${libraries})
    if(NOT test_NO_RUN)
        if(NOT test_TIMEOUT)
            set(test_TIMEOUT 60)
        endif()
        stele_test_run(${name} COMMAND ${name} LABELS ${test_LABELS} TIMEOUT ${test_TIMEOUT}
            ENVIRONMENT ${test_ENVIRONMENT})
    endif()
endfunction()

function(stele_test_run name)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT;WORKING_DIRECTORY" "COMMAND;LABELS;ENVIRONMENT")
    if(test_UNPARSED_ARGUMENTS OR NOT test_COMMAND OR NOT test_LABELS)
        message(FATAL_ERROR "stele_test_run(${name}): COMMAND and LABELS, please; ${test_UNPARSED_ARGUMENTS}")
    endif()
    if("compress" IN_LIST test_LABELS AND NOT (STELE_WITH_LZ4 AND STELE_WITH_ZSTD))
        message(STATUS "test ${name} is left out: it compresses, with LZ4 and zstd")
        return()
    endif()
    if(NOT test_TIMEOUT)
        set(test_TIMEOUT 60)
    endif()
    math(EXPR timeout "${test_TIMEOUT} * ${STELE_TIMEOUT_FACTOR}")
    add_test(NAME ${name} COMMAND ${test_COMMAND})
    set_tests_properties(${name} PROPERTIES
        LABELS "${test_LABELS}"
        TIMEOUT ${timeout}
        COST ${test_TIMEOUT} # until it is known how long it takes: long ones begin first
        SKIP_RETURN_CODE 77
        ENVIRONMENT "CK_TIMEOUT_MULTIPLIER=${STELE_TIMEOUT_FACTOR};ASAN_OPTIONS=detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1;${test_ENVIRONMENT}")
    if(test_WORKING_DIRECTORY)
        set_tests_properties(${name} PROPERTIES WORKING_DIRECTORY "${test_WORKING_DIRECTORY}")
    endif()
endfunction()
