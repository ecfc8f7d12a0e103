/* SPDX-License-Identifier: Apache-2.0 */
/* stele compress: what is sealed becomes smaller. */
#include "cli.h"
#include "commands.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    const char *how;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 0, "how", "HOW", &given.how,
               "fast (the default): reads take two to four times as long; small: half of that "
               "size, and slow to read here and there",
               .choices = "fast|small"),
    CLI_OPTION_END,
};

static void print_outcome(const stele_info *before, const stele_info *after)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_format(&out,
                          "{\"log_bytes_before\":%" PRIu64 ",\"log_bytes\":%" PRIu64
                          ",\"segments\":%" PRIu64 ",\"compressed_segments\":%" PRIu64 "}\n",
                          before->log_bytes, after->log_bytes, after->segment_count,
                          after->compressed_segment_count);
    } else {
        cli_add_count(&out, after->compressed_segment_count);
        cli_buffer_add_text(&out, " of ");
        cli_add_things(&out, after->segment_count, "segment");
        cli_buffer_add_text(&out, " compressed; the log takes ");
        cli_add_bytes(&out, after->log_bytes);
        cli_buffer_add_text(&out, ", before ");
        cli_add_bytes(&out, before->log_bytes);
        cli_buffer_add_byte(&out, '\n');
    }
    cli_write(out.data, out.size);
}

/* Opens the store for reading and describes it. */
static stele_status describe(stele_info *ret_info, stele_error *reterr)
{
    stele_store *store = NULL;
    stele_status status = cli_open(STELE_READ_ONLY, NULL, &store, reterr);

    if (status == STELE_OK) {
        status = stele_describe(store, ret_info, reterr);
        (void)stele_close(store, NULL);
    }
    return status;
}

static int run_compress(char *const *operands, size_t operand_count)
{
    const stele_options store_options = {.compression = given.how ? cli_compression_of(given.how)
                                                                  : STELE_COMPRESS_FAST};
    stele_store *store = NULL;
    stele_info before;
    stele_info after;
    stele_error error;
    int result;

    (void)operands;
    (void)operand_count;
    if (describe(&before, &error) != STELE_OK ||
        cli_open(STELE_MUST_EXIST, &store_options, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    result = cli_close(store); /* that is when all of it is done */
    if (result == CLI_EXIT_OK) {
        if (describe(&after, &error) != STELE_OK) {
            return cli_fail(&error);
        }
        print_outcome(&before, &after);
    }
    return result;
}

const cli_command cli_command_compress = {
    .name = "compress",
    .group = "look after",
    .summary = "make what is sealed smaller",
    .usage = "[OPTIONS]",
    .about = "Seals and compresses what has been appended, but for the last few events if they are "
             "less than 64 KiB. Any command reads compressed segments. What was compressed stays "
             "so; it is not compressed again in another way. If this is stopped, it goes on the "
             "next time with the first segment that is not compressed.",
    .examples = "  stele compress\n"
                "  stele compress --how small --store /srv/archive\n",
    .tables = {options},
    .run = run_compress,
};
