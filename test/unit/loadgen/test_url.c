/* URLs and addresses, by tables: what is taken and as what, what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "loadgen/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_taken(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum url_scheme scheme;
    const char *host;
    uint16_t port;
    const char *target, *authority;
  } rows[] = {
      {"ws://localhost", URL_WS, "localhost", 80, "/", "localhost"},
      {"ws://localhost:6080/", URL_WS, "localhost", 6080, "/", "localhost:6080"},
      {"wss://a.example/x/y?token=1&b=%20", URL_WSS, "a.example", 443, "/x/y?token=1&b=%20", "a.example"},
      {"wss://a.example:8443?q", URL_WSS, "a.example", 8443, "/?q", "a.example:8443"},
      {"ws://127.0.0.1:1/a:b", URL_WS, "127.0.0.1", 1, "/a:b", "127.0.0.1:1"},
      {"ws://[::1]/", URL_WS, "::1", 80, "/", "[::1]"},
      {"ws://[::1]:81/", URL_WS, "::1", 81, "/", "[::1]:81"},
      {"tcp://db:5432", URL_TCP, "db", 5432, "/", "db:5432"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct url url;
    const char *why = "taken";
    if (url_parse(&url, rows[i].text, &why) != WSL_OK) fail_msg("%s: %s", rows[i].text, why);
    assert_int_equal(url.scheme, rows[i].scheme);
    assert_string_equal(url.host, rows[i].host);
    assert_int_equal(url.port, rows[i].port);
    assert_string_equal(url.target, rows[i].target);
    assert_string_equal(url.authority, rows[i].authority);
    assert_null(url.unix_path);
  }
}

static void test_unix_sockets(void **state) {
  (void)state;
  struct url url;
  const char *why = "taken";
  assert_int_equal(url_parse(&url, "ws+unix:/run/a b.sock", &why), WSL_OK);
  assert_int_equal(url.scheme, URL_WS);
  assert_string_equal(url.unix_path, "/run/a b.sock");
  assert_string_equal(url.authority, "localhost");
  assert_int_equal(url_parse(&url, "tcp+unix:/run/x", &why), WSL_OK);
  assert_int_equal(url.scheme, URL_TCP);
  assert_int_equal(url_parse_address(&url, "unix:/run/y", &why), WSL_OK);
  assert_string_equal(url.unix_path, "/run/y");
  assert_int_equal(url_parse_address(&url, "127.0.0.1:5900", &why), WSL_OK);
  assert_null(url.unix_path);
  assert_int_equal(url.port, 5900);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *why;
  } rows[] = {
      {"", "not a ws://"},
      {"localhost:80", "not a ws://"},
      {"http://localhost", "not a ws://"},
      {"WS://localhost", "not a ws://"},
      {"ws://", "host is missing"},
      {"ws:///path", "host is missing"},
      {"tcp://localhost", "port is missing"},
      {"ws://user@localhost/", "user name"},
      {"ws://localhost/a b", "percent-encoded"},
      {"ws://localhost/\xc3\xa4", "percent-encoded"},
      {"ws://localhost/a\r\nX: y", "percent-encoded"},
      {"ws://localhost/#top", "fragment"},
      {"ws://localhost:0/", ""},
      {"ws://localhost:65536/", ""},
      {"ws://localhost:x/", ""},
      {"ws://localhost:/", ""},
      {"ws://a b/", ""},
      {"ws+unix:relative", "absolute"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct url url;
    const char *why = NULL;
    if (url_parse(&url, rows[i].text, &why) != WSL_INVALID) fail_msg("taken: %s", rows[i].text);
    if (why == NULL || strstr(why, rows[i].why) == NULL) fail_msg("%s: %s", rows[i].text, why);
  }
}

static void test_too_long(void **state) {
  (void)state;
  char text[URL_TARGET_MAX + 100];
  struct url url;
  const char *why = NULL;
  memset(text, 'a', sizeof text);
  memcpy(text, "ws://h/", 7);
  text[sizeof text - 1] = '\0';
  assert_int_equal(url_parse(&url, text, &why), WSL_INVALID);
  assert_string_equal(why, "the path is too long");
  memcpy(text, "ws://hh", 7);
  assert_int_equal(url_parse(&url, text, &why), WSL_INVALID);
  assert_string_equal(why, "the host is too long");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_taken),
      cmocka_unit_test(test_unix_sockets),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
