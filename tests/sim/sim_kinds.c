/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a store are for, told from their names. The only place of the simulator that
 * knows them. */
#include "sim/sim_disk.h"

#include <string.h>

static const struct {
    const char *part; /* of the last name in the path */
    sim_file_kind kind;
} known_parts[] = {
    {"manifest", SIM_MANIFEST}, {"index", SIM_INDEX},    {".idx", SIM_INDEX},
    {"segment", SIM_SEGMENT},   {".log", SIM_SEGMENT},   {".seg", SIM_SEGMENT},
    {"packed", SIM_PACKED},     {"lock", SIM_LOCK_FILE}, {"live", SIM_PAGE},
};

sim_file_kind sim_file_kind_of(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < sizeof known_parts / sizeof known_parts[0]; i++) {
        if (strstr(name, known_parts[i].part)) {
            return known_parts[i].kind;
        }
    }
    return SIM_OTHER;
}
