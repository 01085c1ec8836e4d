/* Saying what a run has found out: a table for people, one JSON object for programs. */
#ifndef LOADGEN_REPORT_H
#define LOADGEN_REPORT_H

#include <stdio.h>

#include "loadgen/measurement.h"
#include "loadgen/options.h"

/* The table, with a picture of the latencies. */
void report_human(const struct options *options, const struct measurement *measurement, FILE *out);

/* The object, on several lines; also of a run that failed (its figures are then what they are). */
void report_json(const struct options *options, const struct measurement *measurement, FILE *out);

/* Numbers with units, in buffers of REPORT_NUMBER_MAX; each returns `out`. */
#define REPORT_NUMBER_MAX 32u
const char *report_rate(double bytes_per_s, char out[REPORT_NUMBER_MAX]);
const char *report_size(double bytes, char out[REPORT_NUMBER_MAX]);
const char *report_count(double count, char out[REPORT_NUMBER_MAX]);
const char *report_time(double ns, char out[REPORT_NUMBER_MAX]);

#endif
