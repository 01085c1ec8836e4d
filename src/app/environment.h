/* Options by environment variable, for containers: WSLUICE_ and the option's name in capitals, with "_" for
 * "-" (WSLUICE_SSL_ONLY=1), WSLUICE_LISTEN and WSLUICE_TARGET for the two that stand without a name. Pure.
 */
#ifndef APP_ENVIRONMENT_H
#define APP_ENVIRONMENT_H

#include <stdbool.h>

#include <wsluice/span.h>

/* The value of the variable for `option` ("ssl-only", "listen") in environment[], "NAME=value" ended by NULL;
 * NULL when it is not set. Points into the environment. */
const char *environment_value(const char *const *environment, const char *option);

/* 1, true, yes, on; 0, false, no, off and nothing at all, in any case. WSL_INVALID with a static sentence. */
WSL_MUST_CHECK int environment_flag(const char *value, bool *on, const char **why);

/* If entry ("NAME=value") is a variable of ours, its option's name, in out[0..cap); else NULL. The variables
 * that Kubernetes sets for a service called wsluice (WSLUICE_PORT, WSLUICE_SERVICE_HOST, WSLUICE_PORT_80_TCP,
 * ...) are none, and neither is what does not fit. */
const char *environment_option(const char *entry, char *out, size_t cap);

#endif
