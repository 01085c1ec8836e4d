/* How sessions end when we end them, seen from both sides: violations, the drain, the cut (the lower half
 * of the table of endings, docs/ARCHITECTURE.md; time-outs have tests of their own).
 */
#include "bridge/rows.h"

/* ---- the client breaks the rules ---- */

static void violation_in_a_header(struct world *w) {
  world_open(w);
  client_data(w, "good");
  peer_send(&w->client,
            "\x82\x03"
            "bad",
            5); /* not masked */
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.close_code, 1002);
  seen_free(&seen);
  assert_backend_got(w, "good");
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_FIN);
  assert_int_equal(w->client.closes, 0); /* input may still arrive: read and dropped */
  client_data(w, "more");
  world_rest(w);
  assert_int_equal(w->client.sent_read, w->client.sent.len);
  assert_at_rest(w);
  world_advance(w, 1100);
}

static void text_that_is_not_utf8(struct world *w) {
  world_open(w);
  client_frame(w, WSL_OP_TEXT, "ok\xff!", 4);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.close_code, 1007);
  seen_free(&seen);
  assert_backend_got(w, "ok");
  assert_seen_end(&w->backend, SEEN_RESET);
  peer_finish(&w->client);
  world_rest(w);
}

static void text_that_is_refused(struct world *w) {
  w->settings.text = TEXT_REFUSE;
  world_open(w);
  client_frame(w, WSL_OP_TEXT, "words", 5);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.close_code, 1003);
  seen_free(&seen);
  assert_backend_got(w, "");
  assert_seen_end(&w->backend, SEEN_RESET);
  peer_finish(&w->client);
  world_rest(w);
}

static void violation_while_the_client_takes_nothing(struct world *w) {
  w->client.room = 3;
  world_open(w);
  peer_send(&w->backend, "a frame", 7);
  world_rest(w);
  peer_send(&w->client, "\xff", 1);
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_NONE);
  world_advance(w, 5200);
  assert_seen_end(&w->client, SEEN_RESET);
}

/* ---- we end it ---- */

static void going_away_and_the_client_answers(struct world *w) {
  world_open(w);
  session_domain_go_away(&w->domain);
  world_rest(w);
  assert_client_story(w, "close(1001 Going away)");
  assert_seen_end(&w->backend, SEEN_NONE);
  assert_at_rest(w);
  client_data(w, "before my Close");
  client_close_with(w, 1001, "");
  world_rest(w);
  assert_backend_got(w, "before my Close");
  assert_seen_end(&w->backend, SEEN_FIN);
  assert_seen_end(&w->client, SEEN_FIN);
  peer_finish(&w->client);
  peer_finish(&w->backend);
  world_rest(w);
}

static void going_away_and_the_client_does_not_answer(struct world *w) {
  world_open(w);
  session_domain_go_away(&w->domain);
  world_rest(w);
  world_advance(w, 5100);
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_FIN);
  world_advance(w, 2000);
}

static void cut(struct world *w) {
  world_open(w);
  session_domain_go_away(&w->domain);
  world_rest(w);
  session_domain_cut(&w->domain);
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_RESET);
}

static void cut_with_bytes_on_their_way(struct world *w) {
  w->client.room = 1;
  w->backend.room = 1;
  world_open(w);
  peer_send(&w->backend, "down", 4);
  client_data(w, "up");
  world_rest(w);
  session_domain_cut(&w->domain);
  assert_seen_end(&w->backend, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_RESET);
}

static const struct row rows[] = {
    ROW(violation_in_a_header),
    ROW(text_that_is_not_utf8),
    ROW(text_that_is_refused),
    ROW(violation_while_the_client_takes_nothing),
    ROW(going_away_and_the_client_answers),
    ROW(going_away_and_the_client_does_not_answer),
    ROW(cut),
    ROW(cut_with_bytes_on_their_way),
};

int main(void) {
  return rows_play(rows, COUNT_OF(rows));
}
