/* Slow peers: who is not read while whom is waited for, and how many buffers that takes. */
#include "bridge/world.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/session_internal.h"

static size_t lent(const struct world *w) {
  return w->pool.existing - w->pool.free_count;
}

static void end(struct world *w) {
  session_domain_cut(&w->domain);
  world_end(w);
}

static void client_sends(struct fake_peer *client, size_t messages) {
  struct bytes frames = {0};
  for (size_t i = 0; i < messages; i++)
    frame_add(&frames, WSL_OP_BINARY, FIN_LAST, "0123456789abcdef", 16);
  peer_send(client, frames.data, frames.len);
  bytes_free(&frames);
}

static void backend_sends(struct fake_peer *backend, size_t len) {
  uint8_t *bytes = pattern(len, 1);
  peer_send(backend, bytes, len);
  free(bytes);
}

static void a_quiet_session_owns_no_buffer(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_open(&w);
  client_sends(&w.client, 100);
  backend_sends(&w.backend, 5000);
  world_rest(&w);
  assert_int_equal(w.backend.got.len, 1600);
  assert_int_equal(lent(&w), 0);
  /* a message in pieces waits in the decoder, not in a buffer */
  peer_send(&w.client, "\x82\xfe\x40", 3);
  world_rest(&w);
  assert_int_equal(lent(&w), 0);
  assert_at_rest(&w);
  end(&w);
}

static void a_stalled_backend_stops_its_client(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.backend.room = 100;
  world_open(&w);
  client_sends(&w.client, 1000);
  world_rest(&w);
  unsigned reads = w.client.reads;
  assert_in_range(w.client.sent_read, 1, 3 * WORLD_BUFFER_SIZE);
  client_sends(&w.client, 1000);
  assert_at_rest(&w);
  assert_int_equal(w.client.reads, reads);
  assert_int_equal(lent(&w), 1);
  backend_sends(&w.backend, 1000); /* the other direction goes on */
  world_rest(&w);
  assert_int_equal(w.backend.sent_read, 1000);
  assert_int_equal(lent(&w), 1);
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  assert_int_equal(w.backend.got.len, 32000);
  assert_int_equal(lent(&w), 0);
  end(&w);
}

static void a_stalled_client_stops_its_backend(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.client.room = 100;
  world_open(&w);
  backend_sends(&w.backend, 100000);
  world_rest(&w);
  unsigned reads = w.backend.reads;
  assert_in_range(w.backend.sent_read, 1, 3 * WORLD_BUFFER_SIZE);
  backend_sends(&w.backend, 100000);
  assert_at_rest(&w);
  assert_int_equal(w.backend.reads, reads);
  assert_int_equal(lent(&w), 1);
  client_sends(&w.client, 100); /* the other direction goes on */
  world_rest(&w);
  assert_int_equal(w.backend.got.len, 1600);
  assert_int_equal(lent(&w), 1);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_int_equal(seen.payload.len, 200000);
  seen_free(&seen);
  assert_int_equal(lent(&w), 0);
  end(&w);
}

static void both_stalled_hold_two_buffers(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.client.room = w.backend.room = 10;
  world_open(&w);
  client_sends(&w.client, 5000);
  backend_sends(&w.backend, 100000);
  assert_at_rest(&w);
  assert_int_equal(lent(&w), 2);
  for (int i = 0; i < 2000; i++) { /* and never more while they crawl */
    peer_take(&w.client, 7);
    peer_take(&w.backend, 3);
    world_rest(&w);
    assert_in_range(lent(&w), 0, 2);
  }
  end(&w);
}

static void pings_already_read_are_answered_past_a_stalled_backend(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.backend.room = 0;
  world_open(&w);
  struct bytes frames = {0};
  frame_add(&frames, WSL_OP_BINARY, FIN_LAST, "payload", 7);
  frame_add(&frames, WSL_OP_PING, FIN_LAST, "behind it", 9);
  peer_send(&w.client, frames.data, frames.len);
  world_rest(&w);
  assert_client_story(&w, "pong(behind it)");
  peer_send(&w.client, frames.data, frames.len); /* not read yet, not looked at */
  world_rest(&w);
  assert_client_story(&w, "pong(behind it)");
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  assert_client_story(&w, "pong(behind it) pong(behind it)");
  assert_backend_got(&w, "payloadpayload");
  bytes_free(&frames);
  end(&w);
}

static void a_bulk_session_yields_to_its_neighbours(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_open(&w);
  unsigned agains = w.client.agains;
  client_sends(&w.client, 5000);
  assert_in_range(w.client.reads, 1, 6); /* one turn */
  assert_int_equal(w.client.agains, agains + 1);
  world_rest(&w);
  assert_int_equal(w.backend.got.len, 80000);
  end(&w);
}

/* ---- at the ceiling of the pool ---- */

static void a_session_waits_for_a_buffer_and_wakes(void **state) {
  (void)state;
  struct world w;
  struct fake_peer client, backend;
  peer_init(&client);
  peer_init(&backend);
  world_init(&w);
  w.pool.ceiling = 1;
  w.backend.room = 0;
  world_open(&w);
  world_open_between(&w, &client, &backend);
  client_sends(&w.client, 1); /* takes the only buffer and keeps it */
  world_rest(&w);
  client_sends(&client, 3);
  backend_sends(&backend, 300);
  assert_at_rest(&w);
  assert_int_equal(backend.got.len, 0);
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  assert_int_equal(backend.got.len, 48);
  assert_int_equal(backend.sent_read, 300);
  end(&w);
}

static void waiting_sessions_all_get_their_turn(void **state) {
  (void)state;
  struct world w;
  struct fake_peer peers[14];
  world_init(&w);
  w.pool.ceiling = 1;
  w.backend.room = 0;
  world_open(&w);
  client_sends(&w.client, 1);
  world_rest(&w);
  for (size_t i = 0; i < COUNT_OF(peers); i += 2) {
    peer_init(&peers[i]);
    peer_init(&peers[i + 1]);
    world_open_between(&w, &peers[i], &peers[i + 1]);
    client_sends(&peers[i], 40);
    backend_sends(&peers[i + 1], 2000);
    world_rest(&w);
  }
  peer_take(&w.backend, UNLIMITED);
  world_rest(&w);
  for (size_t i = 0; i < COUNT_OF(peers); i += 2) {
    assert_int_equal(peers[i + 1].got.len, 640);
    assert_int_equal(peers[i + 1].sent_read, 2000);
  }
  end(&w);
}

/* A session in line, whose backend was given up meanwhile, wants no buffer any more when its turn comes:
 * the turn goes to the next in line. */
static void a_turn_that_is_not_wanted_is_passed_on(void **state) {
  (void)state;
  struct world w;
  struct fake_peer client, backend;
  peer_init(&client);
  peer_init(&backend);
  world_init(&w);
  world_open(&w);
  world_open_between(&w, &client, &backend);
  session_go_away(LIST_ENTRY(w.domain.sessions.next, struct session, node));
  world_rest(&w);
  w.pool.ceiling = 1;
  struct buffer *taken = buffer_borrow(&w.pool, BUFFER_UP);
  assert_non_null(taken);
  backend_sends(&w.backend, 10); /* in line to read and drop this */
  world_rest(&w);
  client_sends(&client, 1); /* next in line */
  world_rest(&w);
  world_advance(&w, 5100);
  assert_int_equal(w.backend.resets, 1);
  assert_int_equal(w.domain.count, 2); /* its client lingers */
  buffer_return(&w.pool, taken);
  world_rest(&w);
  assert_int_equal(backend.got.len, 16);
  end(&w);
}

/* In line when its client goes to linger and its backend is gone, it has nothing left to be woken through. */
static void who_lingers_leaves_the_line(void **state) {
  (void)state;
  struct world w;
  struct fake_peer client, backend;
  peer_init(&client);
  peer_init(&backend);
  world_init(&w);
  w.pool.ceiling = 1;
  world_open(&w);
  peer_reset(&w.backend);
  world_rest(&w);
  world_open_between(&w, &client, &backend);
  struct buffer *taken = buffer_borrow(&w.pool, BUFFER_UP);
  assert_non_null(taken);
  client_sends(&w.client, 1);
  world_rest(&w);
  client_sends(&client, 1);
  world_rest(&w);
  world_advance(&w, 5010); /* the close time: the first client lingers */
  assert_int_equal(w.client.finishes, 1);
  assert_int_equal(w.domain.count, 2);
  buffer_return(&w.pool, taken);
  world_rest(&w);
  assert_int_equal(backend.got.len, 16);
  end(&w);
}

/* Bulk is read into large buffers, a trickle into small ones; what stalls holds what it has. */
static void buffers_grow_with_the_stream(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.pool.ceiling = 16;
  buffer_pool_lend_large(&w.pool, 4 * WORLD_BUFFER_SIZE);
  w.client.room = 0;
  world_open(&w);
  backend_sends(&w.backend, 20 * WORLD_BUFFER_SIZE);
  world_rest(&w);
  assert_int_equal(w.backend.sent_read, WORLD_BUFFER_SIZE); /* the first one is small */
  assert_int_equal(lent(&w), 1);
  peer_take(&w.client, WORLD_BUFFER_SIZE + 4);
  world_rest(&w);
  assert_int_equal(w.backend.sent_read, 5 * WORLD_BUFFER_SIZE);
  assert_int_equal(w.pool.shelves[BUFFER_LARGE].lent, 1);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_int_equal(lent(&w), 0);
  for (int i = 0; i < 8; i++) {
    backend_sends(&w.backend, 10);
    world_rest(&w);
  }
  w.client.room = 0;
  backend_sends(&w.backend, 10);
  world_rest(&w);
  assert_int_equal(w.pool.shelves[BUFFER_SMALL].lent, 1);
  assert_int_equal(w.pool.shelves[BUFFER_LARGE].lent, 0);
  end(&w);
}

/* The most that one read brings where a client sends frames of so many bytes to a worker with buffers of a
 * megabyte. */
static size_t longest_read_of(size_t frame_len) {
  enum { MEGABYTE = 1024 * 1024 };
  struct world w;
  world_init(&w);
  buffer_pool_destroy(&w.pool);
  buffer_pool_init(&w.pool, 64 * (size_t)1024, 64);
  buffer_pool_lend_large(&w.pool, MEGABYTE);
  world_open(&w);
  uint8_t *payload = calloc(1, frame_len);
  struct bytes frames = {0};
  while (frames.len < 4 * (size_t)MEGABYTE)
    frame_add(&frames, WSL_OP_BINARY, FIN_LAST, payload, frame_len);
  peer_send(&w.client, frames.data, frames.len);
  world_rest(&w);
  assert_int_equal(w.client.sent_read, frames.len);
  size_t longest = w.client.longest_read;
  bytes_free(&frames);
  free(payload);
  end(&w);
  return longest;
}

/* So many small ones in one go would keep the worker from its other sessions. */
static void small_frames_are_read_by_the_turns_budget_at_most(void **state) {
  (void)state;
  assert_int_equal(longest_read_of(3), SESSION_BYTES_A_TURN);
  assert_int_equal(longest_read_of(64), SESSION_BYTES_A_TURN);
  assert_int_equal(longest_read_of(65535), 1024 * 1024);
}

/* 256 KB in frames of one byte are a thousand writes. */
static void many_small_frames_leave_over_several_turns(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.max_frame_size = 1;
  buffer_pool_destroy(&w.pool);
  buffer_pool_init(&w.pool, 64 * (size_t)1024, 4);
  world_open(&w);
  backend_sends(&w.backend, 64 * (size_t)1024);
  world_turn(&w);
  assert_in_range(w.client.writes, 1, 64);
  world_rest(&w);
  assert_int_equal(w.client.got.len, 3 * 64 * 1024);
  end(&w);
}

static void a_session_that_is_cut_leaves_the_line(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.pool.ceiling = 1;
  struct buffer *taken = buffer_borrow(&w.pool, BUFFER_UP);
  world_open(&w);
  client_sends(&w.client, 1);
  world_rest(&w);
  assert_false(list_empty(&w.pool.waiting[BUFFER_UP]));
  session_domain_cut(&w.domain);
  assert_true(list_empty(&w.pool.waiting[BUFFER_UP]));
  buffer_return(&w.pool, taken);
  world_end(&w);
}

/* Two backends take nothing until their own bytes are read, and there are two buffers in all: were both
 * lent to the clients' bytes, each session would wait for ever for the other's. */
static void sessions_never_wait_for_each_others_buffers(void **state) {
  (void)state;
  struct world w;
  struct fake_peer client, backend;
  peer_init(&client);
  peer_init(&backend);
  world_init(&w);
  w.pool.ceiling = 2;
  w.backend.room = backend.room = 0;
  world_open(&w);
  world_open_between(&w, &client, &backend);
  client_sends(&w.client, 100);
  client_sends(&client, 100);
  world_rest(&w);
  backend_sends(&w.backend, 1000);
  backend_sends(&backend, 1000);
  world_rest(&w);
  assert_int_equal(w.backend.sent_read, 1000);
  assert_int_equal(backend.sent_read, 1000);
  peer_take(&w.backend, UNLIMITED);
  peer_take(&backend, UNLIMITED);
  world_rest(&w);
  assert_int_equal(w.backend.got.len, 1600);
  assert_int_equal(backend.got.len, 1600);
  end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quiet_session_owns_no_buffer),
      cmocka_unit_test(a_stalled_backend_stops_its_client),
      cmocka_unit_test(a_stalled_client_stops_its_backend),
      cmocka_unit_test(both_stalled_hold_two_buffers),
      cmocka_unit_test(pings_already_read_are_answered_past_a_stalled_backend),
      cmocka_unit_test(a_bulk_session_yields_to_its_neighbours),
      cmocka_unit_test(a_session_waits_for_a_buffer_and_wakes),
      cmocka_unit_test(waiting_sessions_all_get_their_turn),
      cmocka_unit_test(a_turn_that_is_not_wanted_is_passed_on),
      cmocka_unit_test(who_lingers_leaves_the_line),
      cmocka_unit_test(a_session_that_is_cut_leaves_the_line),
      cmocka_unit_test(buffers_grow_with_the_stream),
      cmocka_unit_test(small_frames_are_read_by_the_turns_budget_at_most),
      cmocka_unit_test(many_small_frames_leave_over_several_turns),
      cmocka_unit_test(sessions_never_wait_for_each_others_buffers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
