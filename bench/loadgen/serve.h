/* --serve: only the backend, for a load on another host. */
#ifndef LOADGEN_SERVE_H
#define LOADGEN_SERVE_H

#include <stdbool.h>

#include "loadgen/options.h"

/* Serves until SIGINT or SIGTERM. False after a failure (a line on standard error says which) or wrong
 * content. */
bool serve(const struct options *options);

#endif
