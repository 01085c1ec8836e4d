/* See app/option/secrets.h. */
#include "app/option/secrets.h"

#include <string.h>

#include "app/environment.h"
#include "app/option/auth.h"
#include "app/option/match.h"
#include "app/option/table.h"
#include "app/option/tokens.h"

static const struct {
  const char *option;
  bool (*is_secret)(const struct options *options); /* NULL: always */
} secrets[] = {
    {"key-password", NULL},
    {"auth-source", option_auth_is_secret},
    {"token-source", option_tokens_is_secret},
};
#define SECRETS (sizeof secrets / sizeof secrets[0])

static bool holds_secret(const struct options *options, size_t i) {
  return secrets[i].is_secret == NULL || secrets[i].is_secret(options);
}

static void hide(char *value) {
  memset(value, '*', strlen(value));
}

/* Also abbreviated. */
static bool names_secret(const struct options *options, const char *word) {
  char candidates[OPTION_CANDIDATES_MAX];
  if (strncmp(word, "--", 2) != 0) return false;
  const struct option_spec *spec = option_match(word + 2, strcspn(word + 2, "="), candidates);
  for (size_t i = 0; spec != NULL && i < SECRETS; i++) {
    if (strcmp(spec->name, secrets[i].option) == 0) return holds_secret(options, i);
  }
  return false;
}

static void hide_variable(const struct options *options, char *entry) {
  for (size_t i = 0; i < SECRETS; i++) {
    if (holds_secret(options, i) && environment_sets(entry, secrets[i].option)) hide(strchr(entry, '=') + 1);
  }
}

void option_secrets_hide(const struct options *options, char **argv, char **environment) {
  for (; *argv != NULL; argv++) {
    if (!names_secret(options, *argv)) continue;
    char *equals = strchr(*argv, '=');
    if (equals != NULL) {
      hide(equals + 1);
    } else if (argv[1] != NULL) {
      hide(*++argv);
    }
  }
  for (; *environment != NULL; environment++)
    hide_variable(options, *environment);
}
