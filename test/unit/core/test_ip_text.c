/* core/ip_text: literals there and back, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ip_text.h"

static void literals_go_there_and_back(void **state) {
  (void)state;
  static const struct {
    enum ip_version version;
    const char *text, *wanted;
  } rows[] = {
      {IP_V4, "203.0.113.5", "203.0.113.5"},
      {IP_V4, "0.0.0.0", "0.0.0.0"},
      {IP_V6, "2001:DB8:0:0:0:0:0:7", "2001:db8::7"},
      {IP_V6, "::", "::"},
      {IP_V6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t bytes[IP_BYTES_MAX];
    char text[IP_TEXT_MAX];
    assert_true(ip_read(rows[i].version, wsl_span_of(rows[i].text), bytes));
    assert_string_equal(ip_write(rows[i].version, bytes, text), rows[i].wanted);
  }
}

static void what_is_no_literal_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {"",      "1.2.3",  "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ",
                                     "[::1]", "::1%lo", ":::",       "host",     "0x7f.1"};
  uint8_t bytes[IP_BYTES_MAX];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_false(ip_read(IP_V4, wsl_span_of(rows[i]), bytes));
    assert_false(ip_read(IP_V6, wsl_span_of(rows[i]), bytes));
  }
  assert_false(ip_read(IP_V4, wsl_span_of("::1"), bytes));
  assert_false(ip_read(IP_V6, wsl_span_of("1.2.3.4"), bytes));
  assert_false(ip_read(IP_V4, (struct wsl_span){"1.2.3.4\0x", 9}, bytes));
  char longest[64];
  memset(longest, '1', sizeof longest);
  assert_false(ip_read(IP_V6, (struct wsl_span){longest, sizeof longest}, bytes));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(literals_go_there_and_back),
      cmocka_unit_test(what_is_no_literal_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
