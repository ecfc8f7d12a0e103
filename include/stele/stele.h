/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/stele.h
 * @brief Stele, an event-sourcing database to embed. This header brings in the whole public interface.
 *
 * **What it is.** An append-only store of events in a folder, in your process: streams with optimistic concurrency,
 * idempotent appends, conditions over types and tags, one gap-free global order, cursors that lend the stored bytes.
 *
 * **What to know first.**
 * - One process writes a store at a time; others may read it meanwhile. The lock works on local file systems only;
 * stores on network file systems are refused.
 * - It is not a key-value store, a message broker or a cluster. Events are never changed and never removed one by one.
 * - Never use a handle in a child process after fork(): open the store again there, for reading.
 * - Sealed files are mapped into memory. If the disk fails while a mapped page is read, the process gets SIGBUS; open
 * with
 *   ::STELE_PREAD where that must not happen. Never truncate or write the files of a store that is open.
 * - Records lent by a cursor are borrowed: copy what you keep. A cursor that stays open keeps old index files alive.
 * - ::STELE_OK from an append at ::STELE_DURABLE_FULL means that fdatasync() has returned. Disks that lie about flushes
 * lose what they lied about; what is left is still a prefix of history.
 * - Recorded time never goes back. A clock that once ran ahead holds time still until it is caught up.
 *
 * **Conventions.** Functions return a ::stele_status and fill a ::stele_error if given one. *Borrowed* memory is valid
 * until stated; *owned* things have a function that frees them; all of those accept NULL. Structs of options are
 * zero-initialised, and zero is the default. Functions may be called from any thread unless they say otherwise.
 */
#ifndef STELE_STELE_H
#define STELE_STELE_H

#include "admin.h"
#include "cursor.h"
#include "error.h"
#include "event.h"
#include "query.h"
#include "store.h"
#include "types.h"

#endif
