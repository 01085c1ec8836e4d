/* What a person reads where the program can't start: one line on standard error, by the name that it was
 * started by. Later there is a log. Main thread, and the parent of a process in the background.
 */
#ifndef APP_START_MESSAGE_H
#define APP_START_MESSAGE_H

#include <stdbool.h>

/* The last part of argv[0], "wsluice" where there is none. Points into it. */
const char *program_name_of(const char *argv0);

/* Whether that is a name of websockify's (websockify, websockify3, websockify.py): who starts us by it
 * expects its ways. */
bool program_name_is_websockify(const char *name);

/* The name of the messages that follow; "wsluice" before. The string lives as long as the program. */
void start_message_name(const char *name);

/* "NAME: text", and a line's end. */
void __attribute__((format(printf, 1, 2))) start_message(const char *format, ...);

#endif
