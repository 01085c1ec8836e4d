/* All signals kept off this thread for a moment.
 *
 * A thread that is made meanwhile inherits that for good: signals stay with the thread that handles them, and
 * a write to a broken pipe is an EPIPE even where nobody ignores SIGPIPE. Any thread.
 *
 *   sigset_t before = signals_block_all();
 *   ...
 *   signals_restore(&before);
 */
#ifndef CORE_SIGNAL_MASK_H
#define CORE_SIGNAL_MASK_H

#include <signal.h>
#include <stddef.h>

/* The mask that was, for signals_restore(). Neither of the two can fail: no mask that we give is invalid. */
static inline sigset_t signals_block_all(void) {
  sigset_t all, before;
  sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  return before;
}

static inline void signals_restore(const sigset_t *before) {
  (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif
