/* SPDX-License-Identifier: Apache-2.0 */
/* The hash that chains the items of a file: SipHash-2-4 with 128 bits (Aumasson and Bernstein),
 * keyed with the value before. Fast enough not to be noticed in an import. A file cannot be forged
 * by it into being passed over, only left out by whoever writes it, who can do that anyway. */
#ifndef STELE_CLI_CHAIN_H
#define STELE_CLI_CHAIN_H

#include <stele/types.h>

typedef struct cli_chain {
    uint8_t bytes[16];
} cli_chain;

/* The value that follows `before` when `bytes` come. */
cli_chain cli_chain_next(const cli_chain *before, const void *bytes, size_t size);

#endif
