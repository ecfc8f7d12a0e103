/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: making them, their text, and hostile text. */
#include "base/base.h"
#include "support/test.h"

/* A clock whose entropy is 0xff everywhere, so that what a version fixes can be seen. */
static void give_ones(void *context, void *ret_bytes, size_t size)
{
    (void)context;
    memset(ret_bytes, 0xff, size);
}

static const stele_clock ones = {NULL, NULL, NULL, give_ones, NULL};

static const char *text_of(stele_uuid uuid)
{
    static char text[STELE_UUID_TEXT_SIZE];

    stele_uuid_print(&uuid, text);
    return text;
}

TEST(version_4_is_random_but_for_six_bits)
{
    expect_text(text_of(stele__uuid_v4(&ones)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(version_7_begins_with_milliseconds)
{
    /* The example of RFC 9562, A.6: 2022-02-22T14:22:22-05:00. */
    expect_text(text_of(stele__uuid_v7(INT64_C(1645557742000) * 1000000 + 999999, &ones)),
                "017f22e2-79b0-7fff-bfff-ffffffffffff");
    expect_text(text_of(stele__uuid_v7(0, &ones)), "00000000-0000-7fff-bfff-ffffffffffff");
    expect_text(text_of(stele__uuid_v7(-5, &ones)), "00000000-0000-7fff-bfff-ffffffffffff");
}

TEST(version_5_is_that_of_rfc_9562)
{
    stele_uuid dns;

    expect_int(stele_uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 36, &dns), 0);
    expect_text(text_of(stele_uuid_from_name(&dns, "www.example.com", 15)),
                "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    expect_text(text_of(stele_uuid_from_name(&dns, "", 0)), "4ebd0208-8328-5d69-8c44-ec50939c0967");
}

TEST(either_case_is_parsed_and_lower_case_printed)
{
    stele_uuid uuid;

    expect_int(stele_uuid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", 36, &uuid), 0);
    expect_bytes(uuid.bytes, 16, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
                 16);
    expect_text(text_of(uuid), "00112233-4455-6677-8899-aabbccddeeff");
}

static const char *const wrong[] = {
    "",
    "0",
    "00112233-4455-6677-8899-aabbccddeef",
    "00112233-4455-6677-8899-aabbccddeeff0",
    "00112233445566778899aabbccddeeff",
    "{0112233-4455-6677-8899-aabbccddeef}",
    "00112233-4455-6677-8899-aabbccddeefg",
    "0011223-34455-6677-8899-aabbccddeeff",
    "00112233-4455-6677-8899_aabbccddeeff",
    "-0112233-4455-6677-8899-aabbccddeeff",
    "00112233-4455-6677-8899-aabbccddeef-",
    "00112233--455-6677-8899-aabbccddeeff",
    " 0112233-4455-6677-8899-aabbccddeeff",
    "\3770112233-4455-6677-8899-aabbccddeeff",
    "00112233-4455-6677-8899-aabbccddee\xff\xff",
};

TEST_ROWS(other_text_is_refused_and_nothing_written, wrong)
{
    stele_uuid uuid;

    memset(&uuid, 0x7e, sizeof uuid);
    expect_int(stele_uuid_parse(wrong[row], strlen(wrong[row]), &uuid), -1);
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        expect_uint(uuid.bytes[i], 0x7e);
    }
}

TEST(missing_text_is_refused)
{
    stele_uuid uuid;

    expect_int(stele_uuid_parse(NULL, 36, &uuid), -1);
}

TEST(random_uuids_come_back_and_spoiled_ones_do_not)
{
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 20000; i++) {
        stele_uuid uuid;
        stele_uuid back;
        char text[STELE_UUID_TEXT_SIZE];
        const size_t place = (size_t)stele__prng_below(&prng, 36);
        stele__prng_fill(&prng, uuid.bytes, sizeof uuid.bytes);
        stele_uuid_print(&uuid, text);
        expect_int(stele_uuid_parse(text, 36, &back), 0);
        expect_true(stele__uuid_equal(&uuid, &back));
        text[place] = text[place] == '-' ? '0' : 'z';
        expect_int(stele_uuid_parse(text, 36, &back), -1);
    }
}

TEST(none_is_all_zero)
{
    stele_uuid uuid = {{0}};

    expect_true(stele__uuid_is_none(&uuid));
    uuid.bytes[15] = 1;
    expect_false(stele__uuid_is_none(&uuid));
}
