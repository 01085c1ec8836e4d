/* SplitMix64: a counter with an odd step, put through a mixing function (Steele, Lea, Flood: "Fast
 * splittable pseudorandom number generators", 2014). One word of state, no bad seeds, period 2^64.
 */
#include "core/random.h"

#include <assert.h>

/* 2^64 divided by the golden ratio, made odd; and the paper's two multipliers. */
#define STEP  UINT64_C(0x9e3779b97f4a7c15)
#define MIX_1 UINT64_C(0xbf58476d1ce4e5b9)
#define MIX_2 UINT64_C(0x94d049bb133111eb)

void random_seed(struct random_source *source, uint64_t seed) {
  source->state = seed;
}

uint64_t random_next(struct random_source *source) {
  source->state += STEP;
  uint64_t mixed = source->state;
  mixed = (mixed ^ (mixed >> 30)) * MIX_1;
  mixed = (mixed ^ (mixed >> 27)) * MIX_2;
  return mixed ^ (mixed >> 31);
}

uint32_t random_below(struct random_source *source, uint32_t bound) {
  assert(bound > 0);
  /* The upper half scaled down by a multiplication: cheaper than a division, and no modulo bias. */
  return (uint32_t)((random_next(source) >> 32) * bound >> 32);
}
