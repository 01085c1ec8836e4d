/* An exact timer on a loop (pacer.h). */
#include "loadgen/pacer.h"

#include "core/error.h"

#if defined(__linux__)

#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* Setting it anew takes back what it has counted: there is nothing to read. */
static void on_timer(struct poller_watch *watch, unsigned events) {
  struct pacer *pacer = LIST_ENTRY(watch, struct pacer, watch);
  (void)events;
  pacer->fire(pacer->arg);
}

int pacer_open(struct pacer *pacer, struct lane *lane, void (*fire)(void *arg), void *arg) {
  *pacer = (struct pacer){.fire = fire, .arg = arg};
  pacer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (pacer->fd < 0) return WSL_IO;
  if (poller_add(lane->poller, &pacer->watch, pacer->fd, on_timer) == WSL_OK) return WSL_OK;
  close(pacer->fd);
  return WSL_IO;
}

void pacer_set(struct pacer *pacer, uint64_t at_ns) {
  if (at_ns == 0) at_ns = 1; /* 0 would disarm */
  struct itimerspec when = {
      .it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)}};
  (void)timerfd_settime(pacer->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void pacer_close(struct pacer *pacer) {
  poller_remove(&pacer->watch);
  close(pacer->fd);
}

#else

#define NS_PER_MS UINT64_C(1000000)

static void on_timer(uv_timer_t *timer) {
  struct pacer *pacer = timer->data;
  pacer->fire(pacer->arg);
}

int pacer_open(struct pacer *pacer, struct lane *lane, void (*fire)(void *arg), void *arg) {
  *pacer = (struct pacer){.fire = fire, .arg = arg, .fd = -1};
  if (uv_timer_init(&lane->loop, &pacer->timer) != 0) return WSL_IO;
  pacer->timer.data = pacer;
  return WSL_OK;
}

void pacer_set(struct pacer *pacer, uint64_t at_ns) {
  uint64_t now_ns = uv_hrtime();
  (void)uv_timer_start(&pacer->timer, on_timer, at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS : 0, 0);
}

void pacer_close(struct pacer *pacer) {
  uv_close((uv_handle_t *)&pacer->timer, NULL);
}

#endif
