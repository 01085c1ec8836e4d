/* Drives core/timers from a libuv loop (loop_timers.h).
 *
 * Arming a timer is a matter of the heap alone; only right before the loop sleeps is its uv_timer_t
 * moved, and only when the earliest due time is another than before. Thousands of timers armed and
 * disarmed in one turn so cost libuv nothing.
 */
#include "net/loop_timers.h"

#include <assert.h>

#include "core/error.h"

/* armed_for_ms while the handle is stopped. */
#define NOT_ARMED UINT64_MAX

void loop_timers_catch_up(struct loop_timers *timers) {
  timers_set_now(&timers->timers, uv_now(timers->handle.loop));
}

static void on_due(uv_timer_t *handle) {
  struct loop_timers *timers = handle->data;
  timers->armed_for_ms = NOT_ARMED;
  timers_run(&timers->timers, uv_now(handle->loop));
}

void loop_timers_rearm(struct loop_timers *timers) {
  loop_timers_catch_up(timers);
  int64_t next_ms = timers_next_ms(&timers->timers);
  if (next_ms < 0) {
    if (timers->armed_for_ms != NOT_ARMED) uv_timer_stop(&timers->handle);
    timers->armed_for_ms = NOT_ARMED;
    return;
  }
  uint64_t due_ms = timers->timers.now_ms + (uint64_t)next_ms;
  /* An overdue timer's due time moves with the clock; the handle already stands behind it then. */
  if (next_ms == 0 && timers->armed_for_ms <= due_ms) return;
  if (due_ms == timers->armed_for_ms) return;
  timers->armed_for_ms = due_ms;
  /* Fails only for a handle that is closing. */
  (void)uv_timer_start(&timers->handle, on_due, (uint64_t)next_ms, 0);
}

static void on_before_sleep(uv_prepare_t *handle) {
  loop_timers_rearm(handle->data);
}

static void on_after_sleep(uv_check_t *handle) {
  loop_timers_catch_up(handle->data);
}

int loop_timers_open(struct loop_timers *timers, uv_loop_t *loop) {
  /* None of these can fail in libuv: they only fill in structs. */
  if (uv_timer_init(loop, &timers->handle) != 0) return WSL_IO;
  if (uv_prepare_init(loop, &timers->before_sleep) != 0) return WSL_IO;
  if (uv_check_init(loop, &timers->after_sleep) != 0) return WSL_IO;
  timers->handle.data = timers->before_sleep.data = timers->after_sleep.data = timers;
  timers->armed_for_ms = NOT_ARMED;
  uv_update_time(loop);
  timers_init(&timers->timers, uv_now(loop));
  (void)uv_prepare_start(&timers->before_sleep, on_before_sleep);
  (void)uv_check_start(&timers->after_sleep, on_after_sleep);
  uv_unref((uv_handle_t *)&timers->handle);
  uv_unref((uv_handle_t *)&timers->before_sleep);
  uv_unref((uv_handle_t *)&timers->after_sleep);
  return WSL_OK;
}

void loop_timers_close(struct loop_timers *timers) {
  assert(timers->timers.root == NULL);
  uv_close((uv_handle_t *)&timers->handle, NULL);
  uv_close((uv_handle_t *)&timers->before_sleep, NULL);
  uv_close((uv_handle_t *)&timers->after_sleep, NULL);
}
