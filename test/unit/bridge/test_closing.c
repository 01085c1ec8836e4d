/* How long an ending may take: the close time, acknowledgements, the linger, and peers that never stop
 * talking.
 */
#include "bridge/world.h"

#include <stdlib.h>
#include <string.h>

static void start(struct world *w) {
  world_init(w);
}

static void client_closes(struct world *w) {
  client_close_with(w, 1000, "");
  world_rest(w);
}

static void client_goes(struct world *w) {
  peer_finish(&w->client);
  world_rest(w);
}

static void backend_ends(struct world *w) {
  peer_finish(&w->backend);
  world_rest(w);
}

/* Lets `say` speak every second until the session is gone; returns the seconds that it took. */
static unsigned talk_until_gone(struct world *w, void (*say)(struct world *w), unsigned most_s) {
  unsigned seconds = 0;
  while (w->domain.count > 0) {
    assert_in_range(seconds, 0, most_s);
    say(w);
    world_rest(w);
    world_advance(w, 1000);
    seconds++;
  }
  return seconds;
}

static void client_talks(struct world *w) {
  if (w->client.transport != NULL) client_data(w, "and another thing");
}

static void backend_talks(struct world *w) {
  if (w->backend.transport != NULL) peer_send(&w->backend, "and another thing", 17);
}

/* ---- what counts as movement ---- */

static void acknowledgements_count_as_movement(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.acks_by_hand = true;
  world_open(&w);
  client_data(&w, "a slow line takes this byte by byte");
  client_closes(&w);
  client_goes(&w);
  while (w.backend.unacked > 0) {
    world_advance(&w, 4000);
    assert_int_equal(w.domain.count, 1);
    w.backend.unacked--;
    world_advance(&w, 500);
  }
  world_advance(&w, 4000);
  assert_int_equal(w.domain.count, 1);
  world_advance(&w, 1100);
  assert_seen_end(&w.backend, SEEN_FIN);
  world_end(&w);
}

/* Its timer wakes the worker once more at most: there is nothing left to look at. */
static void a_session_that_only_lingers_sleeps(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  client_closes(&w);
  backend_ends(&w);
  assert_int_equal(w.domain.count, 1);
  assert_in_range(world_advance(&w, 1900), 0, 1);
  world_advance(&w, 200);
  world_end(&w);
}

static void a_client_that_acknowledges_is_waited_for(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.acks_by_hand = true;
  world_open(&w);
  peer_send(&w.backend, "the last words of the target", 28);
  backend_ends(&w);
  for (; w.client.unacked > 0; w.client.unacked--) {
    world_advance(&w, 4400);
    assert_int_equal(w.client.finishes, 0);
  }
  client_closes(&w);
  assert_seen_end(&w.backend, SEEN_FIN);
  assert_int_equal(w.backend.resets, 0);
  client_goes(&w);
  world_end(&w);
}

static void a_slow_backend_that_talks_is_not_cut_for_it(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.room = 0;
  frame_add(&w.early, WSL_OP_BINARY, FIN_LAST, "thirty bytes on a slow line ...", 30);
  frame_add(&w.early, WSL_OP_CLOSE, FIN_LAST, "", 0);
  world_open(&w);
  client_goes(&w);
  for (int i = 0; i < 30; i++) { /* 120 s: more than the talk alone would be given */
    world_advance(&w, 4000);
    backend_talks(&w);
    peer_take(&w.backend, 1);
    world_rest(&w);
  }
  assert_seen_end(&w.backend, SEEN_FIN);
  assert_int_equal(w.backend.closes, 0);
  for (int i = 0; i < 20; i++) {
    backend_talks(&w);
    world_rest(&w);
    world_advance(&w, 1000);
  }
  assert_int_equal(w.backend.closes, 0); /* its last words are read, it is not reset while it speaks them */
  backend_ends(&w);
  assert_int_equal(w.backend.resets, 0);
  world_end(&w);
}

/* ---- peers that never stop ---- */

static void a_backend_that_talks_to_nobody_is_bounded(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  client_closes(&w);
  client_goes(&w);
  assert_in_range(talk_until_gone(&w, backend_talks, 70), 60, 67);
  world_end(&w);
}

static void a_client_that_never_answers_our_close_is_bounded(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  backend_ends(&w);
  assert_in_range(talk_until_gone(&w, client_talks, 70), 60, 67);
  assert_true(w.backend.got.len >= 59 * strlen("and another thing")); /* and until then it was heard */
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void the_wait_for_its_close_begins_when_ours_has_arrived(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.acks_by_hand = true;
  world_open(&w);
  backend_ends(&w);
  for (int i = 0; i < 100; i++) {
    world_advance(&w, 1000);
    client_talks(&w);
    world_rest(&w);
  }
  assert_int_equal(w.domain.count, 1);
  w.client.unacked = 0;
  assert_in_range(talk_until_gone(&w, client_talks, 70), 60, 67);
  world_end(&w);
}

static void a_client_that_sends_and_never_reads_is_bounded(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3; /* a frame is begun and never taken */
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  world_rest(&w);
  client_closes(&w);
  talk_until_gone(&w, client_talks, 8);
  assert_seen_end(&w.client, SEEN_RESET);
  world_end(&w);
}

static void a_client_that_sends_to_a_dead_backend_is_bounded(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3;
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  peer_reset(&w.backend);
  world_rest(&w);
  talk_until_gone(&w, client_talks, 70);
  assert_seen_end(&w.client, SEEN_RESET);
  world_end(&w);
}

static void a_client_behind_its_violation_is_bounded(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3;
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  world_rest(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  talk_until_gone(&w, client_talks, 8);
  world_end(&w);
}

/* ---- the linger ---- */

static void input_behind_our_fin_is_dropped_for_two_seconds(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  assert_int_equal(w.client.finishes, 1);
  for (int i = 0; i < 19; i++) {
    client_talks(&w);
    world_advance(&w, 100);
  }
  assert_int_equal(w.client.sent_read, w.client.sent.len);
  assert_int_equal(w.client.closes, 0);
  world_advance(&w, 200);
  assert_int_equal(w.client.closes, 1);
  world_end(&w);
}

static void or_for_a_megabyte(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  uint8_t *bytes = pattern(1 << 16, 1);
  for (int i = 0; i < 15; i++) {
    peer_send(&w.client, bytes, 1 << 16);
    world_rest(&w);
  }
  assert_int_equal(w.client.closes, 0);
  for (int i = 0; i < 2 && w.client.transport != NULL; i++) {
    peer_send(&w.client, bytes, 1 << 16);
    world_rest(&w);
  }
  assert_int_equal(w.client.closes, 1);
  free(bytes);
  world_end(&w);
}

static void a_clients_fin_ends_the_linger(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  client_goes(&w);
  world_end(&w);
}

/* TLS: our close_notify waits for room. The client's end is no reason to keep it from it. */
static void a_clients_fin_does_not_cut_our_end_off(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 31; /* our Close, and nothing behind it */
  w.client.finish_again = 1000;
  world_open(&w);
  peer_send(&w.client, "\xff", 1);
  world_rest(&w);
  client_goes(&w);
  assert_int_equal(w.client.closes, 0);
  w.client.finish_again = 0;
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_int_equal(w.client.finishes, 1);
  assert_int_equal(w.client.closes, 1);
  world_end(&w);
}

/* ---- the abort ---- */

static void an_abort_waits_for_the_last_acknowledgement(void **state) {
  (void)state;
  for (uint64_t after_ms = 0; after_ms < 4500; after_ms += 90) {
    struct world w;
    start(&w);
    w.backend.acks_by_hand = true;
    world_open(&w);
    client_data(&w, "complete");
    peer_reset(&w.client);
    world_rest(&w);
    world_advance(&w, after_ms);
    assert_seen_end(&w.backend, SEEN_NONE);
    w.backend.unacked = 0;
    world_advance(&w,
                  after_ms < 500 ? after_ms + 30 : 510); /* looks at 20, 60, 140, 300, 620, then every 500 */
    assert_seen_end(&w.backend, SEEN_RESET);
    assert_in_range(w.backend.probes, 1, 40);
    world_end(&w);
  }
}

/* What it acknowledged between the last look and the end of the close time has moved, too. */
static void acknowledgements_are_looked_for_before_giving_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.acks_by_hand = true;
  world_open(&w);
  client_data(&w, "complete");
  peer_reset(&w.client);
  world_rest(&w);
  world_advance(&w, 4950); /* looks at 4,620 and 5,120 */
  w.backend.unacked = 1;
  world_advance(&w, 4950);
  assert_seen_end(&w.backend, SEEN_NONE);
  world_advance(&w, 200);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void where_nobody_can_tell_nothing_is_waited_for(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.cant_tell = true;
  w.client.cant_tell = true;
  world_open(&w);
  client_data(&w, "complete");
  peer_reset(&w.client);
  world_rest(&w);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* ---- streams whose end takes several calls (TLS) ---- */

static void an_end_that_can_not_leave_yet_is_tried_again(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.finish_again = 3;
  w.backend.finish_again = 3;
  world_open(&w);
  client_closes(&w);
  assert_seen_end(&w.client, SEEN_FIN);
  assert_seen_end(&w.backend, SEEN_FIN);
  client_goes(&w);
  backend_ends(&w);
  world_end(&w);
}

/* Its end was read already, so that there is nothing to linger for: closing would cut our FIN off. */
static void a_client_that_has_ended_is_kept_until_ours_has_left(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  client_goes(&w);
  w.client.room = 17; /* our Close, and nothing behind it */
  w.client.finish_again = 1000;
  backend_ends(&w);
  assert_client_story(&w, "close(1000 Target closed)");
  assert_at_rest(&w);
  assert_int_equal(w.client.closes, 0);
  w.client.finish_again = 0;
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_int_equal(w.client.finishes, 1);
  world_end(&w);
}

static void an_end_that_never_leaves_is_given_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  client_data(&w, "x");
  world_rest(&w);
  w.client.room = 9; /* the echo and not a byte more */
  w.client.finish_again = 1000;
  w.backend.room = 0;
  w.backend.finish_again = 1000;
  client_close_with(&w, 1000, "");
  world_rest(&w);
  w.client.room = 0;
  world_advance(&w, 2100); /* the linger bounds the client's */
  assert_int_equal(w.client.closes, 1);
  assert_at_rest(&w);
  world_advance(&w, 3000);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* ---- a backend that takes nothing more, and says nothing either ---- */

static void payload_is_never_swallowed_in_silence(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  w.backend.write_error = WSL_NO_MEMORY;
  client_data(&w, "lost");
  world_rest(&w);
  world_advance(&w, 5100);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.close_code, 1011);
  seen_free(&seen);
  backend_talks(&w); /* to nobody: nothing may follow our Close */
  world_rest(&w);
  assert_client_story(&w, "close(1011 Target took no more data)");
  client_closes(&w);
  client_goes(&w);
  world_advance(&w, 5100);
  world_end(&w);
}

/* The end of its stream is part of it: a target that waits for that would never answer. */
static void neither_is_a_fin_that_can_not_be_sent(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  w.backend.write_error = WSL_NO_MEMORY;
  client_goes(&w);
  world_advance(&w, 5100);
  assert_client_story(&w, "close(1011 Target took no more data)");
  world_advance(&w, 5100);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void a_fin_that_meets_a_reset_ends_as_the_reset(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  peer_reset_unheard(&w.backend);
  client_goes(&w);
  peer_reset(&w.backend);
  world_rest(&w);
  assert_client_story(&w, "close(1011 Target reset the connection)");
  world_end(&w);
}

/* Words would have to wait behind bytes that nobody takes: both see a reset. */
static void a_deaf_backend_and_a_stalled_client_are_cut(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3;
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  world_rest(&w);
  w.backend.write_error = WSL_NO_MEMORY;
  client_data(&w, "lost");
  world_rest(&w);
  world_advance(&w, 5100);
  assert_seen_end(&w.client, SEEN_RESET);
  assert_seen_end(&w.backend, SEEN_RESET);
  assert_int_equal(w.client.got.len, 3);
  assert_non_null(strstr(world_last_line(), "side=wsluice cause=\"nothing moved while closing\""));
  world_end(&w);
}

/* Inside a frame, and what the client sends would keep the session moving. */
static void a_client_that_can_not_be_written_to_is_let_go(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.client.room = 3;
  world_open(&w);
  peer_send(&w.backend, "a frame", 7);
  world_rest(&w);
  w.client.write_error = WSL_NO_MEMORY;
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  talk_until_gone(&w, client_talks, 8);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* It would take bytes, but the kernel has none for a ping, and nothing else would tell. */
static void a_client_that_can_not_be_pinged_is_let_go(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.settings.heartbeat_ms = 1000;
  world_open(&w);
  w.client.write_error = WSL_NO_MEMORY;
  world_advance(&w, 1000);
  assert_seen_end(&w.client, SEEN_RESET);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* A Close behind it in the same buffer must not make the session wait for a FIN of that client. */
static void a_client_whose_pong_can_not_be_written_is_let_go_at_once(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  w.client.write_error = WSL_NO_MEMORY;
  struct bytes frames = {0};
  frame_add(&frames, WSL_OP_PING, FIN_LAST, "", 0);
  frame_add(&frames, WSL_OP_CLOSE, FIN_LAST, "", 0);
  peer_send(&w.client, frames.data, frames.len);
  bytes_free(&frames);
  world_rest(&w);
  assert_seen_end(&w.client, SEEN_RESET);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

/* EPIPE: its end lies behind bytes that are worth reading. That end is a FIN, but our stream to it was cut
 * off, which the backend must be able to tell. */
static void what_a_client_sent_before_it_broke_goes_up(void **state) {
  (void)state;
  struct world w;
  start(&w);
  w.backend.room = 0;
  world_open(&w);
  client_data(&w, "read, ");
  client_data(&w, "unread");
  w.client.write_error = WSL_BROKEN;
  peer_send(&w.backend, "in vain", 7);
  world_rest(&w);
  peer_take(&w.backend, UNLIMITED);
  client_goes(&w);
  assert_int_equal(w.backend.got.len, strlen("read, unread"));
  assert_int_equal(w.backend.finishes, 0);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void nor_does_a_pong_keep_it_from_being_read(void **state) {
  (void)state;
  struct world w;
  start(&w);
  world_open(&w);
  w.client.write_error = WSL_BROKEN;
  client_frame(&w, WSL_OP_PING, "", 0);
  world_rest(&w);
  client_data(&w, "read on");
  client_goes(&w);
  assert_backend_got(&w, "read on");
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acknowledgements_count_as_movement),
      cmocka_unit_test(a_client_that_acknowledges_is_waited_for),
      cmocka_unit_test(a_session_that_only_lingers_sleeps),
      cmocka_unit_test(a_slow_backend_that_talks_is_not_cut_for_it),
      cmocka_unit_test(a_backend_that_talks_to_nobody_is_bounded),
      cmocka_unit_test(a_client_that_never_answers_our_close_is_bounded),
      cmocka_unit_test(the_wait_for_its_close_begins_when_ours_has_arrived),
      cmocka_unit_test(a_client_that_sends_and_never_reads_is_bounded),
      cmocka_unit_test(a_client_that_sends_to_a_dead_backend_is_bounded),
      cmocka_unit_test(a_client_behind_its_violation_is_bounded),
      cmocka_unit_test(input_behind_our_fin_is_dropped_for_two_seconds),
      cmocka_unit_test(or_for_a_megabyte),
      cmocka_unit_test(a_clients_fin_ends_the_linger),
      cmocka_unit_test(a_clients_fin_does_not_cut_our_end_off),
      cmocka_unit_test(an_abort_waits_for_the_last_acknowledgement),
      cmocka_unit_test(acknowledgements_are_looked_for_before_giving_up),
      cmocka_unit_test(where_nobody_can_tell_nothing_is_waited_for),
      cmocka_unit_test(an_end_that_can_not_leave_yet_is_tried_again),
      cmocka_unit_test(a_client_that_has_ended_is_kept_until_ours_has_left),
      cmocka_unit_test(an_end_that_never_leaves_is_given_up),
      cmocka_unit_test(payload_is_never_swallowed_in_silence),
      cmocka_unit_test(neither_is_a_fin_that_can_not_be_sent),
      cmocka_unit_test(a_fin_that_meets_a_reset_ends_as_the_reset),
      cmocka_unit_test(a_deaf_backend_and_a_stalled_client_are_cut),
      cmocka_unit_test(a_client_that_can_not_be_written_to_is_let_go),
      cmocka_unit_test(a_client_that_can_not_be_pinged_is_let_go),
      cmocka_unit_test(a_client_whose_pong_can_not_be_written_is_let_go_at_once),
      cmocka_unit_test(what_a_client_sent_before_it_broke_goes_up),
      cmocka_unit_test(nor_does_a_pong_keep_it_from_being_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
