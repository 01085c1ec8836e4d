/* Secrets on the command line and in the environment: overwritten where they are some, left alone elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "app/option/secrets.h"
#include "route/token/kinds.h"

#define WORDS_MAX 8
#define WORD_MAX  64

static struct options options;

/* In memory that may be written, as argv is; ended by NULL. */
static char words[2][WORDS_MAX][WORD_MAX];
static char *lists[2][WORDS_MAX + 1];

static char **make(int list, const char *const *texts) {
  size_t count = 0;
  for (; texts[count] != NULL; count++)
    lists[list][count] = strcpy(words[list][count], texts[count]);
  lists[list][count] = NULL;
  return lists[list];
}

struct row {
  const char *before[WORDS_MAX + 1], *after[WORDS_MAX + 1]; /* ended by NULL */
};

static void check(const struct row *argv, const struct row *environment) {
  char **word = make(0, argv->before), **entry = make(1, environment->before);
  option_secrets_hide(&options, word, entry);
  for (size_t i = 0; word[i] != NULL; i++)
    assert_string_equal(word[i], argv->after[i]);
  for (size_t i = 0; entry[i] != NULL; i++)
    assert_string_equal(entry[i], environment->after[i]);
}

static int start_anew(void **state) {
  (void)state;
  memset(&options, 0, sizeof options);
  return 0;
}

static void passwords_of_keys(void **state) {
  (void)state;
  static const struct row argv = {
      {"wsluice", "--key-password=abc", "--key-p=xyz", "--key-password", "defg", "--key-password-file", "/f",
       "--key-password"},
      {"wsluice", "--key-password=***", "--key-p=***", "--key-password", "****", "--key-password-file", "/f",
       "--key-password"},
  };
  static const struct row environment = {
      {"WSLUICE_KEY_PASSWORD=ab", "WSLUICE_KEY_PASSWORD_FILE=/f", "WSLUICE_KEY_PASSWORD=", "KEY_PASSWORD=x"},
      {"WSLUICE_KEY_PASSWORD=**", "WSLUICE_KEY_PASSWORD_FILE=/f", "WSLUICE_KEY_PASSWORD=", "KEY_PASSWORD=x"},
  };
  check(&argv, &environment);
}

static const struct row source_argv = {
    {"wsluice", "--auth-source=a:b", "--auth-s", "c:d", "--auth-file=/f", "--auth-source"},
    {"wsluice", "--auth-source=***", "--auth-s", "***", "--auth-file=/f", "--auth-source"},
};
static const struct row source_environment = {
    {"WSLUICE_AUTH_SOURCE=a:b", "WSLUICE_AUTH_FILE=/f"},
    {"WSLUICE_AUTH_SOURCE=***", "WSLUICE_AUTH_FILE=/f"},
};

static void users_and_passwords(void **state) {
  (void)state;
  options.server.auth.plugin = AUTH_BASIC;
  check(&source_argv, &source_environment);
}

/* Origins, names and paths are of use to whoever looks at `ps`. */
static void what_is_no_secret_stays(void **state) {
  (void)state;
  struct row argv = source_argv, environment = source_environment;
  memcpy(argv.after, argv.before, sizeof argv.after);
  memcpy(environment.after, environment.before, sizeof environment.after);
  check(&argv, &environment);
  options.server.auth.plugin = AUTH_ORIGIN;
  check(&argv, &environment);
  options.server.auth.plugin = AUTH_BASIC;
  options.server.auth.htpasswd = "/f";
  check(&argv, &environment);
}

static void check_source(const struct token_kind *kind, const char *source, bool is_secret) {
  char text[WORD_MAX], stars[WORD_MAX] = {0};
  strcpy(text, source);
  memset(stars, '*', strlen(source));
  options.server.token_kind = kind;
  options.server.token_source.argument = source;
  struct row argv = {{"wsluice", "--token-source", source}, {"wsluice", "--token-source", source}};
  struct row environment = {{NULL}, {NULL}};
  if (is_secret) argv.after[2] = stars;
  check(&argv, &environment);
}

static void passwords_of_lookups(void **state) {
  (void)state;
  check_source(&token_kind_redis, "db.example:6379:0:secret", true);
  check_source(&token_kind_redis, "db.example:6379:0:", false);
  check_source(&token_kind_redis, "db.example", false);
  check_source(&token_kind_api, "http://ops:secret@h/%s", true);
  check_source(&token_kind_json_api, "https://h/%s?key=secret", true);
  check_source(&token_kind_api, "https://h/t/%s", false);
  check_source(&token_kind_api, "https://h/%s@x", false);
  check_source(&token_kind_file, "/etc/a@b?c", false);
  check_source(NULL, "x", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(passwords_of_lookups, start_anew),
      cmocka_unit_test_setup(passwords_of_keys, start_anew),
      cmocka_unit_test_setup(users_and_passwords, start_anew),
      cmocka_unit_test_setup(what_is_no_secret_stays, start_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
