/* A whole measurement: backend, connections, warm-up, the measured time, and an orderly end. */
#ifndef LOADGEN_RUN_H
#define LOADGEN_RUN_H

#include "loadgen/measurement.h"
#include "loadgen/options.h"

/* Measures as the options say. The answer is in the measurement, failures as well; it must be freed. */
void run_measurement(const struct options *options, struct measurement *measurement);
void measurement_free(struct measurement *measurement);

#endif
