# SPDX-License-Identifier: Apache-2.0
#
# What is installed: headers, both libraries, the tool, and how CMake (find_package(stele)) and
# pkg-config find them. Manual pages and completions are installed by the folders that hold them.

include(CMakePackageConfigHelpers)

set(stele_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/stele")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/stele"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development FILES_MATCHING PATTERN "*.h")

set_target_properties(stele_shared PROPERTIES EXPORT_NAME stele)
set_target_properties(stele_static PROPERTIES EXPORT_NAME static)

install(TARGETS stele_shared EXPORT stele-shared
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS stele_static EXPORT stele-static
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)

# Two files of targets: who links the shared library needs none of what the static one needs.
install(EXPORT stele-shared NAMESPACE stele:: FILE stele-shared-targets.cmake
    DESTINATION "${stele_package_folder}" COMPONENT development)
install(EXPORT stele-static NAMESPACE stele:: FILE stele-static-targets.cmake
    DESTINATION "${stele_package_folder}" COMPONENT development)

# What the static library needs: packages for stele-config.cmake and words for stele.pc.
get_property(rooms GLOBAL PROPERTY STELE_ROOMS)
stele_rooms_libraries(stele_libraries ${rooms})
set(STELE_CONFIG_PACKAGES "")
set(STELE_PC_REQUIRES "")
set(stele_find_modules "")
foreach(target IN LISTS stele_libraries)
    string(REGEX REPLACE "::.*$" "" package "${target}")
    string(APPEND STELE_CONFIG_PACKAGES " ${package}")
    list(APPEND stele_find_modules "${PROJECT_SOURCE_DIR}/cmake/Find${package}.cmake")
    string(TOLOWER "${package}" word)
    if(word MATCHES "^(lz4|zstd)$") # are called otherwise there
        set(word "lib${word}")
    endif()
    string(APPEND STELE_PC_REQUIRES " ${word}")
endforeach()

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/stele-config.cmake.in" "${PROJECT_BINARY_DIR}/stele-config.cmake"
    INSTALL_DESTINATION "${stele_package_folder}")
# Before 1.0 a minor version may break what was.
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/stele-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/stele-config.cmake" "${PROJECT_BINARY_DIR}/stele-config-version.cmake" ${stele_find_modules}
    DESTINATION "${stele_package_folder}" COMPONENT development)

# An installation can be moved, or given another prefix when it is made: stele.pc says where it is
# relative to itself.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(STELE_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
    file(RELATIVE_PATH upwards "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
    string(REGEX REPLACE "/$" "" upwards "${upwards}")
    set(STELE_PC_PREFIX "\${pcfiledir}/${upwards}")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/stele.pc.in" "${PROJECT_BINARY_DIR}/stele.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/stele.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
