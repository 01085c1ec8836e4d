/* What the options about logging in mean beyond their rows (groups.h). Pure. */
#ifndef APP_OPTION_AUTH_H
#define APP_OPTION_AUTH_H

#include "app/option/options.h"

/* Where passwords would go over the network in clear, or nobody could come in: a static sentence for the log;
 * else NULL. Behind
 * everything that fills in the settings. */
const char *option_auth_warning(const struct options *options);

/* Whether --auth-source holds a password. Behind options_parse(). */
bool option_auth_is_secret(const struct options *options);

#endif
