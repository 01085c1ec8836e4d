/* Source addresses: what may be given, whose turn it is, and which one is passed over for how long. No
 * connects here: test_socket_dialer.c has those, and test_source_address.py the ports that run out.
 */
#include "loopback.h"

#include "core/error.h"
#include "net/source_address.h"

static struct address values[SOURCE_ADDRESSES_MAX];
static struct source_addresses sources = {.values = values};
static struct source_turns turns;

static void give(const char *const *hosts) {
  const char *why;
  for (sources.count = 0; hosts[sources.count] != NULL; sources.count++)
    assert_true(source_address_parse(hosts[sources.count], &values[sources.count], &why));
  source_turns_init(&turns, &sources, 0);
}

static struct address target(const char *host, uint16_t port) {
  struct address address;
  assert_true(address_parse_literal(host, port, &address));
  return address;
}

/* Index of the address that a dial to `to` at that time gets; -1: the system's choice. */
static int turn_of(const struct address *to, uint64_t now_ms) {
  struct source_walk walk;
  if (!source_walk_begin(&walk, &turns, to, now_ms)) return -1;
  const struct address *source = source_walk_next(&walk);
  assert_non_null(source);
  return (int)(source - values);
}

/* All of them turn out to have no port; how many were tried. */
static int exhaust(const struct address *to, uint64_t now_ms) {
  struct source_walk walk;
  int tried = 0;
  assert_true(source_walk_begin(&walk, &turns, to, now_ms));
  for (; source_walk_next(&walk) != NULL; tried++)
    source_walk_full(&walk);
  assert_null(source_walk_next(&walk));
  return tried;
}

static void only_addresses_of_one_host_are_taken(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool good;
  } rows[] = {
      {"127.0.0.1", true},        {"10.1.2.3", true},   {"::1", true},
      {"fd00::5", true},          {"fe80::1%lo", true}, {"", false},
      {"localhost", false},       {"127.1", false},     {"10.0.0.256", false},
      {"10.0.0.1:80", false},     {"[::1]", false},     {" 10.0.0.1", false},
      {"10.0.0.0/8", false},      {"0.0.0.0", false},   {"::", false},
      {"255.255.255.255", false}, {"224.0.0.1", false}, {"ff02::1", false},
      {"::ffff:10.0.0.1", false}, {"eth0", false},      {"fe80::1%nowhere", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct address address;
    const char *why = NULL;
    if (source_address_parse(rows[i].text, &address, &why) != rows[i].good)
      fail_msg("\"%s\" is %s", rows[i].text, rows[i].good ? "refused" : "taken");
    if (!rows[i].good) assert_non_null(why);
  }
}

static void a_foreign_address_is_found_at_the_start(void **state) {
  (void)state;
  char why[160] = "";
  static const char *const good[] = {"127.0.0.1", "127.0.0.2", NULL};
  give(good);
  assert_int_equal(source_addresses_check(&sources, why, sizeof why), WSL_OK);
  static const char *const foreign[] = {"127.0.0.1", "192.0.2.1", NULL};
  give(foreign);
  assert_int_equal(source_addresses_check(&sources, why, sizeof why), WSL_NO_ADDRESS);
  assert_string_equal(why,
                      "can't connect from 192.0.2.1 (--source-address): this machine has no such address");
  static const char *const v6[] = {"2001:db8::1", NULL};
  give(v6);
  assert_int_not_equal(source_addresses_check(&sources, why, sizeof why), WSL_OK);
  assert_non_null(strstr(why, "[2001:db8::1] (--source-address)"));
}

static void without_any_the_system_chooses(void **state) {
  (void)state;
  struct address to = target("127.0.0.1", 80);
  source_turns_init(&turns, NULL, 3);
  assert_int_equal(turn_of(&to, 0), -1);
  sources.count = 0;
  source_turns_init(&turns, &sources, 3);
  assert_int_equal(turn_of(&to, 0), -1);
}

static void families_have_their_own_turns(void **state) {
  (void)state;
  static const char *const hosts[] = {"127.0.0.2", "::1", "127.0.0.3", NULL};
  give(hosts);
  struct address v4 = target("10.0.0.1", 80), v6 = target("2001:db8::1", 80);
  static const int expected[] = {0, 2, 0, 2, 0, 2};
  for (int i = 0; i < 6; i++)
    assert_int_equal(turn_of(&v4, 0), expected[i]);
  for (int i = 0; i < 3; i++)
    assert_int_equal(turn_of(&v6, 0), 1);
  source_turns_init(&turns, &sources, 5); /* the sixth worker */
  assert_int_equal(turn_of(&v4, 0), 2);
}

static void a_full_one_is_passed_over_for_a_while(void **state) {
  (void)state;
  static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", NULL};
  give(hosts);
  struct address full = target("10.0.0.1", 80), other = target("10.0.0.1", 81);
  struct source_walk walk;
  assert_true(source_walk_begin(&walk, &turns, &full, 1000));
  assert_ptr_equal(source_walk_next(&walk), &values[0]);
  source_walk_full(&walk);
  assert_ptr_equal(source_walk_next(&walk), &values[1]);
  for (int i = 0; i < 3; i++)
    assert_int_equal(turn_of(&full, 1100), 1);
  assert_int_equal(turn_of(&other, 1100), 0); /* it has ports toward other targets */
  assert_int_equal(turn_of(&other, 1100), 1);
  assert_int_equal(turn_of(&full, 3000), 0); /* perhaps again */
}

/* Ports come free at any moment, so even then one is tried, in turns. */
static void when_all_are_full_one_is_tried(void **state) {
  (void)state;
  static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", NULL};
  give(hosts);
  struct address to = target("10.0.0.1", 80);
  assert_int_equal(exhaust(&to, 1000), 3);
  assert_int_equal(exhaust(&to, 1001), 1);
  int first = turn_of(&to, 1001), second = turn_of(&to, 1001);
  assert_int_not_equal(first, second);
  assert_int_equal(exhaust(&to, 5000), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_addresses_of_one_host_are_taken),
      cmocka_unit_test(a_foreign_address_is_found_at_the_start),
      cmocka_unit_test(without_any_the_system_chooses),
      cmocka_unit_test(families_have_their_own_turns),
      cmocka_unit_test(a_full_one_is_passed_over_for_a_while),
      cmocka_unit_test(when_all_are_full_one_is_tried),
  };
  return cmocka_run_group_tests_name("net/source_address", tests, NULL, NULL);
}
