/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648, 4). */
#ifndef STELE_BASE_BASE64_H
#define STELE_BASE_BASE64_H

#include <stele/types.h>

#include <stdbool.h>

/* Writes 4 characters for each 3 bytes or what is left of them, no NUL; answers how many. */
size_t stele__base64_print(const uint8_t *bytes, size_t size, char *ret_text);
/* False: no base64, not in its one canonical form, or more than `capacity` bytes. */
bool stele__base64_parse(stele_text text, uint8_t *ret_bytes, size_t capacity, size_t *ret_size);

#endif
