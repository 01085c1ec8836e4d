/* See route/token/kinds.h. A new plugin: its file, and its row here. */
#include "route/token/kinds.h"

#include <stdio.h>

#include "core/error.h"
#include "core/hash.h"
#include "route/plugin_name.h"

static const struct token_kind *const kinds[] = {
    &token_kind_file, &token_kind_read_only_file, &token_kind_file_name, &token_kind_unix_directory,
    &token_kind_api,  &token_kind_json_api,       &token_kind_jwt,       &token_kind_redis,
};

int token_kind_parse(const char *name, const struct token_kind **kind, const char **why) {
  const char *class = plugin_class(name, "token_plugins");
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(class, kinds[i]->name) != 0) continue;
    *kind = kinds[i];
    return 0;
  }
  if (!plugin_class_valid(class)) {
    *why = "not the name of a plugin such as TokenFile";
    return WSL_INVALID;
  }
  *why =
      "not one of TokenFile, ReadOnlyTokenFile, TokenFileName, UnixDomainSocketDirectory, BaseTokenAPI, "
      "JSONTokenApi, JWTTokenApi and TokenRedis (Python classes can't be loaded: have yours answer over "
      "HTTP, and use JSONTokenApi)";
  return WSL_UNSUPPORTED;
}

int token_source_open(struct token_source **source, const struct token_kind *kind,
                      const struct token_source_options *options, char *why, size_t why_cap) {
  struct siphash_key key;
  int error = random_bytes(&key, sizeof(key));
  if (error != 0) {
    snprintf(why, why_cap, "can't open --token-source: no random bytes: %s", error_text(error));
    return error;
  }
  error = kind->open(source, options, why, why_cap);
  if (error != 0) return error;
  (*source)->kind = kind;
  (*source)->key = key;
  return 0;
}
