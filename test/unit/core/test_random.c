/* core/random: the published sequence, repeatability, and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"

/* The first outputs for seed 1234567 as published with SplitMix64's reference implementations. */
static void the_published_sequence(void **state) {
  (void)state;
  static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
  struct random_source source;
  random_seed(&source, 1234567);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    assert_true(random_next(&source) == expected[i]);
  }
}

static void numbers_stay_below_the_bound_and_reach_all_of_it(void **state) {
  (void)state;
  static const uint32_t bounds[] = {1, 2, 3, 7, 10};
  struct random_source source;
  random_seed(&source, 0);
  for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
    unsigned hits[10] = {0};
    for (int n = 0; n < 1000; n++) {
      uint32_t number = random_below(&source, bounds[i]);
      assert_true(number < bounds[i]);
      hits[number]++;
    }
    for (uint32_t n = 0; n < bounds[i]; n++)
      assert_true(hits[n] > 1000 / bounds[i] / 2);
  }
  uint32_t highest = 0;
  for (int n = 0; n < 1000; n++) {
    uint32_t number = random_below(&source, UINT32_MAX);
    if (number > highest) highest = number;
  }
  assert_true(highest > UINT32_MAX / 10 * 9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_sequence),
      cmocka_unit_test(numbers_stay_below_the_bound_and_reach_all_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
