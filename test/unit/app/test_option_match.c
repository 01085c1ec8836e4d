/* Which option a name means: exact names, and what is left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/option/match.h"
#include "app/option/value.h"

struct match_case {
  const char *typed;
  const char *name;       /* the option's, or NULL */
  const char *candidates; /* what is offered when it is none */
};

static const struct match_case cases[] = {
    {"web", "web", NULL}, /* --web-auth begins so, and the exact name wins */
    {"key", "key", NULL},
    {"cert", "cert", NULL},
    {"timeout", "timeout", NULL},
    {"cer", "cert", NULL},
    {"c", NULL, "--cafile, --cert"},
    {"d", "daemon", NULL}, /* ours: --demo, --dial-first, --drain-timeout */
    {"log", "log-file", NULL},
    {"log-l", "log-level", NULL},
    {"ssl-target", "ssl-target", NULL},
    {"ssl-target-i", "ssl-target-insecure", NULL},
    {"ssl-t", "ssl-target", NULL},
    {"key-p", "key-password", NULL}, /* ours: --key-password-file */
    {"unix-listen", "unix-listen", NULL},
    {"unix-l", NULL, "--unix-listen, --unix-listen-mode"},
    {"unix-listen-", "unix-listen-mode", NULL},
    {"ver", NULL, "--verbose, --verify-client"},
    {"vers", "version", NULL},
    {"verbosely", NULL, ""},
    {"Verbose", NULL, ""},
    {"x", NULL, ""},
    {"", NULL, ""},
};

static void test_names_and_what_is_left_of_them(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct match_case *c = &cases[i];
    char candidates[OPTION_CANDIDATES_MAX];
    const struct option_spec *spec = option_match(c->typed, strlen(c->typed), candidates);
    if (c->name != NULL) {
      if (spec == NULL) fail_msg("--%s: none, \"%s\"", c->typed, candidates);
      assert_string_equal(spec->name, c->name);
    } else {
      if (spec != NULL) fail_msg("--%s: taken for --%s", c->typed, spec->name);
      assert_string_equal(candidates, c->candidates);
    }
  }
}

/* Whatever websockify takes is taken. */
static void test_each_of_websockifys_options_is_one_of_ours(void **state) {
  (void)state;
  for (const char *const *name = option_names_of_websockify; *name != NULL; name++) {
    if (option_find(*name, strlen(*name)) == NULL) fail_msg("--%s is not there", *name);
  }
}

static void test_a_name_ends_where_it_is_said_to(void **state) {
  (void)state;
  char candidates[OPTION_CANDIDATES_MAX];
  assert_string_equal(option_match("heart=7", 5, candidates)->name, "heartbeat");
  assert_string_equal(option_match("webx", 3, candidates)->name, "web");
}

static void test_more_candidates_than_have_room_are_whole_names(void **state) {
  (void)state;
  char candidates[OPTION_CANDIDATES_MAX];
  assert_null(option_match("s", 1, candidates));
  size_t len = strlen(candidates);
  assert_true(len > 0 && len < OPTION_CANDIDATES_MAX);
  const char *last = strrchr(candidates, '-');
  assert_true(last != NULL && last[1] != '\0');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_and_what_is_left_of_them),
      cmocka_unit_test(test_each_of_websockifys_options_is_one_of_ours),
      cmocka_unit_test(test_a_name_ends_where_it_is_said_to),
      cmocka_unit_test(test_more_candidates_than_have_room_are_whole_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
