/* What a program learns about its client: CGI's variables, each header but those that lie or tell secrets,
 * and nothing that could pass for another variable, whatever a client sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/connection/program_words.h"

#define FIELDS_MAX 32

static struct wsl_head_field fields[FIELDS_MAX];
static char words[65536];
static size_t words_len;
static const char *user = "";

static struct address address_of(const char *host, uint16_t port) {
  struct address address;
  assert_true(address_parse_literal(host, port, &address));
  return address;
}

static const struct wsl_head_limits limits = {16384, 16384, FIELDS_MAX};

/* Writes the words of a request with these headers, its line before them. */
static void write_words(const char *target, const char *headers, const char *host) {
  char raw[16384];
  struct wsl_head head;
  struct wsl_request request;
  struct address client = address_of(host, 4321), local = address_of("127.0.0.1", 80);
  struct wsl_subprotocols none = {NULL, 0};
  int len = snprintf(raw, sizeof raw,
                     "GET %s HTTP/1.1\r\nHost: h.example:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                     target, headers);
  wsl_head_init(&head, &limits, fields);
  assert_int_equal(wsl_head_feed(&head, raw, (size_t)len), WSL_HEAD_DONE);
  wsl_request_read(&head, &none, &request);
  assert_int_equal(request.kind, WSL_REQUEST_UPGRADE);
  struct program_client who = {&head, &request, &client, &local, user, 7, PROGRAM_CLIENT_OVER_TLS};
  size_t room = program_words_room(&who);
  assert_true(room <= sizeof words);
  struct text text;
  text_init(&text, words, room);
  program_words_write(&text, &who);
  assert_false(text.overflow);
  words_len = text.len;
  assert_int_equal(words[words_len - 1], '\0');
}

/* The value of a variable, NULL where there is none; fails where there are two. */
static const char *value_of(const char *name) {
  const char *found = NULL;
  size_t len = strlen(name);
  for (const char *at = words; at < words + words_len; at += strlen(at) + 1) {
    assert_non_null(strchr(at, '='));
    if (strncmp(at, name, len) != 0 || at[len] != '=') continue;
    if (found != NULL) fail_msg("%s twice", name);
    found = at + len + 1;
  }
  return found;
}

static void expect(const char *name, const char *value) {
  const char *found = value_of(name);
  if (found == NULL) fail_msg("no %s", name);
  assert_string_equal(found, value);
}

static void cgi_variables(void **state) {
  (void)state;
  write_words("/a%20b?x=%31", "Origin: http://o\r\nSec-WebSocket-Protocol: chat\r\n", "::ffff:10.0.0.1");
  expect("REMOTE_ADDR", "10.0.0.1");
  expect("REMOTE_PORT", "4321");
  expect("SERVER_ADDR", "127.0.0.1");
  expect("SERVER_PORT", "80");
  expect("SERVER_NAME", "h.example");
  expect("PATH_INFO", "/a b");
  expect("REQUEST_URI", "/a%20b?x=%31");
  expect("QUERY_STRING", "x=%31");
  expect("HTTP_HOST", "h.example:81");
  expect("HTTP_ORIGIN", "http://o");
  expect("SUBPROTOCOL", "chat");
  expect("HTTPS", "on");
  expect("UNIQUE_ID", "7");
  write_words("/", "", "2001:db8::1");
  expect("REMOTE_ADDR", "2001:db8::1");
  expect("QUERY_STRING", "");
  assert_null(value_of("SUBPROTOCOL"));
}

static void who_has_logged_in(void **state) {
  (void)state;
  write_words("/", "Remote-User: liar\r\n", "127.0.0.1");
  assert_null(value_of("REMOTE_USER"));
  user = "alice";
  write_words("/", "Remote-User: liar\r\n", "127.0.0.1");
  expect("REMOTE_USER", "alice");
  user = "a\nb"; /* of a certificate */
  write_words("/", "", "127.0.0.1");
  assert_null(value_of("REMOTE_USER"));
  user = "";
}

static void paths_that_would_smuggle_stay_encoded(void **state) {
  (void)state;
  static const char *const paths[] = {"/a%00b", "/%0aLD_PRELOAD=x", "/%7f", "/%1b[31m"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    write_words(paths[i], "", "127.0.0.1");
    expect("PATH_INFO", paths[i]);
  }
  write_words("/%zz%4", "", "127.0.0.1");
  expect("PATH_INFO", "/%zz%4");
}

static void headers_that_lie_or_tell_secrets_are_left_out(void **state) {
  (void)state;
  write_words("/",
              "Proxy: evil:1\r\npROXY: evil:2\r\nAuthorization: Basic x\r\nProxy-Authorization: y\r\n"
              "X_Forwarded_For: 1.2.3.4\r\nX.Dot: 1\r\nX!: 1\r\nX-Ok-1: fine\r\n",
              "127.0.0.1");
  assert_null(value_of("HTTP_PROXY"));
  assert_null(value_of("HTTP_AUTHORIZATION"));
  assert_null(value_of("HTTP_PROXY_AUTHORIZATION"));
  assert_null(value_of("HTTP_X_FORWARDED_FOR"));
  assert_null(value_of("HTTP_X.DOT"));
  assert_null(value_of("HTTP_X!"));
  expect("HTTP_X_OK_1", "fine");
}

static void of_two_headers_the_first_counts(void **state) {
  (void)state;
  write_words("/", "X-Twice: one\r\nCookie: a=b=c\r\nx-twice: two\r\nX-Empty:\r\n", "127.0.0.1");
  expect("HTTP_X_TWICE", "one");
  expect("HTTP_COOKIE", "a=b=c");
  expect("HTTP_X_EMPTY", "");
}

static void a_login_is_not_told(void **state) {
  (void)state;
  write_words("/", "Cookie: a=b; wsluice_0123abcd=SECRET; c=d;__Host-wsluice_0123abcd=SECRET\r\n",
              "127.0.0.1");
  expect("HTTP_COOKIE", "a=b; c=d;");
  write_words("/", "Cookie: wsluice_0123abcd=SECRET\r\n", "127.0.0.1");
  expect("HTTP_COOKIE", "");
}

static void sizes_of_terminals(void **state) {
  (void)state;
  static const struct {
    const char *query;
    unsigned columns;
  } cases[] = {{"cols=80", 80},     {"rows=1&cols=120&x", 120},
               {"cols=1000", 1000}, {"cols=1001", 0},
               {"cols=0", 0},       {"cols=-1", 0},
               {"cols=8x", 0},      {"", 0},
               {"cols=", 0},        {"cols=00000000080", 0},
               {"cols=8%00", 0},    {"xcols=80", 0},
               {"cols=%38%30", 80}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(program_words_size(wsl_span_of(cases[i].query), "cols"), cases[i].columns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cgi_variables),
      cmocka_unit_test(who_has_logged_in),
      cmocka_unit_test(paths_that_would_smuggle_stay_encoded),
      cmocka_unit_test(headers_that_lie_or_tell_secrets_are_left_out),
      cmocka_unit_test(a_login_is_not_told),
      cmocka_unit_test(of_two_headers_the_first_counts),
      cmocka_unit_test(sizes_of_terminals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
