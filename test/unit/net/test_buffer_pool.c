/* ctest: wrap=posix_memalign */
/* The buffer pool: alignment, headroom, the ceiling, and who waits is woken in turn, what is kept for the
 * each way, the spare ones, and who waits for memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/buffer_pool.h"

#define SIZE 1000u

static bool memory_is_short;

int __real_posix_memalign(void **memory, size_t alignment, size_t len);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t len);

int __wrap_posix_memalign(void **memory, size_t alignment, size_t len) {
  return memory_is_short ? ENOMEM : __real_posix_memalign(memory, alignment, len);
}

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
  struct buffer *buffer = buffer_borrow(&pool, BUFFER_DOWN);
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
  struct buffer *a = buffer_borrow(&pool, BUFFER_DOWN), *b = buffer_borrow(&pool, BUFFER_UP);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(buffer_borrow(&pool, BUFFER_DOWN));
  assert_null(buffer_borrow(&pool, BUFFER_UP));
  buffer_return(&pool, a);
  assert_ptr_equal(buffer_borrow(&pool, BUFFER_DOWN), a); /* reused, not made anew */
  assert_int_equal(pool.existing, 2);
  buffer_return(&pool, a);
  buffer_return(&pool, b);
  buffer_pool_destroy(&pool);
}

static void the_rest_goes_back_to_the_system(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct buffer *all[2 * BUFFER_POOL_KEEP];
  buffer_pool_init(&pool, SIZE, 4 * BUFFER_POOL_KEEP);
  for (size_t i = 0; i < 2 * BUFFER_POOL_KEEP; i++)
    all[i] = buffer_borrow(&pool, BUFFER_DOWN);
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
  q->lent = buffer_borrow(&q->pool, BUFFER_DOWN);
  buffer_waiter_init(&q->first.waiter, on_wake);
  buffer_waiter_init(&q->second.waiter, on_wake);
  buffer_wait(&q->pool, &q->first.waiter, BUFFER_DOWN);
  buffer_wait(&q->pool, &q->first.waiter, BUFFER_DOWN); /* harmless */
  buffer_wait(&q->pool, &q->second.waiter, BUFFER_DOWN);
}

static void waiters_are_woken_in_turn(void **state) {
  (void)state;
  struct queue q;
  line_up(&q);
  buffer_return(&q.pool, q.lent);
  assert_int_equal(q.first.woken, 1);
  assert_int_equal(q.second.woken, 0);
  q.lent = buffer_borrow(&q.pool, BUFFER_DOWN);
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

/* Neither way may have all: four buffers in all, one of them for the other way. */
static void expect_a_part_is_kept(enum buffer_way greedy, enum buffer_way other) {
  struct buffer_pool pool;
  struct buffer *lent[3];
  buffer_pool_init(&pool, SIZE, 4);
  for (size_t i = 0; i < 3; i++)
    assert_non_null(lent[i] = buffer_borrow(&pool, greedy));
  assert_null(buffer_borrow(&pool, greedy));
  struct buffer *last = buffer_borrow(&pool, other);
  assert_non_null(last);
  assert_null(buffer_borrow(&pool, other));
  buffer_return(&pool, last);
  assert_null(buffer_borrow(&pool, greedy)); /* free, but kept */
  for (size_t i = 0; i < 3; i++)
    buffer_return(&pool, lent[i]);
  buffer_pool_destroy(&pool);
}

static void a_part_is_kept_for_either_way(void **state) {
  (void)state;
  expect_a_part_is_kept(BUFFER_UP, BUFFER_DOWN);
  expect_a_part_is_kept(BUFFER_DOWN, BUFFER_UP);
}

/* Where all others are lent, and no more of them than there may be. */
static void spare_ones_come_on_top(void **state) {
  (void)state;
  struct buffer_pool pool;
  buffer_pool_init(&pool, SIZE, 1);
  assert_null(buffer_borrow_spare(&pool, BUFFER_UP)); /* there are none */
  buffer_pool_lend_spares(&pool, 2, 100);
  struct buffer *last = buffer_borrow(&pool, BUFFER_DOWN);
  struct buffer *a = buffer_borrow_spare(&pool, BUFFER_UP), *b = buffer_borrow_spare(&pool, BUFFER_DOWN);
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(a->size, 100);
  memset(b->data - BUFFER_HEADROOM, 0xff, BUFFER_HEADROOM + 100);
  assert_null(buffer_borrow_spare(&pool, BUFFER_UP));
  buffer_return(&pool, a);
  assert_null(buffer_borrow(&pool, BUFFER_UP)); /* is no place under the ceiling */
  assert_ptr_equal(buffer_borrow_spare(&pool, BUFFER_DOWN), a);
  assert_int_equal(pool.existing, 1);
  buffer_return(&pool, a);
  buffer_return(&pool, b);
  buffer_return(&pool, last);
  buffer_pool_destroy(&pool);
}

/* Two buffers, a quarter of which is one, both lent; one waits for each way, the one for the way up came
 * first. */
struct crossing {
  struct buffer_pool pool;
  struct buffer *lent_up, *lent_down;
  struct waiter up, down;
};

static void cross(struct crossing *c) {
  *c = (struct crossing){.lent_up = NULL};
  buffer_pool_init(&c->pool, SIZE, 2);
  c->lent_up = buffer_borrow(&c->pool, BUFFER_UP);
  c->lent_down = buffer_borrow(&c->pool, BUFFER_DOWN);
  buffer_waiter_init(&c->up.waiter, on_wake);
  buffer_waiter_init(&c->down.waiter, on_wake);
  buffer_wait(&c->pool, &c->up.waiter, BUFFER_UP);
  buffer_wait(&c->pool, &c->down.waiter, BUFFER_DOWN);
}

static void who_may_not_have_it_is_passed_over(void **state) {
  (void)state;
  struct crossing c;
  cross(&c);
  buffer_return(&c.pool, c.lent_down);
  assert_int_equal(c.up.woken, 0);
  assert_int_equal(c.down.woken, 1);
  buffer_return(&c.pool, c.lent_up);
  assert_int_equal(c.up.woken, 1);
  buffer_pool_destroy(&c.pool);
}

/* Four buffers. Somebody is faster than the one that was woken for the way up, and leaves only what is kept
 * for the way down: whoever waits there has the turn. */
static void a_turn_that_came_too_late_passes_on_to_the_other_way(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct buffer *up[3];
  struct waiter up_waiter = {.woken = 0}, down_waiter = {.woken = 0};
  buffer_pool_init(&pool, SIZE, 4);
  buffer_waiter_init(&up_waiter.waiter, on_wake);
  buffer_waiter_init(&down_waiter.waiter, on_wake);
  for (size_t i = 0; i < 3; i++)
    up[i] = buffer_borrow(&pool, BUFFER_UP);
  struct buffer *down = buffer_borrow(&pool, BUFFER_DOWN);
  buffer_wait(&pool, &up_waiter.waiter, BUFFER_UP);
  buffer_wait(&pool, &down_waiter.waiter, BUFFER_DOWN);
  buffer_return(&pool, up[0]);
  assert_int_equal(up_waiter.woken, 1);
  up[0] = buffer_borrow(&pool, BUFFER_UP); /* faster */
  buffer_return(&pool, down);
  assert_int_equal(down_waiter.woken, 1);
  buffer_wait(&pool, &down_waiter.waiter, BUFFER_DOWN); /* has no use for it now */
  assert_int_equal(down_waiter.woken, 1);
  buffer_wait(&pool, &up_waiter.waiter, BUFFER_UP);
  assert_int_equal(down_waiter.woken, 2);
  buffer_wait_cancel(&up_waiter.waiter);
  for (size_t i = 0; i < 3; i++)
    buffer_return(&pool, up[i]);
  buffer_pool_destroy(&pool);
}

static void who_has_waited_since_when_is_counted(void **state) {
  (void)state;
  struct crossing c;
  cross(&c);
  assert_int_equal(buffer_pool_waiting(&c.pool, c.pool.tickets), 2);
  assert_int_equal(buffer_pool_waiting(&c.pool, c.down.waiter.ticket), 1);
  assert_int_equal(buffer_pool_waiting(&c.pool, c.up.waiter.ticket), 0);
  buffer_wait_cancel(&c.up.waiter);
  assert_int_equal(buffer_pool_waiting(&c.pool, c.pool.tickets), 1);
  buffer_wait_cancel(&c.down.waiter);
  buffer_return(&c.pool, c.lent_down);
  buffer_return(&c.pool, c.lent_up);
  buffer_pool_destroy(&c.pool);
}

/* No buffer is lent, so none will come back: who waits must be woken all the same. */
static void who_finds_no_memory_is_woken_to_ask_again(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct timers timers;
  struct waiter first = {.woken = 0}, second = {.woken = 0};
  timers_init(&timers, 1000);
  buffer_pool_init(&pool, SIZE, 4);
  buffer_pool_retry(&pool, &timers);
  buffer_waiter_init(&first.waiter, on_wake);
  buffer_waiter_init(&second.waiter, on_wake);
  memory_is_short = true;
  assert_null(buffer_borrow(&pool, BUFFER_DOWN));
  buffer_wait(&pool, &first.waiter, BUFFER_DOWN);
  buffer_wait(&pool, &second.waiter, BUFFER_DOWN);
  timers_run(&timers, 1000 + BUFFER_RETRY_MS);
  assert_int_equal(first.woken, 1);
  buffer_wait(&pool, &first.waiter, BUFFER_DOWN); /* still none */
  timers_run(&timers, 1000 + 3 * BUFFER_RETRY_MS);
  assert_int_equal(second.woken, 1);
  memory_is_short = false;
  struct buffer *buffer = buffer_borrow(&pool, BUFFER_DOWN);
  assert_non_null(buffer);
  buffer_wait_cancel(&second.waiter);
  assert_int_equal(first.woken, 2);
  buffer_wait_cancel(&first.waiter);
  assert_int_equal(timers_next_ms(&timers), -1); /* nobody waits: nothing to wake up for */
  buffer_return(&pool, buffer);
  buffer_pool_destroy(&pool);
}

#define LARGE (10 * SIZE)

static void large_ones_leave_half_to_small_ones(void **state) {
  (void)state;
  struct buffer_pool pool;
  buffer_pool_init(&pool, SIZE, 50);
  buffer_pool_lend_large(&pool, LARGE);
  struct buffer *lent[3];
  for (int i = 0; i < 3; i++)
    assert_non_null(lent[i] = buffer_borrow_large(&pool, BUFFER_UP));
  assert_int_equal(lent[0]->size, LARGE);
  memset(lent[1]->data - BUFFER_HEADROOM, 0xff, BUFFER_HEADROOM + LARGE);
  assert_int_equal(lent[1]->size, LARGE);
  assert_int_equal(lent[2]->size, SIZE); /* a third would take more than half */
  assert_int_equal(pool.existing, 21);
  for (int i = 0; i < 3; i++)
    buffer_return(&pool, lent[i]);
  assert_int_equal(pool.free_count, 21);
  buffer_pool_destroy(&pool);
}

static void without_large_ones_small_ones_do(void **state) {
  (void)state;
  struct buffer_pool pool;
  buffer_pool_init(&pool, SIZE, 1);
  struct buffer *buffer = buffer_borrow_large(&pool, BUFFER_DOWN);
  assert_int_equal(buffer->size, SIZE);
  assert_null(buffer_borrow_large(&pool, BUFFER_DOWN));
  buffer_return(&pool, buffer);
  buffer_pool_destroy(&pool);
}

/* What lies on a shelf stands in nobody's way under the ceiling. */
static void free_ones_make_room_for_the_other_class(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct buffer *lent[20];
  buffer_pool_init(&pool, SIZE, 20);
  buffer_pool_lend_large(&pool, LARGE);
  buffer_return(&pool, buffer_borrow_large(&pool, BUFFER_DOWN));
  for (int i = 0; i < 20; i++)
    assert_non_null(lent[i] = buffer_borrow(&pool, i < 10 ? BUFFER_UP : BUFFER_DOWN));
  assert_int_equal(pool.existing, 20);
  assert_null(buffer_borrow(&pool, BUFFER_DOWN));
  for (int i = 0; i < 20; i++)
    buffer_return(&pool, lent[i]);
  assert_int_equal(pool.free_count, BUFFER_POOL_KEEP);
  for (int i = 0; i < 7; i++)
    lent[i] = buffer_borrow(&pool, BUFFER_DOWN);
  for (int i = 7; i < 20; i++)
    assert_non_null(lent[i] = buffer_borrow(&pool, BUFFER_UP));
  for (int i = 0; i < 20; i++)
    buffer_return(&pool, lent[i]);
  lent[0] = buffer_borrow_large(&pool, BUFFER_DOWN);
  assert_int_equal(lent[0]->size, LARGE);
  assert_in_range(pool.existing, 10, 20);
  buffer_return(&pool, lent[0]);
  buffer_pool_destroy(&pool);
}

/* As large as the program's: they have pages of their own, of which four stay. */
static void large_ones_go_back_to_the_system(void **state) {
  (void)state;
  struct buffer_pool pool;
  struct buffer *lent[2 * BUFFER_POOL_KEEP_LARGE];
  buffer_pool_init(&pool, 16384, 16 * 64);
  buffer_pool_lend_large(&pool, 16 * 16384);
  for (size_t i = 0; i < 2 * BUFFER_POOL_KEEP_LARGE; i++) {
    assert_non_null(lent[i] = buffer_borrow_large(&pool, BUFFER_DOWN));
    assert_int_equal((uintptr_t)lent[i]->data % 64, 0);
    memset(lent[i]->data - BUFFER_HEADROOM, 0xff, BUFFER_HEADROOM + lent[i]->size);
  }
  for (size_t i = 0; i < 2 * BUFFER_POOL_KEEP_LARGE; i++)
    buffer_return(&pool, lent[i]);
  assert_int_equal(pool.shelves[BUFFER_LARGE].count, BUFFER_POOL_KEEP_LARGE);
  assert_int_equal(pool.existing, 16 * BUFFER_POOL_KEEP_LARGE);
  buffer_pool_destroy(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_is_aligned_with_headroom),
      cmocka_unit_test(the_ceiling_holds),
      cmocka_unit_test(the_rest_goes_back_to_the_system),
      cmocka_unit_test(waiters_are_woken_in_turn),
      cmocka_unit_test(who_leaves_the_line_is_not_woken),
      cmocka_unit_test(a_turn_that_is_not_taken_passes_on),
      cmocka_unit_test(a_part_is_kept_for_either_way),
      cmocka_unit_test(spare_ones_come_on_top),
      cmocka_unit_test(who_may_not_have_it_is_passed_over),
      cmocka_unit_test(a_turn_that_came_too_late_passes_on_to_the_other_way),
      cmocka_unit_test(who_has_waited_since_when_is_counted),
      cmocka_unit_test(who_finds_no_memory_is_woken_to_ask_again),
      cmocka_unit_test(large_ones_leave_half_to_small_ones),
      cmocka_unit_test(without_large_ones_small_ones_do),
      cmocka_unit_test(free_ones_make_room_for_the_other_class),
      cmocka_unit_test(large_ones_go_back_to_the_system),
  };
  return cmocka_run_group_tests_name("net/buffer_pool", tests, NULL, NULL);
}
