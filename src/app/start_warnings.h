/* What an operator should read in the log of a start that went well: options that open more than was meant
 * perhaps, those that mean nothing any more, names that nothing listens to. Main thread.
 */
#ifndef APP_START_WARNINGS_H
#define APP_START_WARNINGS_H

#include "app/option/options.h"
#include "app/tls_choices.h"

/* Of the options themselves: before anything is opened. No secret is shown. */
void start_warnings_of_options(const struct options *options, const struct tls_choices *tls);

/* That pages of others may connect: once it listens. */
void start_warnings_of_open_door(const struct options *options);

#endif
