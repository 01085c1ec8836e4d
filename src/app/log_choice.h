/* Where the log goes: standard error, --log-file, --syslog, or both of these. Main thread.
 */
#ifndef APP_LOG_CHOICE_H
#define APP_LOG_CHOICE_H

#include "app/option/options.h"

/* Opens what the options name, and starts the writer; before, and without one, lines go straight to standard
 * error. 0, or an error that has been said there. Behind it log_choice_stop() is called. */
WSL_MUST_CHECK int log_choice_start(const struct options *options);

/* Waits a short time for the last lines to be written. */
void log_choice_stop(void);

/* Where standard error was a client's socket (--inetd): whatever keeps us from starting can be read in the
 * log's file. Harmless where there is none. */
void log_choice_take_messages(const struct options *options);

#endif
