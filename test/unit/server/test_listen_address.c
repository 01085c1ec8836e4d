/* Where to listen, and the sentences for what goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "server/listen_address.h"

#define WHY_MAX 256

static void sentences_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    int error;
    const char *host;
    uint16_t port;
    const char *sentence;
  } rows[] = {
      {WSL_DENIED, "0.0.0.0", 80,
       "can't listen on 0.0.0.0:80: permission denied (ports below 1024 need root or CAP_NET_BIND_SERVICE)"},
      {WSL_DENIED, "::1", 8080, "can't listen on [::1]:8080: permission denied"},
      {WSL_IN_USE, "::", 6080,
       "can't listen on [::]:6080: address in use: is another program, or another wsluice, listening on "
       "port 6080?"},
      {WSL_NO_ADDRESS, "10.99.99.99", 1, "can't listen on 10.99.99.99:1: this machine has no such address"},
      {WSL_UNSUPPORTED, "::1", 1, "can't listen on [::1]:1: this address family is disabled on this machine"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct address address;
    char why[WHY_MAX];
    assert_true(address_parse_literal(rows[i].host, rows[i].port, &address));
    listen_address_explain(rows[i].error, &address, why, sizeof(why));
    assert_string_equal(why, rows[i].sentence);
  }
}

static void no_host_means_all_addresses(void **state) {
  (void)state;
  struct address address;
  char why[WHY_MAX], text[ADDRESS_TEXT_MAX];
  assert_int_equal(listen_address_resolve("", 6080, LISTEN_PREFER_IPV4, &address, why, sizeof(why)), 0);
  assert_string_equal(address_format(&address, text), "[::]:6080");
}

static void a_name_is_resolved(void **state) {
  (void)state;
  struct address address;
  char why[WHY_MAX];
  assert_int_equal(listen_address_resolve("localhost", 6080, LISTEN_PREFER_IPV4, &address, why, sizeof(why)),
                   0);
  assert_int_equal(address_port(&address), 6080);
}

static void an_unknown_name_is_shown_escaped(void **state) {
  (void)state;
  struct address address;
  char why[WHY_MAX];
  assert_int_not_equal(
      listen_address_resolve("no\nhost", 6080, LISTEN_PREFER_IPV4, &address, why, sizeof(why)), 0);
  assert_non_null(strstr(why, "\"no\\nhost\""));
}

static void binds_a_free_port_and_says_which(void **state) {
  (void)state;
  struct address address, same;
  char why[WHY_MAX];
  assert_int_equal(listen_address_resolve("127.0.0.1", 0, LISTEN_PREFER_IPV4, &address, why, sizeof(why)), 0);
  int fd =
      listen_address_bind("127.0.0.1", &address, LISTEN_ALONE, &socket_tuning_default, 8, why, sizeof(why));
  assert_true(fd >= 0);
  assert_int_not_equal(address_port(&address), 0);
  same = address;
  assert_int_equal(
      listen_address_bind("127.0.0.1", &same, LISTEN_ALONE, &socket_tuning_default, 8, why, sizeof(why)),
      WSL_IN_USE);
  assert_non_null(strstr(why, "address in use"));
  close(fd);
}

/* Which is found by trying, and not for want of ports. */
static void a_foreign_address_is_named(void **state) {
  (void)state;
  struct address address;
  char why[WHY_MAX];
  assert_true(address_parse_literal("192.0.2.1", 1, &address));
  assert_int_equal(
      listen_address_bind("192.0.2.1", &address, LISTEN_ALONE, &socket_tuning_default, 8, why, sizeof(why)),
      WSL_NO_ADDRESS);
  assert_string_equal(why, "can't listen on 192.0.2.1:1: this machine has no such address");
}

static void all_addresses_take_ipv4_too(void **state) {
  (void)state;
  struct address address;
  char why[WHY_MAX];
  assert_int_equal(listen_address_resolve("", 0, LISTEN_PREFER_IPV4, &address, why, sizeof(why)), 0);
  int fd = listen_address_bind("", &address, LISTEN_ALONE, &socket_tuning_default, 8, why, sizeof(why));
  assert_true(fd >= 0);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(address_port(&address))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
  close(client);
  close(fd);
}

static void a_name_with_both_kinds_of_addresses(void **state) {
  (void)state;
  struct addrinfo v6_only = {.ai_family = AF_INET6}, v4_only = {.ai_family = AF_INET};
  struct addrinfo v4 = {.ai_family = AF_INET}, v6 = {.ai_family = AF_INET6, .ai_next = &v4};
  assert_ptr_equal(listen_address_choose(&v6, LISTEN_PREFER_IPV4), &v4);
  assert_ptr_equal(listen_address_choose(&v6, LISTEN_PREFER_IPV6), &v6);
  assert_ptr_equal(listen_address_choose(&v6_only, LISTEN_PREFER_IPV4), &v6_only);
  assert_ptr_equal(listen_address_choose(&v4_only, LISTEN_PREFER_IPV6), &v4_only);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sentences_say_what_to_do),
      cmocka_unit_test(no_host_means_all_addresses),
      cmocka_unit_test(a_name_is_resolved),
      cmocka_unit_test(an_unknown_name_is_shown_escaped),
      cmocka_unit_test(binds_a_free_port_and_says_which),
      cmocka_unit_test(a_foreign_address_is_named),
      cmocka_unit_test(all_addresses_take_ipv4_too),
      cmocka_unit_test(a_name_with_both_kinds_of_addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
