/* SPDX-License-Identifier: Apache-2.0 */
/* The first thing that went wrong in a run. */
#include "sim/report.h"

#include <stdarg.h>
#include <stdio.h>

bool sim_report_fail(sim_report *report, const char *format, ...)
{
    if (!report->has_failed) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(report->text, sizeof report->text, format, arguments);
        va_end(arguments);
        report->has_failed = true;
    }
    return false;
}

void sim_report_saw(sim_report *report, stele_status status)
{
    if (!report->has_failed) {
        report->saw_corruption = status == STELE_CORRUPT;
    }
}

bool sim_report_is_told(stele_status status, const stele_error *error)
{
    return error->status == status && error->message[0] != '\0' &&
           (error->detail == 0 || ((unsigned)error->detail & 0xff) == (unsigned)status);
}

bool sim_report_pass_on(sim_report *report, const sim_report *other)
{
    report->saw_io_error = report->saw_io_error || other->saw_io_error;
    report->saw_corruption = report->saw_corruption || other->saw_corruption;
    return sim_report_fail(report, "%s", other->text);
}
