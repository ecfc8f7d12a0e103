/* SPDX-License-Identifier: Apache-2.0 */
/* Which systems this program was built with. */
#include "bench.h"

#include <stdio.h>

const bench_system *const bench_systems[] = {
    &bench_stele,      &bench_rawlog,
#ifdef BENCH_WITH_SQLITE
    &bench_sqlite,
#endif
#ifdef BENCH_WITH_LMDB
    &bench_lmdb,
#endif
#ifdef BENCH_WITH_ROCKSDB
    &bench_rocksdb,
#endif
#ifdef BENCH_WITH_WIREDTIGER
    &bench_wiredtiger,
#endif
};
const size_t bench_system_count = sizeof bench_systems / sizeof bench_systems[0];

const char *bench_missing_peers(void)
{
    static char text[256];
    static const char *const packages[] = {
#ifndef BENCH_WITH_SQLITE
        "libsqlite3-dev",
#endif
#ifndef BENCH_WITH_LMDB
        "liblmdb-dev",
#endif
#ifndef BENCH_WITH_ROCKSDB
        "librocksdb-dev",
#endif
#ifndef BENCH_WITH_WIREDTIGER
        "libwiredtiger-dev",
#endif
        NULL,
    };
    size_t used = 0;

    for (size_t i = 0; packages[i] && used < sizeof text; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", packages[i]);
    }
    return used > 0 ? text : NULL;
}
