/* What watches sessions, as the options want it: a recorder (--record), marks on standard output (--traffic),
 * or both.
 */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "app/option/options.h"
#include "bridge/tap.h"

struct watch {
  struct session_watch base;
  struct recorder *recorder; /* NULL: none */
  bool traffic;
};

/* Starts what the options want and has the server's settings point to it, where it is something. 0, or an
 * error with a line in why[0..why_cap). From the main thread, behind any fork, before the server. */
WSL_MUST_CHECK int watch_start(struct watch *watch, struct options *options, char *why, size_t why_cap);

/* Completes the recordings. No session lives any more. Harmless when nothing was started. */
void watch_stop(struct watch *watch);

#endif
