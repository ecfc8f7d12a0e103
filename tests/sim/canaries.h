/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries: faults that a build with -DSTELE_CANARY can be told to have (stele__log_canary =
 * number), to see that the simulator finds them. Each leaves out one sync, swaps one order, or
 * publishes too early. The engine asks with STELE_CANARY_IS(number). A number that is not here
 * does no harm that anybody could notice, and is not hunted.
 */
#ifndef STELE_TESTS_SIM_CANARIES_H
#define STELE_TESTS_SIM_CANARIES_H

#define SIM_CANARIES(CANARY)                                                                       \
    CANARY(1, "an append at full is answered without a sync")                                      \
    CANARY(2, "a group is published before it is written")                                         \
    CANARY(3, "the name of a new index file is not synced before the manifest names it")           \
    CANARY(5, "recovery does not sync what it found")

#endif
