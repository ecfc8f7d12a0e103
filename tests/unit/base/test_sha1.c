/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 against the test cases of RFC 3174, 7.3. */
#include "base/base.h"
#include "base/sha1.h"
#include "support/test.h"

#include <string.h>

typedef struct sha1_vector {
    const char *text;
    int repeat;
    uint8_t digest[20];
} sha1_vector;

static const sha1_vector vectors[] = {
    {"abc", 1, {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d}},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     1,
     {0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e, 0xba, 0xae,
      0x4a, 0xa1, 0xf9, 0x51, 0x29, 0xe5, 0xe5, 0x46, 0x70, 0xf1}},
    {"a", 1000000, {0x34, 0xaa, 0x97, 0x3c, 0xd4, 0xc4, 0xda, 0xa4, 0xf6, 0x1e,
                    0xeb, 0x2b, 0xdb, 0xad, 0x27, 0x31, 0x65, 0x34, 0x01, 0x6f}},
    {"0123456701234567012345670123456701234567012345670123456701234567",
     10,
     {0xde, 0xa3, 0x56, 0xa2, 0xcd, 0xdd, 0x90, 0xc7, 0xa7, 0xec,
      0xed, 0xc5, 0xeb, 0xb5, 0x63, 0x93, 0x4f, 0x46, 0x04, 0x52}},
    {"", 1, {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
             0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}},
};

TEST_ROWS(the_values_of_rfc_3174_come_out, vectors)
{
    stele__sha1 sha1;
    uint8_t digest[20];

    stele__sha1_begin(&sha1);
    for (int i = 0; i < vectors[row].repeat; i++) {
        stele__sha1_add(&sha1, vectors[row].text, strlen(vectors[row].text));
    }
    stele__sha1_end(&sha1, digest);
    expect_bytes(digest, sizeof digest, vectors[row].digest, sizeof vectors[row].digest);
}

TEST(pieces_of_any_size_give_the_digest_of_the_whole)
{
    uint8_t bytes[200];
    uint8_t whole[20];
    stele__sha1 sha1;

    memset(bytes, 0x37, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint8_t pieces[20];
        stele__sha1_begin(&sha1);
        stele__sha1_add(&sha1, bytes, size);
        stele__sha1_end(&sha1, whole);
        stele__sha1_begin(&sha1);
        stele__sha1_add(&sha1, bytes, size / 3);
        stele__sha1_add(&sha1, bytes + size / 3, size - size / 3);
        stele__sha1_end(&sha1, pieces);
        expect_bytes(pieces, sizeof pieces, whole, sizeof whole);
    }
}
