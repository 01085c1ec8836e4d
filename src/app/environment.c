/* See app/environment.h. */
#include "app/environment.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"

#define PREFIX     "WSLUICE_"
#define PREFIX_LEN (sizeof PREFIX - 1)

static char to_variable(char byte) {
  if (byte == '-') return '_';
  return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

const char *environment_name(const char *option, char out[ENVIRONMENT_NAME_MAX]) {
  size_t len = strlen(option);
  assert(PREFIX_LEN + len < ENVIRONMENT_NAME_MAX);
  memcpy(out, PREFIX, PREFIX_LEN);
  for (size_t i = 0; i <= len; i++)
    out[PREFIX_LEN + i] = to_variable(option[i]);
  return out;
}

bool environment_sets(const char *entry, const char *option) {
  char name[ENVIRONMENT_NAME_MAX];
  size_t len = strlen(environment_name(option, name));
  return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

const char *environment_value(const char *const *environment, const char *option) {
  for (; *environment != NULL; environment++) {
    if (environment_sets(*environment, option)) return strchr(*environment, '=') + 1;
  }
  return NULL;
}

int environment_flag(const char *value, bool *on, const char **why) {
  static const char *const words[][2] = {
      {"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}, {"", NULL}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    for (size_t yes = 0; yes < 2; yes++) {
      if (words[i][yes] == NULL || strcasecmp(value, words[i][yes]) != 0) continue;
      *on = yes == 1;
      return WSL_OK;
    }
  }
  *why = "give 1 or 0, true or false, yes or no, on or off";
  return WSL_INVALID;
}

/* ---- variables that others set ---- */

/* Whether what is left of a name, up to its "=", is `tail`, or goes on behind it where `more` says so. */
enum tail { TAIL_ENDS, TAIL_MAY_GO_ON, TAIL_GOES_ON_WITH_DIGIT };

static bool goes_on(const char *rest, const char *tail, enum tail more) {
  size_t len = strlen(tail);
  if (strncmp(rest, tail, len) != 0) return false;
  if (more == TAIL_GOES_ON_WITH_DIGIT) return rest[len] >= '0' && rest[len] <= '9';
  return rest[len] == '=' || (more == TAIL_MAY_GO_ON && rest[len] == '_');
}

/* {SERVICE}_SERVICE_HOST, _SERVICE_PORT, _SERVICE_PORT_{NAME}, _PORT (a URL), _PORT_{NUMBER}_{PROTOCOL} and
 * _PORT_{NUMBER}_{PROTOCOL}_{PROTO,PORT,ADDR}: at each "_", since {SERVICE} may be longer than our prefix. */
static bool is_kubernetes(const char *entry) {
  const char *end = strchr(entry, '=');
  for (const char *rest = entry + PREFIX_LEN - 1; rest != NULL && rest < end; rest = strchr(rest + 1, '_')) {
    if (goes_on(rest, "_SERVICE_HOST", TAIL_ENDS) || goes_on(rest, "_SERVICE_PORT", TAIL_MAY_GO_ON) ||
        goes_on(rest, "_PORT", TAIL_ENDS) || goes_on(rest, "_PORT_", TAIL_GOES_ON_WITH_DIGIT))
      return true;
  }
  return false;
}

bool environment_is_ours(const char *entry) {
  if (strncmp(entry, PREFIX, PREFIX_LEN) != 0 || strchr(entry, '=') == NULL) return false;
  return !is_kubernetes(entry) && !environment_sets(entry, "version");
}
