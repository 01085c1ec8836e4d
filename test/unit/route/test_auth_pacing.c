/* Pacing of wrong passwords: which tries wait and how long, what is forgotten, what is refused, and that the
 * table stays bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "route/auth/pacing.h"

#define NOW ((uint64_t)1000000)

static struct auth_pacing *pacing;
static uint64_t wait_ms;

static int set_up(void **state) {
  (void)state;
  pacing = auth_pacing_new();
  assert_non_null(pacing);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  auth_pacing_free(pacing);
  return 0;
}

static struct auth_network network_of(const char *literal) {
  struct address address;
  assert_true(address_parse_literal(literal, 1, &address));
  return auth_network_of(&address);
}

/* A try whose password is wrong, or right: how long it waits. */
static uint64_t try_once(const char *from, uint64_t at_ms, enum auth_end how) {
  struct auth_network network = network_of(from);
  enum auth_pace pace = auth_pacing_begin(pacing, &network, at_ms, &wait_ms);
  assert_int_not_equal(pace, AUTH_REFUSE);
  uint64_t waited = pace == AUTH_WAIT ? wait_ms : 0;
  if (pace == AUTH_WAIT) auth_pacing_go(pacing, &network);
  auth_pacing_end(pacing, &network, how, at_ms + waited);
  return waited;
}

static void fail_times(const char *from, unsigned times, uint64_t at_ms) {
  for (unsigned i = 0; i < times; i++)
    assert_int_equal(try_once(from, at_ms, AUTH_WRONG), 0);
}

static void networks(void **state) {
  (void)state;
  static const struct {
    const char *one, *other;
    bool same;
  } rows[] = {
      {"192.0.2.1", "192.0.2.1", true},          {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1", "::ffff:192.0.2.1", true},   {"2001:db8::1", "2001:db8::ffff:1:2:3", true},
      {"2001:db8::1", "2001:db8:0:1::1", false}, {"0.0.0.0", "::", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct auth_network one = network_of(rows[i].one), other = network_of(rows[i].other);
    assert_int_equal(memcmp(&one, &other, sizeof one) == 0, rows[i].same);
  }
}

static void pauses_grow_up_to_a_bound(void **state) {
  (void)state;
  uint64_t now_ms = NOW;
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, now_ms);
  static const uint64_t pauses[] = {1000, 2000, 4000, 8000, 10000, 10000};
  for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
    assert_int_equal(try_once("192.0.2.1", now_ms, AUTH_WRONG), pauses[i]);
    now_ms += pauses[i];
  }
  assert_int_equal(try_once("192.0.2.2", now_ms, AUTH_WRONG), 0);
}

static void failures_are_forgotten_one_by_one(void **state) {
  (void)state;
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  assert_int_equal(try_once("192.0.2.1", NOW + AUTH_FORGET_MS - 1, AUTH_UNTRIED), 1000);
  uint64_t later_ms = NOW + 2 * AUTH_FORGET_MS;
  fail_times("192.0.2.1", 2, later_ms);
  assert_int_equal(try_once("192.0.2.1", later_ms, AUTH_UNTRIED), 1000);
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, later_ms + 100 * AUTH_FORGET_MS);
}

/* Or an account of one's own would make guesses at others' free. */
static void a_success_forgives_nothing(void **state) {
  (void)state;
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  assert_int_equal(try_once("192.0.2.1", NOW, AUTH_RIGHT), 1000);
  assert_int_equal(try_once("192.0.2.1", NOW + 1000, AUTH_RIGHT), 1000);
}

static void many_at_once_wait_one_behind_the_other(void **state) {
  (void)state;
  struct auth_network network = network_of("192.0.2.1");
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  for (unsigned i = 0; i < AUTH_WAITING_EACH; i++) {
    assert_int_equal(auth_pacing_begin(pacing, &network, NOW, &wait_ms), AUTH_WAIT);
    assert_int_equal(wait_ms, (i + 1) * AUTH_PAUSE_MS);
  }
  assert_int_equal(auth_pacing_begin(pacing, &network, NOW, &wait_ms), AUTH_REFUSE);
  assert_true(wait_ms > 0);
  for (unsigned i = 0; i < AUTH_WAITING_EACH; i++) {
    auth_pacing_go(pacing, &network);
    auth_pacing_end(pacing, &network, AUTH_UNTRIED, NOW);
  }
}

/* Who gives up leaves his place empty: hanging up and trying again is not quicker. */
static void giving_up_does_not_shorten_the_next_ones_wait(void **state) {
  (void)state;
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  assert_int_equal(try_once("192.0.2.1", NOW, AUTH_UNTRIED), 1000);
  assert_int_equal(try_once("192.0.2.1", NOW, AUTH_UNTRIED), 2000);
}

/* A burst is paced before the first of it has failed. */
static void what_is_under_way_counts_beyond_a_few(void **state) {
  (void)state;
  struct auth_network network = network_of("192.0.2.1");
  unsigned at_once = 0;
  while (auth_pacing_begin(pacing, &network, NOW, &wait_ms) == AUTH_GO)
    at_once++;
  assert_int_equal(at_once, AUTH_AT_ONCE + AUTH_FREE_FAILURES);
  auth_pacing_go(pacing, &network);
  for (unsigned i = 0; i < at_once + 1; i++)
    auth_pacing_end(pacing, &network, AUTH_WRONG, NOW);
  assert_int_equal(try_once("192.0.2.1", NOW + AUTH_PAUSE_MS, AUTH_WRONG), AUTH_PAUSE_MAX_MS);
}

static void literal_of(unsigned number, char out[32]) {
  snprintf(out, 32, "10.%u.%u.%u", number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff);
}

static void all_that_wait_are_bounded(void **state) {
  (void)state;
  unsigned waiting = 0;
  char from[32];
  for (unsigned i = 0; i < 2 * AUTH_WAITING_ALL; i++) {
    literal_of(i, from);
    struct auth_network network = network_of(from);
    fail_times(from, AUTH_FREE_FAILURES, NOW);
    waiting += auth_pacing_begin(pacing, &network, NOW, &wait_ms) == AUTH_WAIT;
  }
  assert_int_equal(waiting, AUTH_WAITING_ALL);
}

/* What is refused costs nothing: it must not be a way to try passwords against those that are remembered. */
static void whoever_is_refused_often_may_not_recall(void **state) {
  (void)state;
  struct auth_network network = network_of("192.0.2.1"), other = network_of("192.0.2.2");
  assert_true(auth_pacing_may_recall(pacing, &network, NOW));
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  for (unsigned i = 0; i < AUTH_WAITING_EACH; i++)
    assert_int_equal(auth_pacing_begin(pacing, &network, NOW, &wait_ms), AUTH_WAIT);
  for (unsigned i = 0; i < AUTH_REFUSALS_MAX; i++) {
    assert_true(auth_pacing_may_recall(pacing, &network, NOW));
    assert_int_equal(auth_pacing_begin(pacing, &network, NOW, &wait_ms), AUTH_REFUSE);
  }
  assert_false(auth_pacing_may_recall(pacing, &network, NOW + AUTH_FORGET_MS - 1));
  assert_true(auth_pacing_may_recall(pacing, &other, NOW));
  assert_true(auth_pacing_may_recall(pacing, &network, NOW + AUTH_FORGET_MS));
}

static void sibling_of(unsigned number, char out[32]) {
  snprintf(out, 32, "2001:db8:7:%x::1", number);
}

/* Else whoever has 48 bits, as anybody may, has 65,536 times the free tries. */
static void many_networks_of_one_site_count_as_one(void **state) {
  (void)state;
  char from[32];
  for (unsigned i = 0; i < AUTH_SIBLINGS; i++) {
    sibling_of(i, from);
    fail_times(from, AUTH_FREE_FAILURES, NOW);
  }
  for (unsigned i = 0; i < AUTH_FREE_FAILURES; i++) {
    sibling_of(1000 + i, from);
    fail_times(from, 1, NOW);
  }
  assert_int_equal(try_once("2001:db8:7:2000::1", NOW, AUTH_WRONG), AUTH_PAUSE_MS);
  assert_int_equal(try_once("2001:db8:8:2000::1", NOW, AUTH_WRONG), 0);          /* another site */
  assert_int_equal(try_once("2001:db8:7::1", NOW, AUTH_UNTRIED), AUTH_PAUSE_MS); /* one that is known */
  uint64_t later = NOW + (AUTH_FREE_FAILURES + 2) * AUTH_FORGET_MS;
  assert_int_equal(try_once("2001:db8:7:3000::1", later, AUTH_WRONG), 0);
}

/* Nor may they be many at once, of which none has failed yet. */
static void tries_under_way_make_siblings(void **state) {
  (void)state;
  char from[32];
  unsigned gone = 0;
  for (unsigned i = 0; i < 10 * AUTH_SIBLINGS; i++) {
    sibling_of(i, from);
    struct auth_network network = network_of(from);
    gone += auth_pacing_begin(pacing, &network, NOW, &wait_ms) == AUTH_GO;
  }
  assert_int_equal(gone, AUTH_SIBLINGS + AUTH_AT_ONCE + AUTH_FREE_FAILURES);
}

static void the_network_that_failed_longest_ago_makes_room(void **state) {
  (void)state;
  char from[32];
  fail_times("192.0.2.1", AUTH_FREE_FAILURES, NOW);
  for (unsigned i = 0; i < AUTH_NETWORKS - 1; i++) {
    literal_of(i, from);
    fail_times(from, AUTH_FREE_FAILURES, NOW + 1 + i);
  }
  assert_int_equal(try_once("192.0.2.1", NOW + 2000, AUTH_WRONG), 1000); /* the newest again */
  fail_times("198.51.100.1", 1, NOW + 4000);
  fail_times("10.0.0.0", AUTH_FREE_FAILURES, NOW + 4000); /* it was the oldest, and is not known any more */
  assert_int_equal(try_once("192.0.2.1", NOW + 4000, AUTH_WRONG), 2000);
}

static void networks_with_tries_under_way_keep_their_places(void **state) {
  (void)state;
  char from[32];
  for (unsigned i = 0; i < AUTH_NETWORKS; i++) {
    literal_of(i, from);
    struct auth_network network = network_of(from);
    assert_int_equal(auth_pacing_begin(pacing, &network, NOW, &wait_ms), AUTH_GO);
  }
  struct auth_network late = network_of("192.0.2.1"), first = network_of("10.0.0.0");
  assert_int_equal(auth_pacing_begin(pacing, &late, NOW, &wait_ms), AUTH_REFUSE);
  auth_pacing_end(pacing, &first, AUTH_RIGHT, NOW);
  assert_int_equal(auth_pacing_begin(pacing, &late, NOW, &wait_ms), AUTH_GO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(networks),
      cmocka_unit_test_setup_teardown(pauses_grow_up_to_a_bound, set_up, tear_down),
      cmocka_unit_test_setup_teardown(failures_are_forgotten_one_by_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_success_forgives_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_at_once_wait_one_behind_the_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(giving_up_does_not_shorten_the_next_ones_wait, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_under_way_counts_beyond_a_few, set_up, tear_down),
      cmocka_unit_test_setup_teardown(all_that_wait_are_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(whoever_is_refused_often_may_not_recall, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_networks_of_one_site_count_as_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tries_under_way_make_siblings, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_network_that_failed_longest_ago_makes_room, set_up, tear_down),
      cmocka_unit_test_setup_teardown(networks_with_tries_under_way_keep_their_places, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
