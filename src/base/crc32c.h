/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), as in RFC 3720: crc32c("123456789") = 0xe3069283. */
#ifndef STELE_BASE_CRC32C_H
#define STELE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin) over the bytes: crc32c(crc32c(0, a), b) = crc32c(0, a b). Uses the
 * processor's instruction where there is one, found once. Any thread. */
uint32_t stele__crc32c(uint32_t crc, const void *bytes, size_t size);

/* The portable form, for tests. */
uint32_t stele__crc32c_portable(uint32_t crc, const void *bytes, size_t size);

#endif
