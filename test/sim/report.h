/* What a person gets to read about a seed that fails. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "runner.h"
#include "shrink.h"

/* The fault, the shortest story (NULL: not looked for), and how to replay it. */
void report_failure(const struct failure *failure, const struct shrunk *shrunk, FILE *out);

void report_run(const struct run *run, const struct run_result *result, FILE *out);

#endif
