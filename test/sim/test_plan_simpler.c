/* Simpler plans: whatever a plan fails of, the ways of plan_simpler() lead to nothing but that. The predicate
 * here is made up; none of this plays anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"
#include "plan_fields.h"

typedef bool (*predicate_fn)(const struct plan *plan);

static void make_plain(const struct plan_field *fields, void *owner) {
  for (; fields->size != 0; fields++)
    field_make_plain(fields, owner);
}

/* Nothing is plain: three sessions, all settings at 7, 60 steps of all kinds. */
static struct plan a_wild_plan(void) {
  struct plan plan;
  memset(&plan, 0, sizeof plan);
  plan.sessions = PLAN_SESSIONS_MAX;
  plan.max_frame_size = plan.heartbeat_ms = plan.pong_timeout_ms = plan.idle_timeout_ms = 7;
  plan.close_timeout_ms = plan.close_timeout_max_ms = plan.buffers = 7;
  plan.spares = plan.spare_size = 7;
  plan.buffer_size = plan.large_buffer_size = plan.pipes = plan.pipe_bytes = plan.pipe_refusals = 7;
  plan.refuse_text = plan.invalid_closes = true;
  plan.max_line = 7;
  for (size_t i = 0; i < PLAN_SESSIONS_MAX; i++) {
    struct role *role = &plan.roles[i];
    role->client = (struct temper){1, 2, 3, 4, 5, true, true, true, true, true, true, 6, REACT_RESETS};
    role->backend = role->client;
    role->dialling = DIAL_LATER;
    role->early = 9;
    role->frames = 5;
    role->line_end = 2;
  }
  plan.step_count = 60;
  for (size_t i = 0; i < plan.step_count; i++) {
    plan.steps[i] = (struct step){.kind = (uint8_t)(1 + i % (STEP_KINDS - 1)),
                                  .session = (uint8_t)(i % PLAN_SESSIONS_MAX),
                                  .a = (uint8_t)(i % 3),
                                  .b = (uint32_t)(1000 + i),
                                  .c = (uint32_t)(i % 9)};
  }
  return plan;
}

static size_t living_steps(const struct plan *plan) {
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++)
    count += plan->steps[i].kind != STEP_NONE;
  return count;
}

static void assert_can_be_played(const struct plan *plan) {
  assert_in_range(plan->sessions, 1, PLAN_SESSIONS_MAX);
  assert_in_range(plan->step_count, 0, PLAN_STEPS_MAX);
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    assert_in_range(step->kind, 0, STEP_KINDS - 1);
    assert_in_range(step->session, 0, plan->sessions - 1);
    if (step->kind == STEP_TIME || step->kind == STEP_TURNS || step->kind == STEP_BACKEND_SAYS)
      assert_int_not_equal(step->b, 0);
  }
}

/* As shrink.c does it, without processes. Fails when it does not come to an end. */
static struct plan simplest(struct plan plan, predicate_fn fails) {
  struct plan simpler;
  size_t tries = 0;
  for (bool any = true; any;) {
    any = false;
    for (size_t way = 0; plan_simpler(&plan, way, &simpler);) {
      assert_can_be_played(&simpler);
      assert_true(++tries < 100000);
      if (fails(&simpler)) {
        plan = simpler;
        any = true;
      } else {
        way++;
      }
    }
  }
  return plan;
}

static bool always(const struct plan *plan) {
  (void)plan;
  return true;
}

static void what_always_fails_becomes_nothing(void **state) {
  (void)state;
  struct plan plan = simplest(a_wild_plan(), always);
  struct plan plain = plan;
  make_plain(plan_fields, &plain);
  make_plain(temper_fields, &plain.roles[0].client);
  make_plain(temper_fields, &plain.roles[0].backend);
  make_plain(role_fields, &plain.roles[0]);
  assert_int_equal(living_steps(&plan), 0);
  assert_int_equal(plan.sessions, 1);
  assert_memory_equal(&plan, &plain, sizeof plan);
}

/* A cut that comes behind a frame of at least 37 bytes of the same session. */
static bool cut_behind_a_frame(const struct plan *plan) {
  bool frame[PLAN_SESSIONS_MAX] = {false};
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (step->kind == STEP_CLIENT_FRAME && step->b >= 37) frame[step->session] = true;
    if (step->kind == STEP_CUT && frame[step->session]) return true;
  }
  return false;
}

static void two_steps_are_found_with_the_smallest_number(void **state) {
  (void)state;
  struct plan plan = simplest(a_wild_plan(), cut_behind_a_frame);
  assert_int_equal(living_steps(&plan), 2);
  assert_int_equal(plan.sessions, 1);
  for (size_t i = 0; i < plan.step_count; i++) {
    const struct step *step = &plan.steps[i];
    if (step->kind != STEP_CLIENT_FRAME) continue;
    assert_int_equal(step->b, 37);
    assert_int_equal(step->a, 0);
    assert_int_equal(step->c, 0);
  }
}

/* Two settings of two peers, and nothing else. */
static bool slow_and_stalled(const struct plan *plan) {
  for (size_t i = 0; i < plan->sessions; i++)
    if (plan->roles[i].client.write_max == 3 && plan->roles[i].backend.room != UINT32_MAX) return true;
  return false;
}

static void settings_that_matter_stay(void **state) {
  (void)state;
  struct plan plan = simplest(a_wild_plan(), slow_and_stalled);
  struct role plain = plan.roles[0];
  make_plain(temper_fields, &plain.client);
  make_plain(temper_fields, &plain.backend);
  make_plain(role_fields, &plain);
  plain.client.write_max = 3;
  plain.backend.room = 4;
  assert_int_equal(plan.sessions, 1);
  assert_memory_equal(&plan.roles[0], &plain, sizeof plain);
}

/* Steps keep their places: what the seed decides for a step hangs on it. */
static bool fifth_step_is_there(const struct plan *plan) {
  return plan->steps[5].kind != STEP_NONE;
}

static void steps_keep_their_places(void **state) {
  (void)state;
  struct plan plan = simplest(a_wild_plan(), fifth_step_is_there);
  assert_int_equal(living_steps(&plan), 1);
  assert_int_equal(plan.steps[5].kind, a_wild_plan().steps[5].kind);
}

/* A frame of which more bytes are held back than it has. */
static void no_more_is_held_back_than_a_frame_has(void **state) {
  (void)state;
  struct plan plan = a_wild_plan(), simpler;
  plan.steps[0] = (struct step){.kind = STEP_CLIENT_FRAME, .b = 100, .c = 90};
  for (size_t way = 0; plan_simpler(&plan, way, &simpler); way++)
    assert_true(simpler.steps[0].c <= simpler.steps[0].b + 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_always_fails_becomes_nothing),
      cmocka_unit_test(two_steps_are_found_with_the_smallest_number),
      cmocka_unit_test(settings_that_matter_stay),
      cmocka_unit_test(steps_keep_their_places),
      cmocka_unit_test(no_more_is_held_back_than_a_frame_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
