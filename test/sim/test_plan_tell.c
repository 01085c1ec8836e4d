/* The story of a plan: what is plain is not told, steps that were taken out have no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"
#include "plan_fields.h"
#include "speaker.h"

static void make_plain(const struct plan_field *fields, void *owner) {
  for (; fields->size != 0; fields++)
    field_make_plain(fields, owner);
}

static struct plan a_plain_plan(uint8_t sessions) {
  struct plan plan;
  memset(&plan, 0, sizeof plan);
  plan.seed = 7;
  plan.sessions = sessions;
  make_plain(plan_fields, &plan);
  for (size_t i = 0; i < sessions; i++) {
    make_plain(temper_fields, &plan.roles[i].client);
    make_plain(temper_fields, &plan.roles[i].backend);
    make_plain(role_fields, &plan.roles[i]);
  }
  return plan;
}

static void assert_story(const struct plan *plan, const char *expected) {
  char *story = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&story, &size);
  assert_non_null(out);
  plan_tell(plan, out);
  fclose(out);
  assert_string_equal(story, expected);
  free(story);
}

static void a_plain_plan_has_a_short_story(void **state) {
  (void)state;
  struct plan plan = a_plain_plan(1);
  assert_story(&plan, "    Seed 7, 1 session.\n");
}

static void what_is_not_plain_is_told(void **state) {
  (void)state;
  struct plan plan = a_plain_plan(1);
  plan.max_frame_size = 10;
  plan.refuse_text = true;
  plan.roles[0].client.room = 0;
  plan.roles[0].backend.write_max = 7;
  plan.roles[0].backend.on_our_end = REACT_RESETS;
  plan.roles[0].dialling = DIAL_LATER;
  assert_story(&plan,
               "    Seed 7, 1 session.\n"
               "    The settings: frames of at most 10 bytes; text is refused\n"
               "    The client: stalls after 0 bytes\n"
               "    The backend: one write takes at most 7; resets when it has seen our end\n"
               "    The start: the dial is answered later\n");
}

static void steps_that_are_left_are_numbered(void **state) {
  (void)state;
  struct plan plan = a_plain_plan(2);
  const struct step steps[] = {
      {.kind = STEP_CLIENT_FRAME, .a = SAID_TEXT, .b = 20, .c = 3},
      {.kind = STEP_NONE},
      {.kind = STEP_BACKEND_SAYS, .session = 1, .b = 300},
      {.kind = STEP_CLIENT_TAKES, .b = 0},
      {.kind = STEP_BACKEND_TAKES, .b = UINT32_MAX},
      {.kind = STEP_DIAL, .session = 1},
      {.kind = STEP_TIME, .b = 40},
      {.kind = STEP_HOARD, .b = 2},
      {.kind = STEP_CLIENT_END, .a = END_FIN, .b = 1},
  };
  plan.step_count = sizeof steps / sizeof steps[0];
  memcpy(plan.steps, steps, sizeof steps);
  assert_story(&plan,
               "    Seed 7, 2 sessions.\n"
               "    1. the client of session 1 sends a text message of 20 bytes, the last 3 held back\n"
               "    2. the backend of session 2 sends 300 bytes\n"
               "    3. the client of session 1 takes nothing more\n"
               "    4. the backend of session 1 takes everything from now on\n"
               "    5. the dial of session 2 is answered: connected\n"
               "    6. 40 ms pass\n"
               "    7. 2 buffers are lent elsewhere\n"
               "    8. the client of session 1 ends its stream (FIN), without what it held back\n");
}

/* No table is shorter than what a plan may draw. */
static void every_kind_of_step_can_be_told(void **state) {
  (void)state;
  FILE *nowhere = fopen("/dev/null", "w");
  assert_non_null(nowhere);
  for (uint64_t seed = 1; seed <= 2000; seed++) {
    struct plan plan;
    plan_draw(&plan, seed);
    plan_tell(&plan, nowhere);
  }
  fclose(nowhere);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_plan_has_a_short_story),
      cmocka_unit_test(what_is_not_plain_is_told),
      cmocka_unit_test(steps_that_are_left_are_numbered),
      cmocka_unit_test(every_kind_of_step_can_be_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
