/* What programs leave behind where we are process 1, in a container without an init: orphans become our
 * children, and nobody else would wait for them.
 *
 * The kernel hands orphans to the main thread, while programs for clients are started by the thread pool
 * (net/program/dialer.h), so the main thread can wait for all that is its own and takes no status from
 * net/program/child.h. Not together with a wrapped program, which is the main thread's and waits for itself.
 */
#ifndef APP_ORPHANS_H
#define APP_ORPHANS_H

#include <stdbool.h>
#include <uv.h>

struct orphans {
  uv_signal_t on_child;
  bool watched;
};

/* Begins to wait for orphans; nothing where we are not process 1. The handle keeps the loop alive. */
void orphans_watch(struct orphans *orphans, uv_loop_t *loop);

/* Closes the handle. Harmless when nothing was begun. */
void orphans_unwatch(struct orphans *orphans);

#endif
