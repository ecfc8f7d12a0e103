/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator asks of a store, handed on to the backend. */
#include "store/store.h"

#include <stele/admin.h>

#include <inttypes.h>

stele_status stele_describe(stele_store *store, stele_info *ret_info, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(stele__store_enter(store, error));
    if (!ret_info) {
        return stele__fail(error, STELE_INVALID, "ret_info is NULL");
    }
    STELE_TRY(store->backend->table->describe(store->backend, ret_info, error));
    return stele__succeed(error);
}

stele_status stele_checkpoint_check(stele_store *store, const stele_checkpoint *checkpoint,
                                    stele_position *ret_valid_until, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_position valid_until = 0;
    STELE_TRY(stele__store_enter(store, error));
    if (!checkpoint) {
        return stele__fail(error, STELE_INVALID, "the checkpoint is NULL");
    }
    const stele_status status =
        store->backend->table->checkpoint_check(store->backend, checkpoint, &valid_until, error);
    if (ret_valid_until && (status == STELE_OK || error->detail == STELE_INVALID_CHECKPOINT)) {
        *ret_valid_until = valid_until;
    }
    return status == STELE_OK ? stele__succeed(error) : status;
}

stele_status stele_accept_clock(stele_store *store, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(stele__store_enter_writer(store, error));
    STELE_TRY(store->backend->table->accept_clock(store->backend, error));
    return stele__succeed(error);
}

stele_status stele_verify(stele_store *store, const stele_verify_options *options,
                          stele_verify_result *ret_result, stele_error *reterr)
{
    static const stele_verify_options defaults = {.version = 0};
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_verify_result result = {.events = 0};
    STELE_TRY(stele__store_enter(store, error));
    options = options ? options : &defaults;
    if (options->version != 0) {
        return stele__fail(error, STELE_INVALID,
                           "the options have version %" PRIu32 "; this library knows 0",
                           options->version);
    }
    const stele_status status =
        store->backend->table->verify(store->backend, options, &result, error);
    if (ret_result && (status == STELE_OK || status == STELE_CORRUPT)) {
        *ret_result = result;
    }
    return status == STELE_OK ? stele__succeed(error) : status;
}
