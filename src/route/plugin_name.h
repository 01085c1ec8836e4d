/* Names of plugins as websockify resolves them: "Class", "module.Class", "websockify.module.Class". Pure. */
#ifndef ROUTE_PLUGIN_NAME_H
#define ROUTE_PLUGIN_NAME_H

#include <stdbool.h>

/* The name without the module that websockify has such plugins in, if it is that one; points into `name`. */
const char *plugin_class(const char *name, const char *module);

/* Whether it could name a class, of whatever module. */
bool plugin_class_valid(const char *name);

#endif
