/* Pieces of URLs to bytes and back: all bytes, broken escapes, every cut. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/percent.h"

static void escapes_that_are_none_stay(void **state) {
  (void)state;
  static const struct {
    const char *text, *decoded;
  } rows[] = {
      {"", ""},         {"abc", "abc"},         {"%41%6a%6A", "Ajj"}, {"a+b", "a+b"},
      {"%", "%"},       {"%4", "%4"},           {"%zz", "%zz"},       {"%%41", "%A"},
      {"%2541", "%41"}, {"a%2Fb%20c", "a/b c"}, {"%4%41%", "%4A%"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t len = strlen(rows[i].text);
    char *text = exact_copy(rows[i].text, len);
    len = percent_decode((struct wsl_span){text, len}, text);
    assert_int_equal(len, strlen(rows[i].decoded));
    assert_memory_equal(text, rows[i].decoded, len);
    free(text);
  }
}

static void every_byte_comes_back(void **state) {
  (void)state;
  char all[256], encoded[3 * sizeof(all)], again[sizeof(encoded)];
  for (size_t i = 0; i < sizeof(all); i++)
    all[i] = (char)i;
  size_t len = percent_encode((struct wsl_span){all, sizeof(all)}, encoded);
  assert_in_range(len, 1, percent_room(sizeof(all)));
  for (size_t i = 0; i < len; i++)
    assert_non_null(
        memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%", encoded[i], 67));
  assert_int_equal(percent_decode((struct wsl_span){encoded, len}, again), sizeof(all));
  assert_memory_equal(again, all, sizeof(all));
}

static void what_is_unreserved_stays_and_the_rest_does_not(void **state) {
  (void)state;
  char out[64];
  size_t len = percent_encode(wsl_span_of("aZ09-._~/?#&=%+ \xC3"), out);
  assert_memory_equal(out, "aZ09-._~%2F%3F%23%26%3D%25%2B%20%C3", len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(escapes_that_are_none_stay),
      cmocka_unit_test(every_byte_comes_back),
      cmocka_unit_test(what_is_unreserved_stays_and_the_rest_does_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
