# SPDX-License-Identifier: Apache-2.0
#
#   stele_man_pages(stele.1.scd stele.7.scd)
#
# turns the pages into roff with scdoc, compresses nothing, and installs them where man looks.

function(stele_man_pages)
    set(pages "")
    foreach(source IN LISTS ARGN)
        string(REGEX REPLACE "\\.scd$" "" page "${source}")
        string(REGEX REPLACE "^.*\\." "" section "${page}")
        set(output "${CMAKE_CURRENT_BINARY_DIR}/${page}")
        add_custom_command(
            OUTPUT "${output}"
            COMMAND "${STELE_SCDOC}" < "${CMAKE_CURRENT_SOURCE_DIR}/${source}" > "${output}"
            DEPENDS "${source}"
            COMMENT "Writing ${page}"
            VERBATIM)
        list(APPEND pages "${output}")
        install(FILES "${output}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT documentation)
    endforeach()
    add_custom_target(man ALL DEPENDS ${pages})
endfunction()

# The target `reference`: the public headers as HTML. A reference to what is not there is an error.
# (That every function is explained is checked by tools/tidy; members whose names say everything
# need no comment.)
if(STELE_BUILD_DOCS)
    find_package(Doxygen QUIET)
    if(Doxygen_FOUND)
        set(DOXYGEN_PROJECT_NAME "Stele")
        set(DOXYGEN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/docs")
        set(DOXYGEN_OPTIMIZE_OUTPUT_FOR_C YES)
        set(DOXYGEN_QUIET YES)
        set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
        set(DOXYGEN_WARN_IF_DOC_ERROR YES)
        set(DOXYGEN_WARN_IF_INCOMPLETE_DOC NO)
        set(DOXYGEN_HIDE_UNDOC_MEMBERS NO)
        set(DOXYGEN_WARN_IF_UNDOCUMENTED NO)
        set(DOXYGEN_EXTRACT_ALL YES)
        set(DOXYGEN_EXTRACT_STATIC YES)
        set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
        set(DOXYGEN_MACRO_EXPANSION YES)
        set(DOXYGEN_EXPAND_ONLY_PREDEF YES)
        set(DOXYGEN_PREDEFINED STELE_API= STELE_MUST_CHECK= "STELE_PRINTF(a,b)=" __GNUC__=12)
        set(DOXYGEN_STRIP_FROM_PATH "${PROJECT_SOURCE_DIR}/include")
        set(DOXYGEN_HAVE_DOT NO)
        set(DOXYGEN_GENERATE_LATEX NO)
        doxygen_add_docs(reference "${PROJECT_SOURCE_DIR}/include/stele" COMMENT "Writing the reference")
    endif()
endif()
