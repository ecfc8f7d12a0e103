/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a sequence of operations: appends, deletions, reads, crashes, faults on the engine over
 * the simulated disk, with the oracle beside it. What the random simulation draws from a seed is
 * drawn from the bytes here, so that coverage can guide it.
 */
#include "fuzz.h"

#include "sim/story.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sim_story *story;
    if (!story) {
        story = sim_story_new();
    }
    const sim_settings settings = {
        .seed = 1, .place = -1, .has_faults = true, .bytes = data, .byte_count = size};
    if (!sim_story_run(story, &settings)) {
        (void)printf("step %u: %s\n", story->step, story->report.text);
        (void)fflush(stdout);
        abort();
    }
    return 0;
}
