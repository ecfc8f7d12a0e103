/* SPDX-License-Identifier: Apache-2.0 */
/* A keyed 64-bit hash (SipHash-1-3): who does not know the key cannot make names collide. */
#ifndef STELE_BASE_HASH_H
#define STELE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct stele__hash_key {
    uint64_t k0;
    uint64_t k1;
} stele__hash_key;

uint64_t stele__hash(const stele__hash_key *key, const void *bytes, size_t size);

#endif
