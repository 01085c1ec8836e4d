/* What happens between the upgrade and the backend's answer: early bytes, failures in words, ends of
 * the client during the dial.
 */
#include "bridge/world.h"

#include <stdlib.h>
#include <string.h>

static void start(struct world *w, enum dialling when) {
  world_init(w);
  w->dialer.when = when;
}

static void early_bytes_reach_the_backend_first(void **state) {
  (void)state;
  static const enum dialling ways[] = {DIAL_BEFORE, DIAL_AT_ONCE, DIAL_LATER};
  for (size_t i = 0; i < COUNT_OF(ways); i++) {
    struct world w;
    start(&w, ways[i]);
    frame_add(&w.early, WSL_OP_BINARY, FIN_LAST, "early ", 6);
    frame_add(&w.early, WSL_OP_PING, FIN_LAST, "there?", 6);
    world_open(&w);
    client_data(&w, "bird");
    world_rest(&w);
    assert_client_story(&w, "pong(there?)"); /* never waits for the backend */
    if (ways[i] == DIAL_LATER) {
      assert_backend_got(&w, "");
      assert_at_rest(&w);
      dial_answers(&w, WSL_OK);
    }
    assert_backend_got(&w, "early bird");
    session_domain_cut(&w.domain);
    world_end(&w);
  }
}

/* Also where the client has sent more, and the answer to the dial comes before they are looked at. */
static void early_bytes_come_before_what_is_readable(void **state) {
  (void)state;
  for (enum dialling when = DIAL_BEFORE; when <= DIAL_LATER; when++) {
    struct world w;
    start(&w, when);
    frame_add(&w.early, WSL_OP_BINARY, FIN_LAST, "early ", 6);
    client_data(&w, "and late");
    world_open(&w);
    if (when == DIAL_LATER) dial_answers(&w, WSL_OK);
    assert_backend_got(&w, "early and late");
    session_domain_cut(&w.domain);
    world_end(&w);
  }
}

static void early_header_continues_in_the_next_read(void **state) {
  (void)state;
  struct bytes frame = {0};
  frame_add(&frame, WSL_OP_BINARY, FIN_LAST, "divided", 7);
  for (size_t cut = 1; cut < frame.len; cut++) {
    struct world w;
    start(&w, DIAL_BEFORE);
    bytes_add(&w.early, frame.data, cut);
    world_open(&w);
    peer_send(&w.client, frame.data + cut, frame.len - cut);
    world_rest(&w);
    assert_backend_got(&w, "divided");
    session_domain_cut(&w.domain);
    world_end(&w);
  }
  bytes_free(&frame);
}

static void the_dial_holds_one_buffer_and_stops_reading(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  assert_int_equal(w.dialer.timeout_ms, w.settings.dial_timeout_ms);
  assert_int_equal(w.pool.existing, w.pool.free_count); /* no traffic, no buffer */
  for (int i = 0; i < 100; i++)
    client_data(&w, "0123456789");
  world_rest(&w);
  assert_int_equal(w.pool.existing - w.pool.free_count, 1);
  unsigned reads = w.client.reads;
  client_data(&w, "and more");
  assert_at_rest(&w);
  assert_int_equal(w.client.reads, reads);
  dial_answers(&w, WSL_OK);
  assert_int_equal(w.backend.got.len, 1008);
  assert_int_equal(w.pool.existing, w.pool.free_count);
  session_domain_cut(&w.domain);
  world_end(&w);
}

static void a_failed_dial_is_told_in_words(void **state) {
  (void)state;
  static const struct {
    int error;
    const char *story;
  } rows[] = {
      {WSL_REFUSED, "close(1011 Failed to connect to target: Connection refused)"},
      {WSL_TIMED_OUT, "close(1011 Failed to connect to target: "},
      {WSL_NAME_UNKNOWN, "close(1011 Failed to connect to target: "},
      {WSL_UNREACHABLE, "close(1011 Failed to connect to target: "},
      {WSL_NO_DESCRIPTOR, "close(1013 Failed to connect to target: "},
      {WSL_NO_PORT, "close(1013 Failed to connect to target: No free local port toward the target)"},
      {WSL_NO_MEMORY, "close(1013 Failed to connect to target: "},
  };
  for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
    struct world w;
    start(&w, i % 2 == 0 ? DIAL_AT_ONCE : DIAL_LATER);
    w.dialer.error = rows[i / 2].error;
    world_open(&w);
    client_data(&w, "goes nowhere");
    world_rest(&w);
    if (i % 2 == 1) dial_answers(&w, rows[i / 2].error);
    struct seen seen;
    see_bytes(&w.client.got, &seen);
    assert_memory_equal(seen.story, rows[i / 2].story, strlen(rows[i / 2].story));
    seen_free(&seen);
    assert_seen_end(&w.client, SEEN_FIN); /* there is nothing to hear of it; */
    assert_at_rest(&w);
    assert_int_equal(w.domain.count, 1);
    client_close_with(&w, 1011, ""); /* but what it says must not cost it our Close */
    world_rest(&w);
    assert_int_equal(w.client.resets, 0);
    peer_finish(&w.client);
    world_rest(&w);
    world_end(&w);
  }
}

static void a_failed_dial_is_soon_over_whatever_the_client_does(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  dial_answers(&w, WSL_REFUSED);
  for (int i = 0; i < 19; i++) {
    client_data(&w, "goes on");
    world_rest(&w);
    world_advance(&w, 100);
  }
  assert_int_equal(w.domain.count, 1);
  world_advance(&w, 120);
  assert_int_equal(w.domain.count, 0);
  assert_int_equal(w.client.resets, 0);
  world_end(&w);
}

static void a_failed_dial_reaches_a_client_that_has_ended(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  peer_finish(&w.client);
  world_rest(&w);
  assert_int_equal(w.domain.count, 1);
  dial_answers(&w, WSL_REFUSED);
  assert_client_story(&w, "close(1011 Failed to connect to target: Connection refused)");
  assert_seen_end(&w.client, SEEN_FIN);
  world_end(&w);
}

static void client_closes_with_nothing_to_deliver(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  client_close_with(&w, 1000, "");
  world_rest(&w);
  assert_client_story(&w, "close(1000)");
  assert_int_equal(w.dialer.cancels, 1); /* why go on dialling? */
  assert_int_equal(w.dialer.resets, 0);
  peer_finish(&w.client);
  world_rest(&w);
  world_end(&w);
}

static void client_closes_with_payload_to_deliver(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  frame_add(&w.early, WSL_OP_BINARY, FIN_LAST, "deliver me", 10);
  frame_add(&w.early, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  world_open(&w);
  assert_client_story(&w, "close(1000)"); /* not waiting for the backend */
  peer_finish(&w.client);
  world_rest(&w);
  world_advance(&w, 9000); /* the dial's own time bounds this, not the close time */
  assert_int_equal(w.domain.count, 1);
  dial_answers(&w, WSL_OK);
  assert_backend_got(&w, "deliver me");
  assert_seen_end(&w.backend, SEEN_FIN);
  peer_finish(&w.backend);
  world_rest(&w);
  world_end(&w);
}

static void client_closes_with_payload_and_the_dial_fails(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  frame_add(&w.early, WSL_OP_BINARY, FIN_LAST, "deliver me", 10);
  frame_add(&w.early, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  world_open(&w);
  peer_finish(&w.client);
  world_rest(&w);
  dial_answers(&w, WSL_REFUSED);
  world_end(&w);
}

/* RFC 6455 5.5.1: its own code comes back, and no reason of ours, however late it takes it. */
static void a_stalled_client_closes_and_the_dial_fails(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  w.settings.heartbeat_ms = 1000;
  w.client.room = 0;
  world_open(&w);
  world_advance(&w, 1000); /* behind this ping its Close waits for its echo */
  struct bytes frames = {0};
  frame_add(&frames, WSL_OP_BINARY, FIN_LAST, "deliver me", 10);
  frame_add(&frames, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  peer_send(&w.client, frames.data, frames.len);
  bytes_free(&frames);
  world_rest(&w);
  dial_answers(&w, WSL_REFUSED);
  peer_take(&w.client, UNLIMITED);
  peer_finish(&w.client);
  world_rest(&w);
  assert_client_story(&w, "ping() close(1000)");
  world_end(&w);
}

static void client_half_closes_and_waits_for_the_answer(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  peer_finish(&w.client);
  world_rest(&w);
  assert_at_rest(&w);
  dial_answers(&w, WSL_OK);
  assert_seen_end(&w.backend, SEEN_FIN);
  peer_send(&w.backend, "hello", 5);
  peer_finish(&w.backend);
  world_rest(&w);
  assert_client_story(&w, "data(5) close(1000 Target closed)");
  assert_seen_end(&w.client, SEEN_FIN);
  world_end(&w);
}

static void client_vanishes_from_the_dial(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  peer_reset(&w.client);
  world_rest(&w);
  assert_int_equal(w.dialer.cancels, 1);
  assert_int_equal(w.dialer.resets, 1);
  world_end(&w);
}

static void client_resets_with_payload_to_deliver(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  client_data(&w, "it was sent");
  peer_reset(&w.client);
  world_rest(&w);
  dial_answers(&w, WSL_OK);
  assert_backend_got(&w, "it was sent");
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void violation_during_the_dial(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  assert_int_equal(w.dialer.cancels, 1);
  assert_int_equal(w.dialer.resets, 1); /* the target may have the connection already */
  peer_finish(&w.client);
  world_rest(&w);
  assert_seen_end(&w.client, SEEN_FIN);
  world_end(&w);
}

static void going_away_during_the_dial(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  session_domain_go_away(&w.domain);
  world_rest(&w);
  assert_client_story(&w, "close(1001 Going away)");
  client_close_with(&w, 1001, "");
  peer_finish(&w.client);
  world_rest(&w);
  assert_int_equal(w.dialer.cancels, 1);
  world_end(&w);
}

/* The client answers nothing, the dial does not either: the client is not waited for until it does. */
static void going_away_during_the_dial_without_an_answer(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  session_domain_go_away(&w.domain);
  world_rest(&w);
  world_advance(&w, 9990);
  dial_answers(&w, WSL_TIMED_OUT);
  world_advance(&w, 7200);
  world_end(&w);
}

static void cut_during_the_dial(void **state) {
  (void)state;
  struct world w;
  start(&w, DIAL_LATER);
  world_open(&w);
  client_data(&w, "held");
  session_domain_cut(&w.domain);
  assert_int_equal(w.dialer.cancels, 1);
  assert_seen_end(&w.client, SEEN_RESET);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(early_bytes_reach_the_backend_first),
      cmocka_unit_test(early_bytes_come_before_what_is_readable),
      cmocka_unit_test(early_header_continues_in_the_next_read),
      cmocka_unit_test(the_dial_holds_one_buffer_and_stops_reading),
      cmocka_unit_test(a_failed_dial_is_told_in_words),
      cmocka_unit_test(a_failed_dial_is_soon_over_whatever_the_client_does),
      cmocka_unit_test(a_failed_dial_reaches_a_client_that_has_ended),
      cmocka_unit_test(client_closes_with_nothing_to_deliver),
      cmocka_unit_test(client_closes_with_payload_to_deliver),
      cmocka_unit_test(client_closes_with_payload_and_the_dial_fails),
      cmocka_unit_test(a_stalled_client_closes_and_the_dial_fails),
      cmocka_unit_test(client_half_closes_and_waits_for_the_answer),
      cmocka_unit_test(client_vanishes_from_the_dial),
      cmocka_unit_test(client_resets_with_payload_to_deliver),
      cmocka_unit_test(violation_during_the_dial),
      cmocka_unit_test(going_away_during_the_dial),
      cmocka_unit_test(going_away_during_the_dial_without_an_answer),
      cmocka_unit_test(cut_during_the_dial),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
