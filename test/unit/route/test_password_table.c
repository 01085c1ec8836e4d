/* ctest: wrap=crypt_r */
/* Who may log in: a single user, a file; and that an unknown user costs what a known one does, counted in
 * hashes, not in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "route/auth/password_table.h"
#include "route/folder.h"

/* htpasswd's: alice/secret (bcrypt), bob/sha (SHA-1), dora/s256. */
#define ALICE "alice:$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..\n"
#define BOB   "bob:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n"
#define DORA  "dora:$5$4fMb1jgZv65/Jpdd$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC\n"

char *__real_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);

static unsigned hashes;
static char last_setting[128];

char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data) {
  hashes++;
  strncpy(last_setting, setting, sizeof last_setting - 1);
  return __real_crypt_r(phrase, setting, data);
}

static const uint8_t key[SHA256_SIZE] = "a key";
static uint8_t tag[PASSWORD_TAG_SIZE];
static struct password_table *table_of(const char *content) {
  struct password_table *table = NULL;
  log_keep();
  folder_write("htpasswd", content);
  assert_int_equal(password_table_read(&table, folder_path("htpasswd"), key), WSL_OK);
  return table;
}

static bool check(const struct password_table *table, const char *user_and_password) {
  struct basic_login login;
  assert_int_equal(basic_split(wsl_span_of(user_and_password), &login), BASIC_READ);
  hashes = 0;
  return password_table_check(table, &login, tag) == PASSWORD_RIGHT;
}

static void users_of_a_file(void **state) {
  (void)state;
  struct password_table *table = table_of("# users\n\n" ALICE BOB DORA);
  assert_int_equal(password_table_count(table), 3);
  assert_true(check(table, "alice:secret"));
  assert_string_equal(password_table_user(table, tag), "alice");
  assert_true(check(table, "bob:sha"));
  assert_true(check(table, "dora:s256"));
  assert_string_equal(password_table_user(table, tag), "dora");
  static const char *const wrong[] = {"alice:sha", "alice:",     "bob:secret", "Alice:secret",
                                      ":secret",   "dora:s2561", "x:y"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    assert_false(check(table, wrong[i]));
  password_table_drop(table);
}

static void an_unknown_user_costs_one_hash_as_everybody(void **state) {
  (void)state;
  struct password_table *table =
      table_of(ALICE "carl:$2y$06$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..\n");
  static const char *const tries[] = {"alice:secret", "alice:wrong", "nobody:secret", "nobody:wrong", ":"};
  for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
    check(table, tries[i]);
    assert_int_equal(hashes, 1);
  }
  /* The same stand-in for one name each time, and over many names everybody's turn. */
  unsigned dear = 0;
  for (int i = 0; i < 32; i++) {
    char text[32], setting[128];
    snprintf(text, sizeof text, "user%d:x", i);
    check(table, text);
    strcpy(setting, last_setting);
    check(table, text);
    assert_string_equal(setting, last_setting);
    dear += strstr(setting, "$06$") != NULL;
  }
  assert_in_range(dear, 1, 31);
  password_table_drop(table);
}

/* Whoever knows the stand-in's password is not let in under a name that nobody has. */
static void the_stand_ins_password_opens_nothing(void **state) {
  (void)state;
  struct password_table *table = table_of(ALICE);
  assert_false(check(table, "nobody:secret"));
  assert_int_equal(hashes, 1);
  password_table_drop(table);
}

static void bad_lines_are_named_and_the_first_of_two_counts(void **state) {
  (void)state;
  struct password_table *table =
      table_of("x\n" ALICE "alice:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\ncarl:clear\n");
  assert_int_equal(password_table_count(table), 2);
  assert_true(check(table, "alice:secret"));
  assert_false(check(table, "alice:sha"));
  assert_int_equal(log_count("line 1 is ignored: no colon"), 1);
  assert_int_equal(log_count("line 4 is ignored: a plain password"), 1);
  assert_int_equal(log_count(":clear"), 0);
  password_table_drop(table);
}

static void an_empty_file_lets_nobody_in(void **state) {
  (void)state;
  struct password_table *table = table_of("");
  assert_false(check(table, "alice:secret"));
  assert_false(check(table, ":"));
  password_table_drop(table);
}

static void files_that_are_none(void **state) {
  (void)state;
  struct password_table *table = NULL;
  assert_int_equal(password_table_read(&table, folder_path("missing"), key), WSL_NOT_FOUND);
  assert_int_equal(password_table_read(&table, "/dev/null", key), WSL_INVALID);
  assert_int_equal(password_table_read(&table, "/", key), WSL_INVALID);
}

static void one_user(void **state) {
  (void)state;
  struct basic_login login;
  assert_int_equal(basic_split(wsl_span_of("alice:se:cret"), &login), BASIC_READ);
  struct password_table *table = password_table_of(&login, key);
  assert_true(check(table, "alice:se:cret"));
  assert_string_equal(password_table_user(table, tag), "alice");
  static const char *const wrong[] = {
      "alice:se:cre", "alice:se:crett", "alice:", "bob:se:cret", ":se:cret", ":"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    assert_false(check(table, wrong[i]));
  password_table_drop(table);
}

static void a_tag_is_of_user_password_and_key(void **state) {
  (void)state;
  uint8_t first[PASSWORD_TAG_SIZE];
  struct password_table *table = table_of(ALICE BOB);
  assert_true(check(table, "alice:secret"));
  memcpy(first, tag, sizeof tag);
  assert_true(check(table, "bob:sha"));
  assert_memory_not_equal(first, tag, sizeof tag);
  struct password_table *same = table_of(DORA ALICE);
  assert_string_equal(password_table_user(same, first), "alice");
  assert_null(password_table_user(same, tag)); /* bob is gone */
  struct password_table *changed = table_of("alice:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n");
  assert_null(password_table_user(changed, first));
  static const uint8_t other_key[SHA256_SIZE] = "another";
  struct password_table *other = NULL;
  folder_write("htpasswd", ALICE);
  assert_int_equal(password_table_read(&other, folder_path("htpasswd"), other_key), WSL_OK);
  assert_null(password_table_user(other, first));
  struct password_table *const all[] = {table, same, changed, other};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    password_table_drop(all[i]);
}

static int set_up(void **state) {
  (void)state;
  folder_open();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  folder_close();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(users_of_a_file),
      cmocka_unit_test(an_unknown_user_costs_one_hash_as_everybody),
      cmocka_unit_test(the_stand_ins_password_opens_nothing),
      cmocka_unit_test(bad_lines_are_named_and_the_first_of_two_counts),
      cmocka_unit_test(an_empty_file_lets_nobody_in),
      cmocka_unit_test(files_that_are_none),
      cmocka_unit_test(one_user),
      cmocka_unit_test(a_tag_is_of_user_password_and_key),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
