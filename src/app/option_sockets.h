/* Options about TCP sockets and the addresses that dials go out from: read, put into the server's settings,
 * and tried out on this machine.
 */
#ifndef APP_OPTION_SOCKETS_H
#define APP_OPTION_SOCKETS_H

#include "app/options.h"

/* Checks of the option table (option_table.h). */
int option_check_keepalive(struct options *options, const char *value, const char **why);
int option_check_buffer(struct options *options, const char *value, const char **why);
int option_check_congestion(struct options *options, const char *value, const char **why);
int option_check_source(struct options *options, const char *value, const char **why);

/* Part of options_fill(). */
void option_sockets_fill(struct options *options);

/* Whether this machine has what was chosen: 0, or an error with one line in why[0..why_cap). What it has only
 * in part is a warning in the log. */
WSL_MUST_CHECK int option_sockets_try(const struct options *options, char *why, size_t why_cap);

#endif
