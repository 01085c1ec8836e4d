/* Making a run and taking it down: memory, descriptors, addresses, TLS, the backend's thread. */
#ifndef LOADGEN_RUN_SETUP_H
#define LOADGEN_RUN_SETUP_H

#include "loadgen/run_inner.h"

/* NULL after a failure, with the sentence in measurement->failure. */
struct run *run_setup(const struct options *options, struct measurement *measurement);
void run_takedown(struct run *run);

#endif
