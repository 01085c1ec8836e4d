/* See app/environment.h. */
#include "app/environment.h"

#include <string.h>
#include <strings.h>

#include "core/error.h"

#define PREFIX     "WSLUICE_"
#define PREFIX_LEN (sizeof PREFIX - 1)

static char to_option(char byte) {
  if (byte == '_') return '-';
  return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Whether the variable's name, up to its "=", is that of the option. */
static bool names(const char *entry, const char *option) {
  if (strncmp(entry, PREFIX, PREFIX_LEN) != 0) return false;
  for (entry += PREFIX_LEN; *option != '\0'; entry++, option++) {
    bool lower = *entry >= 'a' && *entry <= 'z';
    if (lower || *entry == '-' || to_option(*entry) != *option) return false;
  }
  return *entry == '=';
}

const char *environment_value(const char *const *environment, const char *option) {
  for (; *environment != NULL; environment++) {
    if (names(*environment, option)) return strchr(*environment, '=') + 1;
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

static bool is_kubernetes(const char *name) {
  return strcmp(name, "port") == 0 || strncmp(name, "port-", 5) == 0 || strcmp(name, "service-host") == 0 ||
         strcmp(name, "service-port") == 0 || strncmp(name, "service-port-", 13) == 0;
}

const char *environment_option(const char *entry, char *out, size_t cap) {
  if (strncmp(entry, PREFIX, PREFIX_LEN) != 0) return NULL;
  const char *name = entry + PREFIX_LEN;
  size_t len = strcspn(name, "=");
  if (len == 0 || len >= cap || name[len] == '\0') return NULL;
  for (size_t i = 0; i < len; i++)
    out[i] = to_option(name[i]);
  out[len] = '\0';
  return is_kubernetes(out) ? NULL : out;
}
