/* Which option a long name on the command line means: the exact name, or an abbreviation as Python's optparse
 * takes them, since scripts that were written for websockify hold such ("--verb", "--token-s"). Pure.
 */
#ifndef APP_OPTION_MATCH_H
#define APP_OPTION_MATCH_H

#include "app/option/table.h"

#define OPTION_CANDIDATES_MAX 160u /* several long names, with dashes and commas */

/* The option that name[0..len), without dashes, means. An exact name always wins. Else its beginning counts:
 * first among the options that websockify has too, so that "--log" means there what it means here however
 * many further options we have; where none of those begins so, among all. NULL when no option is meant;
 * candidates then holds those that begin so, "--cafile, --cert" (as many as fit), or is empty where none
 * does. */
const struct option_spec *option_match(const char *name, size_t len, char candidates[OPTION_CANDIDATES_MAX]);

/* The names of websockify's options, all versions up to 0.13; ended by NULL. */
extern const char *const option_names_of_websockify[];

#endif
