/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room base: general C that knows nothing of events. Each noun has a header of its
 * own; this one brings them in.
 */
#ifndef STELE_BASE_BASE_H
#define STELE_BASE_BASE_H

#include "alloc.h"
#include "assert.h"
#include "buffer.h"
#include "bytes.h"
#include "crc32c.h"
#include "error.h"
#include "gate.h"
#include "hash.h"
#include "prng.h"
#include "saturate.h"
#include "text.h"
#include "thread.h"
#include "uuid.h"
#include "varint.h"

#endif
