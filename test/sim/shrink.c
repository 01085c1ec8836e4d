/* See shrink.h. Greedy, as delta debugging is: what fails simpler is the new start, and a whole round of ways
 * without one that fails is the end.
 */
#include "shrink.h"

#include <time.h>

#include "attempt.h"

static time_t seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/* Tries the ways once, from the boldest to the smallest; true when any was taken. */
static bool shrink_round(struct shrunk *best, time_t until) {
  struct plan simpler;
  struct death death;
  bool any = false;
  for (size_t way = 0; seconds() < until && plan_simpler(&best->plan, way, &simpler);) {
    best->tries++;
    if (!attempt_fails(&simpler, &death) || !death_same_kind(&death, &best->death)) {
      way++;
      continue;
    }
    best->plan = simpler; /* the same number is now the way behind it, or nearly */
    best->death = death;
    any = true;
  }
  return any;
}

void shrink(const struct plan *plan, const struct death *death, unsigned time_s, struct shrunk *shrunk) {
  *shrunk = (struct shrunk){.plan = *plan, .death = *death};
  time_t until = seconds() + (time_t)time_s;
  while (shrink_round(shrunk, until))
    ;
}
