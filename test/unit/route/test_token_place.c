/* Where a token stands: what --token-from takes, and what each place makes of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wsluice/request.h>

#include "core/error.h"
#include "route/token/place.h"

static void places_are_named(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int error;
    enum token_place_kind kind;
    const char *name;
    unsigned segment;
  } rows[] = {
      {"query:token", 0, TOKEN_IN_QUERY, "token", 0},
      {"query:a b&", 0, TOKEN_IN_QUERY, "a b&", 0},
      {"path", 0, TOKEN_IN_PATH, NULL, 0},
      {"path:1", 0, TOKEN_IN_PATH, NULL, 1},
      {"path:12", 0, TOKEN_IN_PATH, NULL, 12},
      {"host", 0, TOKEN_IN_HOST, NULL, 0},
      {"header:X-Token", 0, TOKEN_IN_HEADER, "X-Token", 0},
      {"cookie:session", 0, TOKEN_IN_COOKIE, "session", 0},
      {"", WSL_INVALID, 0, NULL, 0},
      {"query", WSL_INVALID, 0, NULL, 0},
      {"query:", WSL_INVALID, 0, NULL, 0},
      {"path:", WSL_INVALID, 0, NULL, 0},
      {"path:0", WSL_INVALID, 0, NULL, 0},
      {"path:-1", WSL_INVALID, 0, NULL, 0},
      {"path:1001", WSL_INVALID, 0, NULL, 0},
      {"path:x", WSL_INVALID, 0, NULL, 0},
      {"host:a", WSL_INVALID, 0, NULL, 0},
      {"header", WSL_INVALID, 0, NULL, 0},
      {"header:", WSL_INVALID, 0, NULL, 0},
      {"header:a b", WSL_INVALID, 0, NULL, 0},
      {"cookie:", WSL_INVALID, 0, NULL, 0},
      {"cookie:a;b", WSL_INVALID, 0, NULL, 0},
      {"Query:a", WSL_INVALID, 0, NULL, 0},
      {"body", WSL_INVALID, 0, NULL, 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct token_place place = {.segment = 77};
    const char *why = NULL;
    int error = token_place_parse(rows[i].text, &place, &why);
    if (error != rows[i].error) fail_msg("%s: %s", rows[i].text, error_name(error));
    assert_int_equal(why != NULL, error != 0);
    if (error != 0) {
      assert_int_equal(place.segment, 77);
      continue;
    }
    assert_int_equal(place.kind, rows[i].kind);
    assert_int_equal(place.segment, rows[i].segment);
    if (rows[i].name != NULL) assert_string_equal(place.name, rows[i].name);
  }
}

static const struct {
  const char *place, *head, *token; /* head: request line and fields, without the last line ends */
} rows[] = {
    {"query:token", "GET /a?token=b%20c HTTP/1.1\r\nHost: h", "b c"},
    {"query:t", "GET /a?token=b&t=x&t=y HTTP/1.1\r\nHost: h", "x"},
    {"query:t", "GET /a HTTP/1.1\r\nHost: h", ""},
    {"path", "GET /ws/abc HTTP/1.1\r\nHost: h", "abc"},
    {"path", "GET /ws/abc?token=x HTTP/1.1\r\nHost: h", "abc"},
    {"path", "GET /ws/abc/ HTTP/1.1\r\nHost: h", ""},
    {"path", "GET / HTTP/1.1\r\nHost: h", ""},
    {"path", "GET /a%2Fb+%41 HTTP/1.1\r\nHost: h", "a/b+A"},
    {"path:1", "GET /ws/abc HTTP/1.1\r\nHost: h", "ws"},
    {"path:2", "GET /ws/abc HTTP/1.1\r\nHost: h", "abc"},
    {"path:2", "GET /ws/abc/def HTTP/1.1\r\nHost: h", "abc"},
    {"path:3", "GET /ws/abc HTTP/1.1\r\nHost: h", ""},
    {"path:2", "GET /ws//abc HTTP/1.1\r\nHost: h", ""},
    {"path", "GET http://h/x/abc HTTP/1.1\r\nHost: h", "abc"},
    {"host", "GET /a HTTP/1.1\r\nHost: vm7.example:443", "vm7.example"},
    {"header:X-Token", "GET /a HTTP/1.1\r\nHost: h\r\nx-token:  b c ", "b c"},
    {"header:X-Token", "GET /a HTTP/1.1\r\nHost: h\r\nX-Token:", ""},
    {"header:X-Token", "GET /a HTTP/1.1\r\nHost: h\r\nX-Token: a\r\nX-Token: b", ""},
    {"header:X-Token", "GET /a HTTP/1.1\r\nHost: h", ""},
    {"cookie:t", "GET /a HTTP/1.1\r\nHost: h\r\nCookie: s=1; t=abc", "abc"},
    {"cookie:t", "GET /a HTTP/1.1\r\nHost: h\r\nCookie: s=1\r\nCookie: t=abc", "abc"},
    {"cookie:t", "GET /a HTTP/1.1\r\nHost: h\r\nCookie: T=abc", ""},
    {"cookie:t", "GET /a HTTP/1.1\r\nHost: h", ""},
};

static void check_row(const char *place_text, const char *head_text, const char *token) {
  static const struct wsl_head_limits limits = {16384, 65536, 100};
  static const struct wsl_subprotocols none = {NULL, 0};
  struct wsl_head_field fields[100];
  struct wsl_head head;
  struct wsl_request request;
  char bytes[512];
  int len = snprintf(bytes, sizeof(bytes), "%s\r\n\r\n", head_text);
  wsl_head_init(&head, &limits, fields);
  assert_int_equal(wsl_head_feed(&head, bytes, (size_t)len), WSL_HEAD_DONE);
  wsl_request_read(&head, &none, &request);
  struct route_request wanted = {request.path, request.query, request.authority, &head, 1};
  struct token_place place;
  const char *why;
  assert_int_equal(token_place_parse(place_text, &place, &why), 0);
  size_t room = token_place_room(&place, &wanted);
  char *out = malloc(room == 0 ? 1 : room); /* AddressSanitizer looks at its end */
  size_t taken = token_place_take(&place, &wanted, out);
  assert_in_range(taken, 0, room);
  if (taken != strlen(token) || memcmp(out, token, taken) != 0)
    fail_msg("%s of %s: %.*s", place_text, head_text, (int)taken, out);
  free(out);
}

static void each_place_has_its_token(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    check_row(rows[i].place, rows[i].head, rows[i].token);
}

static void what_of_a_path_is_the_token(void **state) {
  (void)state;
  struct token_place last = {.kind = TOKEN_IN_PATH}, second = {.kind = TOKEN_IN_PATH, .segment = 2};
  struct wsl_span path = wsl_span_of("/ws/abc/x");
  assert_true(wsl_span_equal(token_place_in_path(&last, path), wsl_span_of("x")));
  assert_ptr_equal(token_place_in_path(&second, path).at, path.at + 4);
  assert_true(wsl_span_equal(token_place_in_path(&second, path), wsl_span_of("abc")));
  assert_int_equal(token_place_in_path(&second, wsl_span_of("*")).len, 0);
  assert_int_equal(token_place_in_path(&token_place_default, path).len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_are_named),
      cmocka_unit_test(each_place_has_its_token),
      cmocka_unit_test(what_of_a_path_is_the_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
