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
 * - A handle is of no use in a child process after fork(): every call answers ::STELE_INVALID_FORK. Open the store
 * again there, for reading. The child inherits the writer's lock all the same: until it ends or calls exec(), nobody
 * else can open the store for writing, even if the parent has closed it.
 * - Files are mapped into memory. If the disk fails while a mapped page is read, the process gets SIGBUS; open with
 * ::STELE_PREAD where that must not happen (it keeps a descriptor open for each file). Never truncate or write the
 * files of a store that is open.
 * - Records lent by a cursor are borrowed: copy what you keep. A cursor that stays open keeps old index files alive.
 * - ::STELE_OK from an append at ::STELE_DURABLE_FULL means that fdatasync() has returned. Disks that lie about flushes
 * lose what they lied about; what is left is still a prefix of history.
 * - Recorded time never goes back. A clock that once ran ahead holds time still until it is caught up.
 *
 * **Conventions.** Functions return a ::stele_status and fill a ::stele_error if given one. *Borrowed* memory is valid
 * until stated; *owned* things have a function that frees them; all of those accept NULL. Structs of options are
 * zero-initialised, and zero is the default. Functions may be called from any thread unless they say otherwise. Results
 * (`ret_…`) are written only on success unless it says otherwise, and may be NULL where it says so. Sizes are bytes,
 * times nanoseconds.
 *
 * Each function lists the statuses that it can return. Four causes are common to all that return one: ::STELE_INVALID
 * for NULL where something is needed, for an option or a struct's `version` that this library does not know;
 * ::STELE_INVALID_FORK; ::STELE_INVALID_READ_ONLY when a handle for reading is told to write; ::STELE_INTERNAL.
 *
 * **Since.** Everything in stele/ and stele/sys/ is there since 0.1.0, unless a note at it names a later version.
 */
#ifndef STELE_STELE_H
#define STELE_STELE_H

#include "admin.h"
#include "aggregate.h"
#include "cursor.h"
#include "decimal.h"
#include "entity.h"
#include "error.h"
#include "event.h"
#include "fold.h"
#include "logs.h"
#include "query.h"
#include "schema.h"
#include "snapshot.h"
#include "store.h"
#include "types.h"
#include "upcast.h"
#include "writer.h"

#endif
