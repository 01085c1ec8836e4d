/* core/text: pieces, the sticky overflow at every size, and numbers that are never cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"

#include <stdlib.h>

static void pieces_join(void **state) {
  (void)state;
  char buffer[64];
  struct text text;
  text_init(&text, buffer, sizeof buffer);
  assert_string_equal(buffer, "");
  text_string(&text, "a=");
  text_unsigned(&text, 0);
  text_span(&text, (struct wsl_span){"xyz", 2});
  text_span(&text, (struct wsl_span){NULL, 0});
  text_string(&text, "");
  text_format(&text, "%03u%s", 7u, "!");
  text_unsigned(&text, UINT64_MAX);
  assert_string_equal(buffer, "a=0xy007!18446744073709551615");
  assert_int_equal(text_view(&text).len, strlen(buffer));
  assert_ptr_equal(text_view(&text).at, buffer);
  assert_false(text.overflow);
}

static void spans_may_hold_nuls(void **state) {
  (void)state;
  char buffer[8];
  struct text text;
  text_init(&text, buffer, sizeof buffer);
  text_span(&text, (struct wsl_span){"a\0b", 3});
  assert_int_equal(text.len, 3);
  assert_memory_equal(buffer, "a\0b", 4);
}

/* "ab" 1234 "cd" 56 in a buffer of each size: what fits is kept, but never a part of a number, and
 * nothing follows the first piece that did not fit, even where it would fit. */
static void overflow_at_every_size(void **state) {
  (void)state;
  static const struct {
    const char *kept;
    bool overflow;
  } rows[] = {[1] = {"", true},          [2] = {"a", true},           [3] = {"ab", true},
              [4] = {"ab", true},        [5] = {"ab", true},          [6] = {"ab", true},
              [7] = {"ab1234", true},    [8] = {"ab1234c", true},     [9] = {"ab1234cd", true},
              [10] = {"ab1234cd", true}, [11] = {"ab1234cd56", false}};
  for (size_t cap = 1; cap < sizeof rows / sizeof rows[0]; cap++) {
    char *buffer = malloc(cap); /* of that very size, so that AddressSanitizer sees one byte too many */
    assert_non_null(buffer);
    struct text text;
    text_init(&text, buffer, cap);
    text_string(&text, "ab");
    text_unsigned(&text, 1234);
    text_string(&text, "cd");
    text_unsigned(&text, 56);
    assert_string_equal(buffer, rows[cap].kept);
    assert_int_equal(text.len, strlen(rows[cap].kept));
    assert_int_equal(text.overflow, rows[cap].overflow);
    free(buffer);
  }
}

static void nothing_follows_a_number_that_did_not_fit(void **state) {
  (void)state;
  char buffer[4];
  struct text text;
  text_init(&text, buffer, sizeof buffer);
  text_unsigned(&text, 12345);
  text_format(&text, "%c", 'x');
  text_string(&text, "x");
  text_unsigned(&text, 1);
  assert_string_equal(buffer, "");
  assert_true(text.overflow);
}

static void formatted_overflow(void **state) {
  (void)state;
  static const struct {
    size_t cap;
    const char *kept;
    bool overflow;
  } rows[] = {
      {1, "", true}, {4, "abc", true}, {6, "abcde", true}, {7, "abcdef", false}, {8, "abcdef", false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char *buffer = malloc(rows[i].cap);
    assert_non_null(buffer);
    struct text text;
    text_init(&text, buffer, rows[i].cap);
    text_format(&text, "%s%c", "abcde", 'f');
    assert_string_equal(buffer, rows[i].kept);
    assert_int_equal(text.len, strlen(rows[i].kept));
    assert_int_equal(text.overflow, rows[i].overflow);
    if (text.overflow) {
      text_format(&text, "%s", "");
      text_string(&text, "more");
      assert_string_equal(buffer, rows[i].kept);
    }
    free(buffer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_join),
      cmocka_unit_test(spans_may_hold_nuls),
      cmocka_unit_test(overflow_at_every_size),
      cmocka_unit_test(nothing_follows_a_number_that_did_not_fit),
      cmocka_unit_test(formatted_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
