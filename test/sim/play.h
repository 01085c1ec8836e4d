/* One life of a worker's sessions, played from a plan: the code of bridge/ between simulated peers, on a
 * simulated clock, watched by the model (model.h).
 */
#ifndef SIM_PLAY_H
#define SIM_PLAY_H

#include "plan.h"

/* Plays it. Comes back when every session has ended and nothing is left of any; where the model, an
 * assertion or a sanitizer finds a fault, the process ends: sim_fail() says what was wrong, and aborts.
 * Deterministic: the same plan is the same life. */
void play(const struct plan *plan);

#endif
