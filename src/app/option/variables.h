/* Options from variables of the environment (names: app/environment.h), for what the command line leaves
 * open. */
#ifndef APP_OPTION_VARIABLES_H
#define APP_OPTION_VARIABLES_H

#include "app/option/options.h"
#include "app/option/table.h"

/* What the command line gave. */
struct options_given {
  bool options[OPTIONS_COUNT_MAX]; /* by place in the table */
  int positionals;
  bool wrapped; /* behind the positional that says where to listen: a program as the target */
};

/* Stores what the variables say. One is passed over where the command line gave its option, or answers the
 * same question in another way (--unix-target beside a target, --verbose beside --log-level). Misspelt ones
 * go to options->unknown_variables. 0, or WSL_INVALID with a line that names the variable in why[0..why_cap).
 */
WSL_MUST_CHECK int option_variables_read(struct options *options, const char *const *environment,
                                         const struct options_given *given, char *why, size_t why_cap);

#endif
