/* What the options about tokens mean beyond their rows (groups.h). Pure. */
#ifndef APP_OPTION_TOKENS_H
#define APP_OPTION_TOKENS_H

#include "app/option/options.h"

/* Whether --token-source holds a password, or what may be one: Redis's, or the credentials or the query of a
 * lookup's URL. Behind options_parse(). */
bool option_tokens_is_secret(const struct options *options);

#endif
