/* From TLS options to settings: which certificate, which password, which suites, and what is only warned of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/tls_choices.h"
#include "core/error.h"

#define WHY_MAX     512
#define LONG_SECRET 2000

static char folder[] = "/tmp/wsluice-test-choices-XXXXXX";
static struct options options;
static struct tls_choices choices;
static char why[WHY_MAX];

static int enter_folder(void **state) {
  (void)state;
  return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int leave_folder(void **state) {
  (void)state;
  return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static int start_anew(void **state) {
  (void)state;
  memset(&options, 0, sizeof options);
  (void)unlink(DEFAULT_CERTIFICATE);
  (void)unlink("secret");
  return 0;
}

static void put(const char *name, const char *text, size_t len) {
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static int make(void) {
  why[0] = '\0';
  return tls_choices_make(&choices, &options, why, sizeof why);
}

static void expect_made(void) {
  if (make() != WSL_OK) fail_msg("refused: %s", why);
}

static void expect_warning(const char *part) {
  for (size_t i = 0; choices.warnings[i] != NULL; i++) {
    if (strstr(choices.warnings[i], part) != NULL) return;
  }
  fail_msg("no warning has \"%s\"", part);
}

static void test_without_options_there_is_no_tls(void **state) {
  (void)state;
  expect_made();
  assert_int_equal(options.server.tls.service, TLS_SERVICE_NONE);
  assert_null(choices.warnings[0]);
}

static void test_the_default_certificate_is_taken_with_a_warning(void **state) {
  (void)state;
  put(DEFAULT_CERTIFICATE, "", 0);
  expect_made();
  assert_string_equal(options.server.tls.server.cert_path, DEFAULT_CERTIFICATE);
  assert_int_equal(options.server.tls.service, TLS_SERVICE_MIXED);
  expect_warning(DEFAULT_CERTIFICATE);
}

static void test_a_named_certificate_comes_first_and_without_a_word(void **state) {
  (void)state;
  put(DEFAULT_CERTIFICATE, "", 0);
  options.server.tls.server.cert_path = "missing.pem";
  expect_made(); /* whether it is there the server finds out, and again at each reload */
  assert_string_equal(options.server.tls.server.cert_path, "missing.pem");
  assert_null(choices.warnings[0]);
}

static void test_who_gets_in(void **state) {
  (void)state;
  options.server.tls.server.cert_path = "c.pem";
  options.ssl_only = 1;
  expect_made();
  assert_int_equal(options.server.tls.service, TLS_SERVICE_ONLY);
  options.ssl_only = 0;
  options.verify_client = 1;
  expect_made();
  assert_int_equal(options.server.tls.service, TLS_SERVICE_ONLY);
}

static void expect_wrong_use(const char *word) {
  assert_int_equal(make(), WSL_INVALID);
  if (strstr(why, word) == NULL) fail_msg("says \"%s\"", why);
}

static void test_what_needs_a_certificate(void **state) {
  (void)state;
  options.ssl_only = 1;
  expect_wrong_use("--ssl-only");
  options.ssl_only = 0;
  options.verify_client = 1;
  expect_wrong_use("--verify-client");
  options.verify_client = 0;
  options.server.tls.server.key_path = "k.pem";
  expect_wrong_use("--key");
}

static void test_authorities_for_nobody_are_warned_of(void **state) {
  (void)state;
  options.server.tls.server.cert_path = "c.pem";
  options.server.tls.server.ca_path = "ca.pem";
  expect_made();
  expect_warning("--cafile");
  options.verify_client = 1;
  expect_made();
  assert_null(choices.warnings[0]);
}

static void test_passwords_of_files(void **state) {
  (void)state;
  static const struct {
    const char *name, *text, *password;
  } cases[] = {{"a line", "sesame\n", "sesame"},
               {"no line end", "sesame", "sesame"},
               {"Windows' line end", "sesame\r\n", "sesame"},
               {"several lines", "sesame\nother\n", "sesame"},
               {"blanks", " open sesame \n", " open sesame "},
               {"nothing", "", ""}};
  options.key_password_file = "secret";
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    put("secret", cases[i].text, strlen(cases[i].text));
    expect_made();
    if (strcmp(options.server.tls.server.password, cases[i].password) != 0)
      fail_msg("%s: \"%s\"", cases[i].name, options.server.tls.server.password);
  }
}

static void test_a_long_password_is_refused_a_long_file_is_not(void **state) {
  (void)state;
  char text[LONG_SECRET];
  options.key_password_file = "secret";
  memset(text, 'x', sizeof text);
  put("secret", text, sizeof text);
  assert_int_not_equal(make(), WSL_OK);
  assert_non_null(strstr(why, "--key-password-file"));
  text[3] = '\n';
  put("secret", text, sizeof text);
  expect_made();
  assert_string_equal(options.server.tls.server.password, "xxx");
}

static void test_a_password_file_that_can_not_be_read(void **state) {
  (void)state;
  options.key_password_file = "missing";
  assert_int_equal(make(), WSL_IO);
  assert_non_null(strstr(why, "missing"));
  options.key_password_file = ".";
  assert_int_equal(make(), WSL_IO);
}

static void test_the_password_is_copied(void **state) {
  (void)state;
  char value[] = "defg";
  options.key_password = value;
  expect_made();
  memset(value, '*', sizeof value - 1);
  assert_string_equal(options.server.tls.server.password, "defg");
}

static void test_suites(void **state) {
  (void)state;
  expect_made();
  assert_int_not_equal(options.server.tls.server.suites->ids[0], 0);
  options.ssl_ciphers = "ECDHE-RSA-AES128-GCM-SHA256:NO-SUCH-CIPHER";
  expect_made();
  expect_warning("NO-SUCH-CIPHER");
  options.ssl_ciphers = "NO-SUCH-CIPHER";
  int error = make();
  assert_true(error != WSL_OK && error != WSL_INVALID); /* the list is well-formed: exit 1, not 2 */
  assert_non_null(strstr(why, "NO-SUCH-CIPHER"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_without_options_there_is_no_tls, start_anew),
      cmocka_unit_test_setup(test_the_default_certificate_is_taken_with_a_warning, start_anew),
      cmocka_unit_test_setup_teardown(test_a_named_certificate_comes_first_and_without_a_word, start_anew,
                                      start_anew),
      cmocka_unit_test_setup(test_who_gets_in, start_anew),
      cmocka_unit_test_setup(test_what_needs_a_certificate, start_anew),
      cmocka_unit_test_setup(test_authorities_for_nobody_are_warned_of, start_anew),
      cmocka_unit_test_setup(test_passwords_of_files, start_anew),
      cmocka_unit_test_setup_teardown(test_a_long_password_is_refused_a_long_file_is_not, start_anew,
                                      start_anew),
      cmocka_unit_test_setup(test_a_password_file_that_can_not_be_read, start_anew),
      cmocka_unit_test_setup(test_the_password_is_copied, start_anew),
      cmocka_unit_test_setup(test_suites, start_anew),
  };
  return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
