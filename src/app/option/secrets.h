/* Secrets that were given on the command line or in the environment, taken from where `ps` and /proc show
 * them.
 */
#ifndef APP_OPTION_SECRETS_H
#define APP_OPTION_SECRETS_H

#include "app/option/options.h"

/* Overwrites the values of options that hold secrets (a new one: a row in secrets.c), abbreviated or
 * not, in the words of the command line and in their variables, both ended by NULL. Whoever needs a value has
 * copied it by now. */
void option_secrets_hide(const struct options *options, char **argv, char **environment);

#endif
