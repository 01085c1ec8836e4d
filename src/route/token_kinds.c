/* See route/token_kinds.h. A new plugin: its file, and its row here. */
#include "route/token_kinds.h"

#include "core/error.h"
#include "route/plugin_name.h"

static const struct token_kind *const kinds[] = {
    &token_kind_file,
    &token_kind_read_only_file,
    &token_kind_jwt,
    &token_kind_file_name,
    &token_kind_unix_directory,
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
      "not a plugin of wsluice, and classes of Python can't be loaded: have yours answer over HTTP, and look "
      "it up with JSONTokenApi";
  return WSL_UNSUPPORTED;
}
