/* Into the background (-D): one fork before any loop or thread exists. The parent stays until the child is
 * ready or gives up, and exits with its status; what the child has to say until then goes to the terminal.
 *
 *   parent:  fork ---- waits for a word ----------------------> exit 0, or with the child's status
 *   child:    \--- session of its own --- starts --- ready --/--- serves, streams on /dev/null
 *
 * The working directory stays (websockify's goes to the web root or /): paths of the command line, of token
 * files and of Unix sockets go on meaning the same, also where they are opened again.
 */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include <stddef.h>

#include <wsluice/span.h>

struct daemon {
  int ready_fd; /* to the parent; -1: not in the background */
};

/* Forks; returns in the child, which leads a session of its own and has closed what it inherited, but for the
 * standard streams and keep[0..keep_count). The parent does not come back. 0, or WSL_IO with errno set (and
 * then there was no fork). */
WSL_MUST_CHECK int daemon_fork(struct daemon *daemon, const int *keep, size_t keep_count);

/* The child serves: lets the standard streams go, and the parent. 0 (also without a fork), or WSL_CANCELLED
 * when the parent has gone already: somebody has interrupted the start, and nothing may stay behind. Expects
 * SIGPIPE to be ignored. */
WSL_MUST_CHECK int daemon_ready(struct daemon *daemon);

#endif
