/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C, three ways.
 *
 * The polynomial is 0x1EDC6F41, taken lowest bit first: as a 32-bit number bit i is the coefficient
 * of x^(31-i), which makes the polynomial 0x82F63B78. The register begins and ends inverted.
 *
 * Portable: eight bytes a step by eight tables ("slicing"): table[k][b] is the register that byte b
 * leaves when k zero bytes follow it.
 *
 * x86-64: the instruction crc32 takes eight bytes, one a clock, but its result comes after three.
 * So three chains run side by side over three equal blocks of n words, A B C, the second and third
 * from a register of zero. By linearity the registers are joined at the end: what A left must be
 * moved past 16n bytes, that is multiplied by x^(128n), what B left by x^(64n). The last word of C
 * is held back for that: the instruction multiplies a 64-bit word by x^32, and the carry-less
 * product of two such reversed 32-bit numbers is one power of x too high, so
 *
 *     A * x^(128n) + B * x^(64n)  =  step(0, A (*) x^(128n-33)  ^  B (*) x^(64n-33))
 *
 * and both products are put into the last word. powers[m] holds x^(64m-33). Blocks have at most 128
 * words, shorter input is cut in three as it is: 300 bytes take the time of 100.
 *
 * ARM: the instruction in one chain, where the compiler was told that it is there.
 */
#include "crc32c.h"

#include "bytes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define POLYNOMIAL UINT32_C(0x82f63b78)
#define BLOCK_WORDS_MAX 128
/* Below this many bytes one chain is as fast as three. */
#define CHAINS_SIZE_MIN 96

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* The register times x. */
static uint32_t times_x(uint32_t crc)
{
    return crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
}

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = times_x(crc);
        }
        tables[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (size_t k = 1; k < 8; k++) {
            const uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
        }
    }
}

uint32_t stele__crc32c_portable(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes;

    (void)pthread_once(&tables_once, make_tables);
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        const uint32_t low = crc ^ stele__load32(at);
        const uint32_t high = stele__load32(at + 4);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
              tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    for (; size > 0; size--, at++) {
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

/* Compiled for instructions that only some processors of this kind have; see choose(). */
#define WITH_INSTRUCTIONS __attribute__((target("sse4.2,pclmul")))

static uint32_t powers[2 * BLOCK_WORDS_MAX + 1];

static void make_powers(void)
{
    uint32_t power = UINT32_C(1) << 31; /* x^0 */

    for (int exponent = 0; exponent < 64 - 33; exponent++) {
        power = times_x(power);
    }
    for (size_t m = 1; m <= 2 * BLOCK_WORDS_MAX; m++) {
        powers[m] = power;
        for (int exponent = 0; exponent < 64; exponent++) {
            power = times_x(power);
        }
    }
}

static inline uint64_t load_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word); /* this processor is little-endian */
    return word;
}

WITH_INSTRUCTIONS static inline uint64_t multiply(uint64_t crc, uint32_t power)
{
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                                                 _mm_cvtsi64_si128((long long)power), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Three chains over 3 * words * 8 bytes. */
WITH_INSTRUCTIONS static inline uint64_t crc_of_three(uint64_t a, const uint8_t *at, size_t words)
{
    const uint8_t *second = at + 8 * words;
    const uint8_t *third = second + 8 * words;
    const size_t last = 8 * (words - 1);
    uint64_t b = 0;
    uint64_t c = 0;

    for (size_t i = 0; i < last; i += 8) {
        a = _mm_crc32_u64(a, load_word(at + i));
        b = _mm_crc32_u64(b, load_word(second + i));
        c = _mm_crc32_u64(c, load_word(third + i));
    }
    a = _mm_crc32_u64(a, load_word(at + last));
    b = _mm_crc32_u64(b, load_word(second + last));
    return _mm_crc32_u64(c, load_word(third + last) ^ multiply(a, powers[2 * words]) ^
                                multiply(b, powers[words]));
}

/* The bytes in front of `end`, fewer than eight and at least one, as a word. */
static inline uint64_t load_rest(const uint8_t *begin, const uint8_t *end, size_t size)
{
    if (end - begin >= 8) {
        return load_word(end - 8) >> (64 - 8 * size);
    }
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)end[-1 - (ptrdiff_t)i] << (size - 1 - i) * 8;
    }
    return word;
}

/* Fewer than eight bytes at once: as the upper bytes of a word whose lower ones are zero, which
 * leave a checksum of zero as it is. What of the checksum before reaches beyond the bytes is added
 * behind. */
WITH_INSTRUCTIONS static inline uint64_t crc_of_rest(uint64_t running, uint64_t word, size_t size)
{
    return _mm_crc32_u64(0, (word ^ running) << (64 - 8 * size)) ^ running >> (8 * size);
}

WITH_INSTRUCTIONS static uint32_t crc_by_instructions(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes;
    const uint8_t *end = at + size;
    uint64_t running = ~crc;

    while (size >= CHAINS_SIZE_MIN) {
        const size_t words = size / 24 < BLOCK_WORDS_MAX ? size / 24 : BLOCK_WORDS_MAX;
        running = crc_of_three(running, at, words);
        at += 24 * words;
        size -= 24 * words;
    }
    for (; size >= 8; size -= 8, at += 8) {
        running = _mm_crc32_u64(running, load_word(at));
    }
    if (size > 0) {
        running = crc_of_rest(running, load_rest((const uint8_t *)bytes, end, size), size);
    }
    return ~(uint32_t)running;
}

typedef uint32_t crc_function(uint32_t crc, const void *bytes, size_t size);

static uint32_t choose(uint32_t crc, const void *bytes, size_t size);

static pthread_once_t powers_once = PTHREAD_ONCE_INIT;
static _Atomic(crc_function *) chosen = choose;

/* The first call: finds out what the processor can do. */
static uint32_t choose(uint32_t crc, const void *bytes, size_t size)
{
    __builtin_cpu_init();
    const bool has_instructions =
        __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
    crc_function *function = has_instructions ? crc_by_instructions : stele__crc32c_portable;
    (void)pthread_once(&powers_once, make_powers);
    /* Pairs with the acquire below: who sees the function sees its table. */
    atomic_store_explicit(&chosen, function, memory_order_release);
    return function(crc, bytes, size);
}

uint32_t stele__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return atomic_load_explicit(&chosen, memory_order_acquire)(crc, bytes, size);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

uint32_t stele__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes;

    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        crc = __crc32cd(crc, stele__load64(at));
    }
    for (; size > 0; size--, at++) {
        crc = __crc32cb(crc, *at);
    }
    return ~crc;
}

#else

uint32_t stele__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return stele__crc32c_portable(crc, bytes, size);
}

#endif
