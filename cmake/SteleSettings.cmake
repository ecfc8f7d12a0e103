# SPDX-License-Identifier: Apache-2.0
#
# How everything of ours is compiled, as one interface target: standard, warnings, sanitizers,
# hardening. It is never part of what is installed.
#
# There is no link-time optimisation on purpose: a static library of such objects can only be linked
# by the same version of the same compiler.

add_library(stele_settings INTERFACE)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
# -O3 makes the library larger, not faster; assertions stay on in every build, so NDEBUG has no
# meaning here.
if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
endif()

target_compile_options(stele_settings INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
    -Wformat=2 -Wcast-qual -Wwrite-strings -Wpointer-arith
    $<$<BOOL:${STELE_WERROR}>:-Werror>)

target_include_directories(stele_settings INTERFACE
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")

target_compile_definitions(stele_settings INTERFACE
    $<$<BOOL:${STELE_DEBUG}>:STELE_DEBUG=1>)

# Short paths in assertions and debug information: the same from every checkout.
target_compile_options(stele_settings INTERFACE "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

if(STELE_SANITIZE)
    list(JOIN STELE_SANITIZE "," stele_sanitizers)
    target_compile_options(stele_settings INTERFACE
        "-fsanitize=${stele_sanitizers}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(stele_settings INTERFACE "-fsanitize=${stele_sanitizers}" -fno-sanitize-recover=all)
endif()

if(STELE_COVERAGE)
    target_compile_options(stele_settings INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(stele_settings INTERFACE --coverage)
endif()

if(STELE_HARDEN AND NOT STELE_SANITIZE)
    # Fortified calls need optimisation.
    target_compile_options(stele_settings INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
        -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(stele_settings INTERFACE -fcf-protection)
    endif()
    target_link_options(stele_settings INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()
