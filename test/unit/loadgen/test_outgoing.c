/* Outgoing messages: read back by the bridge's own decoder, they are frames as wished whose payload is the
 * pattern, from whatever byte on and in whatever pieces they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <wsluice/frame.h>

#include "core/random.h"
#include "loadgen/outgoing.h"

#define WIRE_LEN  (700u * 1024u)
#define PARTS_MAX 64

static struct pattern pattern;

static int setup(void **state) {
  (void)state;
  pattern_init(&pattern);
  return 0;
}

/* The stream's bytes from `position` on, copied. */
static void copy(const struct outgoing *outgoing, uint64_t position, uint8_t *out, size_t len,
                 int parts_max) {
  while (len > 0) {
    struct iovec parts[PARTS_MAX];
    int count = outgoing_parts(outgoing, position, len, parts, parts_max);
    assert_in_range(count, 1, parts_max);
    for (int i = 0; i < count; i++) {
      assert_in_range(parts[i].iov_len, 1, len);
      memcpy(out, parts[i].iov_base, parts[i].iov_len);
      out += parts[i].iov_len;
      len -= parts[i].iov_len;
      position += parts[i].iov_len;
    }
  }
}

static void check_frames(const struct outgoing *outgoing, const uint8_t *wire, enum wsl_opcode opcode) {
  struct wsl_decoder decoder;
  uint8_t *buffer = malloc(WIRE_LEN);
  assert_non_null(buffer);
  memcpy(buffer, wire, WIRE_LEN);
  wsl_decoder_init(&decoder, false);
  struct wsl_frame_result result = wsl_decoder_feed(&decoder, buffer, buffer, WIRE_LEN);
  assert_int_equal(result.event, WSL_FRAME_MORE);
  assert_int_equal(pattern_check(&pattern, 0, buffer, result.run_len), result.run_len);
  size_t whole = WIRE_LEN / (size_t)outgoing->frame_len * outgoing->payload_len;
  assert_in_range(result.run_len, whole, whole + outgoing->payload_len);
  for (size_t at = 0; at + 2 <= WIRE_LEN; at += (size_t)outgoing->frame_len)
    assert_int_equal(wire[at], 0x80u | (unsigned)opcode);
  free(buffer);
}

static void check_any_piece(const struct outgoing *outgoing, const uint8_t *wire) {
  struct random_source source;
  random_seed(&source, 6);
  uint8_t *piece = malloc(WIRE_LEN);
  assert_non_null(piece);
  for (unsigned i = 0; i < 12; i++) {
    size_t at = random_below(&source, WIRE_LEN);
    size_t len = random_below(&source, (uint32_t)(WIRE_LEN - at)) + 1;
    copy(outgoing, at, piece, len, 1 + (int)random_below(&source, PARTS_MAX));
    assert_memory_equal(piece, wire + at, len);
  }
  free(piece);
}

static void check_size(enum outgoing_framing framing, size_t size) {
  struct outgoing outgoing;
  uint8_t *wire = malloc(WIRE_LEN);
  assert_non_null(wire);
  assert_int_equal(outgoing_init(&outgoing, &pattern, framing, WSL_OP_TEXT, size), 0);
  copy(&outgoing, 0, wire, WIRE_LEN, PARTS_MAX);
  if (framing == OUTGOING_PLAIN)
    assert_int_equal(pattern_check(&pattern, 0, wire, WIRE_LEN), WIRE_LEN);
  else
    check_frames(&outgoing, wire, WSL_OP_TEXT);
  check_any_piece(&outgoing, wire);
  outgoing_destroy(&outgoing);
  free(wire);
}

static void test_all_sizes_and_framings(void **state) {
  (void)state;
  static const size_t sizes[] = {1,     2,     3,     4,     63,    64,     125,    126,  127,
                                 508,   509,   510,   1018,  2047,  2048,   2049,   4096, 16384,
                                 65151, 65152, 65153, 65535, 65536, 200000, 1048576};
  static const enum outgoing_framing framings[] = {OUTGOING_PLAIN, OUTGOING_MASKED, OUTGOING_ZERO_MASK};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t k = 0; k < 3; k++)
      check_size(framings[k], sizes[i]);
}

static void test_masks_are_real_and_differ(void **state) {
  (void)state;
  static const size_t sizes[] = {64, 70000};
  for (size_t i = 0; i < 2; i++) {
    struct outgoing outgoing;
    uint8_t first[WSL_CLIENT_HEADER_MAX];
    uint8_t second[WSL_CLIENT_HEADER_MAX];
    assert_int_equal(outgoing_init(&outgoing, &pattern, OUTGOING_MASKED, WSL_OP_BINARY, sizes[i]), 0);
    copy(&outgoing, 0, first, outgoing.header_len, PARTS_MAX);
    copy(&outgoing, outgoing.frame_len, second, outgoing.header_len, PARTS_MAX);
    const uint8_t *masks[] = {first + outgoing.header_len - 4, second + outgoing.header_len - 4};
    assert_memory_not_equal(masks[0], "\0\0\0\0", 4);
    assert_memory_not_equal(masks[0], masks[1], 4);
    outgoing_destroy(&outgoing);
  }
}

static void test_zero_masks_are_zero(void **state) {
  (void)state;
  struct outgoing outgoing;
  uint8_t frame[6 + 64];
  assert_int_equal(outgoing_init(&outgoing, &pattern, OUTGOING_ZERO_MASK, WSL_OP_BINARY, 64), 0);
  copy(&outgoing, 0, frame, sizeof frame, PARTS_MAX);
  assert_memory_equal(frame, "\x82\xc0\0\0\0\0", 6);
  assert_int_equal(pattern_check(&pattern, 0, frame + 6, 64), 64);
  outgoing_destroy(&outgoing);
}

/* A write of small messages takes hundreds of kilobytes in few parts. */
static void test_small_messages_are_batched(void **state) {
  (void)state;
  struct outgoing outgoing;
  struct iovec parts[PARTS_MAX];
  assert_int_equal(outgoing_init(&outgoing, &pattern, OUTGOING_MASKED, WSL_OP_BINARY, 64), 0);
  assert_true(outgoing.frames_len >= OUTGOING_BUFFER_MIN);
  assert_in_range(outgoing_parts(&outgoing, 12345, 512 * 1024, parts, PARTS_MAX), 1, 4);
  outgoing_destroy(&outgoing);
}

static void test_control_frames(void **state) {
  (void)state;
  static const uint8_t mask[4] = {1, 2, 3, 4};
  struct wsl_decoder decoder;
  uint8_t frame[CLIENT_CONTROL_MAX];
  uint8_t payload[WSL_CONTROL_PAYLOAD_MAX];
  memset(payload, 'x', sizeof payload);
  for (size_t len = 0; len <= sizeof payload; len++) {
    size_t frame_len = client_control_frame(frame, WSL_OP_PONG, payload, len, mask);
    wsl_decoder_init(&decoder, false);
    struct wsl_frame_result result = wsl_decoder_feed(&decoder, frame, frame, frame_len);
    assert_int_equal(result.event, WSL_FRAME_PONG);
    assert_int_equal(result.consumed, frame_len);
    assert_int_equal(decoder.control_len, len);
    assert_memory_equal(decoder.control, payload, len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_sizes_and_framings), cmocka_unit_test(test_masks_are_real_and_differ),
      cmocka_unit_test(test_zero_masks_are_zero),    cmocka_unit_test(test_small_messages_are_batched),
      cmocka_unit_test(test_control_frames),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
