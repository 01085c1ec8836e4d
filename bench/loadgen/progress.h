/* A line a second on standard error while a run lasts: which phase, how fast, for how much longer. */
#ifndef LOADGEN_PROGRESS_H
#define LOADGEN_PROGRESS_H

#include "loadgen/run_inner.h"

/* `rate`: bytes (mode connect: visits) a second. Nothing where no progress is wished. */
void progress_say(const struct run *run, double rate);

/* Makes room for what is printed next. */
void progress_end(const struct run *run);

#endif
