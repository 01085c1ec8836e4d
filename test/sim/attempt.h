/* One plan played in a process of its own, which may die of it. */
#ifndef SIM_ATTEMPT_H
#define SIM_ATTEMPT_H

#include "death.h"
#include "plan.h"

/* Plays it; false when it came to its end, true when something was wrong: `death` says what. */
bool attempt_fails(const struct plan *plan, struct death *death);

#endif
