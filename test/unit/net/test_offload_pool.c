/* ctest: threads */
/* Jobs in libuv's pool: off the loop, at most so many at once, the others in line; cancelled only while
 * they wait; and one word when all is quiet.
 */
#include "loopback.h"

#include "net/offload_pool.h"

#define JOBS (3u * OFFLOAD_RUNNING_MAX)

struct job {
  struct offload_job job; /* first */
  struct test *test;
  uv_thread_t worked_on;
  unsigned number, started_anew;
  bool worked, done;
};

struct test {
  struct offload_pool pool; /* first: on_quiet finds it */
  uv_loop_t loop;
  struct job jobs[JOBS];
  uv_mutex_t gate; /* what `work` must pass */
  unsigned order[2 * JOBS], dones, quiet;
  size_t most_running;
  bool all_done;
};

static void work(struct offload_job *job) {
  struct job *j = (struct job *)(void *)job;
  uv_mutex_lock(&j->test->gate);
  j->worked_on = uv_thread_self();
  j->worked = true;
  uv_mutex_unlock(&j->test->gate);
}

static void done(struct offload_job *job) {
  struct job *j = (struct job *)(void *)job;
  struct test *t = j->test;
  assert_true(j->worked);
  j->done = true;
  if (t->pool.running + 1 > t->most_running) t->most_running = t->pool.running + 1;
  t->order[t->dones++] = j->number;
  if (j->started_anew > 0) {
    j->started_anew--;
    offload_start(&t->pool.offload, job, work, done);
  }
}

static void on_quiet(struct offload_pool *pool) {
  struct test *t = (struct test *)(void *)pool;
  t->quiet++;
  t->all_done = true;
  assert_int_equal(pool->running, 0);
  assert_true(list_empty(&pool->waiting));
}

static int setup(void **state) {
  struct test *t = calloc(1, sizeof *t);
  assert_int_equal(uv_loop_init(&t->loop), 0);
  assert_int_equal(uv_mutex_init(&t->gate), 0);
  offload_pool_init(&t->pool, &t->loop);
  t->pool.on_quiet = on_quiet;
  for (unsigned i = 0; i < JOBS; i++) {
    t->jobs[i].test = t;
    t->jobs[i].number = i;
  }
  *state = t;
  return 0;
}

static int teardown(void **state) {
  struct test *t = *state;
  offload_pool_destroy(&t->pool);
  uv_mutex_destroy(&t->gate);
  close_loop(&t->loop);
  free(t);
  return 0;
}

static void start(struct test *t, unsigned number) {
  offload_start(&t->pool.offload, &t->jobs[number].job, work, done);
}

static void test_work_is_elsewhere_and_done_is_here(void **state) {
  struct test *t = *state;
  start(t, 0);
  assert_false(t->jobs[0].done);
  turn_until(&t->loop, &t->all_done);
  assert_true(t->jobs[0].done);
  uv_thread_t here = uv_thread_self();
  assert_false(uv_thread_equal(&t->jobs[0].worked_on, &here));
  assert_int_equal(t->quiet, 1);
}

static void test_so_many_run_and_the_rest_waits(void **state) {
  struct test *t = *state;
  uv_mutex_lock(&t->gate);
  for (unsigned i = 0; i < JOBS; i++) {
    start(t, i);
    assert_in_range(t->pool.running, 1, OFFLOAD_RUNNING_MAX);
    assert_int_equal(t->jobs[i].job.running != NULL, i < OFFLOAD_RUNNING_MAX);
  }
  assert_int_equal(t->dones, 0);
  uv_mutex_unlock(&t->gate);
  turn_until(&t->loop, &t->all_done);
  assert_int_equal(t->dones, JOBS);
  assert_int_equal(t->most_running, OFFLOAD_RUNNING_MAX);
  assert_int_equal(t->quiet, 1);
}

/* Those that wait are run in the order in which they came: none is done before its turn. How late one is done
 * says nothing: its thread may have been kept waiting for a processor.
 */
static void test_first_come_first_served(void **state) {
  struct test *t = *state;
  uv_mutex_lock(&t->gate);
  for (unsigned i = 0; i < JOBS; i++)
    start(t, i);
  uv_mutex_unlock(&t->gate);
  turn_until(&t->loop, &t->all_done);
  for (unsigned i = 0; i < JOBS; i++)
    assert_true(t->order[i] < i + OFFLOAD_RUNNING_MAX);
}

static void test_what_waits_can_be_cancelled(void **state) {
  struct test *t = *state;
  uv_mutex_lock(&t->gate);
  for (unsigned i = 0; i < JOBS; i++)
    start(t, i);
  for (unsigned i = 0; i < JOBS; i += 2)
    assert_int_equal(offload_cancel(&t->jobs[i].job), i >= OFFLOAD_RUNNING_MAX);
  uv_mutex_unlock(&t->gate);
  turn_until(&t->loop, &t->all_done);
  for (unsigned i = 0; i < JOBS; i++)
    assert_int_equal(t->jobs[i].done, i % 2 == 1 || i < OFFLOAD_RUNNING_MAX);
}

/* A job that was cancelled is the caller's: it may be started again. */
static void test_cancelled_and_started_again(void **state) {
  struct test *t = *state;
  uv_mutex_lock(&t->gate);
  for (unsigned i = 0; i <= OFFLOAD_RUNNING_MAX; i++)
    start(t, i);
  assert_true(offload_cancel(&t->jobs[OFFLOAD_RUNNING_MAX].job));
  start(t, OFFLOAD_RUNNING_MAX);
  uv_mutex_unlock(&t->gate);
  turn_until(&t->loop, &t->all_done);
  assert_int_equal(t->dones, OFFLOAD_RUNNING_MAX + 1);
}

/* The steps of a handshake: a `done` that starts its job anew leaves no quiet in between. */
static void test_started_anew_by_its_done(void **state) {
  struct test *t = *state;
  t->jobs[0].started_anew = 5;
  start(t, 0);
  turn_until(&t->loop, &t->all_done);
  assert_int_equal(t->dones, 6);
  assert_int_equal(t->quiet, 1);
}

static void test_nobody_listens_for_quiet(void **state) {
  struct test *t = *state;
  t->pool.on_quiet = NULL;
  start(t, 0);
  turn_until(&t->loop, &t->jobs[0].done);
  assert_int_equal(t->quiet, 0);
}

#define POOL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      POOL_TEST(test_work_is_elsewhere_and_done_is_here),
      POOL_TEST(test_so_many_run_and_the_rest_waits),
      POOL_TEST(test_first_come_first_served),
      POOL_TEST(test_what_waits_can_be_cancelled),
      POOL_TEST(test_cancelled_and_started_again),
      POOL_TEST(test_started_anew_by_its_done),
      POOL_TEST(test_nobody_listens_for_quiet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
