/* See server/lifetime.h. */
#include "server/lifetime.h"

#include "core/error.h"
#include "core/list.h"

#define NS_PER_MS 1000000u

static void on_listened(uv_timer_t *timer) {
  struct lifetime *lifetime = LIST_ENTRY(timer, struct lifetime, listening);
  lifetime->on_over(lifetime, LIFETIME_LISTENED);
}

static void on_idle(uv_timer_t *timer);

static void wait_idle(struct lifetime *lifetime, uint64_t ms) {
  (void)uv_timer_start(&lifetime->idle, on_idle, ms, 0);
}

/* While somebody is connected, or left less than the whole time ago, the end is not before what is missing.
 */
static void on_idle(uv_timer_t *timer) {
  struct lifetime *lifetime = LIST_ENTRY(timer, struct lifetime, idle);
  uint64_t limit_ms = lifetime->settings->idle_exit_ms;
  /* In this order, since workers go on meanwhile: who sees nobody sees since when, and no time to come. */
  size_t connected = admission_open(lifetime->admission);
  uint64_t emptied_ns = admission_emptied_ns(lifetime->admission);
  uint64_t empty_ms = (uv_hrtime() - emptied_ns) / NS_PER_MS;
  if (connected > 0) {
    wait_idle(lifetime, limit_ms);
  } else if (empty_ms < limit_ms) {
    wait_idle(lifetime, limit_ms - empty_ms);
  } else {
    lifetime->on_over(lifetime, LIFETIME_IDLE);
  }
}

static void on_once(uv_async_t *handle) {
  struct lifetime *lifetime = LIST_ENTRY(handle, struct lifetime, once);
  if (!uv_is_closing((uv_handle_t *)handle)) lifetime->on_over(lifetime, LIFETIME_ONCE);
}

/* On a worker's thread. */
static void on_single_over(void *owner) {
  struct lifetime *lifetime = owner;
  (void)uv_async_send(&lifetime->once);
}

int lifetime_open(struct lifetime *lifetime, uv_loop_t *loop, const struct server_settings *settings,
                  struct admission *admission,
                  void (*on_over)(struct lifetime *lifetime, enum lifetime_end end), void *data) {
  if (uv_async_init(loop, &lifetime->once, on_once) != 0) return WSL_NO_DESCRIPTOR;
  (void)uv_timer_init(loop, &lifetime->listening); /* only fill in structs */
  (void)uv_timer_init(loop, &lifetime->idle);
  lifetime->once.data = lifetime->listening.data = lifetime->idle.data = data;
  lifetime->settings = settings;
  lifetime->admission = admission;
  lifetime->on_over = on_over;
  lifetime->single.wanted = settings->run_once;
  lifetime->single.on_over = on_single_over;
  lifetime->single.owner = lifetime;
  uv_update_time(loop);
  if (settings->listen_time_ms > 0)
    (void)uv_timer_start(&lifetime->listening, on_listened, settings->listen_time_ms, 0);
  if (settings->idle_exit_ms > 0) wait_idle(lifetime, settings->idle_exit_ms);
  return WSL_OK;
}

void lifetime_close(struct lifetime *lifetime, uv_close_cb on_closed) {
  uv_close((uv_handle_t *)&lifetime->listening, on_closed);
  uv_close((uv_handle_t *)&lifetime->idle, on_closed);
  uv_close((uv_handle_t *)&lifetime->once, on_closed);
}
