/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that does nothing but remember what the front hands to it and answer what the test
 * says. It stands in the table under the schemes "file" and "fake".
 */
#ifndef STELE_TESTS_STORE_FAKE_H
#define STELE_TESTS_STORE_FAKE_H

#include <stele/sys/backend.h>

typedef struct fake {
    stele_backend backend;
    unsigned opened;
    unsigned closed;
    unsigned calls; /* of all functions but opening and closing */
    char location[256];
    stele_options options;
    stele_status answer; /* of every function; STELE_OK at first */
    stele_position head;

    unsigned appends;
    unsigned submissions;
    stele_intent intent;
    size_t event_count;
    size_t check_count;
    stele_check check; /* the first; its stream is not to be used after the call */
    char stream[1100]; /* of the first event */
    char checked[1100];
    char type[1100];
    char data[256];
    stele_durability durability;
    int all_events_go_to_stream;

    unsigned cursors;            /* open ones */
    stele_backend_cursor cursor; /* what each of them is */
    unsigned records_left;
    stele_status refresh_answer;
    int must_exist;
    stele_direction direction;
    uint64_t limit;
    char read_stream[1100];
} fake;

/* There is one, since a table of functions has no room for more. Zeroed by every opening, but for
 * `answer_to_open`. */
extern fake the_fake;
extern stele_status answer_to_open;

#endif
