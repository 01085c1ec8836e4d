/* Drives core/timers from a libuv loop: one uv_timer_t a worker, armed for the earliest due time. */
#ifndef NET_LOOP_TIMERS_H
#define NET_LOOP_TIMERS_H

#include <uv.h>

#include <wsluice/span.h>

#include "core/timers.h"

struct loop_timers {
  struct timers timers;
  uv_timer_t handle;
  uv_prepare_t before_sleep; /* re-arms `handle` when the earliest due time has changed */
  uv_check_t after_sleep;    /* moves the timers' clock on before a batch of events is handled */
  uint64_t armed_for_ms;
};

/* Embedded in the worker; neither handle keeps the loop alive. 0 or WSL_IO. */
WSL_MUST_CHECK int loop_timers_open(struct loop_timers *timers, uv_loop_t *loop);

/* Closes the handles; the struct may be freed once the loop has run their close callbacks. No timer
 * may be armed (asserted). */
void loop_timers_close(struct loop_timers *timers);

#endif
