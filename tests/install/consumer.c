/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program that uses Stele: appends two events and reads them back. C99, without any
 * extension. */
#include <stele/stele.h>

#include <stdio.h>
#include <string.h>

static int complain(const char *what, const stele_error *error)
{
    printf("%s: %s (%s)\n", what, error->message, stele_status_name(error->status));
    return 1;
}

static int append_and_read(stele_store *store)
{
    stele_event events[2];
    stele_read read;
    stele_receipt receipt;
    stele_error error;
    stele_cursor *cursor = NULL;
    const stele_record *record;
    int count = 0;

    events[0] = stele_json_event("account.opened", "{\"owner\":\"ann\"}");
    events[1] = stele_binary_event("account.noted", "\x01\x02", 2);
    if (stele_append(store, "account-1", STELE_NO_STREAM, events, 2, NULL, &receipt, &error) !=
        STELE_OK) {
        return complain("append", &error);
    }
    if (receipt.first_position != 1 || receipt.position != 2 || receipt.revision != 1) {
        printf("the receipt is wrong\n");
        return 1;
    }
    memset(&read, 0, sizeof read);
    read.stream = "account-1";
    if (stele_read_open(store, &read, &cursor, &error) != STELE_OK) {
        return complain("read", &error);
    }
    while ((record = stele_cursor_next(cursor, &error)) != NULL) {
        printf("%d %.*s\n", (int)record->revision, STELE_TEXT(record->type));
        count++;
    }
    stele_cursor_free(cursor);
    if (error.status != STELE_OK) {
        return complain("next", &error);
    }
    if (count != 2) {
        printf("%d events came back, expected 2\n", count);
        return 1;
    }
    return 0;
}

int main(int count, char **arguments)
{
    stele_store *store = NULL;
    stele_error error;
    int result;

    if (count != 2) {
        printf("usage: consumer URL\n");
        return 2;
    }
    if (stele_open(arguments[1], NULL, &store, &error) != STELE_OK) {
        return complain("open", &error);
    }
    result = append_and_read(store);
    if (stele_close(store, &error) != STELE_OK) {
        return complain("close", &error);
    }
    return result;
}
