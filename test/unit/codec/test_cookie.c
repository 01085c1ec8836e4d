/* Cookies as browsers, libraries and people send them, every header cut anywhere. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/cookie.h"

static const struct {
  const char *name, *header, *cookie, *value; /* NULL: there is none */
} rows[] = {
    {"alone", "token=a", "token", "a"},
    {"among others", "x=1; token=a; y=2", "token", "a"},
    {"first of two", "token=a; token=b", "token", "a"},
    {"no blank behind the semicolon", "x=1;token=a;y=2", "token", "a"},
    {"blanks everywhere", "  x = 1 ;\ttoken =  a b  ; y", "token", "a b"},
    {"quoted", "token=\"a\"", "token", "a"},
    {"one quote", "token=\"", "token", "\""},
    {"quoted nothing", "token=\"\"; token=b", "token", "b"},
    {"equals signs in the value", "token=YQ==", "token", "YQ=="},
    {"not decoded", "token=%41", "token", "%41"},
    {"nothing as value", "token=", "token", NULL},
    {"then a value", "token=; token=b", "token", "b"},
    {"another case", "Token=a", "token", NULL},
    {"a longer name", "mytoken=a; token2=b", "token", NULL},
    {"a piece without a value", "token; token=a", "token", "a"},
    {"a name of nothing", "=a", "token", NULL},
    {"empty", "", "token", NULL},
    {"only semicolons", ";;; ;", "token", NULL},
};

static void every_header_is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char *header = exact_copy(rows[i].header, strlen(rows[i].header));
    struct wsl_span value = {NULL, 0};
    bool found =
        cookie_value((struct wsl_span){header, strlen(rows[i].header)}, wsl_span_of(rows[i].cookie), &value);
    bool right = rows[i].value == NULL ? !found : found && wsl_span_equal(value, wsl_span_of(rows[i].value));
    if (!right) fail_msg("%s: %.*s", rows[i].name, (int)value.len, value.at);
    free(header);
  }
}

static void a_header_cut_anywhere_is_read_within_its_bytes(void **state) {
  (void)state;
  static const char header[] = "x=1; token=\"abc\" ; y=\"";
  for (size_t cut = 0; cut < sizeof(header); cut++) {
    char *copy = exact_copy(header, cut);
    struct wsl_span value;
    bool found = cookie_value((struct wsl_span){copy, cut}, wsl_span_of("token"), &value);
    assert_int_equal(found, cut > strlen("x=1; token="));
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_header_is_read),
      cmocka_unit_test(a_header_cut_anywhere_is_read_within_its_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
