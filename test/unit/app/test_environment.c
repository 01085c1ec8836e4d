/* Variables of the environment: their names, the words of flags, and whose they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/environment.h"
#include "app/option/table.h"
#include "app/option/variables.h"
#include "core/error.h"

#define ENTRIES_MAX 80
#define WHY_MAX     256

static void test_names(void **state) {
  (void)state;
  char name[ENVIRONMENT_NAME_MAX];
  assert_string_equal(environment_name("ssl-only", name), "WSLUICE_SSL_ONLY");
  assert_string_equal(environment_name("prefer-ipv6", name), "WSLUICE_PREFER_IPV6");
}

static void test_values_are_found_by_the_exact_name(void **state) {
  (void)state;
  static const char *const environment[] = {"WSLUICE_KEY_PASSWORD_FILE=/a",
                                            "wsluice_key=/b",
                                            "WSLUICE_key=/c",
                                            "XWSLUICE_KEY=/d",
                                            "WSLUICE_KEY",
                                            "WSLUICE_KEY=/e=f",
                                            "WSLUICE_KEY=/g",
                                            NULL};
  assert_string_equal(environment_value(environment, "key"), "/e=f");
  assert_string_equal(environment_value(environment, "key-password-file"), "/a");
  assert_null(environment_value(environment, "key-password"));
  assert_null(environment_value(environment + 7, "key"));
}

static void test_words_of_flags(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int says; /* -1: refused */
  } cases[] = {{"1", 1},     {"true", 1}, {"YES", 1}, {"On", 1},      {"0", 0},
               {"False", 0}, {"no", 0},   {"OFF", 0}, {"", 0},        {"2", -1},
               {"y", -1},    {" 1", -1},  {"1 ", -1}, {"enable", -1}, {"truely", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bool on = cases[i].says == 0;
    const char *why = NULL;
    int error = environment_flag(cases[i].word, &on, &why);
    if ((error != WSL_OK) != (cases[i].says < 0)) fail_msg("\"%s\" gives %d", cases[i].word, error);
    if (error == WSL_OK && on != (cases[i].says == 1))
      fail_msg("\"%s\" is read as the opposite", cases[i].word);
    if (error != WSL_OK) assert_non_null(why);
  }
}

static void test_whose_variables_they_are(void **state) {
  (void)state;
  static const struct {
    const char *entry;
    bool ours;
  } cases[] = {
      {"WSLUICE_SSL_ONLY=1", true},
      {"WSLUICE_SLL_ONLY=1", true},
      {"WSLUICE_=1", true},
      {"WSLUICE_ssl_only=1", true},
      {"WSLUICE_REPORT=1", true},
      {"WSLUICE_PORTS=1", true},
      {"WSLUICE_PORT_NUMBER=1", true},
      {"WSLUICE_SERVICE_HOSTS=1", true},
      {"WSLUICE_SSL_ONLY=_PORT=", true},
      {"WSLUICE=1", false},
      {"WSLUICE_SSL_ONLY", false},
      {"MY_WSLUICE_SSL_ONLY=1", false},
      {"WSLUICE_VERSION=0.1.0", false},
      {"WSLUICE_SERVICE_HOST=10.0.0.7", false},
      {"WSLUICE_SERVICE_PORT=80", false},
      {"WSLUICE_SERVICE_PORT_HTTP=80", false},
      {"WSLUICE_PORT=tcp://10.0.0.7:80", false},
      {"WSLUICE_PORT_80_TCP=tcp://10.0.0.7:80", false},
      {"WSLUICE_PORT_80_TCP_PROTO=tcp", false},
      {"WSLUICE_PORT_80_TCP_PORT=80", false},
      {"WSLUICE_PORT_80_TCP_ADDR=10.0.0.7", false},
      {"WSLUICE_VNC_SERVICE_HOST=10.0.0.7", false},
      {"WSLUICE_VNC_PORT=tcp://10.0.0.7:80", false},
      {"WSLUICE_VNC_PORT_80_TCP_ADDR=10.0.0.7", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (environment_is_ours(cases[i].entry) != cases[i].ours)
      fail_msg("%s is taken to be %s", cases[i].entry, cases[i].ours ? "somebody else's" : "ours");
  }
}

/* An option that Kubernetes could set by chance may not be: its name would have to be another. */
static void test_no_option_has_the_name_of_a_variable_that_others_set(void **state) {
  (void)state;
  for (size_t i = 0; i < option_count(); i++) {
    char name[ENVIRONMENT_NAME_MAX], entry[ENVIRONMENT_NAME_MAX + 2];
    if (option_at(i)->kind == OPTION_SECTION || strcmp(option_at(i)->name, "version") == 0) continue;
    snprintf(entry, sizeof entry, "%s=1", environment_name(option_at(i)->name, name));
    if (!environment_is_ours(entry)) fail_msg("%s is taken to be somebody else's", name);
  }
}

/* ---- what becomes of them ---- */

static struct options options;
static struct options_given given;
static char why[WHY_MAX];

static int read_all(const char *const *environment) {
  memset(&options, 0, sizeof options);
  why[0] = '\0';
  return option_variables_read(&options, environment, &given, why, sizeof why);
}

#define ENVIRONMENT(...)  \
  (const char *const[]) { \
    __VA_ARGS__, NULL     \
  }

static void give(const char *name) {
  for (size_t i = 0; i < option_count(); i++) {
    if (option_at(i)->kind != OPTION_SECTION && strcmp(option_at(i)->name, name) == 0)
      given.options[i] = true;
  }
}

static int forget_what_was_given(void **state) {
  (void)state;
  given = (struct options_given){.positionals = 0};
  return 0;
}

static void test_each_kind_is_read(void **state) {
  (void)state;
  assert_int_equal(
      read_all(ENVIRONMENT("WSLUICE_SSL_ONLY=yes", "WSLUICE_CERT=/c.pem", "WSLUICE_WORKERS=3",
                           "WSLUICE_BUFFER_SIZE=8K", "WSLUICE_HEARTBEAT=1.5", "WSLUICE_LOG_LEVEL=debug",
                           "WSLUICE_SUBPROTOCOL=mqtt, stomp\tirc,", "WSLUICE_DAEMON=no")),
      WSL_OK);
  assert_int_equal(options.ssl_only, 1);
  assert_string_equal(options.server.tls.server.cert_path, "/c.pem");
  assert_int_equal(options.workers, 3);
  assert_int_equal(options.buffer_size, 8192);
  assert_int_equal(options.server.session.heartbeat_ms, 1500);
  assert_int_equal(options.log_level, LOG_DEBUG);
  assert_int_equal(options.subprotocols.count, 3);
  assert_string_equal(options.subprotocols.values[2], "irc");
  assert_int_equal(options.daemon, 0);
  assert_int_equal(options.unknown_variables.count, 0);
}

static void test_help_and_version_have_none(void **state) {
  (void)state;
  assert_int_equal(read_all(ENVIRONMENT("WSLUICE_HELP=1", "WSLUICE_VERSION=1")), WSL_OK);
  assert_int_equal(options.help, 0);
  assert_int_equal(options.version, 0);
  assert_int_equal(options.unknown_variables.count, 1);
}

static void test_wrong_values_are_refused_by_name(void **state) {
  (void)state;
  static const char *const cases[] = {
      "WSLUICE_SSL_ONLY=perhaps", "WSLUICE_CERT=",   "WSLUICE_WORKERS=0",  "WSLUICE_HEARTBEAT=soon",
      "WSLUICE_LOG_LEVEL=loud",   "WSLUICE_ORIGIN=", "WSLUICE_ORIGIN= , ", "WSLUICE_ORIGIN=same (a)"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (read_all(ENVIRONMENT(cases[i])) != WSL_INVALID) fail_msg("%s: taken", cases[i]);
    if (strncmp(why, cases[i], strcspn(cases[i], "=")) != 0) fail_msg("%s: says \"%s\"", cases[i], why);
  }
}

static void test_a_list_that_is_too_long(void **state) {
  (void)state;
  static char entry[OPTIONS_WORDS_MAX + 64] = "WSLUICE_SUBPROTOCOL=";
  size_t len = strlen(entry);
  memset(entry + len, ' ', OPTIONS_WORDS_MAX);
  entry[len] = 'a';
  assert_int_equal(read_all(ENVIRONMENT(entry)), WSL_INVALID);
  assert_non_null(strstr(why, "too long"));
  entry[len + OPTIONS_WORDS_MAX - 1] = '\0';
  assert_int_equal(read_all(ENVIRONMENT(entry)), WSL_OK);
  assert_int_equal(read_all(ENVIRONMENT(entry, "WSLUICE_ORIGIN=same")), WSL_INVALID);
}

static void test_unknown_ones_are_kept_for_a_warning(void **state) {
  (void)state;
  assert_int_equal(read_all(ENVIRONMENT("WSLUICE_LISTEN=1", "WSLUICE_PORT=tcp://x", "WSLUICE_WORKER=3",
                                        "WSLUICE_workers=3", "WSLUICE_TARGET=h:1")),
                   WSL_OK);
  assert_int_equal(options.unknown_variables.count, 2);
  assert_string_equal(options.unknown_variables.values[0], "WSLUICE_WORKER=3");
  assert_string_equal(options.unknown_variables.values[1], "WSLUICE_workers=3");
}

static void test_more_unknown_ones_than_anybody_reads(void **state) {
  (void)state;
  const char *environment[ENTRIES_MAX + 1] = {NULL};
  for (size_t i = 0; i < ENTRIES_MAX; i++)
    environment[i] = "WSLUICE_X=1";
  assert_int_equal(read_all(environment), WSL_OK);
  assert_int_equal(options.unknown_variables.count, OPTIONS_LIST_MAX);
}

static void test_a_given_option_outranks_its_variable(void **state) {
  (void)state;
  give("workers");
  assert_int_equal(read_all(ENVIRONMENT("WSLUICE_WORKERS=no number")), WSL_OK);
}

/* What the command line gave, a variable, and whether it counts. */
struct rivalry {
  const char *name;
  const char *options[2];
  int positionals;
  const char *entry; /* with a value that would be refused */
  bool counts;
};

static void test_an_answer_of_the_command_line_outranks_others(void **state) {
  (void)state;
  static const struct rivalry cases[] = {
      {"nothing given", {NULL}, 0, "WSLUICE_UNIX_TARGET=", true},
      {"one positional is a port or a target", {NULL}, 1, "WSLUICE_UNIX_TARGET=", true},
      {"one positional may be a target", {NULL}, 1, "WSLUICE_UNIX_LISTEN=", true},
      {"port and target", {NULL}, 2, "WSLUICE_UNIX_TARGET=", false},
      {"port and target, tokens", {NULL}, 2, "WSLUICE_TOKEN_SOURCE=", false},
      {"port and target, a socket to listen on", {NULL}, 2, "WSLUICE_UNIX_LISTEN=", false},
      {"a port beside a target by option", {"unix-target"}, 1, "WSLUICE_UNIX_LISTEN=", false},
      {"a target by option", {"unix-target"}, 0, "WSLUICE_UNIX_LISTEN=", true},
      {"a target by option, tokens", {"unix-target"}, 1, "WSLUICE_TOKEN_PLUGIN=", false},
      {"a target beside a socket to listen on", {"unix-listen"}, 1, "WSLUICE_UNIX_TARGET=", false},
      {"a socket to listen on", {"unix-listen"}, 0, "WSLUICE_UNIX_TARGET=", true},
      {"tokens by both together", {"token-plugin"}, 1, "WSLUICE_TOKEN_SOURCE=", true},
      {"tokens, the demo", {"token-plugin"}, 1, "WSLUICE_DEMO=x", false},
      {"two ways to a password", {"key-password-file"}, 2, "WSLUICE_KEY_PASSWORD_FILE=", false},
      {"a level, --verbose", {"log-level"}, 2, "WSLUICE_VERBOSE=x", false},
      {"--verbose, a level", {"verbose"}, 2, "WSLUICE_LOG_LEVEL=x", false},
      {"something else", {"verbose"}, 2, "WSLUICE_CERT=", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct rivalry *c = &cases[i];
    forget_what_was_given(NULL);
    given.positionals = c->positionals;
    for (size_t j = 0; j < 2 && c->options[j] != NULL; j++)
      give(c->options[j]);
    if ((read_all(ENVIRONMENT(c->entry)) == WSL_INVALID) != c->counts)
      fail_msg("%s: %s %s", c->name, c->entry, c->counts ? "is passed over" : "counts");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_values_are_found_by_the_exact_name),
      cmocka_unit_test(test_words_of_flags),
      cmocka_unit_test(test_whose_variables_they_are),
      cmocka_unit_test(test_no_option_has_the_name_of_a_variable_that_others_set),
      cmocka_unit_test_setup(test_each_kind_is_read, forget_what_was_given),
      cmocka_unit_test_setup(test_help_and_version_have_none, forget_what_was_given),
      cmocka_unit_test_setup(test_wrong_values_are_refused_by_name, forget_what_was_given),
      cmocka_unit_test_setup(test_a_list_that_is_too_long, forget_what_was_given),
      cmocka_unit_test_setup(test_unknown_ones_are_kept_for_a_warning, forget_what_was_given),
      cmocka_unit_test_setup(test_more_unknown_ones_than_anybody_reads, forget_what_was_given),
      cmocka_unit_test_setup(test_a_given_option_outranks_its_variable, forget_what_was_given),
      cmocka_unit_test_setup(test_an_answer_of_the_command_line_outranks_others, forget_what_was_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
