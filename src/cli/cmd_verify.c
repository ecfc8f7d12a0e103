/* SPDX-License-Identifier: Apache-2.0 */
/* stele verify: every byte of a store, against its checksums. */
#include "cli.h"
#include "commands.h"
#include "json.h"
#include "progress.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    bool quiet;
} given;

static const cli_option options[] = {
    CLI_OPTION_FLAG('q', "quiet", &given.quiet, "no progress"),
    CLI_OPTION_END,
};

static void add_damage_json(cli_buffer *out, const stele_damage *damage)
{
    cli_buffer_add_text(out, "{\"damage\":");
    cli_json_add_string(out, damage->message, strlen(damage->message));
    cli_buffer_add_text(out, ",\"file\":");
    cli_json_add_string(out, damage->file ? damage->file : "",
                        damage->file ? strlen(damage->file) : 0);
    cli_buffer_format(out, ",\"offset\":%" PRIu64 ",\"position\":%" PRIu64 ",\"index\":%s}\n",
                      damage->offset, damage->position, damage->is_index ? "true" : "false");
}

static void add_damage_text(cli_buffer *out, const stele_damage *damage)
{
    cli_add_styled(out, CLI_BAD, "damaged", strlen("damaged"));
    cli_buffer_add_text(out, "  ");
    cli_add_printable(out, damage->file ? damage->file : "",
                      damage->file ? strlen(damage->file) : 0);
    cli_buffer_add_text(out, " at byte ");
    cli_add_count(out, damage->offset);
    if (damage->position > 0) {
        cli_buffer_add_text(out, ", position ");
        cli_add_count(out, damage->position);
    }
    cli_buffer_add_text(out, ": ");
    cli_add_printable(out, damage->message, strlen(damage->message));
    if (damage->is_index) {
        cli_buffer_add_text(out, " (index: heals when the store is next opened for writing)");
    }
    cli_buffer_add_byte(out, '\n');
}

static void show_damage(void *context, const stele_damage *damage)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_progress_end(context);
    if (cli_given.json) {
        add_damage_json(&out, damage);
    } else {
        add_damage_text(&out, damage);
    }
    cli_write(out.data, out.size);
}

static int show_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    cli_progress *progress = context;

    progress->total = bytes_total;
    cli_progress_show(progress, bytes_done, 0);
    return cli_caught_signal();
}

static void print_result(const stele_verify_result *result, int64_t elapsed)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_format(&out,
                          "{\"events\":%" PRIu64 ",\"commits\":%" PRIu64 ",\"bytes\":%" PRIu64
                          ",\"damages\":%" PRIu64 "}\n",
                          result->events, result->commits, result->bytes, result->damage_count);
    } else {
        cli_add_things(&out, result->events, "event");
        cli_buffer_add_text(&out, " in ");
        cli_add_things(&out, result->commits, "commit");
        cli_buffer_add_text(&out, ", ");
        cli_add_bytes(&out, result->bytes);
        cli_buffer_add_text(&out, " read in ");
        cli_add_duration(&out, elapsed);
        cli_buffer_add_text(&out, ": ");
        if (result->damage_count > 0) {
            cli_add_style(&out, CLI_BAD);
            cli_add_things(&out, result->damage_count, "damage");
            cli_add_style_end(&out, CLI_BAD);
        } else {
            cli_add_styled(&out, CLI_GOOD, "all is well", strlen("all is well"));
        }
        cli_buffer_add_byte(&out, '\n');
    }
    cli_write(out.data, out.size);
}

static int run_verify(char *const *operands, size_t operand_count)
{
    stele_verify_options verify = {.damage = show_damage, .progress = show_progress};
    stele_verify_result result = {0};
    stele_store *store = NULL;
    cli_progress progress;
    stele_status status;
    stele_error error;
    bool is_damaged = false;

    (void)operands;
    (void)operand_count;
    cli_catch_signals();
    status = cli_open(STELE_READ_ONLY, NULL, &store, &error);
    if (status == STELE_CORRUPT) {
        /* It does not open as it should. What else is wrong with it can still be found out. */
        (void)cli_fail(&error);
        is_damaged = true;
        status = cli_open(STELE_SALVAGE, NULL, &store, &error);
    }
    if (status != STELE_OK) {
        return cli_fail(&error);
    }
    cli_progress_begin(&progress, NULL, 0, given.quiet);
    verify.context = &progress;
    status = stele_verify(store, &verify, &result, &error);
    cli_progress_end(&progress);
    (void)stele_close(store, NULL);
    if (status == STELE_CANCELLED) {
        cli_complain("stopped before everything was read", NULL);
        return CLI_EXIT_INTERRUPTED;
    }
    if (status != STELE_OK && status != STELE_CORRUPT) {
        return cli_fail(&error);
    }
    if (is_damaged && result.damage_count == 0) {
        result.damage_count = 1; /* what kept the store from opening */
    }
    print_result(&result, cli_progress_elapsed(&progress));
    return status == STELE_OK && !is_damaged ? CLI_EXIT_OK : CLI_EXIT_CORRUPT;
}

const cli_command cli_command_verify = {
    .name = "verify",
    .group = "look after",
    .summary = "read every byte of a store and compare every checksum",
    .usage = "[OPTIONS]",
    .about = "Reads everything up to the head, compares every checksum, and compares the index "
             "with the log. Changes nothing, and works while another process writes. Each "
             "damage is a line; the exit code is 5 if there is any.",
    .examples = "  stele verify --store /srv/ledger\n",
    .tables = {options},
    .run = run_verify,
};
