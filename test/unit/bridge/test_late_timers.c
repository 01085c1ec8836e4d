/* Timers that a busy worker runs late, so that several of a session's times are over in one run. */
#include "bridge/world.h"

/* A busy worker may find both times over at once. Our Close has left: a reset would destroy it on its way. */
static void a_late_timer_resets_nobody_who_was_told(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.close_timeout_max_ms = w.settings.close_timeout_ms;
  world_open(&w);
  peer_finish(&w.backend);
  world_rest(&w);
  world_advance(&w, 100);
  timers_run(&w.timers, w.timers.now_ms + 3 * w.settings.close_timeout_ms);
  world_rest(&w);
  assert_seen_end(&w.client, SEEN_FIN);
  world_advance(&w, 10000);
  assert_int_equal(w.client.resets, 0);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* The target has failed, for want of a buffer nobody could read how, and no pong came: both times are
 * over. */
static void a_late_timer_leaves_time_to_tell_the_client(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.heartbeat_ms = 1000;
  w.settings.pong_timeout_ms = 4000;
  w.pool.ceiling = 1;
  world_open(&w);
  struct buffer *taken = buffer_borrow(&w.pool, BUFFER_DOWN);
  peer_reset(&w.backend);
  world_rest(&w);
  world_advance(&w, 1000);
  timers_run(&w.timers, w.timers.now_ms + 10000);
  world_rest(&w);
  assert_client_story(&w, "ping() close(1011 No answer to ping)");
  assert_int_equal(w.client.resets, 0);
  buffer_return(&w.pool, taken);
  world_advance(&w, 10000);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_late_timer_resets_nobody_who_was_told),
      cmocka_unit_test(a_late_timer_leaves_time_to_tell_the_client),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
