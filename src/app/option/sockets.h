/* Options about TCP sockets and the addresses that dials go out from: read, put into the server's settings,
 * and tried out on this machine.
 */
#ifndef APP_OPTION_SOCKETS_H
#define APP_OPTION_SOCKETS_H

#include "app/option/options.h"

/* Check of a row in another area (groups.h). */
int option_check_source(struct options *options, const char *value, const char **why);

/* Whether this machine has what was chosen: 0, or an error with one line in why[0..why_cap). What it has only
 * in part is a warning in the log. */
WSL_MUST_CHECK int option_sockets_try(const struct options *options, char *why, size_t why_cap);

#endif
