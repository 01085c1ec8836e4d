/* Variables of the environment as options: names and words. WSLUICE_ and the option's name in capitals, with
 * "_" for "-" (WSLUICE_SSL_ONLY=1); WSLUICE_LISTEN and WSLUICE_TARGET for the two that stand without a name.
 * What becomes of their values: app/option/variables.h. Pure.
 */
#ifndef APP_ENVIRONMENT_H
#define APP_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/span.h>

#define ENVIRONMENT_NAME_MAX 64u /* of an option's variable, its NUL counted */

/* The variable's name for `option` ("ssl-only", "listen"), in out. Returns `out`. */
const char *environment_name(const char *option, char out[ENVIRONMENT_NAME_MAX]);

/* Its value in environment[], "NAME=value" ended by NULL; NULL when it is not set. Points into the
 * environment. */
const char *environment_value(const char *const *environment, const char *option);

/* Whether the entry "NAME=value" sets the variable of `option`. */
bool environment_sets(const char *entry, const char *option);

/* 1, true, yes, on; 0, false, no, off and nothing at all, in any case. WSL_INVALID with a static sentence. */
WSL_MUST_CHECK int environment_flag(const char *value, bool *on, const char **why);

/* Whether the entry's name begins as ours do. Not so for those that others set of themselves: Kubernetes for
 * services called wsluice or wsluice-... (WSLUICE_PORT=tcp://..., WSLUICE_SERVICE_HOST, WSLUICE_PORT_80_TCP,
 * ...), and images that say which WSLUICE_VERSION they hold. */
bool environment_is_ours(const char *entry);

#endif
