/* The client's handshake: the request as the bridge's own parser reads it, and answers good and bad, cut at
 * every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <wsluice/request.h>

#include "core/error.h"
#include "loadgen/handshake.h"

#define FIELDS_MAX 32u

static const char *const headers[] = {"X-One: 1", "Cookie: a=b"};
static struct handshake handshake;
static char why[HANDSHAKE_WHY_MAX];

static int setup(void **state) {
  struct handshake_wishes wishes = {.target = "/a?b=c",
                                    .authority = "host:1",
                                    .origin = "http://origin",
                                    .subprotocol = "mqtt, binary",
                                    .headers = headers,
                                    .headers_count = 2};
  (void)state;
  return handshake_init(&handshake, &wishes);
}

static int teardown(void **state) {
  (void)state;
  handshake_destroy(&handshake);
  return 0;
}

static void test_request_is_an_upgrade_that_wsluice_takes(void **state) {
  (void)state;
  static const struct wsl_head_limits limits = {16384, 65536, FIELDS_MAX};
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_head head;
  struct wsl_request request;
  struct wsl_subprotocols none = {NULL, 0};
  wsl_head_init(&head, &limits, fields);
  assert_int_equal(wsl_head_feed(&head, handshake.request, handshake.request_len), WSL_HEAD_DONE);
  assert_int_equal(head.head_len, handshake.request_len);
  wsl_request_read(&head, &none, &request);
  assert_int_equal(request.kind, WSL_REQUEST_UPGRADE);
  assert_string_equal(request.accept, handshake.accept);
  assert_true(wsl_span_equal(request.subprotocol, wsl_span_of("binary")));
  assert_true(wsl_span_equal(request.origin, wsl_span_of("http://origin")));
  assert_true(wsl_span_equal(request.authority, wsl_span_of("host:1")));
  assert_non_null(strstr(handshake.request, "\r\nX-One: 1\r\nCookie: a=b\r\n\r\n"));
}

/* The outcome of an answer followed by two bytes of a frame; nothing but MORE before the head is whole. */
static enum handshake_outcome judge(const char *answer) {
  char text[2048];
  size_t head_len = 0;
  size_t len = strlen(answer);
  enum handshake_outcome outcome = HANDSHAKE_MORE;
  (void)snprintf(text, sizeof text, "%s\x81\x01", answer);
  for (size_t cut = 0; cut < len; cut++)
    if (handshake_read(&handshake, text, cut, &head_len, why) == HANDSHAKE_DONE) fail_msg("done early");
  outcome = handshake_read(&handshake, text, len + 2, &head_len, why);
  if (outcome == HANDSHAKE_DONE) assert_int_equal(head_len, len);
  return outcome;
}

static const char *good(const char *more) {
  static char text[1024];
  (void)snprintf(
      text, sizeof text,
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Accept: %s \r\n%s\r\n",
      handshake.accept, more);
  return text;
}

static void test_good_answers(void **state) {
  (void)state;
  static const char *const more[] = {"", "Sec-WebSocket-Protocol: mqtt\r\n",
                                     "Sec-WebSocket-Protocol: binary\r\n", "Server: x\r\nnonsense\r\n"};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    assert_int_equal(judge(good(more[i])), HANDSHAKE_DONE);
}

static void test_bad_answers(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"HTTP/1.1 403 Forbidden by rule\r\n\r\n", "the server refused the upgrade: 403 Forbidden by rule"},
      {"HTTP/1.1 404 \r\n\r\n", "the server refused the upgrade: 404 "},
      {"HTTP/1.1 503\r\nA: b\r\n\r\n", "the server refused the upgrade: 503"},
      {"HTTP/1.1 200 \x1b[31mred\r\n\r\n", "the server refused the upgrade: 200 .[31mred"},
      {"HTTP/1.1 101 Ok\r\n\r\n", "lacks \"Upgrade: websocket\""},
      {"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\n\r\n", "lacks \"Connection: Upgrade\""},
      {"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "does not fit the key"},
      {"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
       "does not fit the key"},
      {"HTTP/2 101 Ok\r\n\r\n", "makes no sense"},
      {"HTTP/1.1 1o1 Ok\r\n\r\n", "makes no sense"},
      {"RFB 003.008\n", "does not speak HTTP: RFB 003.008"},
      {"SSH-2.0-x\r\n", "does not speak HTTP: SSH-2.0-x"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(judge(rows[i][0]), HANDSHAKE_REFUSED);
    if (strstr(why, rows[i][1]) == NULL) fail_msg("\"%s\" and not \"%s\"", why, rows[i][1]);
  }
}

static void test_answers_to_what_was_not_asked(void **state) {
  (void)state;
  assert_int_equal(judge(good("Sec-WebSocket-Protocol: mqt\r\n")), HANDSHAKE_REFUSED);
  assert_non_null(strstr(why, "a subprotocol that was not offered"));
  assert_int_equal(judge(good("Sec-WebSocket-Extensions: permessage-deflate\r\n")), HANDSHAKE_REFUSED);
  assert_non_null(strstr(why, "extension"));
  handshake.subprotocol = NULL;
  assert_int_equal(judge(good("Sec-WebSocket-Protocol: mqtt\r\n")), HANDSHAKE_REFUSED);
  assert_non_null(strstr(why, "though none was offered"));
}

static void test_endless_head(void **state) {
  (void)state;
  static char text[HANDSHAKE_ANSWER_MAX];
  size_t head_len = 0;
  memset(text, 'a', sizeof text);
  memcpy(text, "HTTP/1.1 101 x\r\n", 16);
  assert_int_equal(handshake_read(&handshake, text, sizeof text - 1, &head_len, why), HANDSHAKE_MORE);
  assert_int_equal(handshake_read(&handshake, text, sizeof text, &head_len, why), HANDSHAKE_REFUSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_request_is_an_upgrade_that_wsluice_takes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_good_answers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bad_answers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_answers_to_what_was_not_asked, setup, teardown),
      cmocka_unit_test_setup_teardown(test_endless_head, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
