/* UTF-8 against a plain reference: every code point, every sequence of one to three bytes, every cut. */
#include "support.h"

#include <wsluice/utf8.h>

/* RFC 3629 section 3 read literally: decodes one character, or returns 0 for anything that is none. */
static size_t reference_char_len(const uint8_t *data, size_t len) {
  static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (len == 0) return 0;
  if (data[0] < 0x80) return 1;
  size_t char_len = (data[0] & 0xE0) == 0xC0   ? 2
                    : (data[0] & 0xF0) == 0xE0 ? 3
                    : (data[0] & 0xF8) == 0xF0 ? 4
                                               : 0;
  if (char_len == 0 || char_len > len) return 0;
  uint32_t code_point = data[0] & (0x7Fu >> char_len);
  for (size_t i = 1; i < char_len; i++) {
    if ((data[i] & 0xC0) != 0x80) return 0;
    code_point = (code_point << 6) | (data[i] & 0x3Fu);
  }
  bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  return code_point >= smallest[char_len] && code_point <= 0x10FFFF && !surrogate ? char_len : 0;
}

static bool reference_valid(const uint8_t *data, size_t len) {
  while (len > 0) {
    size_t char_len = reference_char_len(data, len);
    if (char_len == 0) return false;
    data += char_len;
    len -= char_len;
  }
  return true;
}

static size_t encode(uint32_t code_point, uint8_t out[4]) {
  if (code_point < 0x80) {
    out[0] = (uint8_t)code_point;
    return 1;
  }
  size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = len; i > 1; i--) {
    out[i - 1] = (uint8_t)(0x80 | (code_point & 0x3F));
    code_point >>= 6;
  }
  static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = (uint8_t)(lead[len] | code_point);
  return len;
}

/* Whether `text` is judged so, alone and in ASCII: what is long goes by blocks of 16 bytes, first in one of
 * them, then across two. */
static bool judged(const uint8_t *text, size_t len, bool valid) {
  static const size_t places[] = {5, 14};
  if (wsl_utf8_valid(text, len) != valid) return false;
  for (size_t i = 0; i < COUNT_OF(places); i++) {
    uint8_t around[40];
    memset(around, 'x', sizeof around);
    memcpy(around + places[i], text, len);
    if (wsl_utf8_valid(around, sizeof around) != valid) return false;
  }
  return true;
}

static void every_code_point(void **state) {
  (void)state;
  for (uint32_t code_point = 0; code_point <= 0x1FFFFF; code_point++) {
    uint8_t text[4];
    size_t len = encode(code_point, text);
    bool is_character = code_point <= 0x10FFFF && !(code_point >= 0xD800 && code_point <= 0xDFFF);
    if (!judged(text, len, is_character)) fail_msg("U+%X judged wrongly", code_point);
  }
}

/* Overlong forms, what is past the end, and the first and last byte that goes on, or does not. */
static void every_start_of_four_bytes(void **state) {
  (void)state;
  static const uint8_t edges[] = {0x7F, 0x80, 0xBF, 0xC0};
  for (uint32_t bits = 0; bits < 1u << 16; bits++) {
    uint8_t data[4] = {(uint8_t)(0xF0 | bits >> 12), (uint8_t)(bits >> 4), edges[bits >> 2 & 3],
                       edges[bits & 3]};
    if (!judged(data, 4, reference_valid(data, 4)))
      fail_msg("%02x %02x %02x %02x judged wrongly", data[0], data[1], data[2], data[3]);
  }
}

static void every_sequence_of_three_bytes_in_a_block(void **state) {
  (void)state;
  for (uint32_t bits = 0xC00000; bits < 1u << 24; bits++) {
    const uint8_t data[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
    if (!judged(data, 3, reference_valid(data, 3)))
      fail_msg("%02x %02x %02x judged wrongly", data[0], data[1], data[2]);
  }
}

static void every_sequence_of_one_to_three_bytes(void **state) {
  (void)state;
  for (uint32_t bits = 0; bits < 1u << 24; bits++) {
    const uint8_t data[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
    if (wsl_utf8_valid(data, 3) != reference_valid(data, 3)) {
      fail_msg("%02x %02x %02x judged wrongly", data[0], data[1], data[2]);
    }
    if (data[2] != 0) continue;
    if (wsl_utf8_valid(data, 2) != reference_valid(data, 2)) {
      fail_msg("%02x %02x judged wrongly", data[0], data[1]);
    }
    if (data[1] == 0 && wsl_utf8_valid(data, 1) != reference_valid(data, 1)) {
      fail_msg("%02x judged wrongly", data[0]);
    }
  }
}

/* Whether data[0..len) begins some valid text: the definition of "still fine". */
static bool reference_prefix_valid(const uint8_t *data, size_t len) {
  static const uint8_t tails[][3] = {{0x80, 0x80, 0x80}, {0xA0, 0x80, 0x80}, {0x90, 0x80, 0x80}};
  if (reference_valid(data, len)) return true;
  for (size_t tail = 0; tail < COUNT_OF(tails); tail++) {
    for (size_t tail_len = 1; tail_len <= 3; tail_len++) {
      uint8_t text[80];
      memcpy(text, data, len);
      memcpy(text + len, tails[tail], tail_len);
      if (reference_valid(text, len + tail_len)) return true;
    }
  }
  return false;
}

static size_t reference_first_bad(const uint8_t *data, size_t len) {
  for (size_t i = 1; i <= len; i++) {
    if (!reference_prefix_valid(data, i)) return i - 1;
  }
  return len;
}

/* Text of ASCII and longer characters in which, most of the time, one byte is wrong. */
static size_t random_text(uint64_t *seed, uint8_t out[64]) {
  size_t len = 0, chars = random_below(seed, 14);
  for (size_t i = 0; i < chars; i++) {
    static const uint32_t limits[] = {0x80, 0x80, 0x800, 0xD800, 0x110000};
    uint32_t code_point = (uint32_t)random_below(seed, limits[random_below(seed, COUNT_OF(limits))]);
    if (code_point >= 0xD800 && code_point <= 0xDFFF) code_point = 0xE000;
    len += encode(code_point, out + len);
  }
  if (len > 0 && random_below(seed, 4) > 0) out[random_below(seed, len)] = (uint8_t)random_next(seed);
  return len;
}

/* Feeds two pieces from blocks of their own; returns the index of the bad byte, or len. */
static size_t feed_cut(const uint8_t *data, size_t len, size_t cut, bool *complete) {
  struct wsl_utf8 utf8;
  wsl_utf8_init(&utf8);
  uint8_t *first = exact_copy(data, cut), *second = exact_copy(data + cut, len - cut);
  size_t good = wsl_utf8_feed(&utf8, first, cut);
  if (good == cut) good += wsl_utf8_feed(&utf8, second, len - cut);
  *complete = wsl_utf8_complete(&utf8);
  free(first);
  free(second);
  return good;
}

static void the_bad_byte_is_found_across_any_cut(void **state) {
  (void)state;
  uint64_t seed = 7;
  for (size_t round = 0; round < 4000; round++) {
    uint8_t text[64];
    size_t len = random_text(&seed, text);
    size_t bad = reference_first_bad(text, len);
    bool whole = reference_valid(text, bad);
    for (size_t cut = 0; cut <= len; cut++) {
      bool complete;
      size_t found = feed_cut(text, len, cut, &complete);
      if (found != bad || complete != whole)
        fail_msg("round %zu, cut %zu: %zu != %zu", round, cut, found, bad);
    }
  }
}

/* A bad byte at each place round the edges of the words in which ASCII is skipped. */
static void bad_bytes_at_every_place_in_ascii(void **state) {
  (void)state;
  for (size_t len = 1; len <= 100; len++) {
    for (size_t at = 0; at < len; at++) {
      uint8_t *text = exact_alloc(len);
      memset(text, 'x', len);
      text[at] = 0x80;
      struct wsl_utf8 utf8;
      wsl_utf8_init(&utf8);
      assert_int_equal(wsl_utf8_feed(&utf8, text, len), at);
      free(text);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_point),
      cmocka_unit_test(every_start_of_four_bytes),
      cmocka_unit_test(every_sequence_of_three_bytes_in_a_block),
      cmocka_unit_test(every_sequence_of_one_to_three_bytes),
      cmocka_unit_test(the_bad_byte_is_found_across_any_cut),
      cmocka_unit_test(bad_bytes_at_every_place_in_ascii),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
