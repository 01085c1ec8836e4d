/* Whether the peers still live: heartbeat, pong, idle limit, vanished peers. */
#include "bridge/world.h"

#include <stdlib.h>

#define HEARTBEAT_MS 25000u

static void start(struct world *w) {
  world_init(w);
  w->settings.heartbeat_ms = HEARTBEAT_MS;
}

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

static void answer_pings(struct world *w) {
  client_frame(w, WSL_OP_PONG, "", 0);
  world_rest(w);
}

/* Milliseconds until the next ping, to 10. */
static uint64_t time_to_ping(struct world *w) {
  unsigned before = pings(w);
  uint64_t began_ms = w->timers.now_ms;
  while (pings(w) == before) {
    world_advance(w, 10);
    assert_in_range(w->timers.now_ms - began_ms, 0, 2 * HEARTBEAT_MS);
  }
  return w->timers.now_ms - began_ms;
}

static void a_silent_session_is_pinged_within_the_interval(void **state) {
  (void)state;
  uint64_t earliest = UINT64_MAX, latest = 0;
  for (unsigned seed = 0; seed < 60; seed++) {
    struct world w;
    start(&w);
    random_seed(&w.domain.random, seed);
    world_open(&w);
    for (int i = 0; i < 3; i++) {
      uint64_t took_ms = time_to_ping(&w);
      assert_in_range(took_ms, HEARTBEAT_MS - HEARTBEAT_MS / 10, HEARTBEAT_MS);
      if (took_ms < earliest) earliest = took_ms;
      if (took_ms > latest) latest = took_ms;
      answer_pings(&w);
    }
    end(&w);
  }
  assert_true(latest - earliest > HEARTBEAT_MS / 20); /* jitter: sessions do not march in step */
}

/* Timers fire late by a grain and a turn of the loop: the session aims before the interval's end. */
static void the_interval_leaves_room_for_a_late_timer(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < 60; seed++) {
    struct world w;
    start(&w);
    w.settings.heartbeat_ms = 1000;
    random_seed(&w.domain.random, seed);
    world_open(&w);
    assert_in_range(time_to_ping(&w), 900, 980);
    end(&w);
  }
}

/* Where the margin would be a great part of it, late timers are the operator's choice. */
static void the_shortest_intervals_are_kept_too(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 100;
  world_open(&w);
  assert_in_range(time_to_ping(&w), 90, 100);
  end(&w);
}

static void what_is_sent_puts_the_ping_off(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  for (int i = 0; i < 30; i++) {
    world_advance(&w, 20000);
    peer_send(&w.backend, "x", 1);
    world_rest(&w);
  }
  assert_int_equal(pings(&w), 0);
  time_to_ping(&w);
  end(&w);
}

static void what_the_client_sends_does_not(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  for (int i = 0; i < 25; i++) { /* balancers watch the server's silence */
    world_advance(&w, 1000);
    client_data(&w, "x");
    world_rest(&w);
  }
  assert_int_equal(pings(&w), 1);
  end(&w);
}

static void no_heartbeat_when_it_is_off(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 0;
  world_open(&w);
  assert_int_equal(world_advance(&w, 3600 * 1000), 0); /* and nothing that ticks */
  assert_int_equal(w.client.got.len, 0);
  end(&w);
}

static void a_busy_session_hardly_uses_its_timer(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  unsigned fired = 0;
  for (int i = 0; i < 10000; i++) {
    peer_send(&w.backend, "x", 1);
    client_data(&w, "x");
    world_rest(&w);
    fired += world_advance(&w, 10);
  }
  assert_in_range(fired, 0, 15); /* 100 s: four heartbeats looked at, seven looks at what is unacknowledged */
  assert_in_range(w.timers.next_order, 0, 40); /* armed that often: not with each message */
  end(&w);
}

static void an_unanswered_ping_ends_the_session(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  time_to_ping(&w);
  world_advance(&w, 89900);
  assert_int_equal(w.backend.resets, 0);
  world_advance(&w, 200);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.close_code, 1011);
  assert_in_range(seen.pings, 3, 5); /* it went on pinging */
  seen_free(&seen);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_advance(&w, 2100);
  world_end(&w);
}

static void any_byte_answers_a_ping(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  for (int i = 0; i < 10; i++) {
    time_to_ping(&w);
    world_advance(&w, 20000);
    peer_send(&w.client, "\x82\x8a\x01\x02\x03\x04long message", i == 0 ? 7 : 1); /* byte by byte */
    world_rest(&w);
  }
  assert_int_equal(w.backend.resets, 0);
  end(&w);
}

static void an_answer_of_ours_asks_for_no_answer(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 0;
  w.client.room = 1;
  world_open(&w);
  client_frame(&w, WSL_OP_PING, "are you there?", 14);
  world_rest(&w);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  world_advance(&w, 200 * 1000); /* twice the time that a pong may take */
  assert_client_story(&w, "pong(are you there?)");
  end(&w);
}

static void no_pong_time_out_while_the_client_is_not_read(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.room = 0;
  world_open(&w);
  client_data(&w, "stuck");
  world_rest(&w);
  time_to_ping(&w);
  client_frame(&w, WSL_OP_PONG, "", 0); /* lies unread */
  world_advance(&w, 600 * 1000);
  assert_int_equal(w.domain.count, 1);
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  assert_int_equal(w.client.sent_read, w.client.sent.len);
  world_advance(&w, 30 * 1000);
  assert_int_equal(w.domain.count, 1);
  end(&w);
}

/* The clock goes on where it stood: a client that sends nothing once it is read again is given the rest. */
static void the_pong_clock_goes_on_when_reading_does(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  time_to_ping(&w);
  world_advance(&w, 50 * 1000);
  w.backend.room = 0;
  client_data(&w, "stuck"); /* this answers the ping: the clock starts anew with the next */
  world_rest(&w);
  time_to_ping(&w);
  world_advance(&w, 300 * 1000);
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  world_advance(&w, 89 * 1000);
  assert_int_equal(w.domain.count, 1);
  assert_int_equal(w.backend.resets, 0);
  world_advance(&w, 2 * 1000);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_advance(&w, 2100);
  world_end(&w);
}

/* Other sessions have all the buffers: that the pong lies unread is not the client's fault. */
static void no_pong_time_out_while_no_buffer_is_there(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  time_to_ping(&w);
  w.pool.ceiling = 1;
  struct buffer *taken = buffer_borrow(&w.pool, BUFFER_UP);
  client_frame(&w, WSL_OP_PONG, "", 0);
  world_rest(&w);
  world_advance(&w, 200 * 1000);
  assert_int_equal(w.backend.resets, 0);
  buffer_return(&w.pool, taken);
  world_rest(&w);
  assert_int_equal(w.client.sent_read, w.client.sent.len);
  end(&w);
}

static void no_pong_time_out_after_the_clients_fin(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  time_to_ping(&w);
  peer_finish(&w.client);
  world_rest(&w);
  world_advance(&w, 600 * 1000);
  assert_int_equal(w.domain.count, 1);
  assert_true(pings(&w) > 20); /* a half-open client still needs its connection kept */
  end(&w);
}

static void no_ping_behind_our_close(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  peer_finish(&w.backend);
  world_rest(&w);
  for (int i = 0; i < 12; i++) { /* kept from closing by what it still sends */
    world_advance(&w, 4000);
    client_data(&w, "x");
    world_rest(&w);
  }
  assert_client_story(&w, "close(1000 Target closed)");
  end(&w);
}

static void a_ping_that_waits_gives_way_to_our_close(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3; /* inside a frame */
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  world_rest(&w);
  world_advance(&w, HEARTBEAT_MS);
  session_domain_go_away(&w.domain);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_client_story(&w, "data(7) close(1001 Going away)");
  end(&w);
}

static void a_ping_that_can_not_leave_is_one_ping(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 0;
  world_open(&w);
  world_advance(&w, 10 * HEARTBEAT_MS);
  assert_at_rest(&w);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_client_story(&w, "ping()");
  end(&w);
}

static void the_idle_limit_ends_the_session(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.idle_timeout_ms = 60 * 1000;
  world_open(&w);
  world_advance(&w, 50 * 1000);
  answer_pings(&w); /* pings and pongs are no payload */
  client_data(&w, "x");
  world_rest(&w);
  world_advance(&w, 50 * 1000);
  answer_pings(&w);
  peer_send(&w.backend, "x", 1);
  world_rest(&w);
  world_advance(&w, 59 * 1000);
  assert_int_equal(w.backend.resets, 0);
  world_advance(&w, 1100);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.close_code, 1001);
  seen_free(&seen);
  assert_seen_end(&w.backend, SEEN_RESET);
  peer_finish(&w.client);
  world_rest(&w);
  world_end(&w);
}

static void a_slow_drain_is_not_idle(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.idle_timeout_ms = 60 * 1000;
  w.settings.pong_timeout_ms = 0;
  w.client.room = 5;
  world_open(&w);
  uint8_t *bytes = pattern(40, 1);
  peer_send(&w.backend, bytes, 40);
  free(bytes);
  world_rest(&w);
  for (int i = 0; i < 6; i++) {
    world_advance(&w, 20 * 1000);
    peer_take(&w.client, 5);
    world_rest(&w);
  }
  assert_int_equal(w.backend.resets, 0);
  w.backend.room = 5;
  client_data(&w, "just as slow upwards: thirty-five..");
  world_rest(&w);
  for (int i = 0; i < 5; i++) {
    world_advance(&w, 20 * 1000);
    peer_take(&w.backend, 5);
    world_rest(&w);
  }
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.close_code, 0);
  seen_free(&seen);
  end(&w);
}

/* ---- vanished peers ---- */

static void a_client_that_vanished_is_given_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.pong_timeout_ms = 0;
  w.client.acks_by_hand = true;
  world_open(&w);
  peer_send(&w.backend, "into the void", 13);
  world_rest(&w);
  w.client.silence_ms = 129999;
  world_advance(&w, 120 * 1000);
  assert_int_equal(w.domain.count, 1);
  w.client.silence_ms = 130000;
  world_advance(&w, 15 * 1000);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void a_backend_that_vanished_is_given_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.pong_timeout_ms = 0;
  w.backend.acks_by_hand = true;
  world_open(&w);
  client_data(&w, "into the void");
  world_rest(&w);
  w.backend.silence_ms = 130000;
  world_advance(&w, 15 * 1000);
  assert_client_story(&w, "close(1011 Connection to target timed out)");
  client_close_with(&w, 1011, "");
  peer_finish(&w.client);
  world_rest(&w);
  world_end(&w);
}

/* With nothing on its way to it but our FIN. */
static void a_backend_that_vanished_before_our_fin_is_given_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 0;
  w.backend.acks_by_hand = true;
  world_open(&w);
  peer_finish(&w.client);
  world_rest(&w);
  assert_seen_end(&w.backend, SEEN_FIN);
  w.backend.unacked = 1;
  w.backend.silence_ms = 130000;
  world_advance(&w, 15 * 1000);
  assert_client_story(&w, "close(1011 Connection to target timed out)");
  world_end(&w);
}

/* However often something is written to the other side meanwhile. */
static void a_backend_that_vanished_beside_a_busy_client_is_given_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.acks_by_hand = true;
  world_open(&w);
  client_data(&w, "into the void");
  world_rest(&w);
  w.backend.silence_ms = 130000;
  for (int i = 0; i < 16; i++) {
    client_frame(&w, WSL_OP_PING, "", 0);
    world_rest(&w);
    world_advance(&w, 1000);
  }
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.close_code, 1011);
  seen_free(&seen);
  end(&w);
}

static void a_stalled_peer_is_not_a_vanished_one(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.acks_by_hand = true;
  w.client.room = 50;
  w.client.silence_ms = 5000; /* it answers window probes */
  world_open(&w);
  uint8_t *bytes = pattern(200, 1);
  peer_send(&w.backend, bytes, 200);
  free(bytes);
  world_rest(&w);
  world_advance(&w, 3600 * 1000);
  assert_int_equal(w.domain.count, 1);
  end(&w);
}

/* Silence without anything on its way is just silence. */
static void a_silent_peer_is_not_a_vanished_one(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 0;
  w.backend.silence_ms = 3600 * 1000;
  world_open(&w);
  client_data(&w, "acknowledged");
  world_rest(&w);
  assert_in_range(world_advance(&w, 3600 * 1000), 0, 1); /* one look, then no timer at all */
  assert_int_equal(w.domain.count, 1);
  end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_silent_session_is_pinged_within_the_interval),
      cmocka_unit_test(the_interval_leaves_room_for_a_late_timer),
      cmocka_unit_test(the_shortest_intervals_are_kept_too),
      cmocka_unit_test(what_is_sent_puts_the_ping_off),
      cmocka_unit_test(what_the_client_sends_does_not),
      cmocka_unit_test(no_heartbeat_when_it_is_off),
      cmocka_unit_test(a_busy_session_hardly_uses_its_timer),
      cmocka_unit_test(an_unanswered_ping_ends_the_session),
      cmocka_unit_test(any_byte_answers_a_ping),
      cmocka_unit_test(an_answer_of_ours_asks_for_no_answer),
      cmocka_unit_test(no_pong_time_out_while_the_client_is_not_read),
      cmocka_unit_test(the_pong_clock_goes_on_when_reading_does),
      cmocka_unit_test(no_pong_time_out_while_no_buffer_is_there),
      cmocka_unit_test(no_pong_time_out_after_the_clients_fin),
      cmocka_unit_test(no_ping_behind_our_close),
      cmocka_unit_test(a_ping_that_waits_gives_way_to_our_close),
      cmocka_unit_test(a_ping_that_can_not_leave_is_one_ping),
      cmocka_unit_test(the_idle_limit_ends_the_session),
      cmocka_unit_test(a_slow_drain_is_not_idle),
      cmocka_unit_test(a_client_that_vanished_is_given_up),
      cmocka_unit_test(a_backend_that_vanished_is_given_up),
      cmocka_unit_test(a_backend_that_vanished_before_our_fin_is_given_up),
      cmocka_unit_test(a_backend_that_vanished_beside_a_busy_client_is_given_up),
      cmocka_unit_test(a_stalled_peer_is_not_a_vanished_one),
      cmocka_unit_test(a_silent_peer_is_not_a_vanished_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
