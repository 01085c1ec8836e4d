/* Unmasking against its definition, byte by byte (RFC 6455 5.3): all alignments, phases and lengths. */
#include "support.h"

#include <wsluice/frame.h>

#define LEN_MAX     300u
#define ALIGNMENTS  16u
#define DISTANCES   20u /* how far dst lies before data, past one word and a header */
#define GUARD       0xEEu
#define GUARD_BYTES 32u

static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};

/* The mask as it looks to a payload that goes on at `phase`. */
static void mask_at_phase(size_t phase, uint8_t out[4]) {
  for (size_t i = 0; i < 4; i++)
    out[i] = mask[(phase + i) % 4];
}

/* One call in one buffer: guard | dst ... data ... | guard, data `distance` behind dst. */
static void check_overlapping(size_t alignment, size_t distance, const uint8_t with[4], size_t len) {
  static uint8_t area[GUARD_BYTES + ALIGNMENTS + DISTANCES + LEN_MAX + GUARD_BYTES];
  uint8_t *dst = area + GUARD_BYTES + alignment;
  uint8_t *data = dst + distance;
  uint8_t expected[LEN_MAX];
  memset(area, GUARD, sizeof(area));
  for (size_t i = 0; i < len; i++) {
    data[i] = (uint8_t)(i * 7 + len);
    expected[i] = data[i] ^ with[i % 4];
  }
  wsl_unmask(dst, data, len, with);
  if (memcmp(dst, expected, len) != 0) {
    fail_msg("wrong bytes: alignment %zu, distance %zu, len %zu", alignment, distance, len);
  }
  for (const uint8_t *guard = area; guard < dst; guard++)
    assert_int_equal(*guard, GUARD);
  for (const uint8_t *guard = data + len; guard < area + sizeof(area); guard++) {
    assert_int_equal(*guard, GUARD);
  }
}

static void in_place_at_every_alignment_phase_and_length(void **state) {
  (void)state;
  for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++) {
    for (size_t phase = 0; phase < 4; phase++) {
      uint8_t rotated[4];
      mask_at_phase(phase, rotated);
      for (size_t len = 0; len <= LEN_MAX; len++)
        check_overlapping(alignment, 0, rotated, len);
    }
  }
}

static void onto_a_place_before_that_overlaps(void **state) {
  (void)state;
  for (size_t distance = 1; distance <= DISTANCES; distance++) {
    for (size_t alignment = 0; alignment < 8; alignment++) {
      for (size_t len = 0; len <= LEN_MAX; len++)
        check_overlapping(alignment, distance, mask, len);
    }
  }
}

static void a_zero_mask_only_moves(void **state) {
  (void)state;
  static const uint8_t zero[4] = {0};
  for (size_t distance = 0; distance <= DISTANCES; distance++) {
    for (size_t len = 0; len <= LEN_MAX; len++)
      check_overlapping(3, distance, zero, len);
  }
}

/* A mask of which only one byte is zero or only one is not must not pass for a zero mask. */
static void masks_with_zero_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < 4; i++) {
    uint8_t one_set[4] = {0}, one_clear[4] = {1, 2, 3, 4};
    one_set[i] = 0x80;
    one_clear[i] = 0;
    for (size_t len = 0; len <= 40; len++) {
      check_overlapping(1, 0, one_set, len);
      check_overlapping(1, 5, one_clear, len);
    }
  }
}

static void no_byte_past_the_end(void **state) {
  (void)state;
  for (size_t len = 0; len <= LEN_MAX; len++) {
    uint8_t *data = exact_alloc(len);
    memset(data, 'x', len > 0 ? len : 1);
    wsl_unmask(data, data, len, mask);
    for (size_t i = 0; i < len; i++)
      assert_int_equal(data[i], 'x' ^ mask[i % 4]);
    free(data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_place_at_every_alignment_phase_and_length),
      cmocka_unit_test(onto_a_place_before_that_overlaps),
      cmocka_unit_test(a_zero_mask_only_moves),
      cmocka_unit_test(masks_with_zero_bytes),
      cmocka_unit_test(no_byte_past_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
