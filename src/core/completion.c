/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling completions, and knowing that one is running: whoever calls completions must not be kept
 * waiting by one of them, or nothing would ever go on.
 */
#include "core/core.h"

/* The completions that this thread is inside of, the innermost first: one of a store may append to
 * another store, and so come to call that one's. */
typedef struct running {
    const struct running *outer;
    const void *store;
} running;

static _Thread_local const running *innermost;

void stele__core_complete(const void *store, stele_completion done, void *context,
                          stele_status status, const stele_receipt *receipt,
                          const stele_error *error)
{
    const running here = {innermost, store};
    innermost = &here;
    done(context, status, receipt, error);
    innermost = here.outer;
}

stele_status stele__core_check_outside(const void *store, stele_error *reterr)
{
    for (const running *at = innermost; at; at = at->outer) {
        if (at->store == store) {
            stele__fail(reterr, STELE_INVALID, "a completion must not wait for its own store");
            stele__hint(reterr, "hand the commit in with stele_submit(), or leave it to another "
                                "thread");
            return STELE_INVALID;
        }
    }
    return STELE_OK;
}
