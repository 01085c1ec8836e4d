/* The stash: bytes kept in order, memory counted and given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "server/connection/stash.h"

static uint8_t pattern(size_t i) {
  return (uint8_t)(i * 7 + i / 251);
}

static void bytes_come_out_as_they_went_in(void **state) {
  (void)state;
  struct stash_budget budget = {0, 1 << 20};
  struct stash stash = {0};
  size_t in = 0, out = 0;
  for (size_t step = 1; step < 400; step++) {
    for (size_t i = 0; i < step; i++) {
      uint8_t byte = pattern(in++);
      assert_int_equal(stash_put(&stash, &budget, &byte, 1), 0);
    }
    size_t drop = step / 2;
    for (size_t i = 0; i < drop; i++)
      assert_int_equal(stash.data[stash.at + i], pattern(out++));
    stash_drop(&stash, &budget, drop);
    assert_int_equal(stash_waiting(&stash), in - out);
    assert_int_equal(budget.used, stash.cap);
  }
  stash_drop(&stash, &budget, stash_waiting(&stash));
  assert_int_equal(budget.used, 0);
  assert_null(stash.data);
}

static void the_budget_refuses_and_nothing_is_lost(void **state) {
  (void)state;
  struct stash_budget budget = {0, 3 * STASH_FIRST};
  struct stash stash = {0}, other = {0};
  uint8_t bytes[2 * STASH_FIRST];
  memset(bytes, 'x', sizeof(bytes));
  assert_int_equal(stash_put(&stash, &budget, bytes, sizeof(bytes)), 0);
  assert_int_equal(stash_put(&stash, &budget, bytes, 1), WSL_NO_MEMORY);
  assert_int_equal(stash_waiting(&stash), sizeof(bytes));
  assert_int_equal(stash_put(&other, &budget, bytes, 1), 0);
  assert_false(stash_budget_take(&budget, 1));
  stash_free(&stash, &budget);
  stash_free(&other, &budget);
  assert_int_equal(budget.used, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_come_out_as_they_went_in),
      cmocka_unit_test(the_budget_refuses_and_nothing_is_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
