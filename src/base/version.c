/* SPDX-License-Identifier: Apache-2.0 */
/* Which library this is. */
#include <stele/types.h>

#define STELE_QUOTE_(number) #number
#define STELE_QUOTE(number) STELE_QUOTE_(number)

const char *stele_version(void)
{
    return STELE_QUOTE(STELE_VERSION_MAJOR) "." STELE_QUOTE(STELE_VERSION_MINOR) "." STELE_QUOTE(
        STELE_VERSION_PATCH);
}
