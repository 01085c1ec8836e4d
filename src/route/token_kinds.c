/* See route/token_kinds.h. A new plugin: its file, and its row here. */
#include "route/token_kinds.h"

#include "core/error.h"

static const struct token_kind *const kinds[] = {
    &token_kind_file,
    &token_kind_read_only_file,
};

static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";

/* The name without the module that websockify has its plugins in. */
static const char *class_of(const char *name) {
  static const char *const modules[] = {"websockify.token_plugins.", "token_plugins."};
  for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
    size_t len = strlen(modules[i]);
    if (strncmp(name, modules[i], len) == 0) return name + len;
  }
  return name;
}

int token_kind_parse(const char *name, const struct token_kind **kind, const char **why) {
  const char *class = class_of(name);
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(class, kinds[i]->name) != 0) continue;
    *kind = kinds[i];
    return 0;
  }
  if (*class == '\0' || class[strspn(class, name_characters)] != '\0') {
    *why = "not the name of a plugin such as TokenFile";
    return WSL_INVALID;
  }
  *why =
      "not a plugin of wsluice, and classes of Python can't be loaded: have yours answer over HTTP, and look "
      "it up with JSONTokenApi";
  return WSL_UNSUPPORTED;
}
