/* Address literals and their texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "core/error.h"
#include "net/address.h"

static void literals_are_told_from_names(void **state) {
  (void)state;
  const struct {
    const char *host;
    const char *text; /* NULL: a name */
  } rows[] = {
      {"127.0.0.1", "127.0.0.1:80"},
      {"0.0.0.0", "0.0.0.0:80"},
      {"::", "[::]:80"},
      {"::1", "[::1]:80"},
      {"2001:DB8:0:0::1", "[2001:db8::1]:80"},
      {"::ffff:192.0.2.7", "192.0.2.7:80"},
      {"fe80::1%lo", "[fe80::1%lo]:80"},
      {"fe80::1%1", "[fe80::1%lo]:80"},
      {"fe80::1%999999", "[fe80::1%999999]:80"},
      {"", NULL},
      {"localhost", NULL},
      {"127.1", NULL},
      {"127.0.0.1 ", NULL},
      {"127.0.0.256", NULL},
      {"0127.0.0.1", NULL},
      {"[::1]", NULL},
      {":::", NULL},
      {"::1%", NULL},
      {"fe80::1%no-such-interface", NULL},
      {"fe80::1%1x", NULL},
      {"127.0.0.1%lo", NULL},
      {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct address address;
    char text[ADDRESS_TEXT_MAX];
    bool is_literal = address_parse_literal(rows[i].host, 80, &address);
    if (is_literal != (rows[i].text != NULL)) fail_msg("\"%s\": literal is %d", rows[i].host, is_literal);
    if (!is_literal) continue;
    assert_string_equal(address_format(&address, text), rows[i].text);
    assert_int_equal(address_port(&address), 80);
  }
}

static void unix_paths_have_a_limit(void **state) {
  (void)state;
  struct address address;
  char text[ADDRESS_TEXT_MAX];
  assert_int_equal(address_unix("/run/x", &address), WSL_OK);
  assert_string_equal(address_format(&address, text), "unix:/run/x");
  assert_int_equal(address_port(&address), 0);
  assert_int_equal(address_unix("", &address), WSL_INVALID);

  struct sockaddr_un un;
  char path[sizeof un.sun_path + 1];
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = '\0';
  assert_int_equal(address_unix(path, &address), WSL_INVALID);
  path[sizeof path - 2] = '\0';
  assert_int_equal(address_unix(path, &address), WSL_OK);
  assert_int_equal(strlen(address_format(&address, text)), strlen("unix:") + sizeof un.sun_path - 1);
}

static void what_the_kernel_returns_is_shown(void **state) {
  (void)state;
  char text[ADDRESS_TEXT_MAX];
  struct address unnamed = {.len = sizeof(sa_family_t)};
  unnamed.storage.ss_family = AF_UNIX;
  assert_string_equal(address_format(&unnamed, text), "unix:");

  struct address abstract = {.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 4)};
  struct sockaddr_un *un = (struct sockaddr_un *)(void *)&abstract.storage;
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, "\0abcdef", 7);
  assert_string_equal(address_format(&abstract, text), "unix:@abc"); /* by its length, not by a NUL */

  struct address full = {.len = sizeof *un};
  un = (struct sockaddr_un *)(void *)&full.storage;
  un->sun_family = AF_UNIX;
  memset(un->sun_path, 'y', sizeof un->sun_path); /* no NUL at its end */
  assert_int_equal(strlen(address_format(&full, text)), strlen("unix:") + sizeof un->sun_path);

  struct address other = {.len = 0};
  assert_string_equal(address_format(&other, text), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(literals_are_told_from_names),
      cmocka_unit_test(unix_paths_have_a_limit),
      cmocka_unit_test(what_the_kernel_returns_is_shown),
  };
  return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
