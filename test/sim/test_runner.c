/* The runner and the search for the shortest story, with lives that are made up here: this file's play() and
 * plan_draw() stand in for the real ones.
 */
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attempt.h"
#include "play.h"
#include "runner.h"
#include "shrink.h"

#define SEEDS 5000u

/* How the seed below goes wrong. */
static enum { NO_WAY, BY_MODEL, BY_ASSERTION, BY_SIGNAL } fails_by;
static uint64_t failing_seed, failing_every;

void plan_draw(struct plan *plan, uint64_t seed) {
  memset(plan, 0, sizeof *plan);
  plan->seed = seed;
  plan->sessions = 1;
  plan->step_count = 40;
  for (size_t i = 0; i < plan->step_count; i++)
    plan->steps[i] = (struct step){.kind = STEP_BACKEND_SAYS, .b = (uint32_t)(seed + i)};
}

/* What is wrong with a plan is a step that says 100 bytes or more. */
static const struct step *long_step(const struct plan *plan) {
  for (size_t i = 0; i < plan->step_count; i++)
    if (plan->steps[i].kind == STEP_BACKEND_SAYS && plan->steps[i].b >= 100) return &plan->steps[i];
  return NULL;
}

void play(const struct plan *plan) {
  bool chosen = failing_every > 0 ? plan->seed % failing_every == failing_seed : plan->seed == failing_seed;
  const struct step *step = long_step(plan);
  if (!chosen || step == NULL) return;
  if (fails_by == BY_MODEL) sim_fail("%u bytes are too many", (unsigned)step->b);
  assert(fails_by != BY_ASSERTION);
  if (fails_by == BY_SIGNAL) raise(SIGKILL);
}

static struct run_result run(unsigned failures_max) {
  static struct run_result result;
  struct run seeds = {.first = 1, .count = SEEDS, .jobs = 2, .failures_max = failures_max};
  run_seeds(&seeds, &result);
  return result;
}

static void all_seeds_are_played_once(void **state) {
  (void)state;
  fails_by = NO_WAY;
  struct run_result result = run(FAILURES_MAX);
  assert_int_equal(result.failure_count, 0);
  assert_int_equal(result.played, SEEDS);
}

static void the_others_are_played_behind_a_seed_that_fails(void **state) {
  (void)state;
  fails_by = BY_MODEL;
  failing_every = 0;
  failing_seed = 1234;
  struct run_result result = run(FAILURES_MAX);
  assert_int_equal(result.failure_count, 1);
  assert_int_equal(result.failures[0].seed, 1234);
  assert_string_equal(result.failures[0].death.fault, "1234 bytes are too many");
  assert_int_equal(result.played, SEEDS - 1);
}

static void it_stops_when_enough_have_failed(void **state) {
  (void)state;
  fails_by = BY_MODEL;
  failing_every = 200;
  failing_seed = 150;
  struct run_result result = run(FAILURES_MAX);
  assert_int_equal(result.failure_count, FAILURES_MAX);
  for (unsigned i = 0; i < FAILURES_MAX; i++)
    assert_int_equal(result.failures[i].seed % 200, 150);
  assert_true(result.failures[0].seed < result.failures[1].seed);
  assert_true(result.failures[1].seed < result.failures[2].seed);
  assert_int_equal(run(1).failure_count, 1);
}

static void assertions_and_signals_are_told(void **state) {
  (void)state;
  failing_every = 0;
  failing_seed = 4321;
  fails_by = BY_ASSERTION;
  struct run_result result = run(1);
  assert_int_equal(result.failures[0].seed, 4321);
  assert_non_null(
      strstr(result.failures[0].death.fault, "play: Assertion `fails_by != BY_ASSERTION' failed"));
  fails_by = BY_SIGNAL;
  result = run(1);
  assert_int_equal(result.failures[0].seed, 4321);
  assert_string_equal(result.failures[0].death.fault, "killed by signal Killed");
}

static void the_shortest_story_is_one_step(void **state) {
  (void)state;
  static struct shrunk shrunk;
  struct plan plan;
  struct death death;
  fails_by = BY_MODEL;
  failing_every = 0;
  failing_seed = 700;
  plan_draw(&plan, 700);
  assert_true(attempt_fails(&plan, &death));
  shrink(&plan, &death, 60, &shrunk);
  size_t living = 0;
  for (size_t i = 0; i < shrunk.plan.step_count; i++) {
    if (shrunk.plan.steps[i].kind == STEP_NONE) continue;
    living++;
    assert_int_equal(shrunk.plan.steps[i].b, 100);
  }
  assert_int_equal(living, 1);
  assert_string_equal(shrunk.death.fault, "100 bytes are too many");
}

static void a_fault_of_another_kind_is_another_story(void **state) {
  (void)state;
  struct death lost = {.fault = "session 2: byte 17 of 300 is lost"};
  struct death lost_too = {.fault = "session 1: byte 9 of 12 is lost"};
  struct death twice = {.fault = "session 1: byte 9 of 12 came twice"};
  struct death at_address = {.fault = "heap-use-after-free on address 0x60d0000000b8"};
  struct death at_another = {.fault = "heap-use-after-free on address 0x60f00a"};
  assert_true(death_same_kind(&lost, &lost_too));
  assert_true(death_same_kind(&at_address, &at_another));
  assert_false(death_same_kind(&lost, &twice));
  assert_false(death_same_kind(&lost, &at_address));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_seeds_are_played_once),
      cmocka_unit_test(the_others_are_played_behind_a_seed_that_fails),
      cmocka_unit_test(it_stops_when_enough_have_failed),
      cmocka_unit_test(assertions_and_signals_are_told),
      cmocka_unit_test(the_shortest_story_is_one_step),
      cmocka_unit_test(a_fault_of_another_kind_is_another_story),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
