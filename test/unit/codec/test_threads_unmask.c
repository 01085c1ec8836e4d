/* Threads that unmask for the first time at once all use the variant that pays on this processor (and
 * ThreadSanitizer has nothing to say about it).
 */
#include "support.h"

#include <pthread.h>

#include <wsluice/frame.h>

#include "codec/unmask.h"

#define THREADS 4u
#define LEN     1000u

static const uint8_t mask[4] = {1, 2, 3, 4};

static void *unmask_once(void *gate) {
  static const uint8_t zeros[LEN];
  uint8_t data[LEN] = {0};
  pthread_barrier_wait(gate);
  wsl_unmask(data, data, LEN, mask);
  const struct unmask_variant *chosen = unmask_chosen();
  wsl_unmask(data, data, LEN, mask);
  return memcmp(data, zeros, LEN) == 0 ? (void *)chosen : NULL;
}

static void all_use_what_was_chosen(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  pthread_barrier_t gate;
  assert_int_equal(pthread_barrier_init(&gate, NULL, THREADS), 0);
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, unmask_once, &gate), 0);
  for (size_t i = 0; i < THREADS; i++) {
    void *chosen;
    assert_int_equal(pthread_join(threads[i], &chosen), 0);
    size_t count;
    assert_ptr_equal(chosen, unmask_first_that_pays(unmask_variants(&count)));
  }
  pthread_barrier_destroy(&gate);
}

static bool no(void) {
  return false;
}

static bool yes(void) {
  return true;
}

static void what_does_not_pay_is_passed_over(void **state) {
  (void)state;
  const struct unmask_variant list[] = {
      {"missing", unmask_words, no, no},
      {"too dear", unmask_words, yes, no},
      {"good", unmask_words, yes, yes},
      {"slower", unmask_words, yes, yes},
  };
  assert_string_equal(unmask_first_that_pays(list)->name, "good");
}

/* A variant that pays but does not run would be the end of the process at the first long frame. */
static void what_pays_runs_and_the_last_does_both(void **state) {
  (void)state;
  size_t count;
  const struct unmask_variant *variants = unmask_variants(&count);
  for (size_t i = 0; i < count; i++)
    assert_true(variants[i].runs_here() || !variants[i].pays_here());
  assert_true(variants[count - 1].runs_here() && variants[count - 1].pays_here());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_use_what_was_chosen),
      cmocka_unit_test(what_does_not_pay_is_passed_over),
      cmocka_unit_test(what_pays_runs_and_the_last_does_both),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
