/* Credentials of the scheme Basic (RFC 7617): what is taken, as what, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wsluice/base64.h>

#include "codec/http/basic.h"

/* In memory of its own, so that a look past its end is seen by the sanitizer. */
static enum basic_result read_text(const char *text, size_t len, struct basic_login *login) {
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, text, len);
  enum basic_result result = basic_read((struct wsl_span){copy, len}, login);
  free(copy);
  return result;
}

/* As a header would carry data[0..len). */
static enum basic_result read_encoded(const char *data, size_t len, struct basic_login *login) {
  static char value[8192];
  strcpy(value, "Basic ");
  wsl_base64_encode((uint8_t *)value + 6, (const uint8_t *)data, len);
  return read_text(value, 6 + wsl_base64_len(len), login);
}

struct row {
  const char *name, *value, *user, *password; /* NULL: malformed */
};

static const struct row rows[] = {
    {"RFC 7617 section 2", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
    {"RFC 7617 section 2.1", "Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},
    {"in ISO 8859-1", "Basic dGVzdDoxMjOj", "test", "123\xc2\xa3"},
    {"a scheme in another case", "bASIC YTpi", "a", "b"},
    {"more blanks", "Basic   YTpi", "a", "b"},
    {"a colon in the password", "Basic YTpiOmM=", "a", "b:c"},
    {"no user", "Basic OmI=", "", "b"},
    {"no password", "Basic YTo=", "a", ""},
    {"neither", "Basic Og==", "", ""},
    {"nothing", "", NULL, NULL},
    {"the scheme alone", "Basic", NULL, NULL},
    {"the scheme and a blank", "Basic ", NULL, NULL},
    {"another scheme", "Bearer YTpi", NULL, NULL},
    {"a scheme that begins alike", "Basically YTpi", NULL, NULL},
    {"a tab for the blank", "Basic\tYTpi", NULL, NULL},
    {"no colon", "Basic YWI=", NULL, NULL},
    {"padding left out", "Basic YTpiOmM", NULL, NULL},
    {"padding too much", "Basic YTpi====", NULL, NULL},
    {"padding in the middle", "Basic YTo=YTo=", NULL, NULL},
    {"a blank in the middle", "Basic YTp iYQ==", NULL, NULL},
    {"a blank at the end", "Basic YTpi    ", NULL, NULL},
    {"the alphabet of URLs", "Basic YTr_", NULL, NULL},
    {"a NUL", "Basic YToAYg==", NULL, NULL},
    {"a line end", "Basic YTpiCg==", NULL, NULL},
    {"DEL", "Basic YTp/", NULL, NULL},
};

static void each_value(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i];
    struct basic_login login;
    enum basic_result result = read_text(row->value, strlen(row->value), &login);
    if (result != (row->user != NULL ? BASIC_READ : BASIC_MALFORMED))
      fail_msg("%s: %d", row->name, (int)result);
    if (row->user == NULL) continue;
    assert_string_equal(login.user, row->user);
    assert_string_equal(login.password, row->password);
    assert_int_equal(login.user_len, strlen(row->user));
    assert_int_equal(login.password_len, strlen(row->password));
  }
}

/* As long as they may be, and a byte longer. */
static void bounds_of_lengths(void **state) {
  (void)state;
  static char text[4096];
  struct basic_login login;
  for (size_t user = BASIC_USER_MAX - 1; user <= BASIC_USER_MAX + 1; user++) {
    for (size_t password = BASIC_PASSWORD_MAX - 1; password <= BASIC_PASSWORD_MAX + 1; password++) {
      memset(text, 'x', sizeof text);
      text[user] = ':';
      bool fits = user <= BASIC_USER_MAX && password <= BASIC_PASSWORD_MAX;
      assert_int_equal(read_encoded(text, user + 1 + password, &login), fits ? BASIC_READ : BASIC_TOO_LONG);
    }
  }
  memset(text, 'x', sizeof text);
  text[1] = ':';
  assert_int_equal(read_encoded(text, sizeof text, &login), BASIC_TOO_LONG);
}

/* Each byte of ISO 8859-1 over 7F becomes two. */
static void latin_may_outgrow_its_room(void **state) {
  (void)state;
  struct basic_login login;
  char text[BASIC_USER_MAX + 2];
  memset(text, 0xe9, sizeof text);
  text[BASIC_USER_MAX / 2] = ':';
  assert_int_equal(read_encoded(text, BASIC_USER_MAX / 2 + 1, &login), BASIC_READ);
  assert_int_equal(login.user_len, BASIC_USER_MAX - 1);
  text[BASIC_USER_MAX / 2] = (char)0xe9;
  text[BASIC_USER_MAX / 2 + 1] = ':';
  assert_int_equal(read_encoded(text, BASIC_USER_MAX / 2 + 2, &login), BASIC_TOO_LONG);
}

static void what_is_long_is_still_looked_at(void **state) {
  (void)state;
  static char value[6000];
  struct basic_login login;
  memset(value, 'A', sizeof value);
  memcpy(value, "Basic ", 6);
  size_t len = 6 + 4000;
  assert_int_equal(read_text(value, len, &login), BASIC_TOO_LONG);
  value[len - 1] = '!';
  assert_int_equal(read_text(value, len, &login), BASIC_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_value),
      cmocka_unit_test(bounds_of_lengths),
      cmocka_unit_test(latin_may_outgrow_its_room),
      cmocka_unit_test(what_is_long_is_still_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
