/* What the client is sent: frames, their headers and sizes, and control frames between them. */
#include "bridge/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/session_internal.h"

static void end(struct world *w) {
  session_domain_cut(&w->domain);
  world_end(w);
}

static void assert_client_payload(const struct world *w, const uint8_t *bytes, size_t len) {
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.payload.len, len);
  if (len > 0) assert_memory_equal(seen.payload.data, bytes, len);
  assert_false(seen.inside_frame);
  assert_in_range(seen.longest, 0, w->settings.max_frame_size);
  seen_free(&seen);
}

static void one_read_leaves_as_one_write(void **state) {
  (void)state;
  static const size_t lengths[] = {1, 125, 126, 127, WORLD_BUFFER_SIZE - 1};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    struct world w;
    world_init(&w);
    world_open(&w);
    uint8_t *bytes = pattern(lengths[i], 1);
    peer_send(&w.backend, bytes, lengths[i]);
    world_rest(&w);
    assert_int_equal(w.client.writes, 1);
    assert_int_equal(w.client.widest_write, 1); /* the header stood in the headroom */
    assert_client_payload(&w, bytes, lengths[i]);
    free(bytes);
    end(&w);
  }
}

static void long_reads_become_several_frames(void **state) {
  (void)state;
  static const uint32_t sizes[] = {1, 2, 3, 7, 10, 125, 126, 127, 255, 256};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = sizes[i];
    world_open(&w);
    uint8_t *bytes = pattern(1000, 1);
    peer_send(&w.backend, bytes, 1000);
    world_rest(&w);
    assert_client_payload(&w, bytes, 1000);
    if (sizes[i] >= 10) assert_int_equal(w.client.writes, 4); /* one for each buffer full */
    free(bytes);
    end(&w);
  }
}

/* A client that stops for a moment at every offset, headers of all frames included. */
static void writes_may_stop_at_any_byte(void **state) {
  (void)state;
  static const uint32_t sizes[] = {1, 5, 64, 130, 256};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    bool reached_the_end = false;
    for (size_t stop = 0; !reached_the_end; stop++) {
      struct world w;
      world_init(&w);
      w.settings.max_frame_size = sizes[i];
      w.client.room = stop;
      world_open(&w);
      uint8_t *bytes = pattern(200, 1);
      peer_send(&w.backend, bytes, 200);
      world_rest(&w);
      reached_the_end = w.client.room > 0;
      peer_take(&w.client, 1);
      world_rest(&w);
      peer_take(&w.client, UNLIMITED);
      world_rest(&w);
      assert_client_payload(&w, bytes, 200);
      free(bytes);
      end(&w);
    }
  }
}

static void control_frames_stand_between_frames(void **state) {
  (void)state;
  for (size_t stop = 1; stop < 70; stop++) { /* the stall begins anywhere in five frames of 10 + 2 */
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = 10;
    w.client.room = stop;
    world_open(&w);
    uint8_t *bytes = pattern(60, 1);
    peer_send(&w.backend, bytes, 60);
    world_rest(&w);
    client_frame(&w, WSL_OP_PING, "now", 3);
    world_rest(&w);
    peer_take(&w.client, 4);
    world_rest(&w);
    peer_take(&w.client, UNLIMITED);
    world_rest(&w);
    assert_client_payload(&w, bytes, 60);
    struct seen seen;
    see_bytes(&w.client.got, &seen); /* fails when the pong stands inside a frame */
    assert_int_equal(seen.pongs, 1);
    /* behind the frame that was begun, before all others */
    char *pong = strstr(seen.story, "pong(now)");
    assert_int_equal((pong - seen.story) / (int)strlen("data(10) "), (stop + 11) / 12);
    seen_free(&seen);
    free(bytes);
    end(&w);
  }
}

/* Our own pings, too. */
static void a_ping_of_ours_stands_between_frames(void **state) {
  (void)state;
  for (size_t stop = 1; stop < 36; stop++) { /* in three frames of 10 + 2 */
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = 10;
    w.settings.heartbeat_ms = 1000;
    w.client.room = stop;
    world_open(&w);
    uint8_t *bytes = pattern(30, 1);
    peer_send(&w.backend, bytes, 30);
    world_rest(&w);
    world_advance(&w, 1000);
    peer_take(&w.client, 1);
    world_rest(&w);
    peer_take(&w.client, UNLIMITED);
    world_rest(&w);
    assert_client_payload(&w, bytes, 30);
    char story[100] = "";
    for (size_t frame = 0; frame < 3; frame++) {
      if (frame == (stop + 11) / 12) strcat(story, "ping() ");
      strcat(story, "data(10) ");
    }
    if (stop > 24) strcat(story, "ping() ");
    story[strlen(story) - 1] = '\0';
    assert_client_story(&w, story);
    free(bytes);
    end(&w);
  }
}

static void edges_for_nothing_change_nothing(void **state) {
  (void)state;
  for (size_t stop = 0; stop < 37; stop++) {
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = 10;
    w.client.room = w.backend.room = stop;
    world_open(&w);
    uint8_t *bytes = pattern(30, 1);
    peer_send(&w.backend, bytes, 30);
    client_frame(&w, WSL_OP_BINARY, bytes, 30);
    world_rest(&w);
    for (int edge = 0; edge < 3; edge++) {
      peer_edge_for_nothing(&w.client);
      peer_edge_for_nothing(&w.backend);
      world_rest(&w);
    }
    assert_int_equal(w.client.got.len, stop < 36 ? stop : 36);
    peer_take(&w.client, UNLIMITED);
    peer_take(&w.backend, UNLIMITED);
    world_rest(&w);
    assert_client_payload(&w, bytes, 30);
    assert_int_equal(w.backend.got.len, 30);
    assert_memory_equal(w.backend.got.data, bytes, 30);
    free(bytes);
    end(&w);
  }
}

static void pings_are_answered_in_their_order(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_open(&w);
  client_frame(&w, WSL_OP_PING, "", 0);
  client_frame(&w, WSL_OP_PING, "one", 3);
  struct bytes frames = {0};
  frame_add(&frames, WSL_OP_PING, FIN_LAST, "two", 3);
  frame_add(&frames, WSL_OP_BINARY, FIN_MORE, "up", 2);
  frame_add(&frames, WSL_OP_PING, FIN_LAST, "inside a message", 16);
  frame_add(&frames, WSL_OP_CONTINUATION, FIN_LAST, "wards", 5);
  peer_send(&w.client, frames.data, frames.len);
  world_rest(&w);
  assert_client_story(&w, "pong() pong(one) pong(two) pong(inside a message)");
  assert_backend_got(&w, "upwards");
  assert_int_equal(w.backend.writes, 1); /* one run, whatever lies between */
  bytes_free(&frames);
  end(&w);
}

/* What one client sends in one go must not keep a worker from all others. */
static void a_flood_of_pings_costs_few_writes(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_open(&w);
  struct bytes frames = {0};
  for (int i = 0; i < 1000; i++)
    frame_add(&frames, WSL_OP_PING, FIN_LAST, "", 0);
  frame_add(&frames, WSL_OP_PING, FIN_LAST, "newest", 6);
  peer_send(&w.client, frames.data, frames.len);
  world_rest(&w);
  size_t reads = frames.len / WORLD_BUFFER_SIZE + 1;
  assert_in_range(w.client.writes, 1, reads);
  static const char newest[] = "\x8a\x06newest";
  size_t newest_len = sizeof newest - 1;
  assert_int_equal(w.client.got.len, 1000 * 2 + newest_len); /* each is answered all the same */
  assert_memory_equal(w.client.got.data + w.client.got.len - newest_len, newest, newest_len);
  bytes_free(&frames);
  end(&w);
}

/* Answers to one read that are more than a write of pongs holds, to a client that stops at any byte of
 * them: whole frames, in order, the newest always among them. */
static void a_flood_may_stop_at_any_byte(void **state) {
  (void)state;
  const size_t around = sizeof((struct pong_batch *)NULL)->frames; /* where the first write ends */
  const size_t stops[][2] = {{0, 12}, {around - 12, around + 12}, {2 * around - 12, 2 * around + 12}};
  struct bytes frames = {0};
  for (unsigned i = 0; i < 2000; i++) {
    char number[8];
    int len = snprintf(number, sizeof number, "%u", i);
    frame_add(&frames, WSL_OP_PING, FIN_LAST, number, (size_t)len);
  }
  for (size_t i = 0; i < COUNT_OF(stops); i++) {
    for (size_t stop = stops[i][0]; stop < stops[i][1]; stop++) {
      struct world w;
      world_init(&w);
      buffer_pool_destroy(&w.pool);
      buffer_pool_init(&w.pool, 65536, 4); /* as large as the program's: all are decoded at once */
      w.client.room = stop;
      world_open(&w);
      peer_send(&w.client, frames.data, frames.len);
      peer_finish(&w.client);
      world_rest(&w);
      peer_take(&w.client, UNLIMITED);
      world_rest(&w);
      unsigned last = 0, pongs = 0;
      for (size_t at = 0; at < w.client.got.len;) {
        const uint8_t *frame = w.client.got.data + at;
        size_t len = 2u + frame[1];
        assert_int_equal(frame[0], 0x80 | WSL_OP_PONG);
        assert_in_range(at + len, 0, w.client.got.len);
        unsigned number = 0;
        for (size_t digit = 2; digit < len; digit++)
          number = 10 * number + (unsigned)(frame[digit] - '0');
        if (pongs++ > 0) assert_in_range(number, last + 1, 1999);
        last = number;
        at += len;
      }
      assert_int_equal(last, 1999);
      end(&w);
    }
  }
  bytes_free(&frames);
}

static void pongs_that_can_not_leave_are_reduced_to_the_newest(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.client.room = 1; /* a byte of the first pong leaves: it is begun */
  world_open(&w);
  struct bytes pings = {0};
  for (char c = 'a'; c <= 'f'; c++)
    frame_add(&pings, WSL_OP_PING, FIN_LAST, &c, 1);
  peer_send(&w.client, pings.data, pings.len);
  world_rest(&w);
  unsigned reads = w.client.reads;
  peer_send(&w.client, pings.data, pings.len); /* not read while a pong waits */
  assert_at_rest(&w);
  assert_int_equal(w.client.reads, reads);
  assert_int_equal(w.pool.existing, w.pool.free_count);
  w.client.room = 0;
  peer_take(&w.client, 2);
  world_rest(&w);
  assert_int_equal(w.client.reads, reads); /* the newest waits still */
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  struct seen seen;
  see_bytes(&w.client.got, &seen);
  assert_memory_equal(seen.story, "pong(a) pong(f) pong(a) ", 24);
  seen_free(&seen);
  bytes_free(&pings);
  end(&w);
}

static void the_longest_ping_is_answered_whole(void **state) {
  (void)state;
  for (size_t chunk = 0; chunk < 130; chunk++) {
    struct world w;
    world_init(&w);
    world_chop(&w, chunk);
    world_open(&w);
    char payload[WSL_CONTROL_PAYLOAD_MAX];
    memset(payload, 'p', sizeof payload);
    client_frame(&w, WSL_OP_PING, payload, sizeof payload);
    world_rest(&w);
    assert_int_equal(w.client.got.len, 2 + sizeof payload);
    assert_memory_equal(w.client.got.data + 2, payload, sizeof payload);
    end(&w);
  }
}

static void drain_is_over(struct world *w) {
  session_domain_go_away(&w->domain);
}

static void client_closes(struct world *w) {
  client_close_with(w, 1001, "ignored");
}

static void client_breaks_the_rules(struct world *w) {
  peer_send(&w->client, "\xff", 1);
}

/* And not behind the others, which are dropped. */
static void expect_close_behind_the_frame_begun(void (*end_it)(struct world *w), const char *close) {
  for (size_t stop = 0; stop < 37; stop++) { /* three frames of 10 + 2 */
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = 10;
    w.client.room = stop;
    world_open(&w);
    uint8_t *bytes = pattern(30, 1);
    peer_send(&w.backend, bytes, 30);
    free(bytes);
    world_rest(&w);
    end_it(&w);
    world_rest(&w);
    peer_take(&w.client, UNLIMITED);
    world_rest(&w);
    char story[100] = "";
    for (size_t frame = 0; frame < (stop + 11) / 12 && frame < 3; frame++)
      strcat(story, "data(10) ");
    strcat(story, close);
    assert_client_story(&w, story);
    end(&w);
  }
}

static void a_close_stands_behind_the_frame_begun(void **state) {
  (void)state;
  expect_close_behind_the_frame_begun(drain_is_over, "close(1001 Going away)");
  expect_close_behind_the_frame_begun(client_closes, "close(1001)");
  expect_close_behind_the_frame_begun(client_breaks_the_rules, "close(1002 Reserved bit set in a frame)");
}

static void the_backends_fin_waits_for_all_its_data(void **state) {
  (void)state;
  for (size_t stop = 0; stop < 37; stop++) {
    struct world w;
    world_init(&w);
    w.settings.max_frame_size = 10;
    w.client.room = stop;
    world_open(&w);
    uint8_t *bytes = pattern(30, 1);
    peer_send(&w.backend, bytes, 30);
    peer_finish(&w.backend);
    world_rest(&w);
    client_frame(&w, WSL_OP_PING, "?", 1);
    world_rest(&w);
    peer_take(&w.client, UNLIMITED);
    world_rest(&w);
    assert_client_payload(&w, bytes, 30);
    struct seen seen;
    see_bytes(&w.client.got, &seen);
    assert_int_equal(seen.close_code, 1000);
    assert_int_equal(seen.pongs, stop < 36 ? 1 : 0); /* none behind the Close */
    seen_free(&seen);
    free(bytes);
    end(&w);
  }
}

/* One of ours that has not begun gives way to the client's, code and reason. */
static void the_clients_close_comes_before_ours_that_waits(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.heartbeat_ms = 1000;
  w.client.room = 1;
  world_open(&w);
  world_advance(&w, 1000);
  peer_finish(&w.backend); /* our Close waits behind half a ping */
  world_rest(&w);
  client_close_with(&w, 4001, "");
  world_rest(&w);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_client_story(&w, "ping() close(4001)");
  end(&w);
}

static void pings_are_answered_while_our_close_waits(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.settings.heartbeat_ms = 1000;
  w.client.room = 1;
  world_open(&w);
  world_advance(&w, 1000);
  peer_finish(&w.backend);
  world_rest(&w);
  client_frame(&w, WSL_OP_PING, "?", 1);
  world_rest(&w);
  peer_take(&w.client, UNLIMITED);
  world_rest(&w);
  assert_client_story(&w, "ping() pong(?) close(1000 Target closed)");
  end(&w);
}

static void nothing_follows_a_close(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_open(&w);
  session_domain_go_away(&w.domain);
  peer_send(&w.backend, "late", 4);
  client_frame(&w, WSL_OP_PING, "late", 4);
  world_rest(&w);
  session_domain_go_away(&w.domain);
  world_rest(&w);
  assert_client_story(&w, "close(1001 Going away)");
  end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_read_leaves_as_one_write),
      cmocka_unit_test(long_reads_become_several_frames),
      cmocka_unit_test(writes_may_stop_at_any_byte),
      cmocka_unit_test(control_frames_stand_between_frames),
      cmocka_unit_test(a_ping_of_ours_stands_between_frames),
      cmocka_unit_test(edges_for_nothing_change_nothing),
      cmocka_unit_test(pings_are_answered_in_their_order),
      cmocka_unit_test(a_flood_of_pings_costs_few_writes),
      cmocka_unit_test(a_flood_may_stop_at_any_byte),
      cmocka_unit_test(pongs_that_can_not_leave_are_reduced_to_the_newest),
      cmocka_unit_test(the_longest_ping_is_answered_whole),
      cmocka_unit_test(a_close_stands_behind_the_frame_begun),
      cmocka_unit_test(the_backends_fin_waits_for_all_its_data),
      cmocka_unit_test(the_clients_close_comes_before_ours_that_waits),
      cmocka_unit_test(pings_are_answered_while_our_close_waits),
      cmocka_unit_test(nothing_follows_a_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
