/* How descriptors become workers and connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/cgroup_quota.h"
#include "server/descriptor_budget.h"
#include "server/processors.h"

struct row {
  const char *name;
  uint64_t descriptors;
  unsigned wanted;
  size_t max_sessions;
  struct descriptor_budget plan;
};

static const struct row rows[] = {
    {"usual", 1024, 2, 0, {2, (1024 - 24 - 20) / 2}},
    {"hard limit of a container", UINT64_C(1) << 30, 4, 0, {4, ((UINT64_C(1) << 30) - 64) / 2}},
    {"infinite", 0, 4, 0, {4, (SIZE_MAX - 64) / 2}},
    {"max-sessions is less", 1024, 2, 100, {2, 100}},
    {"max-sessions is more", 1024, 2, 100000, {2, 490}},
    {"fewer sessions than workers", 1024, 8, 3, {3, 3}},
    {"one session", 1024, 8, 1, {1, 1}},
    {"limit too small for the workers", 64, 8, 0, {3, 5}},
    {"limit too small for anything", 10, 8, 0, {1, 1}},
    {"limit of the reserve", 34, 1, 0, {1, 1}},
    {"one more pair", 38, 1, 0, {1, 2}},
};

static void plans_every_row(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct row *r = &rows[i];
    struct descriptor_budget plan = descriptor_budget_plan(r->descriptors, r->wanted, r->max_sessions);
    if (plan.workers != r->plan.workers || plan.connections != r->plan.connections)
      fail_msg("%s: got %u workers, %zu connections", r->name, plan.workers, plan.connections);
  }
}

static void raising_gives_what_holds(void **state) {
  (void)state;
  uint64_t first = descriptor_budget_raise_limit();
  assert_int_equal(descriptor_budget_raise_limit(), first);
}

static void listeners_behind_the_first_count(void **state) {
  (void)state;
  uint64_t descriptors = 1024;
  descriptor_budget_take_listeners(&descriptors, 1, 8);
  assert_int_equal(descriptors, 1024);
  descriptor_budget_take_listeners(&descriptors, 4, 8);
  assert_int_equal(descriptors, 1024 - 3 * 8);
  descriptors = 20;
  descriptor_budget_take_listeners(&descriptors, 4, 8);
  assert_int_equal(descriptors, 1); /* little, and not "no limit" */
  descriptors = 0;
  descriptor_budget_take_listeners(&descriptors, 4, 8);
  assert_int_equal(descriptors, 0);
}

static void pipes_take_a_quarter_at_most(void **state) {
  (void)state;
  uint64_t descriptors = 20000;
  assert_int_equal(descriptor_budget_take_pipes(&descriptors, 64), 64);
  assert_int_equal(descriptors, 20000 - 64 * DESCRIPTORS_OF_PIPE);
  descriptors = 256;
  assert_int_equal(descriptor_budget_take_pipes(&descriptors, 80), 32);
  assert_int_equal(descriptors, 192);
  descriptors = 7;
  assert_int_equal(descriptor_budget_take_pipes(&descriptors, 128), 0);
  assert_int_equal(descriptors, 7);
  descriptors = 0; /* no limit */
  assert_int_equal(descriptor_budget_take_pipes(&descriptors, 128), 128);
  assert_int_equal(descriptors, 0);
}

static void quotas_are_rounded_up(void **state) {
  (void)state;
  assert_int_equal(processors_of_quota("200000 100000\n"), 2);
  assert_int_equal(processors_of_quota("150000 100000"), 2);
  assert_int_equal(processors_of_quota("10000 100000"), 1);
  assert_int_equal(processors_of_quota("max 100000\n"), 0);
  assert_int_equal(processors_of_quota(""), 0);
  assert_int_equal(processors_of_quota("1"), 0);
  assert_int_equal(processors_of_quota("0 0"), 0);
  assert_true(processors_usable() >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plans_every_row),
      cmocka_unit_test(raising_gives_what_holds),
      cmocka_unit_test(listeners_behind_the_first_count),
      cmocka_unit_test(pipes_take_a_quarter_at_most),
      cmocka_unit_test(quotas_are_rounded_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
