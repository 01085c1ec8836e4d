/* core/timers: single rules first, then thousands of random steps against a model that is an array
 * searched from end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "core/timers.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- single rules -------------------------------------------------------------------------------- */

static struct timer *fired[16];
static size_t fired_count;

static void note(struct timer *timer) {
  assert_false(timer->armed);
  assert_true(fired_count < COUNT(fired));
  fired[fired_count++] = timer;
}

static int forget_fired(void **state) {
  (void)state;
  fired_count = 0;
  return 0;
}

static void a_timer_fires_once_at_the_grid_point_after_its_time(void **state) {
  (void)state;
  struct timers timers;
  struct timer timer;
  timers_init(&timers, 1000);
  timer_init(&timer, note);
  assert_int_equal(timers_next_ms(&timers), -1);
  timer_arm(&timers, &timer, 1001);
  assert_true(timer.armed);
  assert_int_equal(timers_next_ms(&timers), 10);
  timers_run(&timers, 1009);
  assert_int_equal(fired_count, 0);
  assert_int_equal(timers_next_ms(&timers), 1);
  timers_run(&timers, 1010);
  assert_int_equal(fired_count, 1);
  timers_run(&timers, 5000);
  assert_int_equal(fired_count, 1);
  assert_int_equal(timers_next_ms(&timers), -1);
}

static void timers_of_one_grid_point_fire_as_armed(void **state) {
  (void)state;
  struct timers timers;
  struct timer timer[4];
  timers_init(&timers, 0);
  for (size_t i = 0; i < COUNT(timer); i++)
    timer_init(&timer[i], note);
  timer_arm(&timers, &timer[2], 29);
  timer_arm(&timers, &timer[0], 25);
  timer_arm(&timers, &timer[3], 10);
  timer_arm(&timers, &timer[1], 21);
  timer_arm(&timers, &timer[2], 22); /* within its grid point: keeps its place */
  timers_run(&timers, 100);
  const size_t expected[] = {3, 2, 0, 1};
  assert_int_equal(fired_count, COUNT(expected));
  for (size_t i = 0; i < COUNT(expected); i++)
    assert_ptr_equal(fired[i], &timer[expected[i]]);
}

static void a_disarmed_timer_stays_silent(void **state) {
  (void)state;
  struct timers timers;
  struct timer timer;
  timers_init(&timers, 0);
  timer_init(&timer, note);
  timer_disarm(&timers, &timer);
  timer_arm(&timers, &timer, 10);
  timer_disarm(&timers, &timer);
  timer_disarm(&timers, &timer);
  assert_false(timer.armed);
  timers_run(&timers, 100);
  assert_int_equal(fired_count, 0);
}

static void the_clock_does_not_go_back(void **state) {
  (void)state;
  struct timers timers;
  struct timer timer;
  timers_init(&timers, 500);
  timer_init(&timer, note);
  timers_set_now(&timers, 400);
  assert_int_equal(timers.now_ms, 500);
  timer_arm(&timers, &timer, 450);
  assert_int_equal(timers_next_ms(&timers), 0);
  timers_run(&timers, 300);
  assert_int_equal(fired_count, 1);
  assert_int_equal(timers.now_ms, 500);
}

static void the_far_end_of_time_is_never(void **state) {
  (void)state;
  struct timers timers;
  struct timer timer;
  timers_init(&timers, 0);
  timer_init(&timer, note);
  timer_arm(&timers, &timer, UINT64_MAX);
  assert_true(timers_next_ms(&timers) == INT64_MAX);
  timers_run(&timers, UINT64_MAX / 2);
  assert_int_equal(fired_count, 0);
  timer_disarm(&timers, &timer);
}

struct looping {
  struct timer timer;
  struct timers *timers;
  unsigned count;
};

static void arm_again_for_the_past(struct timer *timer) {
  struct looping *looping = (struct looping *)(void *)timer;
  assert_true(++looping->count < 100);
  timer_arm(looping->timers, timer, looping->timers->now_ms - 50);
  assert_int_equal(timers_next_ms(looping->timers), 0);
  timers_set_now(looping->timers, looping->timers->now_ms + 1000);
}

static void a_run_ends_though_callbacks_arm_for_the_past_and_move_the_clock(void **state) {
  (void)state;
  struct timers timers;
  struct looping looping = {.timers = &timers};
  struct timer later;
  timers_init(&timers, 0);
  timer_init(&looping.timer, arm_again_for_the_past);
  timer_init(&later, note);
  timer_arm(&timers, &looping.timer, 100);
  timer_arm(&timers, &later, 200);
  timers_run(&timers, 100);
  assert_int_equal(looping.count, 1);
  assert_int_equal(fired_count, 0); /* fell due while the callback ran: next run */
  timers_run(&timers, 100);
  assert_int_equal(looping.count, 2);
  assert_int_equal(fired_count, 1);
  timer_disarm(&timers, &looping.timer);
  assert_int_equal(timers_next_ms(&timers), -1);
}

/* ---- the model ------------------------------------------------------------------------------------ */

#define THINGS 48

/* What has a timer. A callback may free it and put a new one in its place. */
struct thing {
  struct timer timer;
  size_t number;
};

/* What the timer of that number ought to be. */
struct expectation {
  bool armed;
  bool late; /* armed for the past by a callback of the present run */
  uint64_t due_ms;
  uint64_t order;
};

static struct {
  struct timers timers;
  struct random_source random;
  struct thing *things[THINGS];
  struct expectation model[THINGS];
  uint64_t next_order;
  uint64_t run_until_ms;
  bool running;
  unsigned fired;
} world;

static void on_thing(struct timer *timer);

static void replace_thing(size_t number) {
  free(world.things[number]);
  world.things[number] = malloc(sizeof *world.things[number]);
  assert_non_null(world.things[number]);
  world.things[number]->number = number;
  timer_init(&world.things[number]->timer, on_thing);
}

static void arm_thing(size_t number) {
  /* Near times, so that many fall together; some in the past, some far away. */
  uint64_t due_ms = world.timers.now_ms + random_below(&world.random, 300);
  if (random_below(&world.random, 4) == 0) due_ms -= random_below(&world.random, 200);
  if (random_below(&world.random, 8) == 0) due_ms += 5000;
  timer_arm(&world.timers, &world.things[number]->timer, due_ms);

  struct expectation *expected = &world.model[number];
  due_ms = (due_ms + TIMERS_GRAIN_MS - 1) / TIMERS_GRAIN_MS * TIMERS_GRAIN_MS;
  bool late = world.running && due_ms <= world.timers.now_ms;
  if (expected->armed && expected->due_ms == due_ms && !late) return;
  *expected = (struct expectation){true, late, due_ms, world.next_order++};
}

static void disarm_thing(size_t number) {
  timer_disarm(&world.timers, &world.things[number]->timer);
  world.model[number].armed = false;
}

static void random_step(size_t number) {
  switch (random_below(&world.random, 5)) {
    case 0:
    case 1:
    case 2:
      arm_thing(number);
      break;
    case 3:
      disarm_thing(number);
      break;
    default:
      disarm_thing(number);
      replace_thing(number);
      break;
  }
}

/* The number of the thing that fires next, or THINGS. */
static size_t model_first(bool with_late) {
  size_t first = THINGS;
  for (size_t i = 0; i < THINGS; i++) {
    const struct expectation *a = &world.model[i], *b = first < THINGS ? &world.model[first] : NULL;
    if (!a->armed || (a->late && !with_late)) continue;
    if (!b || a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order)) first = i;
  }
  return first;
}

static void on_thing(struct timer *timer) {
  struct thing *thing = (struct thing *)(void *)timer;
  size_t number = thing->number;
  assert_false(timer->armed);
  assert_int_equal(number, model_first(false));
  assert_true(world.model[number].due_ms <= world.run_until_ms);
  world.model[number].armed = false;
  world.fired++;
  for (uint32_t steps = random_below(&world.random, 4); steps > 0; steps--) {
    random_step(random_below(&world.random, THINGS));
  }
  random_step(number); /* itself: armed again, left alone or freed */
}

static void run_world(void) {
  world.run_until_ms = world.timers.now_ms + random_below(&world.random, 120);
  world.running = true;
  timers_run(&world.timers, world.run_until_ms);
  world.running = false;
  size_t first = model_first(false);
  if (first < THINGS) assert_true(world.model[first].due_ms > world.run_until_ms);
  for (size_t i = 0; i < THINGS; i++)
    world.model[i].late = false;
}

static void check_world(void) {
  for (size_t i = 0; i < THINGS; i++)
    assert_int_equal(world.things[i]->timer.armed, world.model[i].armed);
  size_t first = model_first(true);
  int64_t wait_ms = timers_next_ms(&world.timers);
  if (first == THINGS) {
    assert_int_equal(wait_ms, -1);
  } else if (world.model[first].due_ms <= world.timers.now_ms) {
    assert_int_equal(wait_ms, 0);
  } else {
    assert_int_equal(wait_ms, world.model[first].due_ms - world.timers.now_ms);
  }
}

static void random_steps_match_the_model(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    timers_init(&world.timers, 100000);
    random_seed(&world.random, seed);
    for (size_t i = 0; i < THINGS; i++) {
      replace_thing(i);
      world.model[i].armed = false;
    }
    world.fired = 0;
    for (int step = 0; step < 4000; step++) {
      if (random_below(&world.random, 10) == 0) {
        run_world();
      } else {
        random_step(random_below(&world.random, THINGS));
      }
      check_world();
    }
    assert_true(world.fired > 1000);
    for (size_t i = 0; i < THINGS; i++) {
      free(world.things[i]);
      world.things[i] = NULL;
    }
  }
}

/* As many as a big worker has, armed in falling order (the longest list of siblings): neither deep
 * recursion nor quadratic time. */
static void a_hundred_thousand_timers(void **state) {
  (void)state;
  enum { MANY = 100000 };
  static struct timer many[MANY];
  static unsigned count;
  struct timers timers;
  timers_init(&timers, 0);
  for (size_t i = 0; i < MANY; i++) {
    timer_init(&many[i], NULL);
    timer_arm(&timers, &many[i], (MANY - i) * TIMERS_GRAIN_MS);
  }
  for (size_t i = 0; i < MANY; i++)
    timer_arm(&timers, &many[i], (i + MANY) * TIMERS_GRAIN_MS);
  for (size_t i = 0; i < MANY; i++) {
    assert_ptr_equal(timers.root, &many[i]);
    timer_disarm(&timers, &many[i]);
    count++;
  }
  assert_int_equal(count, MANY);
  assert_int_equal(timers_next_ms(&timers), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_timer_fires_once_at_the_grid_point_after_its_time, forget_fired),
      cmocka_unit_test_setup(timers_of_one_grid_point_fire_as_armed, forget_fired),
      cmocka_unit_test_setup(a_disarmed_timer_stays_silent, forget_fired),
      cmocka_unit_test_setup(the_clock_does_not_go_back, forget_fired),
      cmocka_unit_test_setup(the_far_end_of_time_is_never, forget_fired),
      cmocka_unit_test_setup(a_run_ends_though_callbacks_arm_for_the_past_and_move_the_clock, forget_fired),
      cmocka_unit_test(random_steps_match_the_model),
      cmocka_unit_test(a_hundred_thousand_timers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
