/* SPDX-License-Identifier: Apache-2.0 */
/* Private to base: SHA-1 (RFC 3174), for name-based UUIDs, where nothing depends on its strength.
 */
#ifndef STELE_BASE_SHA1_H
#define STELE_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

typedef struct stele__sha1 {
    uint32_t state[5];
    uint64_t size;
    uint8_t block[64];
} stele__sha1;

void stele__sha1_begin(stele__sha1 *sha1);
void stele__sha1_add(stele__sha1 *sha1, const void *bytes, size_t size);
void stele__sha1_end(stele__sha1 *sha1, uint8_t ret_digest[20]);

#endif
