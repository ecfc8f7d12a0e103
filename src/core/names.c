/* SPDX-License-Identifier: Apache-2.0 */
/* What names say: categories, and expectations in words. */
#include "core/core.h"

#include <inttypes.h>
#include <stdio.h>

stele_text stele_category(stele_text stream)
{
    const stele_text none = {stream.data, 0};
    if (stream.size == 0 || stream.data[0] == '$' || stream.data[0] == '-') {
        return none;
    }
    const char *dash = memchr(stream.data, '-', stream.size);
    return dash ? (stele_text){stream.data, (size_t)(dash - stream.data)} : none;
}

void stele__core_describe_expected(stele_expected expected, char *ret_text, size_t size)
{
    const char *words = NULL;
    switch (expected) {
    case STELE_NO_STREAM:
        words = "no stream";
        break;
    case STELE_ANY:
        words = "any";
        break;
    case STELE_EXISTS:
        words = "an existing stream";
        break;
    case STELE_IS_DELETED:
        words = "a deleted stream";
        break;
    case STELE_IS_TOMBSTONED:
        words = "a tombstoned stream";
        break;
    default:
        break;
    }
    if (words) {
        (void)snprintf(ret_text, size, "%s", words);
    } else {
        (void)snprintf(ret_text, size, "revision %" PRId64, expected);
    }
}
