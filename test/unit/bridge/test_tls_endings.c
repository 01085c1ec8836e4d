/* What TLS adds to the endings (docs/ARCHITECTURE.md): streams that are cut off without close_notify, and
 * bytes that a transport has taken but the kernel has not.
 */
#include <string.h>

#include "bridge/rows.h"

static void client_is_cut_off_between_messages(struct world *w) {
  w->backend.acks_by_hand = true;
  world_open(w);
  client_data(w, "all of a message");
  peer_truncate(&w->client);
  world_rest(w);
  assert_client_story(w, "close(1002 TLS stream ended without close_notify)");
  assert_seen_end(&w->client, SEEN_FIN);
  assert_backend_got(w, "all of a message");
  assert_seen_end(&w->backend, SEEN_NONE); /* not before it has acknowledged all */
  w->backend.unacked = 0;
  world_advance(w, 510);
  assert_seen_end(&w->backend, SEEN_RESET);
}

/* Browsers close their TCP behind the closing handshake without more ado. */
static void client_is_cut_off_behind_its_close(struct world *w) {
  world_open(w);
  client_data(w, "everything");
  client_close_with(w, 1000, "");
  peer_truncate(&w->client);
  world_rest(w);
  assert_client_story(w, "close(1000)");
  assert_backend_got(w, "everything");
  assert_seen_end(&w->backend, SEEN_FIN);
  peer_finish(&w->backend);
  world_rest(w);
}

static void backend_is_cut_off(struct world *w) {
  world_open(w);
  peer_send(&w->backend, "a part", 6);
  peer_truncate(&w->backend);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_memory_equal(seen.payload.data, "a part", 6);
  seen_free(&seen);
  assert_non_null(strstr(seen.story, "close(1011 Target's TLS stream was cut off)"));
  client_data(w, "in vain"); /* though it might be read */
  client_close_with(w, 1011, "");
  peer_finish(&w->client);
  world_rest(w);
  assert_backend_got(w, "");
  assert_seen_end(&w->backend, SEEN_RESET);
}

/* The Close lies sealed in the transport: no linger's two seconds may run before it is the kernel's. */
static void a_sealed_close_is_waited_for(struct world *w) {
  w->client.seals = true;
  w->client.room = 0;
  world_open(w);
  client_close_with(w, 1000, "");
  world_rest(w);
  assert_int_equal(w->client.got.len, 0);
  for (int i = 0; i < 4; i++) { /* a byte each second: slow, but it moves */
    world_advance(w, 1000);
    peer_take(&w->client, 1);
    world_rest(w);
  }
  assert_client_story(w, "close(1000)");
  assert_seen_end(&w->client, SEEN_FIN);
  peer_finish(&w->client);
  peer_finish(&w->backend);
  world_rest(w);
}

/* An alert is on its way: a reset would destroy it. */
static void broken_tls_lingers(struct world *w) {
  world_open(w);
  client_data(w, "whole");
  peer_break_tls(&w->client);
  world_rest(w);
  assert_int_equal(w->client.resets, 0);
  assert_seen_end(&w->client, SEEN_FIN);
  assert_backend_got(w, "whole");
  assert_seen_end(&w->backend, SEEN_RESET);
}

static void sealed_payload_is_delivered_before_the_reset(struct world *w) {
  w->backend.seals = true;
  w->backend.room = 4;
  world_open(w);
  client_data(w, "before the violation");
  peer_send(&w->client, "\xff\x80", 2);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_NONE);
  peer_take(&w->backend, UNLIMITED);
  world_rest(w);
  world_advance(w, 1100);
  assert_backend_got(w, "before the violation");
  assert_seen_end(&w->backend, SEEN_RESET);
  peer_finish(&w->client);
  world_rest(w);
}

static const struct row rows[] = {
    ROW(client_is_cut_off_between_messages),
    ROW(client_is_cut_off_behind_its_close),
    ROW(backend_is_cut_off),
    ROW(a_sealed_close_is_waited_for),
    ROW(broken_tls_lingers),
    ROW(sealed_payload_is_delivered_before_the_reset),
};

int main(void) {
  return rows_play(rows, COUNT_OF(rows));
}
