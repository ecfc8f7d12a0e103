/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the room: caches of states are public to those who extend (stele/sys/cache.h). */
#ifndef STELE_CACHE_CACHE_H
#define STELE_CACHE_CACHE_H

#include <stele/sys/cache.h>

#endif
