/* See route/plugin_name.h. */
#include "route/plugin_name.h"

#include <string.h>

static const char *behind(const char *name, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(name, prefix, len) == 0 ? name + len : NULL;
}

const char *plugin_class(const char *name, const char *module) {
  const char *in_package = behind(name, "websockify.");
  const char *class = behind(in_package != NULL ? in_package : name, module);
  return class != NULL && *class == '.' ? class + 1 : name;
}

bool plugin_class_valid(const char *name) {
  static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
  return *name != '\0' && name[strspn(name, characters)] == '\0';
}
