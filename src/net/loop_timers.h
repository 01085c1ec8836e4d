/* Drives core/timers from a libuv loop: one uv_timer_t a worker, armed for the earliest due time. */
#ifndef NET_LOOP_TIMERS_H
#define NET_LOOP_TIMERS_H

#include <uv.h>

#include <wsluice/span.h>

#include "core/timers.h"

/* The clock of `timers` is the loop's. libuv calls I/O callbacks straight from its sleep, without a
 * hook in between, so the first thing in such a callback is loop_timers_catch_up(): a time-out armed
 * on a clock that stands at the last turn would be short by the whole sleep. The poller does it for
 * its own callbacks (poller_on_wake). */
struct loop_timers {
  struct timers timers;
  uv_timer_t handle;
  uv_prepare_t before_sleep; /* re-arms `handle` when the earliest due time has changed */
  uv_check_t after_sleep;    /* moves the timers' clock on for what runs behind the I/O callbacks */
  uint64_t armed_for_ms;
};

/* Embedded in the worker; neither handle keeps the loop alive. 0 or WSL_IO. */
WSL_MUST_CHECK int loop_timers_open(struct loop_timers *timers, uv_loop_t *loop);

/* Moves the timers' clock to the loop's; fires nothing. */
void loop_timers_catch_up(struct loop_timers *timers);

/* Arms the uv_timer_t for the earliest timer; the prepare handle does it, and who sleeps for the loop. */
void loop_timers_rearm(struct loop_timers *timers);

/* Closes the handles; the struct may be freed once the loop has run their close callbacks. No timer
 * may be armed (asserted). */
void loop_timers_close(struct loop_timers *timers);

#endif
