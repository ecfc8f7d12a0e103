/* SPDX-License-Identifier: Apache-2.0 */
/* A struct with a field of every kind, and one at random. */
#ifndef STELE_TEST_SCHEMA_SAMPLE_H
#define STELE_TEST_SCHEMA_SAMPLE_H

#include "base/prng.h"
#include "stele/schema.h"

typedef enum side { SIDE_BUY, SIDE_SELL, SIDE_NEITHER = -5 } side;
#define SIDES(V) V(SIDE_BUY, "Buy") V(SIDE_SELL, "Sell") V(SIDE_NEITHER, "Neither")
STELE_CHOICE_NAMES(side, SIDES)

#define ADDRESS_FIELDS(F)                                                                          \
    F(text(20), street)                                                                            \
    F(u16, number)                                                                                 \
    F(optional(text(10)), city)
STELE_SCHEMA(address, ADDRESS_FIELDS)

#define SAMPLE_FIELDS(F)                                                                           \
    F(u64, id, KEY)                                                                                \
    F(bool, active)                                                                                \
    F(i8, tiny)                                                                                    \
    F(i16, small)                                                                                  \
    F(i32, middle)                                                                                 \
    F(i64, large)                                                                                  \
    F(u8, octet)                                                                                   \
    F(u16, port)                                                                                   \
    F(u32, count)                                                                                  \
    F(f64, ratio)                                                                                  \
    F(decimal(8), price, AS("Price"))                                                              \
    F(text(16), symbol)                                                                            \
    F(bytes(6), blob)                                                                              \
    F(choice(side), way)                                                                           \
    F(time, when)                                                                                  \
    F(uuid, trace)                                                                                 \
    F(nested(address), home)                                                                       \
    F(optional(decimal(2)), limit)                                                                 \
    F(optional(nested(address)), office)                                                           \
    F(list(i32, 4), marks)                                                                         \
    F(list(text(5), 3), words)                                                                     \
    F(list(nested(address), 2), others)                                                            \
    F(u32, secret, SKIP)                                                                           \
    F(u32, touched, UNCOMPARED, AS("touch count"))
STELE_SCHEMA(sample, SAMPLE_FIELDS)

/* Any sample that can be stored. */
sample sample_draw(stele__prng *prng);

#endif
