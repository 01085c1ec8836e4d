/* core/cut and core/blob: spans cut at their edges, bytes gathered up to their limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/blob.h"
#include "core/cut.h"
#include "core/error.h"

static void check(struct wsl_span got, const char *wanted) {
  assert_int_equal(got.len, strlen(wanted));
  assert_memory_equal(got.at, wanted, got.len);
}

static void a_byte_is_found_where_it_stands(void **state) {
  (void)state;
  struct wsl_span text = wsl_span_of("a:b:c"), nothing = {NULL, 0};
  assert_int_equal(span_find(text, ':'), 1);
  assert_int_equal(span_find_last(text, ':'), 3);
  assert_int_equal(span_find(text, 'a'), 0);
  assert_int_equal(span_find_last(text, 'c'), 4);
  assert_int_equal(span_find(text, '?'), 5);
  assert_int_equal(span_find_last(text, '?'), 5);
  assert_true(span_has(text, 'c'));
  assert_false(span_has(span_upto(text, 4), 'c'));
  assert_int_equal(span_find(nothing, 'a'), 0);
  assert_int_equal(span_find_last(nothing, 'a'), 0);
  assert_false(span_has(nothing, '\0'));
}

static void parts_are_before_and_behind(void **state) {
  (void)state;
  struct wsl_span text = wsl_span_of("name=value"), nothing = {NULL, 0};
  check(span_upto(text, 4), "name");
  check(span_from(text, 5), "value");
  check(span_upto(text, 0), "");
  check(span_from(text, text.len), "");
  check(span_take(&text, 4), "name");
  check(text, "=value");
  check(span_take(&text, 6), "=value");
  assert_int_equal(text.len, 0);
  assert_null(span_from(nothing, 0).at);
  assert_true(span_starts_with(wsl_span_of("{SHA}x"), "{SHA}"));
  assert_false(span_starts_with(wsl_span_of("{sha}x"), "{SHA}"));
  assert_false(span_starts_with(wsl_span_of("{SHA"), "{SHA}"));
  assert_true(span_starts_with(nothing, ""));
}

static void bytes_keep_their_order_as_they_grow(void **state) {
  (void)state;
  struct blob blob = {0};
  size_t count = 3 * BLOB_ROOM_FIRST;
  for (size_t i = 0; i < count; i++) {
    char byte = (char)(i % 251);
    assert_int_equal(blob_append(&blob, (struct wsl_span){&byte, 1}, SIZE_MAX), WSL_OK);
  }
  assert_int_equal(blob_view(&blob).len, count);
  for (size_t i = 0; i < count; i++)
    assert_int_equal(blob.at[i], (char)(i % 251));
  blob_free(&blob);
  blob_free(&blob);
  assert_int_equal(blob_view(&blob).len, 0);
}

static void bytes_end_at_their_limit(void **state) {
  (void)state;
  struct blob blob = {0};
  assert_int_equal(blob_append(&blob, wsl_span_of("12345678"), 8), WSL_OK);
  assert_int_equal(blob_append(&blob, wsl_span_of("9"), 8), WSL_NO_MEMORY);
  assert_int_equal(blob_append(&blob, wsl_span_of(""), 8), WSL_OK);
  check(blob_view(&blob), "12345678");
  assert_int_equal(blob_append(&blob, wsl_span_of("9"), 4), WSL_NO_MEMORY); /* a limit below what is there */
  blob_free(&blob);
}

static void nothing_takes_no_memory(void **state) {
  (void)state;
  struct blob blob = {0};
  assert_int_equal(blob_append(&blob, (struct wsl_span){NULL, 0}, 0), WSL_OK);
  assert_null(blob.at);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_byte_is_found_where_it_stands),
      cmocka_unit_test(parts_are_before_and_behind),
      cmocka_unit_test(bytes_keep_their_order_as_they_grow),
      cmocka_unit_test(bytes_end_at_their_limit),
      cmocka_unit_test(nothing_takes_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
