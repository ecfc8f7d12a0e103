# SPDX-License-Identifier: Apache-2.0
#
# Rooms: the folders under src/.
#
#   stele_room(<name> SOURCES a.c b.c USES base core)
#
# declares an object library stele_<name>. USES are the rooms whose functions it may call.
# LIBRARIES, from outside, need not be given where a source includes their header (tools/layers says
# which room may). Every room goes into libstele.
#
#   stele_link_rooms(<target> log stele ...)       links rooms, and all that they need, into a target
#   stele_compile_rooms(<target> log stele ...)    the same, but compiled anew with the definitions of the target
#
# The room `stele` stands for all of them.

set_property(GLOBAL PROPERTY STELE_ROOMS "")

function(stele_room name)
    cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;USES;LIBRARIES")
    if(room_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "stele_room(${name}): what is ${room_UNPARSED_ARGUMENTS}?")
    endif()
    foreach(source IN LISTS room_SOURCES)
        if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
            message(WARNING "room ${name} is left out: there is no ${source}")
            return()
        endif()
    endforeach()
    add_library(stele_${name} OBJECT ${room_SOURCES})
    target_link_libraries(stele_${name} PRIVATE stele_settings)
    set_property(GLOBAL APPEND PROPERTY STELE_ROOMS ${name})
    set_property(GLOBAL PROPERTY STELE_ROOM_${name}_USES "${room_USES}")
    stele_included_libraries(libraries ${room_SOURCES})
    list(REMOVE_DUPLICATES libraries)
    set_property(GLOBAL PROPERTY STELE_ROOM_${name}_LIBRARIES "${libraries}")
    list(TRANSFORM room_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    set_property(GLOBAL PROPERTY STELE_ROOM_${name}_SOURCES "${room_SOURCES}")
    target_link_libraries(stele_${name} PRIVATE ${libraries})
endfunction()

# The imported targets of the libraries from outside whose headers the sources include.
function(stele_included_libraries ret_targets)
    set(targets "")
    foreach(source IN LISTS ARGN)
        file(STRINGS "${source}" includes REGEX "^#include <jansson\\.h>")
        if(includes)
            list(APPEND targets Jansson::Jansson)
        endif()
        if(STELE_BUILD_LZ4)
            file(STRINGS "${source}" includes REGEX "^#include <lz4\\.h>")
            if(includes)
                list(APPEND targets LZ4::LZ4)
            endif()
        endif()
        if(STELE_BUILD_ZSTD)
            file(STRINGS "${source}" includes REGEX "^#include <zstd\\.h>")
            if(includes)
                list(APPEND targets ZSTD::ZSTD)
            endif()
        endif()
    endforeach()
    list(REMOVE_DUPLICATES targets)
    set(${ret_targets} "${targets}" PARENT_SCOPE)
endfunction()

# All rooms that the given ones need, themselves included.
function(stele_rooms_reached ret_rooms)
    get_property(all GLOBAL PROPERTY STELE_ROOMS)
    set(todo ${ARGN})
    set(reached "")
    while(todo)
        list(POP_FRONT todo room)
        if(room STREQUAL "stele")
            list(APPEND todo ${all})
        elseif(NOT room IN_LIST reached)
            if(NOT room IN_LIST all)
                message(WARNING "there is no room ${room}; rooms are: ${all}")
                continue()
            endif()
            list(APPEND reached ${room})
            get_property(uses GLOBAL PROPERTY STELE_ROOM_${room}_USES)
            list(APPEND todo ${uses})
        endif()
    endwhile()
    set(${ret_rooms} "${reached}" PARENT_SCOPE)
endfunction()

function(stele_compile_rooms target)
    stele_rooms_reached(rooms ${ARGN})
    foreach(room IN LISTS rooms)
        get_property(sources GLOBAL PROPERTY STELE_ROOM_${room}_SOURCES)
        target_sources(${target} PRIVATE ${sources})
        # Definitions that a room sets for itself.
        get_target_property(definitions stele_${room} COMPILE_DEFINITIONS)
        if(definitions)
            target_compile_definitions(${target} PRIVATE ${definitions})
        endif()
    endforeach()
    stele_rooms_libraries(libraries ${rooms})
    target_link_libraries(${target} PRIVATE ${libraries} Threads::Threads)
endfunction()

function(stele_link_rooms target)
    stele_rooms_reached(rooms ${ARGN})
    foreach(room IN LISTS rooms)
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:stele_${room}>)
    endforeach()
    stele_rooms_libraries(libraries ${rooms})
    target_link_libraries(${target} PRIVATE ${libraries} Threads::Threads)
endfunction()

# The imported targets of all libraries from outside that the given rooms need.
function(stele_rooms_libraries ret_targets)
    set(targets "")
    foreach(room IN LISTS ARGN)
        get_property(libraries GLOBAL PROPERTY STELE_ROOM_${room}_LIBRARIES)
        list(APPEND targets ${libraries})
    endforeach()
    list(REMOVE_DUPLICATES targets)
    set(${ret_targets} "${targets}" PARENT_SCOPE)
endfunction()

# add_subdirectory() for a folder that may not be there, under a condition.
macro(stele_add_folder_if condition folder)
    if(${condition} AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
        add_subdirectory(${folder})
    endif()
endmacro()

# Makes a target depend on all targets of a folder, if that is a part of this build.
function(stele_add_folder_to target folder)
    get_property(folders DIRECTORY "${PROJECT_SOURCE_DIR}" PROPERTY SUBDIRECTORIES)
    get_property(rooms DIRECTORY "${PROJECT_SOURCE_DIR}/src" PROPERTY SUBDIRECTORIES)
    if("${PROJECT_SOURCE_DIR}/${folder}" IN_LIST folders OR "${PROJECT_SOURCE_DIR}/${folder}" IN_LIST rooms)
        get_property(targets DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" PROPERTY BUILDSYSTEM_TARGETS)
        if(targets)
            add_dependencies(${target} ${targets})
        endif()
    endif()
endfunction()
