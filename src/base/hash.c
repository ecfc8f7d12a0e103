/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed hash. One round a word and three at the end are enough for tables, whose hashes nobody
 * outside ever sees. */
#include "hash.h"

#include "siphash.h"

uint64_t stele__hash(const stele__hash_key *key, const void *bytes, size_t size)
{
    return stele__siphash(key, bytes, size, 1, 3);
}
