/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target defines. */
#ifndef STELE_FUZZ_FUZZ_H
#define STELE_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. A finding stops the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
