/* Frame headers and Close frames as they go out (RFC 6455 5.2, 5.5.1). */
#include "support.h"

#include <wsluice/frame.h>

#define CLOSE_FRAME_MAX (2 + WSL_CONTROL_PAYLOAD_MAX)
#define GUARD           0xEE

struct header_row {
  const char *name;
  enum wsl_opcode opcode;
  uint64_t payload_len;
  size_t header_len;
  uint8_t header[WSL_FRAME_HEADER_MAX];
};

/* RFC 6455 5.7 has "Hello" in text, and 256 bytes and 64 KiB in binary frames. */
static const struct header_row header_rows[] = {
    {"text Hello", WSL_OP_TEXT, 5, 2, {0x81, 0x05}},
    {"empty pong", WSL_OP_PONG, 0, 2, {0x8A, 0x00}},
    {"longest 7-bit", WSL_OP_BINARY, 125, 2, {0x82, 0x7D}},
    {"shortest 16-bit", WSL_OP_BINARY, 126, 4, {0x82, 0x7E, 0x00, 0x7E}},
    {"256 bytes", WSL_OP_BINARY, 256, 4, {0x82, 0x7E, 0x01, 0x00}},
    {"longest 16-bit", WSL_OP_BINARY, 65535, 4, {0x82, 0x7E, 0xFF, 0xFF}},
    {"64 KiB", WSL_OP_BINARY, 65536, 10, {0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}},
    {"all of 63 bits", WSL_OP_BINARY, INT64_MAX, 10, {0x82, 0x7F, 0x7F, 255, 255, 255, 255, 255, 255, 255}},
};

static void headers_are_in_their_shortest_form(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(header_rows); i++) {
    const struct header_row *row = &header_rows[i];
    uint8_t out[WSL_FRAME_HEADER_MAX + 1];
    memset(out, GUARD, sizeof(out));
    print_message("  %s\n", row->name);
    assert_int_equal(wsl_frame_header_len(row->payload_len), row->header_len);
    assert_int_equal(wsl_frame_header(out, row->opcode, row->payload_len), row->header_len);
    assert_memory_equal(out, row->header, row->header_len);
    uint64_t payload_len;
    assert_int_equal(wsl_frame_header_read(out, &payload_len), row->header_len);
    assert_true(payload_len == row->payload_len);
    for (size_t at = row->header_len; at < sizeof(out); at++)
      assert_int_equal(out[at], GUARD);
  }
}

static struct wsl_span repeat(char *out, const char *piece, size_t count) {
  size_t len = strlen(piece);
  for (size_t i = 0; i < count; i++)
    memcpy(out + i * len, piece, len);
  return (struct wsl_span){out, len * count};
}

/* Checks one Close frame: header, code, and the first reason_len bytes of the reason. */
static void check_close(uint16_t code, struct wsl_span reason, size_t reason_len) {
  uint8_t *out = exact_alloc(CLOSE_FRAME_MAX);
  assert_int_equal(wsl_close_frame(out, code, reason), 4 + reason_len);
  assert_int_equal(out[0], 0x88);
  assert_int_equal(out[1], 2 + reason_len);
  assert_int_equal((out[2] << 8) | out[3], code);
  assert_memory_equal(out + 4, reason.at, reason_len);
  free(out);
}

static void close_frames(void **state) {
  (void)state;
  char text[200];
  check_close(1000, wsl_span_of(""), 0);
  check_close(4999, wsl_span_of("Target closed"), 13);
  check_close(1011, repeat(text, "x", 123), 123);
  check_close(1011, repeat(text, "x", 124), 123);
  uint8_t empty[CLOSE_FRAME_MAX];
  assert_int_equal(wsl_close_frame(empty, WSL_CLOSE_NO_STATUS, wsl_span_of("not sent")), 2);
  assert_int_equal(empty[0], 0x88);
  assert_int_equal(empty[1], 0);
}

static void long_reasons_are_cut_between_characters(void **state) {
  (void)state;
  char text[200];
  check_close(1000, repeat(text, "\xC3\xA9", 62), 122);         /* 124 bytes of e acute */
  check_close(1000, repeat(text, "\xE2\x82\xAC", 41), 123);     /* 123 bytes fit as they are */
  check_close(1000, repeat(text, "\xE2\x82\xAC", 42), 123);     /* 126 bytes of the euro sign */
  check_close(1000, repeat(text, "\xF0\x9F\x98\x80", 31), 120); /* 124 bytes of a face */
}

static void close_codes_that_clients_may_send(void **state) {
  (void)state;
  for (uint32_t code = 0; code <= 0xFFFF; code++) {
    bool allowed =
        (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    if (wsl_close_code_valid((uint16_t)code) != allowed) fail_msg("code %u judged wrongly", code);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers_are_in_their_shortest_form),
      cmocka_unit_test(close_frames),
      cmocka_unit_test(long_reasons_are_cut_between_characters),
      cmocka_unit_test(close_codes_that_clients_may_send),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
