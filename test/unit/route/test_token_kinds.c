/* Plugins by their names: those of websockify in every spelling of a class, and what can't be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "route/token/kinds.h"

static void plugins_are_named_as_websockify_names_them(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int error;
    const struct token_kind *kind;
    const char *why;
  } rows[] = {
      {"TokenFile", WSL_OK, &token_kind_file, NULL},
      {"ReadOnlyTokenFile", WSL_OK, &token_kind_read_only_file, NULL},
      {"token_plugins.TokenFile", WSL_OK, &token_kind_file, NULL},
      {"websockify.token_plugins.ReadOnlyTokenFile", WSL_OK, &token_kind_read_only_file, NULL},
      {"tokenfile", WSL_UNSUPPORTED, NULL, "not one of TokenFile,"},
      {"websockify.token_plugins.Mine", WSL_UNSUPPORTED, NULL, "JSONTokenApi"},
      {"nova.console.Plugin", WSL_UNSUPPORTED, NULL, "Python"},
      {"other.TokenFile", WSL_UNSUPPORTED, NULL, "Python"},
      {"", WSL_INVALID, NULL, "name"},
      {"token_plugins.", WSL_INVALID, NULL, "name"},
      {"/etc/tokens", WSL_INVALID, NULL, "name"},
      {"Token File", WSL_INVALID, NULL, "name"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct token_kind *kind = NULL;
    const char *why = NULL;
    int error = token_kind_parse(rows[i].name, &kind, &why);
    if (error != rows[i].error || kind != rows[i].kind) fail_msg("%s: %s", rows[i].name, error_name(error));
    if (rows[i].why != NULL && (why == NULL || strstr(why, rows[i].why) == NULL))
      fail_msg("%s: %s", rows[i].name, why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plugins_are_named_as_websockify_names_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
