/* The buffer pool: alignment, headroom, the ceiling, and who waits is woken in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/buffer_pool.h"

#define SIZE 1000u

struct waiter {
  struct buffer_waiter waiter;
  int woken;
};

static void on_wake(struct buffer_waiter *waiter) {
  LIST_ENTRY(waiter, struct waiter, waiter)->woken++;
}

static void data_is_aligned_with_headroom(void **state) {
  (void)state;
  struct buffer_pool pool;
  buffer_pool_init(&pool, SIZE, 2);
  struct buffer *buffer = buffer_borrow(&pool);
  assert_non_null(buffer);
  assert_int_equal((uintptr_t)buffer->data % 64, 0);
  memset(buffer->data - BUFFER_HEADROOM, 0xff, BUFFER_HEADROOM + SIZE); /* the sanitizer watches */
  buffer_return(&pool, buffer);
  buffer_return(&pool, NULL);
  buffer_pool_destroy(&pool);
}

static void the_ceiling_holds(void **state) {
  (void)state;
  struct buffer_pool pool;
  buffer_pool_init(&pool, SIZE, 2);
  struct buffer *a = buffer_borrow(&pool), *b = buffer_borrow(&pool);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(buffer_borrow(&pool));
  buffer_return(&pool, a);
  assert_ptr_equal(buffer_borrow(&pool), a); /* reused, not made anew */
  assert_int_equal(pool.existing, 2);
  buffer_return(&pool, a);
  buffer_return(&pool, b);
  buffer_pool_destroy(&pool);
}

static void the_rest_goes_back_to_the_system(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct buffer *all[2 * BUFFER_POOL_KEEP];
  buffer_pool_init(&pool, SIZE, 2 * BUFFER_POOL_KEEP);
  for (size_t i = 0; i < 2 * BUFFER_POOL_KEEP; i++)
    all[i] = buffer_borrow(&pool);
  for (size_t i = 0; i < 2 * BUFFER_POOL_KEEP; i++)
    buffer_return(&pool, all[i]);
  assert_int_equal(pool.existing, BUFFER_POOL_KEEP);
  assert_int_equal(pool.free_count, BUFFER_POOL_KEEP);
  buffer_pool_destroy(&pool);
}

struct queue {
  struct buffer_pool pool;
  struct buffer *lent;
  struct waiter first, second;
};

/* One buffer in all, lent; two wait for it. */
static void line_up(struct queue *q) {
  *q = (struct queue){.lent = NULL};
  buffer_pool_init(&q->pool, SIZE, 1);
  q->lent = buffer_borrow(&q->pool);
  buffer_waiter_init(&q->first.waiter, on_wake);
  buffer_waiter_init(&q->second.waiter, on_wake);
  buffer_wait(&q->pool, &q->first.waiter);
  buffer_wait(&q->pool, &q->first.waiter); /* harmless */
  buffer_wait(&q->pool, &q->second.waiter);
}

static void waiters_are_woken_in_turn(void **state) {
  (void)state;
  struct queue q;
  line_up(&q);
  buffer_return(&q.pool, q.lent);
  assert_int_equal(q.first.woken, 1);
  assert_int_equal(q.second.woken, 0);
  q.lent = buffer_borrow(&q.pool);
  buffer_return(&q.pool, q.lent);
  assert_int_equal(q.first.woken, 1);
  assert_int_equal(q.second.woken, 1);
  buffer_pool_destroy(&q.pool);
}

static void who_leaves_the_line_is_not_woken(void **state) {
  (void)state;
  struct queue q;
  line_up(&q);
  buffer_wait_cancel(&q.first.waiter);
  buffer_wait_cancel(&q.first.waiter); /* harmless */
  assert_int_equal(q.second.woken, 0); /* there is no buffer yet */
  buffer_return(&q.pool, q.lent);
  assert_int_equal(q.first.woken, 0);
  assert_int_equal(q.second.woken, 1);
  buffer_pool_destroy(&q.pool);
}

/* The first was woken and ends without borrowing: the second must not wait beside a free buffer. */
static void a_turn_that_is_not_taken_passes_on(void **state) {
  (void)state;
  struct queue q;
  line_up(&q);
  buffer_return(&q.pool, q.lent);
  assert_int_equal(q.second.woken, 0);
  buffer_wait_cancel(&q.first.waiter);
  assert_int_equal(q.second.woken, 1);
  buffer_pool_destroy(&q.pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_is_aligned_with_headroom),
      cmocka_unit_test(the_ceiling_holds),
      cmocka_unit_test(the_rest_goes_back_to_the_system),
      cmocka_unit_test(waiters_are_woken_in_turn),
      cmocka_unit_test(who_leaves_the_line_is_not_woken),
      cmocka_unit_test(a_turn_that_is_not_taken_passes_on),
  };
  return cmocka_run_group_tests_name("net/buffer_pool", tests, NULL, NULL);
}
