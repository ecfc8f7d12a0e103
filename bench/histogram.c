/* SPDX-License-Identifier: Apache-2.0 */
/* Times of single operations: a histogram with 32 steps an octave, so that noting a time costs a
 * few nanoseconds and a percentile is right within 3 %. */
#include "bench.h"

static size_t bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < BENCH_STEPS) {
        return (size_t)value;
    }
    shift = 63 - (unsigned)__builtin_clzll(value) - 5;
    return (size_t)(shift + 1) * BENCH_STEPS + (size_t)(value >> shift & (BENCH_STEPS - 1));
}

/* The middle of a bucket. */
static double value_of(size_t bucket)
{
    const size_t octave = bucket / BENCH_STEPS;
    const size_t step = bucket % BENCH_STEPS;

    if (octave == 0) {
        return (double)step;
    }
    return ((double)(BENCH_STEPS + step) + 0.5) * (double)(UINT64_C(1) << (octave - 1));
}

void bench_note(bench_histogram *histogram, int64_t nanoseconds)
{
    const size_t bucket = bucket_of(nanoseconds > 0 ? (uint64_t)nanoseconds : 0);

    histogram->counts[bucket < BENCH_BUCKETS ? bucket : BENCH_BUCKETS - 1]++;
    histogram->total++;
}

void bench_merge(bench_histogram *into, const bench_histogram *from)
{
    for (size_t i = 0; i < BENCH_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->total += from->total;
}

double bench_percentile_us(const bench_histogram *histogram, double part)
{
    const double wanted = (double)histogram->total * part;
    double seen = 0;

    for (size_t i = 0; i < BENCH_BUCKETS; i++) {
        seen += (double)histogram->counts[i];
        if (seen > wanted) {
            return value_of(i) / 1000;
        }
    }
    return 0;
}
