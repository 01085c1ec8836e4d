/* Plays many seeds in a few worker processes, each one after the other in the same process, and notices
 * which seed a worker dies of.
 */
#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include <stdint.h>

#include "death.h"

#define FAILURES_MAX 3u

struct run {
  uint64_t first, count; /* seeds */
  unsigned jobs;         /* worker processes */
  unsigned failures_max; /* seeds that may fail before it stops; up to FAILURES_MAX */
};

struct failure {
  uint64_t seed;
  struct death death;
};

struct run_result {
  uint64_t played;
  double seconds;
  unsigned failure_count;
  struct failure failures[FAILURES_MAX]; /* by seed */
};

/* Prints a line of progress every few seconds. Stops when enough seeds have failed, and a moment after the
 * first one did. */
void run_seeds(const struct run *run, struct run_result *result);

#endif
