/* Into the background (-D): one fork before any loop or thread exists. The parent stays until the child is
 * ready or gives up, and exits with its status; what the child has to say until then goes to the terminal.
 * The working directory stays: paths given on the command line go on meaning the same.
 */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include <wsluice/span.h>

struct daemon {
  int ready_fd; /* to the parent; -1: not in the background */
};

/* Forks; returns in the child, which leads a session of its own. The parent does not come back. 0, or WSL_IO
 * (and then there was no fork). */
WSL_MUST_CHECK int daemon_fork(struct daemon *daemon);

/* The child serves: lets the parent go, and the standard streams. Harmless without a fork. */
void daemon_ready(struct daemon *daemon);

#endif
