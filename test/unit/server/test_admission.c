/* Places are neither exceeded nor lost, and whoever waits is woken; also with threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "core/log.h"
#include "server/admission.h"

#define THREADS 4
#define ROUNDS  20000

struct test_waiter {
  struct admission_waiter waiter; /* first */
  atomic_uint wakes;
};

static struct admission admission;
static struct test_waiter waiters[THREADS];
static struct admission_waiter *table[THREADS];
static atomic_uint inside, most_inside;

static void on_wake(struct admission_waiter *waiter) {
  atomic_fetch_add(&((struct test_waiter *)(void *)waiter)->wakes, 1);
}

static void set_up(size_t cap) {
  for (unsigned i = 0; i < THREADS; i++) {
    waiters[i] = (struct test_waiter){.waiter.wake = on_wake};
    table[i] = &waiters[i].waiter;
  }
  admission_init(&admission, cap, table, THREADS);
}

static void the_cap_holds_and_a_place_wakes(void **state) {
  (void)state;
  set_up(2);
  assert_true(admission_acquire(&admission, table[0]));
  assert_true(admission_acquire(&admission, table[1]));
  assert_false(admission_acquire(&admission, table[0]));
  assert_false(admission_acquire(&admission, table[0])); /* asking twice marks once */
  assert_false(admission_acquire(&admission, table[2]));
  assert_int_equal(waiters[0].wakes, 0);
  admission_release(&admission);
  assert_int_equal(waiters[0].wakes, 1);
  assert_int_equal(waiters[1].wakes, 0);
  assert_int_equal(waiters[2].wakes, 1);
  admission_release(&admission);
  assert_int_equal(waiters[0].wakes, 1); /* nobody waits any more */
  assert_int_equal(admission_open(&admission), 0);
  assert_int_equal(atomic_load(&admission.waiting), 0);
}

static unsigned lines;
static void count_lines(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  (void)level;
  (void)id;
  (void)text;
  lines++;
}

static void one_line_at_each_change(void **state) {
  (void)state;
  set_up(1);
  lines = 0;
  log_set_sink(count_lines);
  assert_true(admission_acquire(&admission, table[0]));
  assert_false(admission_acquire(&admission, table[0]));
  assert_false(admission_acquire(&admission, table[1]));
  assert_int_equal(lines, 1);
  admission_release(&admission);
  assert_int_equal(lines, 2);
  log_set_sink(NULL);
}

/* A waiter that was not woken would hang here for ever: the test's time limit shows it. */
static void *come_and_go(void *argument) {
  struct test_waiter *self = argument;
  for (int i = 0; i < ROUNDS; i++) {
    unsigned seen = atomic_load(&self->wakes);
    while (!admission_acquire(&admission, &self->waiter)) {
      while (atomic_load(&self->wakes) == seen)
        sched_yield();
      seen = atomic_load(&self->wakes);
    }
    unsigned now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);
    while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now)) {
    }
    atomic_fetch_sub(&inside, 1);
    admission_release(&admission);
  }
  return NULL;
}

static void ignore_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  (void)level;
  (void)id;
  (void)text;
}

static void no_wake_up_is_lost_between_threads(void **state) {
  (void)state;
  set_up(1);
  log_set_sink(ignore_line);
  pthread_t threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &waiters[i]), 0);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  log_set_sink(NULL);
  assert_int_equal(admission_open(&admission), 0);
  assert_int_equal(most_inside, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cap_holds_and_a_place_wakes),
      cmocka_unit_test(one_line_at_each_change),
      cmocka_unit_test(no_wake_up_is_lost_between_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
