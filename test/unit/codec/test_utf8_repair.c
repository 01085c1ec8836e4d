/* Bytes that become text: against a plain reference (every sequence of up to three bytes from the borders of
 * UTF-8's classes, and long random ones), at every cut, and with no byte written beside the text. */
#include "support.h"

#include <wsluice/utf8.h>

/* Borders of every class of bytes that RFC 3629 knows. */
static const uint8_t borders[] = {0x00, 0x0A, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
                                  0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};

/* How the bytes at data begin: Unicode 3.9, table 3-7 read literally. */
struct beginning {
  size_t whole;   /* length of the well-formed sequence, or 0 */
  size_t subpart; /* of the maximal subpart of one, 1 at least */
};

static struct beginning beginning_of(const uint8_t *data, size_t len) {
  static const uint8_t table[][9] = {/* length, then low and high of each byte */
                                     {1, 0x00, 0x7F},
                                     {2, 0xC2, 0xDF, 0x80, 0xBF},
                                     {3, 0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF},
                                     {3, 0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF},
                                     {3, 0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF},
                                     {3, 0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF},
                                     {4, 0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
                                     {4, 0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
                                     {4, 0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF}};
  struct beginning beginning = {0, 1};
  for (size_t row = 0; row < COUNT_OF(table); row++) {
    size_t need = table[row][0], fits = 0;
    while (fits < need && fits < len && data[fits] >= table[row][1 + 2 * fits] &&
           data[fits] <= table[row][2 + 2 * fits])
      fits++;
    if (fits == need) beginning.whole = need;
    if (fits > beginning.subpart) beginning.subpart = fits;
  }
  return beginning;
}

static size_t reference_repair(const uint8_t *data, size_t len, uint8_t *out, size_t *replaced) {
  size_t written = 0;
  *replaced = 0;
  for (size_t at = 0; at < len;) {
    struct beginning is = beginning_of(data + at, len - at);
    if (is.whole > 0) {
      memcpy(out + written, data + at, is.whole);
      written += is.whole;
      at += is.whole;
    } else {
      memcpy(out + written, "\xEF\xBF\xBD", 3);
      written += 3;
      at += is.subpart;
      ++*replaced;
    }
  }
  return written;
}

/* The text has exactly the room that it may need, so that a byte beside it shows under AddressSanitizer. */
static void assert_repaired(const uint8_t *data, size_t len) {
  uint8_t *expected = exact_alloc(3 * len), *block = exact_alloc(3 * len);
  size_t replaced, expected_len = reference_repair(data, len, expected, &replaced);
  if (len > 0) memcpy(block + 2 * len, data, len);
  struct wsl_utf8_repaired text = wsl_utf8_repair(block + 2 * len, len);
  assert_int_equal(text.len, expected_len);
  assert_int_equal(text.replaced, replaced);
  assert_ptr_equal(text.at + text.len, block + 3 * len);
  if (expected_len > 0) assert_memory_equal(text.at, expected, expected_len);
  assert_true(wsl_utf8_valid(text.at, text.len));
  free(expected);
  free(block);
}

static void every_short_sequence(void **state) {
  (void)state;
  assert_repaired(borders, 0);
  for (size_t a = 0; a < COUNT_OF(borders); a++) {
    for (size_t b = 0; b < COUNT_OF(borders); b++) {
      for (size_t c = 0; c < COUNT_OF(borders); c++) {
        const uint8_t data[] = {borders[a], borders[b], borders[c]};
        assert_repaired(data, 3);
        if (c == 0) assert_repaired(data, 2);
      }
    }
  }
}

static void long_ones(void **state) {
  (void)state;
  uint64_t seed = 7;
  for (int round = 0; round < 2000; round++) {
    uint8_t data[80];
    size_t len = random_below(&seed, sizeof data + 1);
    for (size_t i = 0; i < len; i++)
      data[i] = borders[random_below(&seed, COUNT_OF(borders))];
    assert_repaired(data, len);
  }
}

/* What browsers and Python make of it. */
static void known_answers(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *text;
  } rows[] = {
      {"caf\xE9", "caf\xEF\xBF\xBD"},
      {"\xF0\x9F\x98x", "\xEF\xBF\xBDx"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint8_t block[64];
    size_t len = strlen(rows[i].bytes);
    memcpy(block + 32, rows[i].bytes, len);
    struct wsl_utf8_repaired text = wsl_utf8_repair(block + 32, len);
    assert_int_equal(text.len, strlen(rows[i].text));
    assert_memory_equal(text.at, rows[i].text, text.len);
  }
}

static void sound_prefixes(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (int round = 0; round < 20000; round++) {
    uint8_t data[8];
    size_t len = random_below(&seed, sizeof data + 1), sound = 0;
    for (size_t i = 0; i < len; i++)
      data[i] = borders[random_below(&seed, COUNT_OF(borders))];
    for (size_t whole; (whole = beginning_of(data + sound, len - sound).whole) > 0;)
      sound += whole;
    assert_int_equal(wsl_utf8_sound(data, len), sound);
  }
}

/* A stream that is cut anywhere, what is unfinished kept for the next piece, is repaired as in one piece. */
static void unfinished_characters_wait(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (int round = 0; round < 20000; round++) {
    uint8_t data[24], whole[3 * sizeof data], pieces[3 * sizeof data + 9];
    size_t len = random_below(&seed, sizeof data + 1), at = 0, carried = 0, written = 0, replaced;
    for (size_t i = 0; i < len; i++)
      data[i] = borders[random_below(&seed, COUNT_OF(borders))];
    size_t whole_len = reference_repair(data, len, whole, &replaced);
    while (at < len) {
      size_t piece = 1 + random_below(&seed, len - at);
      uint8_t block[3 * (sizeof data + WSL_UTF8_UNFINISHED_MAX)], *start = block + 2 * (piece + carried);
      memcpy(start, data + at - carried, piece + carried);
      at += piece;
      size_t left = at < len ? wsl_utf8_unfinished(start, piece + carried) : 0;
      struct wsl_utf8_repaired text = wsl_utf8_repair(start, piece + carried - left);
      memcpy(pieces + written, text.at, text.len);
      written += text.len;
      carried = left;
    }
    assert_int_equal(written, whole_len);
    assert_memory_equal(pieces, whole, whole_len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_short_sequence),
      cmocka_unit_test(long_ones),
      cmocka_unit_test(known_answers),
      cmocka_unit_test(sound_prefixes),
      cmocka_unit_test(unfinished_characters_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
