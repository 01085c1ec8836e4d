/* The selftest's WebSocket server against the bench's own client side: the handshake and an exchange, fed in
 * two pieces cut at every place and byte by byte; and what it must not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "loadgen/frame_reader.h"
#include "loadgen/handshake.h"
#include "loadgen/outgoing.h"
#include "loadgen/websocket_echo.h"

#define MESSAGE_LEN 300u
#define MESSAGES    3u
#define TALK_MAX    4096u

static struct handshake handshake;
static struct pattern pattern;
static uint8_t talk[TALK_MAX]; /* what a client sends: request, messages with a ping between, Close */
static size_t talk_len;
static uint8_t heard[TALK_MAX];
static size_t heard_len;

static void add(const void *bytes, size_t len) {
  memcpy(talk + talk_len, bytes, len);
  talk_len += len;
}

static int setup(void **state) {
  static const uint8_t mask[4] = {9, 8, 7, 6};
  struct handshake_wishes wishes = {.target = "/", .authority = "h"};
  struct outgoing outgoing;
  struct iovec part;
  uint8_t control[CLIENT_CONTROL_MAX];
  (void)state;
  pattern_init(&pattern);
  if (handshake_init(&handshake, &wishes) != 0) return -1;
  if (outgoing_init(&outgoing, &pattern, OUTGOING_MASKED, WSL_OP_BINARY, MESSAGE_LEN) != 0) return -1;
  talk_len = 0;
  add(handshake.request, handshake.request_len);
  for (uint64_t i = 0; i < MESSAGES; i++) {
    if (outgoing_parts(&outgoing, i * outgoing.frame_len, outgoing.frame_len, &part, 1) != 1) return -1;
    add(part.iov_base, part.iov_len);
    if (i == 0) add(control, client_control_frame(control, WSL_OP_PING, (const uint8_t *)"hey", 3, mask));
  }
  add(control, client_control_frame(control, WSL_OP_CLOSE, (const uint8_t *)"\x03\xe8", 2, mask));
  outgoing_destroy(&outgoing);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  handshake_destroy(&handshake);
  return 0;
}

static void feed(struct websocket_echo *server, const uint8_t *bytes, size_t len) {
  uint8_t copy[TALK_MAX]; /* of exactly these bytes: the server changes them */
  if (len == 0) return;
  memcpy(copy, bytes, len);
  websocket_echo_feed(server, copy, len);
  memcpy(heard + heard_len, server->out, server->out_len);
  heard_len += server->out_len;
}

/* What was heard: a good 101, the messages' bytes, one pong, the Close. */
static void check_heard(void) {
  char why[HANDSHAKE_WHY_MAX];
  size_t at = 0;
  size_t payload_len = 0;
  unsigned pongs = 0;
  bool closed = false;
  struct frame_reader reader;
  frame_reader_init(&reader);
  assert_int_equal(handshake_read(&handshake, (const char *)heard, heard_len, &at, why), HANDSHAKE_DONE);
  while (at < heard_len) {
    struct frame_result result = frame_reader_feed(&reader, heard + at, heard_len - at);
    at += result.consumed;
    if (result.event == FRAME_EVENT_PAYLOAD) {
      assert_int_equal(pattern_check(&pattern, payload_len, result.payload, result.payload_len),
                       result.payload_len);
      payload_len += result.payload_len;
    } else if (result.event == FRAME_EVENT_PONG) {
      assert_memory_equal(reader.control, "hey", 3);
      pongs++;
    } else {
      assert_int_equal(result.event, FRAME_EVENT_CLOSE);
      assert_int_equal(result.close_code, 1000);
      closed = true;
    }
  }
  assert_true(closed && pongs == 1 && payload_len == MESSAGES * MESSAGE_LEN);
}

static void test_an_exchange_cut_anywhere(void **state) {
  (void)state;
  for (size_t cut = 0; cut <= talk_len; cut++) {
    struct websocket_echo *server = websocket_echo_new(TALK_MAX);
    heard_len = 0;
    feed(server, talk, cut);
    if (cut < talk_len) feed(server, talk + cut, talk_len - cut);
    assert_int_equal(server->state, WEBSOCKET_ECHO_CLOSED);
    check_heard();
    websocket_echo_free(server);
  }
}

static void test_byte_by_byte(void **state) {
  struct websocket_echo *server = websocket_echo_new(1);
  (void)state;
  heard_len = 0;
  for (size_t i = 0; i < talk_len; i++)
    feed(server, talk + i, 1);
  assert_int_equal(server->state, WEBSOCKET_ECHO_CLOSED);
  websocket_echo_free(server);
  check_heard();
}

static void test_what_is_no_upgrade(void **state) {
  static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "RFB 003.008\n\n",
                                         "GET /\r\n\r\n"};
  (void)state;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    struct websocket_echo *server = websocket_echo_new(TALK_MAX);
    feed(server, (const uint8_t *)requests[i], strlen(requests[i]));
    assert_int_equal(server->state, WEBSOCKET_ECHO_CLOSED);
    websocket_echo_free(server);
  }
}

static void test_a_head_without_end(void **state) {
  static uint8_t line[1000];
  struct websocket_echo *server = websocket_echo_new(sizeof line);
  (void)state;
  memset(line, 'a', sizeof line);
  memcpy(line, "GET /", 5);
  for (unsigned i = 0; i < 100 && server->state == WEBSOCKET_ECHO_OPENING; i++)
    websocket_echo_feed(server, line, sizeof line);
  assert_int_equal(server->state, WEBSOCKET_ECHO_CLOSED);
  websocket_echo_free(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_exchange_cut_anywhere),
      cmocka_unit_test(test_byte_by_byte),
      cmocka_unit_test(test_what_is_no_upgrade),
      cmocka_unit_test(test_a_head_without_end),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
