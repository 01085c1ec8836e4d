/* What options mean together: which exclude or need each other, and what becomes of them in the server's
 * settings. Pure.
 */
#ifndef APP_OPTION_RULES_H
#define APP_OPTION_RULES_H

#include "app/option/options.h"

/* The option that names the target, so that no other is given; NULL: a positional does. */
const char *options_own_target(const struct options *options);

/* Has the log say a static sentence: an option was given that is of no use here, which is no reason to fail.
 */
void options_note(struct options *options, const char *sentence);

/* What is wrong with the combination, a static sentence; NULL when nothing is. */
const char *options_check(struct options *options);

/* Fills in what the server wants in another type or place than the table could store. */
void options_fill(struct options *options);

#endif
