/* How sessions end when a peer ends them, seen from both sides: the upper half of the table of endings
 * (docs/ARCHITECTURE.md).
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/rows.h"

/* ---- the backend ends ---- */

static void backend_fin_then_close_from_client(struct world *w) {
  world_open(w);
  peer_send(&w->backend, "farewell", 8);
  peer_finish(&w->backend);
  world_rest(w);
  assert_int_equal(w->client.lasts, 0); /* our FIN is not next */
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_memory_equal(seen.payload.data, "farewell", 8);
  assert_int_equal(seen.close_code, 1000);
  seen_free(&seen);
  assert_seen_end(&w->client, SEEN_NONE); /* its answer is awaited */
  assert_seen_end(&w->backend, SEEN_NONE);
  assert_at_rest(w);

  client_data(w, "still coming");
  client_close_with(w, 1000, "");
  world_rest(w);
  assert_backend_got(w, "still coming");
  assert_seen_end(&w->backend, SEEN_FIN);
  assert_seen_end(&w->client, SEEN_FIN);
  peer_finish(&w->client);
  world_rest(w);
}

static void backend_fin_then_client_fin_only(struct world *w) {
  world_open(w);
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "close(1000 Target closed)");
  client_data(w, "last words");
  peer_finish(&w->client);
  world_rest(w);
  assert_backend_got(w, "last words");
  assert_seen_end(&w->backend, SEEN_FIN);
  assert_seen_end(&w->client, SEEN_FIN);
}

static void backend_fin_no_answer_from_client(struct world *w) {
  world_open(w);
  peer_finish(&w->backend);
  world_rest(w);
  world_advance(w, 4900);
  assert_seen_end(&w->client, SEEN_NONE);
  world_advance(w, 200);
  assert_seen_end(&w->client, SEEN_FIN);
  assert_seen_end(&w->backend, SEEN_RESET); /* the client's stream is not known to be whole */
  world_advance(w, 2000);
}

static void backend_fin_after_client_fin(struct world *w) {
  world_open(w);
  client_data(w, "question");
  peer_finish(&w->client);
  world_rest(w);
  assert_backend_got(w, "question");
  assert_seen_end(&w->backend, SEEN_FIN);
  assert_seen_end(&w->client, SEEN_NONE);
  assert_at_rest(w);
  peer_send(&w->backend, "answer", 6);
  world_rest(w);
  peer_finish(&w->backend);
  world_rest(w); /* no second wait: the client has ended already */
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_memory_equal(seen.payload.data, "answer", 6);
  assert_int_equal(seen.close_code, 1000);
  seen_free(&seen);
  assert_seen_end(&w->client, SEEN_FIN);
}

static void backend_resets(struct world *w) {
  world_open(w);
  peer_send(&w->backend, "cut he", 6);
  peer_reset(&w->backend);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_memory_equal(seen.payload.data, "cut he", 6);
  assert_int_equal(seen.close_code, 1011);
  assert_non_null(strstr(seen.story, "Target reset the connection"));
  seen_free(&seen);
  client_close_with(w, 1011, "");
  world_rest(w);
  assert_seen_end(&w->client, SEEN_FIN);
  peer_finish(&w->client);
  world_rest(w);
}

static void backend_resets_when_written_to(struct world *w) {
  world_open(w);
  peer_reset_unheard(&w->backend);
  client_data(w, "in vain");
  world_rest(w);
  assert_client_story(w, "close(1011 Target reset the connection)");
  client_close_with(w, 1011, "");
  peer_finish(&w->client);
  world_rest(w);
  assert_seen_end(&w->client, SEEN_FIN);
}

/* Reset behind bytes, a client that takes none for a while, then all. */
static void backend_resets_while_client_stalls(struct world *w) {
  w->client.room = 3;
  world_open(w);
  uint8_t *bytes = pattern(700, 1);
  peer_send(&w->backend, bytes, 700);
  peer_reset(&w->backend);
  world_rest(w);
  for (int i = 0; i < 20; i++) { /* 20 times 4 s: never the whole close time without movement */
    world_advance(w, 4000);
    peer_take(&w->client, 10);
    world_rest(w);
  }
  assert_seen_end(&w->client, SEEN_NONE);
  peer_take(&w->client, UNLIMITED);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.payload.len, 700);
  assert_memory_equal(seen.payload.data, bytes, 700);
  assert_int_equal(seen.close_code, 1011);
  seen_free(&seen);
  free(bytes);
  client_close_with(w, 1011, "");
  peer_finish(&w->client);
  world_rest(w);
}

static void backend_resets_while_client_stalls_for_ever(struct world *w) {
  w->client.room = 3;
  world_open(w);
  uint8_t *bytes = pattern(700, 1);
  peer_send(&w->backend, bytes, 700);
  free(bytes);
  peer_reset(&w->backend);
  world_rest(w);
  world_advance(w, 5200);
  assert_seen_end(&w->client, SEEN_RESET);
}

/* ---- the client closes ---- */

static void client_closes(struct world *w) {
  world_open(w);
  client_data(w, "all of it");
  client_close_with(w, 3001, "bye");
  world_rest(w);
  assert_client_story(w, "close(3001)");
  assert_true(w->client.lasts > 0); /* and the FIN with it */
  assert_seen_end(&w->client, SEEN_FIN);
  assert_backend_got(w, "all of it");
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_finish(&w->client);
  world_rest(w);
  assert_int_equal(w->domain.count, 1); /* until the backend has closed */
  assert_at_rest(w);
  peer_send(&w->backend, "nobody wants this", 17); /* and must not block it */
  world_rest(w);
  assert_int_equal(w->backend.sent_read, w->backend.sent.len);
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "close(3001)");
}

static void client_closes_with_nothing_in_it(struct world *w) {
  world_open(w);
  client_close_with(w, WSL_CLOSE_NO_STATUS, "");
  peer_finish(&w->client);
  world_rest(w);
  assert_client_story(w, "close(1005)"); /* an empty Close */
  assert_seen_end(&w->client, SEEN_FIN);
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_finish(&w->backend);
  world_rest(w);
}

static void client_closes_and_backend_never(struct world *w) {
  world_open(w);
  client_close_with(w, 1000, "");
  peer_finish(&w->client);
  world_rest(w);
  world_advance(w, 4900);
  assert_int_equal(w->domain.count, 1);
  world_advance(w, 200);
  assert_seen_end(&w->backend, SEEN_FIN); /* all was the kernel's: nothing to reset for */
}

static void client_closes_before_a_stalled_backend(struct world *w) {
  w->backend.room = 2;
  world_open(w);
  client_data(w, "whole message");
  client_close_with(w, 1000, "");
  world_rest(w);
  assert_int_equal(w->client.finishes, 0); /* the Close lies unread behind what the backend won't take */
  peer_take(&w->backend, 4);
  world_rest(w);
  assert_int_equal(w->backend.got.len, 6);
  peer_take(&w->backend, UNLIMITED);
  world_rest(w);
  assert_backend_got(w, "whole message");
  assert_client_story(w, "close(1000)");
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_finish(&w->client);
  peer_finish(&w->backend);
  world_rest(w);
}

/* All of it is read at once, so the Close is answered although the backend has taken nothing. */
static void client_close_never_waits_for_the_backend(struct world *w) {
  w->backend.room = 0;
  frame_add(&w->early, WSL_OP_BINARY, FIN_LAST, "payload", 7);
  frame_add(&w->early, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  world_open(w);
  assert_client_story(w, "close(1000)");
  assert_seen_end(&w->client, SEEN_FIN);
  assert_seen_end(&w->backend, SEEN_NONE);
  peer_finish(&w->client);
  for (int i = 0; i < 7; i++) { /* a byte every 4 s: bytes that move are never cut */
    world_advance(w, 4000);
    peer_take(&w->backend, 1);
    world_rest(w);
  }
  assert_backend_got(w, "payload");
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_finish(&w->backend);
  world_rest(w);
}

static void client_closes_and_backend_stalls_for_ever(struct world *w) {
  w->backend.room = 0;
  frame_add(&w->early, WSL_OP_BINARY, FIN_LAST, "payload", 7);
  frame_add(&w->early, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  world_open(w);
  peer_finish(&w->client);
  world_rest(w);
  world_advance(w, 5200);
  assert_seen_end(&w->backend, SEEN_RESET); /* it has not got all */
}

static void client_closes_while_it_takes_nothing(struct world *w) {
  w->client.room = 3; /* stalls inside the first frame */
  w->backend.read_max = UNLIMITED;
  world_open(w);
  uint8_t *bytes = pattern(100, 1);
  peer_send(&w->backend, bytes, 100);
  free(bytes);
  world_rest(w);
  client_close_with(w, 1000, "");
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_take(&w->client, UNLIMITED);
  world_rest(w);
  assert_client_story(w, "data(100) close(1000)");
  peer_finish(&w->client);
  peer_finish(&w->backend);
  world_rest(w);
}

/* ---- the client goes without a word ---- */

static void client_ends_inside_a_frame(struct world *w) {
  w->backend.acks_by_hand = true;
  world_open(w);
  struct bytes frame = {0};
  frame_add(&frame, WSL_OP_BINARY, FIN_LAST, "half a message", 14);
  peer_send(&w->client, frame.data, frame.len - 7);
  bytes_free(&frame);
  peer_finish(&w->client);
  world_rest(w);
  assert_client_story(w, "close(1002 Connection ended inside a message)");
  assert_seen_end(&w->client, SEEN_FIN);
  assert_backend_got(w, "half a ");
  assert_seen_end(&w->backend, SEEN_NONE); /* not before it has acknowledged all */
  assert_at_rest(w);
  w->backend.unacked = 0;
  world_advance(w, 510);
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_int_equal(w->backend.finishes, 0);
}

static void client_ends_inside_a_fragmented_message(struct world *w) {
  world_open(w);
  struct bytes frame = {0};
  frame_add(&frame, WSL_OP_BINARY, FIN_MORE, "part", 4);
  peer_send(&w->client, frame.data, frame.len);
  bytes_free(&frame);
  peer_finish(&w->client);
  world_rest(w);
  assert_client_story(w, "close(1002 Connection ended inside a message)");
  assert_seen_end(&w->client, SEEN_FIN);
  assert_backend_got(w, "part");
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void client_ends_inside_a_frame_never_acknowledged(struct world *w) {
  w->backend.acks_by_hand = true;
  world_open(w);
  struct bytes frame = {0};
  frame_add(&frame, WSL_OP_BINARY, FIN_MORE, "half", 4);
  peer_send(&w->client, frame.data, frame.len);
  bytes_free(&frame);
  peer_finish(&w->client);
  world_rest(w);
  world_advance(w, 4900);
  assert_seen_end(&w->backend, SEEN_NONE);
  world_advance(w, 200);
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void client_resets(struct world *w) {
  world_open(w);
  client_data(w, "it got so far");
  peer_reset(&w->client);
  world_rest(w);
  assert_backend_got(w, "it got so far");
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void client_resets_with_bytes_unread(struct world *w) {
  w->backend.room = 2;
  world_open(w);
  client_data(w, "it got so far");
  client_data(w, " and farther");
  peer_reset(&w->client);
  world_rest(w);
  peer_take(&w->backend, UNLIMITED);
  world_rest(w);
  assert_backend_got(w, "it got so far and farther");
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void client_resets_when_written_to(struct world *w) {
  world_open(w);
  peer_reset_unheard(&w->client);
  peer_send(&w->backend, "in vain", 7);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void client_resets_behind_its_close(struct world *w) {
  world_open(w);
  client_data(w, "complete");
  client_close_with(w, 1000, "");
  peer_reset(&w->client);
  world_rest(w);
  assert_backend_got(w, "complete");
  assert_seen_end(&w->backend, SEEN_FIN);
  assert_int_equal(w->backend.resets, 0);
  peer_finish(&w->backend);
  world_rest(w);
  assert_int_equal(w->backend.resets, 0);
}

static void client_resets_after_its_fin(struct world *w) {
  world_open(w);
  client_data(w, "complete");
  peer_finish(&w->client);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_reset(&w->client);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_RESET); /* what it still had to say reached nobody */
}

static const struct row rows[] = {
    ROW(backend_fin_then_close_from_client),
    ROW(backend_fin_then_client_fin_only),
    ROW(backend_fin_no_answer_from_client),
    ROW(backend_fin_after_client_fin),
    ROW(backend_resets),
    ROW(backend_resets_when_written_to),
    ROW(backend_resets_while_client_stalls),
    ROW(backend_resets_while_client_stalls_for_ever),
    ROW(client_closes),
    ROW(client_closes_with_nothing_in_it),
    ROW(client_closes_and_backend_never),
    ROW(client_closes_before_a_stalled_backend),
    ROW(client_close_never_waits_for_the_backend),
    ROW(client_closes_and_backend_stalls_for_ever),
    ROW(client_closes_while_it_takes_nothing),
    ROW(client_ends_inside_a_frame),
    ROW(client_ends_inside_a_fragmented_message),
    ROW(client_ends_inside_a_frame_never_acknowledged),
    ROW(client_resets),
    ROW(client_resets_with_bytes_unread),
    ROW(client_resets_when_written_to),
    ROW(client_resets_behind_its_close),
    ROW(client_resets_after_its_fin),
};

int main(void) {
  return rows_play(rows, COUNT_OF(rows));
}
