/* Wakes the load at an exact moment: a message is to leave when it is due, not at the next millisecond, or
 * the bench's own lateness would count as the server's.
 *
 * Linux: a timerfd. Elsewhere libuv's timer, which rounds to milliseconds.
 */
#ifndef LOADGEN_PACER_H
#define LOADGEN_PACER_H

#include <stdint.h>
#include <uv.h>

#include <wsluice/span.h>

#include "loadgen/lane.h"

struct pacer {
  void (*fire)(void *arg);
  void *arg;
  int fd;
  struct poller_watch watch;
  uv_timer_t timer;
};

/* 0 or WSL_IO. */
WSL_MUST_CHECK int pacer_open(struct pacer *pacer, struct lane *lane, void (*fire)(void *arg), void *arg);

/* Fires once at `at_ns` of uv_hrtime(), at once where that has passed; replaces what was asked for before. */
void pacer_set(struct pacer *pacer, uint64_t at_ns);

/* The loop must still run for its handle to go. */
void pacer_close(struct pacer *pacer);

#endif
