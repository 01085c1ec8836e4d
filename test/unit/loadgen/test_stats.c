/* Medians and spreads of small samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadgen/stats.h"

#define CHECK(expected_least, expected_median, expected_most, ...)               \
  do {                                                                           \
    double values[] = {__VA_ARGS__};                                             \
    struct spread spread = stats_spread(values, sizeof values / sizeof *values); \
    assert_true(spread.least == (expected_least));                               \
    assert_true(spread.median == (expected_median));                             \
    assert_true(spread.most == (expected_most));                                 \
  } while (0)

static void test_spread(void **state) {
  (void)state;
  CHECK(7, 7, 7, 7);
  CHECK(1, 1.5, 2, 2, 1);
  CHECK(1, 2, 3, 3, 1, 2);
  CHECK(-1, 2.5, 9, 9, 2, 3, -1);
  CHECK(5, 5, 5, 5, 5, 5, 5);
}

static void test_no_values(void **state) {
  (void)state;
  struct spread spread = stats_spread(NULL, 0);
  assert_true(spread.least == 0 && spread.median == 0 && spread.most == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spread), cmocka_unit_test(test_no_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
