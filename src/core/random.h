/* A small fast generator of numbers that nobody needs to be unable to guess: jitter, shuffles,
 * simulation. Whatever protects something takes random_bytes() of core/hash instead.
 *
 * The state is the caller's, one a thread; the same seed gives the same numbers on every machine, so
 * that a simulated run can be repeated.
 */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stdint.h>

struct random_source {
  uint64_t state;
};

/* Any seed is good, 0 too. */
void random_seed(struct random_source *source, uint64_t seed);

/* The next 64 bits. */
uint64_t random_next(struct random_source *source);

/* A number in 0..bound-1; `bound` is not 0. Even to within bound / 2^32. */
uint32_t random_below(struct random_source *source, uint32_t bound);

#endif
