# SPDX-License-Identifier: Apache-2.0
#
# Finds the unit-test library check and gives Check::Check. The position-independent archive is
# preferred, because every executable here is position-independent.

find_path(Check_INCLUDE_DIR check.h)
find_library(Check_LIBRARY NAMES check_pic check)
find_library(Check_SUBUNIT_LIBRARY subunit)
mark_as_advanced(Check_INCLUDE_DIR Check_LIBRARY Check_SUBUNIT_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Check
    REQUIRED_VARS Check_LIBRARY Check_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "Debian: apt-get install check")

if(Check_FOUND AND NOT TARGET Check::Check)
    find_package(Threads REQUIRED)
    add_library(Check::Check UNKNOWN IMPORTED)
    set(libraries Threads::Threads m rt)
    if(Check_SUBUNIT_LIBRARY)
        list(PREPEND libraries "${Check_SUBUNIT_LIBRARY}")
    endif()
    set_target_properties(Check::Check PROPERTIES
        IMPORTED_LOCATION "${Check_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Check_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${libraries}")
endif()
