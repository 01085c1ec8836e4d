/* Response heads, byte for byte, and the Date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/response.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

struct row {
  const char *name;
  struct response response;
  const char *head;
};

static const struct row rows[] = {
    {"a file",
     {.status = 200,
      .content_length = 5000000000u,
      .content_type = "text/html; charset=utf-8",
      .cache_control = "no-cache"},
     "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Type: text/html; charset=utf-8\r\n"
     "Content-Length: 5000000000\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n"
     "X-Content-Type-Options: nosniff\r\n\r\n"},
    {"a wrong method",
     {.status = 405, .connection = RESPONSE_CLOSE, .allow = "GET, HEAD"},
     "HTTP/1.1 405 Method Not Allowed\r\nDate: " DATE "\r\nContent-Length: 0\r\nConnection: close\r\n"
     "Allow: GET, HEAD\r\nX-Content-Type-Options: nosniff\r\n\r\n"},
    {"a wrong version",
     {.status = 426, .connection = RESPONSE_CLOSE, .upgrade = RESPONSE_OFFERS_UPGRADE},
     "HTTP/1.1 426 Upgrade Required\r\nDate: " DATE "\r\nContent-Length: 0\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n\r\n"},
    {"a redirect",
     {.status = 301, .location = "/a%20b/"},
     "HTTP/1.1 301 Moved Permanently\r\nDate: " DATE "\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
     "Location: /a%20b/\r\nX-Content-Type-Options: nosniff\r\n\r\n"},
    {"come back later",
     {.status = 503, .connection = RESPONSE_CLOSE, .retry_after_s = 1},
     "HTTP/1.1 503 Service Unavailable\r\nDate: " DATE "\r\nContent-Length: 0\r\nConnection: close\r\n"
     "Retry-After: 1\r\nX-Content-Type-Options: nosniff\r\n\r\n"},
};

static void writes_every_head(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char out[RESPONSE_HEAD_MAX];
    size_t len = response_head(&rows[i].response, DATE, out, sizeof(out));
    if (len != strlen(rows[i].head) || memcmp(out, rows[i].head, len) != 0)
      fail_msg("%s: got\n%.*s", rows[i].name, (int)len, out);
  }
}

static void the_longest_head_fits(void **state) {
  (void)state;
  const struct response_file about = {.tag = "\"ffffffffffffffff.ffffffff-ffffffffffffffff-gz\"",
                                      .last_modified = DATE,
                                      .compressed = true,
                                      .varies = true,
                                      .size = UINT64_MAX};
  struct response r = {.status = 431,
                       .connection = RESPONSE_CLOSE,
                       .upgrade = RESPONSE_OFFERS_UPGRADE,
                       .content_length = UINT64_MAX,
                       .content_type = "application/manifest+json; charset=utf-8",
                       .cache_control = "no-cache",
                       .allow = "GET, HEAD",
                       .retry_after_s = UINT32_MAX,
                       .file = &about};
  char out[RESPONSE_HEAD_MAX];
  size_t len = response_head(&r, DATE, out, sizeof(out));
  assert_in_range(len, 1, sizeof(out) - 1);
  assert_memory_equal(out + len - 4, "\r\n\r\n", 4);
}

static void the_clock_has_a_date_at_once(void **state) {
  (void)state;
  struct response_clock clock = {0};
  assert_int_equal(strlen(response_clock_date(&clock)), HTTP_DATE_SIZE - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_head),
      cmocka_unit_test(the_longest_head_fits),
      cmocka_unit_test(the_clock_has_a_date_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
