/* Dates of HTTP: the three forms, every way to miss them, and that what is written is read back. */
#include "codec/support.h"

#include "core/http_date.h"

#define NOW 1795290000 /* Nov 2026 */

struct date_row {
  const char *text;
  bool good;
  int64_t seconds;
};

static const struct date_row rows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},
    {"Sun Nov  6 08:49:37 1994", true, 784111777},
    {"Wed Nov 16 08:49:37 1994", true, 784975777},
    {"Thu, 29 Feb 2024 23:59:59 GMT", true, 1709251199},
    {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", true, -1},
    {"Sat, 31 Dec 2016 23:59:60 GMT", true, 1483228799},
    {"Tuesday, 01-Jan-76 00:00:00 GMT", true, 3345062400},
    {"Saturday, 01-Jan-77 00:00:00 GMT", true, 220924800},
    {"Wed, 29 Feb 2023 00:00:00 GMT", false, 0},
    {"Sun, 31 Apr 1994 08:49:37 GMT", false, 0},
    {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun, 06 Nov 1994 24:00:00 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:60:37 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:49:61 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
    {"Sun, 06 Nov 1994 08:49:37", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", false, 0},
    {" Sun, 06 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
    {"sun, 06 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun, 06 nov 1994 08:49:37 GMT", false, 0},
    {"Sun, 06 Nov 94 08:49:37 GMT", false, 0},
    {"Sun, 06-Nov-94 08:49:37 GMT", false, 0},
    {"Sun Nov 6 08:49:37 1994", false, 0},
    {"0", false, 0},
    {"", false, 0},
};

static void reads_every_form(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t len = strlen(rows[i].text);
    char *text = exact_copy(rows[i].text, len);
    int64_t seconds = 0;
    bool good = http_date_read((struct wsl_span){text, len}, NOW, &seconds);
    if (good != rows[i].good || (good && seconds != rows[i].seconds))
      fail_msg("\"%s\": %d, %lld", rows[i].text, (int)good, (long long)seconds);
    free(text);
  }
}

static void no_part_of_a_date_is_one(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    for (size_t len = 0; rows[i].good && len < strlen(rows[i].text); len++) {
      char *text = exact_copy(rows[i].text, len);
      int64_t seconds;
      if (http_date_read((struct wsl_span){text, len}, NOW, &seconds)) fail_msg("%.*s", (int)len, text);
      free(text);
    }
  }
}

static void what_is_written_is_read(void **state) {
  (void)state;
  uint64_t seed = 7;
  for (int i = 0; i < 20000; i++) {
    int64_t seconds = (int64_t)random_below(&seed, UINT32_MAX) * (1 + i % 59);
    int64_t back = -1;
    char text[HTTP_DATE_SIZE];
    http_date_write(seconds, text);
    if (!http_date_read(wsl_span_of(text), NOW, &back) || back != seconds)
      fail_msg("%lld: %s, %lld", (long long)seconds, text, (long long)back);
  }
}

static void writes_as_rfc_9110_shows(void **state) {
  (void)state;
  char out[HTTP_DATE_SIZE];
  http_date_write(784111777, out);
  assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
  http_date_write(253402300799, out);
  assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_form),
      cmocka_unit_test(no_part_of_a_date_is_one),
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(writes_as_rfc_9110_shows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
