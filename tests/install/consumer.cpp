// SPDX-License-Identifier: Apache-2.0
// The same as consumer.c in C++17: the headers are used as they are, and owned things by unique_ptr.
#include <stele/stele.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct close_store {
    void operator()(stele_store *store) const { stele_close(store, nullptr); }
};

struct free_cursor {
    void operator()(stele_cursor *cursor) const { stele_cursor_free(cursor); }
};

using store_owner = std::unique_ptr<stele_store, close_store>;
using cursor_owner = std::unique_ptr<stele_cursor, free_cursor>;

static int complain(const char *what, const stele_error &error)
{
    std::printf("%s: %s\n", what, error.message);
    return 1;
}

int main(int count, char **arguments)
{
    stele_error error{};
    stele_store *opened = nullptr;
    if (count != 2 || stele_open(arguments[1], nullptr, &opened, &error) != STELE_OK) {
        return complain("open", error);
    }
    const store_owner store(opened);

    const std::vector<stele_event> events{stele_json_event("account.opened", "{}"),
                                          stele_json_event("account.closed", "{}")};
    stele_receipt receipt{};
    if (stele_append(store.get(), "account-1", STELE_NO_STREAM, events.data(), events.size(), nullptr, &receipt,
                     &error) != STELE_OK) {
        return complain("append", error);
    }

    stele_read read{};
    read.stream = "account-1";
    stele_cursor *raw = nullptr;
    if (stele_read_open(store.get(), &read, &raw, &error) != STELE_OK) {
        return complain("read", error);
    }
    const cursor_owner cursor(raw);
    std::vector<std::string> types;
    while (const stele_record *record = stele_cursor_next(cursor.get(), &error)) {
        types.emplace_back(record->type.data, record->type.size);
    }
    return types == std::vector<std::string>{"account.opened", "account.closed"} ? 0 : complain("next", error);
}
