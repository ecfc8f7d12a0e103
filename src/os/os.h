/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room os: the operating system as the two tables that the rest of Stele touches
 * the world through, stele_vfs_system() and stele_clock_system(). Linux is the system that this is
 * written for and tested on.
 */
#ifndef STELE_OS_OS_H
#define STELE_OS_OS_H

#include <stele/sys/clock.h>
#include <stele/sys/vfs.h>

#endif
