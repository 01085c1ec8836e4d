/* Socket addresses and the PROXY protocol's ends: families that differ, and clients without an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/connection/proxy_address.h"

static struct address ip(const char *host, uint16_t port) {
  struct address address;
  assert_true(address_parse_literal(host, port, &address));
  return address;
}

/* As version 1 of the protocol says it. */
static void expect_line(const struct address *client, const struct address *local, const char *line) {
  uint8_t out[PROXY_ENCODED_MAX];
  struct proxy_header header = proxy_header_of(client, local);
  size_t len = proxy_encode(PROXY_V1, &header, out);
  assert_int_equal(len, strlen(line));
  assert_memory_equal(out, line, len);
}

static void both_ends_are_of_one_family(void **state) {
  (void)state;
  struct address v4 = ip("203.0.113.5", 40000), v6 = ip("2001:db8::7", 40000),
                 mapped = ip("::ffff:10.0.0.1", 80);
  struct address to_v4 = ip("10.0.0.1", 80), to_v6 = ip("::1", 80);
  expect_line(&v4, &to_v4, "PROXY TCP4 203.0.113.5 10.0.0.1 40000 80\r\n");
  expect_line(&v4, &mapped, "PROXY TCP4 203.0.113.5 10.0.0.1 40000 80\r\n");
  expect_line(&v6, &to_v6, "PROXY TCP6 2001:db8::7 ::1 40000 80\r\n");
  expect_line(&v6, &to_v4, "PROXY TCP6 2001:db8::7 ::ffff:10.0.0.1 40000 80\r\n");
  expect_line(&v4, &to_v6, "PROXY TCP6 ::ffff:203.0.113.5 ::1 40000 80\r\n");
}

static void who_has_no_address_is_nobody(void **state) {
  (void)state;
  struct address unknown = {.storage.ss_family = AF_UNSPEC}, path, v4 = ip("203.0.113.5", 40000);
  struct address v6 = ip("2001:db8::7", 0);
  assert_int_equal(address_unix("/run/x", &path), 0);
  expect_line(&path, &v4, "PROXY UNKNOWN\r\n");
  expect_line(&unknown, &v4, "PROXY UNKNOWN\r\n");
  expect_line(&v4, &path, "PROXY TCP4 203.0.113.5 0.0.0.0 40000 0\r\n");
  expect_line(&v6, &unknown, "PROXY TCP6 2001:db8::7 :: 0 0\r\n");
}

static void ends_become_addresses(void **state) {
  (void)state;
  static const char *const hosts[] = {"203.0.113.5", "2001:db8::7"};
  for (size_t i = 0; i < 2; i++) {
    struct address before = ip(hosts[i], 40000);
    struct proxy_header header = proxy_header_of(&before, &before);
    struct address after = proxy_address_of(header.family, &header.source);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(&after.storage, &before.storage, before.len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_ends_are_of_one_family),
      cmocka_unit_test(who_has_no_address_is_nobody),
      cmocka_unit_test(ends_become_addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
