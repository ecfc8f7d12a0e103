/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs of RFC 9562: versions 4 (random), 5 (from a name), 7 (time and random), and their text
 * form. */
#include "uuid.h"

#include "sha1.h"

static void set_version(stele_uuid *uuid, unsigned version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

stele_uuid stele__uuid_v4(const stele_clock *clock)
{
    stele_uuid uuid;

    clock->entropy(clock->context, uuid.bytes, sizeof uuid.bytes);
    set_version(&uuid, 4);
    return uuid;
}

stele_uuid stele__uuid_v7(stele_time time, const stele_clock *clock)
{
    /* Milliseconds since 1970 in 48 bits; there is no form for earlier times, they count as 1970.
     */
    const uint64_t milliseconds = time > 0 ? (uint64_t)time / 1000000 : 0;
    stele_uuid uuid;

    clock->entropy(clock->context, uuid.bytes + 6, sizeof uuid.bytes - 6);
    for (size_t i = 0; i < 6; i++) {
        uuid.bytes[i] = (uint8_t)(milliseconds >> (40 - 8 * i));
    }
    set_version(&uuid, 7);
    return uuid;
}

stele_uuid stele_uuid_from_name(const stele_uuid *name_space, const void *name, size_t name_size)
{
    stele__sha1 sha1;
    uint8_t digest[20];
    stele_uuid uuid;

    stele__sha1_begin(&sha1);
    stele__sha1_add(&sha1, name_space->bytes, sizeof name_space->bytes);
    stele__sha1_add(&sha1, name, name_size);
    stele__sha1_end(&sha1, digest);
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    set_version(&uuid, 5);
    return uuid;
}

static bool is_dash_place(size_t index)
{
    return index == 8 || index == 13 || index == 18 || index == 23;
}

static int hex_value(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    return -1;
}

int stele_uuid_parse(const char *text, size_t size, stele_uuid *ret_uuid)
{
    stele_uuid uuid;
    size_t count = 0;
    size_t i = 0;

    if (!text || size != STELE_UUID_TEXT_SIZE - 1) {
        return -1;
    }
    while (i < size) {
        int high;
        int low;
        if (is_dash_place(i)) {
            if (text[i++] != '-') {
                return -1;
            }
            continue;
        }
        /* Groups have an even number of digits, so that a pair never reaches over a dash. */
        high = hex_value(text[i]);
        low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        uuid.bytes[count++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *ret_uuid = uuid;
    return 0;
}

void stele_uuid_print(const stele_uuid *uuid, char ret_text[STELE_UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (is_dash_place(at)) {
            ret_text[at++] = '-';
        }
        ret_text[at++] = digits[uuid->bytes[i] >> 4];
        ret_text[at++] = digits[uuid->bytes[i] & 0x0f];
    }
    ret_text[at] = '\0';
}
