/* A program as the backend: it lives for its client alone, so it is told when nobody listens, and does not
 * stay when its client's stream just ends because the client was killed.
 */
#include "bridge/world.h"

#define HEARTBEAT_MS 25000u

static void end(struct world *w) {
  session_domain_cut(&w->domain);
  world_end(w);
}

static unsigned pings(const struct world *w) {
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  seen_free(&seen);
  return seen.pings;
}

/* Its stream has ended without a Close, and its program has been told. */
static void leave_program(struct world *w, uint64_t heartbeat_ms) {
  world_init(w);
  w->settings.heartbeat_ms = heartbeat_ms;
  w->backend.heeds = true;
  world_open(w);
  world_advance(w, 7000);
  peer_finish(&w->client);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_FIN);
}

static void a_program_does_not_outlive_a_client_that_has_gone(void **state) {
  (void)state;
  static const uint64_t heartbeats[] = {0, 300, 2000, HEARTBEAT_MS};
  for (size_t i = 0; i < COUNT_OF(heartbeats); i++) {
    struct world w;
    leave_program(&w, heartbeats[i]);
    w.client.has_left = true;
    world_advance(&w, 950);
    if (heartbeats[i] != 300 && heartbeats[i] != 2000) assert_int_equal(w.backend.resets, 0);
    world_advance(&w, 60);
    assert_int_equal(w.backend.resets, 1);
    assert_int_equal(w.domain.count, 0);
    world_end(&w);
  }
}

static void what_a_program_writes_finds_that_as_well(void **state) {
  (void)state;
  struct world w;
  leave_program(&w, 0);
  w.client.has_left = true;
  peer_send(&w.backend, "for nobody", 10);
  world_rest(&w);
  assert_int_equal(w.backend.resets, 1);
  world_end(&w);
}

static void a_client_that_listens_is_asked_less_and_less(void **state) {
  (void)state;
  struct world w;
  leave_program(&w, 0);
  world_advance(&w, 950);
  assert_int_equal(pings(&w), 0); /* a program that ends with its input has done so by now */
  world_advance(&w, 60);
  assert_int_equal(pings(&w), 1);
  world_advance(&w, 61 * 1000); /* 2, 4, 8, 16, 30 s, each up to a tenth earlier */
  assert_in_range(pings(&w), 6, 6);
  world_advance(&w, 600 * 1000);
  assert_in_range(pings(&w), 25, 30);
  peer_send(&w.backend, "late", 4);
  peer_finish(&w.backend);
  world_rest(&w);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.payload.len, 4);
  assert_int_equal(seen.close_code, 1000);
  seen_free(&seen);
  world_end(&w);
}

static void a_client_that_is_written_to_is_not_asked(void **state) {
  (void)state;
  struct world w;
  leave_program(&w, 0);
  for (int i = 0; i < 50; i++) {
    peer_send(&w.backend, "x", 1);
    world_rest(&w);
    world_advance(&w, 200);
  }
  assert_int_equal(pings(&w), 0);
  end(&w);
}

/* A service may talk for ever to who has ended its stream: raw clients that half-close get no frame more. */
static void behind_a_half_close_a_target_is_left_in_peace(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.heartbeat_ms = 0;
  world_open(&w);
  peer_finish(&w.client);
  world_rest(&w);
  assert_int_equal(world_advance(&w, 3600 * 1000), 1); /* its FIN was acknowledged */
  assert_int_equal(w.client.got.len, 0);
  end(&w);
}

static void a_program_is_told_when_nobody_listens(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.backend.heeds = true;
  world_open(&w);
  client_close_with(&w, 1000, "");
  world_rest(&w);
  assert_int_equal(w.backend.forsakes, 1);
  world_advance(&w, 3000);
  assert_int_equal(pings(&w), 0);
  end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_program_does_not_outlive_a_client_that_has_gone),
      cmocka_unit_test(what_a_program_writes_finds_that_as_well),
      cmocka_unit_test(a_client_that_listens_is_asked_less_and_less),
      cmocka_unit_test(a_client_that_is_written_to_is_not_asked),
      cmocka_unit_test(behind_a_half_close_a_target_is_left_in_peace),
      cmocka_unit_test(a_program_is_told_when_nobody_listens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
