# SPDX-License-Identifier: Apache-2.0
#
# Tests of index files. Included by the CMakeLists.txt of this folder.

foreach(name IN ITEMS codec file merge damage check fault speed)
    stele_test(test_index_${name} SOURCES test_index_${name}.c index_model.c USES log LABELS unit)
endforeach()
stele_test(test_index_threads SOURCES test_index_threads.c index_model.c USES log
    LABELS unit threads)
