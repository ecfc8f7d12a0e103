/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries: faults that a build with -DSTELE_CANARY can be told to have (stele__log_canary =
 * number), to see that the tests find them. The engine asks with STELE_CANARY_IS(number).
 *
 * The simulator must find each of the first list within 2,000 seeds; QUICK ones also in ordinary
 * runs. What a crash cannot show is for others: the fault loops (tests/fault) must find 30 and 31,
 * the flipped bits (tests/crash) 15.
 */
#ifndef STELE_TESTS_SIM_CANARIES_H
#define STELE_TESTS_SIM_CANARIES_H

#define SIM_CANARIES(CANARY)                                                                       \
    CANARY(1, QUICK, "an append at full is answered without a sync")                               \
    CANARY(2, QUICK, "a group is published before it is written")                                  \
    CANARY(3, SLOW, "the name of a new index file is not synced before the manifest names it")     \
    CANARY(4, QUICK, "a segment is left without a sync, for the next one or because it is sealed") \
    CANARY(5, SLOW, "recovery does not sync what it found")                                        \
    CANARY(6, QUICK, "the manifest is renamed before it is synced")                                \
    CANARY(7, QUICK, "the folder is not synced after the manifest was renamed")                    \
    CANARY(8, QUICK, "recovery does not write again what a failed sync may have lost")             \
    CANARY(9, SLOW, "recovery does not zero what it drops")                                        \
    CANARY(10, QUICK,                                                                              \
           "a reader in another process shows what stands in the log, published or not")           \
    CANARY(11, QUICK, "recovery does not fill the window of event ids")                            \
    CANARY(12, QUICK, "recovery does not index the keys of commits")                               \
    CANARY(13, QUICK, "the name of a new segment is not synced before it is written to")           \
    CANARY(14, QUICK, "the epoch is not raised when history may have been cut")                    \
    CANARY(16, QUICK, "index files are removed before the manifest forgets them")                  \
    CANARY(17, QUICK, "an index file is not synced before the manifest names it")                  \
    CANARY(18, QUICK, "a frame says that more is synced than is")                                  \
    CANARY(19, SLOW, "appends go on after a sync has failed")                                      \
    CANARY(20, QUICK, "a packed segment is not synced before the manifest names it")               \
    CANARY(21, QUICK, "a segment is removed before the manifest says that it is packed")

/* For others than the simulator. */
#define SIM_CANARIES_OF_DAMAGE(CANARY)                                                             \
    CANARY(15, "the checksum of an event does not cover the names it refers to")
#define SIM_CANARIES_OF_FAULTS(CANARY)                                                             \
    CANARY(30, "an append is acknowledged although its write failed")                              \
    CANARY(31, "a failure while sealing leaks the index")

#endif
