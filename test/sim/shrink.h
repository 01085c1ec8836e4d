/* The search for the shortest plan that still fails in the same way. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "death.h"
#include "plan.h"

struct shrunk {
  struct plan plan;
  struct death death; /* as the shortest dies */
  size_t tries;
};

/* Tries each way that plan_simpler() knows until none is left that fails like `death`, or `time_s` is over.
 * `plan` has failed so. */
void shrink(const struct plan *plan, const struct death *death, unsigned time_s, struct shrunk *shrunk);

#endif
