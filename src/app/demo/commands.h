/* What the demo service understands: one table of commands, each a function over a user. */
#ifndef APP_DEMO_COMMANDS_H
#define APP_DEMO_COMMANDS_H

#include <wsluice/span.h>

struct demo_user;

/* Runs one line (without its end); the answer is printed to `user`, which has room for it. */
void demo_command_run(struct demo_user *user, struct wsl_span line);

/* The line that greets a new user. */
void demo_command_greet(struct demo_user *user);

#endif
