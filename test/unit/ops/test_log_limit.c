/* ops/log_limit: what passes, what is held back, and what is said about it; with a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/log_limit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define START_MS     5000u

static const char refused[] = "request refused status=%u client=%s %s";
static const char failed[] = "can't accept: %s: new clients wait";

static struct log_limit limit;

static int begin(void **state) {
  (void)state;
  memset(&limit, 0, sizeof limit);
  return 0;
}

static unsigned passing(const char *format, enum log_level level, unsigned lines, uint64_t now_ms) {
  unsigned passed = 0;
  for (unsigned i = 0; i < lines; i++)
    passed += log_limit_judge(&limit, level, format, now_ms) == LOG_PASSES;
  return passed;
}

static void a_burst_passes_and_then_one_a_second(void **state) {
  (void)state;
  assert_int_equal(passing(refused, LOG_INFO, 1000, START_MS), LOG_LIMIT_BURST);
  assert_int_equal(passing(refused, LOG_INFO, 1, START_MS + LOG_LIMIT_REFILL_MS - 1), 0);
  assert_int_equal(passing(refused, LOG_INFO, 10, START_MS + LOG_LIMIT_REFILL_MS), 1);
  assert_int_equal(passing(refused, LOG_INFO, 10, START_MS + 4 * LOG_LIMIT_REFILL_MS), 3);
  assert_int_equal(passing(refused, LOG_INFO, 1000, START_MS + UINT64_C(86400000)), LOG_LIMIT_BURST);
}

static void a_steady_line_a_second_always_passes(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 100000; i++)
    assert_int_equal(passing(refused, LOG_INFO, 1, START_MS + i * LOG_LIMIT_REFILL_MS), 1);
  assert_int_equal(log_limit_due_ms(&limit), LOG_LIMIT_NEVER);
}

static void kinds_do_not_share(void **state) {
  (void)state;
  passing(refused, LOG_INFO, 1000, START_MS);
  assert_int_equal(passing(failed, LOG_WARN, 1000, START_MS), LOG_LIMIT_BURST);
}

static const struct {
  const char *name;
  enum log_level level;
  const char *format;
} never_limited[] = {
    {"debug", LOG_DEBUG, "request served status=%u %s"},
    {"opened", LOG_INFO, "session opened client=%s"},
    {"ended", LOG_INFO, "session ended side=%s"},
};

static void what_operators_count_is_not_limited(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(never_limited); i++) {
    print_message("%s\n", never_limited[i].name);
    assert_int_equal(passing(never_limited[i].format, never_limited[i].level, 5000, START_MS), 5000);
  }
  assert_int_equal(passing("session ended at once: no memory", LOG_ERROR, 5000, START_MS), LOG_LIMIT_BURST);
}

static void a_summary_comes_once_in_its_time(void **state) {
  (void)state;
  char text[LOG_TEXT_MAX];
  passing(refused, LOG_INFO, LOG_LIMIT_BURST + 412, START_MS);
  assert_int_equal(log_limit_due_ms(&limit), START_MS + LOG_LIMIT_SUMMARY_MS);
  assert_null(log_limit_due(&limit, START_MS + LOG_LIMIT_SUMMARY_MS - 1));
  struct log_limit_kind *kind = log_limit_due(&limit, START_MS + LOG_LIMIT_SUMMARY_MS);
  assert_non_null(kind);
  assert_int_equal(kind->level, LOG_INFO);
  log_limit_describe(kind, START_MS + LOG_LIMIT_SUMMARY_MS, text);
  assert_string_equal(text, "repeated lines held back count=412 seconds=10 event=\"request refused\"");
  log_limit_told(&limit, kind);
  assert_null(log_limit_due(&limit, LOG_LIMIT_NEVER));
  assert_int_equal(log_limit_due_ms(&limit), LOG_LIMIT_NEVER);

  passing(refused, LOG_INFO, 5, START_MS); /* counted anew */
  log_limit_describe(log_limit_due(&limit, LOG_LIMIT_NEVER), START_MS, text);
  assert_non_null(strstr(text, " count=5 "));
}

static void the_earliest_summary_is_waited_for(void **state) {
  (void)state;
  passing(failed, LOG_WARN, LOG_LIMIT_BURST, START_MS); /* not more than allowed: no summary */
  passing(refused, LOG_INFO, LOG_LIMIT_BURST + 1, START_MS + 20);
  passing(failed, LOG_WARN, LOG_LIMIT_BURST, START_MS + 10);
  assert_int_equal(log_limit_due_ms(&limit), START_MS + 10 + LOG_LIMIT_SUMMARY_MS);
  unsigned due = 0;
  for (struct log_limit_kind *kind; (kind = log_limit_due(&limit, LOG_LIMIT_NEVER)) != NULL; due++)
    log_limit_told(&limit, kind);
  assert_int_equal(due, 2);
}

static const struct {
  const char *format, *event;
} events[] = {
    {"request refused status=%u client=%s", "request refused"},
    {"can't accept: %s: new clients wait", "can't accept"},
    {"TLS handshake with the client failed client=%s", "TLS handshake with the client failed"},
    {"accepting again", "accepting again"},
    {"only %u of %u workers", "only"},
    {"a=%s", "unnamed"},
    {"%s", "unnamed"},
    {"", "unnamed"},
};

static void summaries_name_the_event(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(events); i++) {
    char text[LOG_TEXT_MAX], quoted[64];
    struct log_limit_kind kind = {.format = events[i].format, .held = 1, .held_ms = START_MS};
    log_limit_describe(&kind, START_MS, text);
    snprintf(quoted, sizeof quoted, " count=1 seconds=1 event=\"%s\"", events[i].event);
    assert_non_null(strstr(text, quoted));
  }
}

/* Formats beyond the table's size pass, and disturb none that is in it. */
static void more_kinds_than_places(void **state) {
  (void)state;
  static const char many[LOG_LIMIT_KINDS + 10] = {0};
  for (size_t i = 0; i < LOG_LIMIT_KINDS; i++)
    assert_int_equal(passing(many + i, LOG_WARN, LOG_LIMIT_BURST + 1, START_MS), LOG_LIMIT_BURST);
  assert_int_equal(passing(many + LOG_LIMIT_KINDS, LOG_WARN, 1000, START_MS), 1000);
  assert_int_equal(limit.holding, LOG_LIMIT_KINDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_burst_passes_and_then_one_a_second, begin),
      cmocka_unit_test_setup(a_steady_line_a_second_always_passes, begin),
      cmocka_unit_test_setup(kinds_do_not_share, begin),
      cmocka_unit_test_setup(what_operators_count_is_not_limited, begin),
      cmocka_unit_test_setup(a_summary_comes_once_in_its_time, begin),
      cmocka_unit_test_setup(the_earliest_summary_is_waited_for, begin),
      cmocka_unit_test_setup(summaries_name_the_event, begin),
      cmocka_unit_test_setup(more_kinds_than_places, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
