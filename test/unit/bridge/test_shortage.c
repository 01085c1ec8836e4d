/* Memory for streams is short: small messages get by with spare buffers, and who holds a buffer of which its
 * peer takes nothing is ended while somebody waits, and only then. */
#include "bridge/world.h"

#define SPARE_BYTES 64u

/* A world whose only two buffers, one for each way, are held by w->client and w->backend that take nothing,
 * and beside it a session between peers that take all. */
struct scene {
  struct world w;
  struct fake_peer client, backend;
};

enum stalls { CLIENT_STALLS, BACKEND_STALLS };

static void say(struct fake_peer *client, const char *text) {
  struct bytes frame = {NULL, 0, 0};
  frame_add(&frame, WSL_OP_BINARY, FIN_LAST, text, strlen(text));
  peer_send(client, frame.data, frame.len);
  bytes_free(&frame);
}

static void begin(struct scene *scene, enum stalls who, size_t spares) {
  struct world *w = &scene->w;
  world_init(w);
  w->pool.ceiling = 2;
  if (spares > 0) buffer_pool_lend_spares(&w->pool, spares, SPARE_BYTES);
  struct fake_peer *deaf = who == CLIENT_STALLS ? &w->client : &w->backend;
  deaf->room = 0;
  world_open(w);
  peer_init(&scene->client);
  peer_init(&scene->backend);
  world_open_between(w, &scene->client, &scene->backend);
  if (who == CLIENT_STALLS) {
    peer_send(&w->backend, "data", 4);
  } else {
    say(&w->client, "data");
  }
  world_rest(w);
}

static void speak(struct scene *scene) {
  say(&scene->client, "up");
  peer_send(&scene->backend, "down", 4);
  world_rest(&scene->w);
}

static void end(struct scene *scene) {
  session_domain_cut(&scene->w.domain);
  world_end(&scene->w);
}

static void a_spare_buffer_does_for_small_messages(void **state) {
  (void)state;
  for (int who = CLIENT_STALLS; who <= BACKEND_STALLS; who++) {
    struct scene scene;
    begin(&scene, (enum stalls)who, 1);
    speak(&scene);
    assert_int_equal(scene.backend.got.len, 2);
    assert_int_equal(scene.client.got.len, 6);
    world_advance(&scene.w, 60000);
    assert_int_equal(buffer_pool_waiting(&scene.w.pool, UINT64_MAX), 0);
    assert_int_equal(scene.w.ended, 0); /* nobody waits: whoever stalls may */
    end(&scene);
  }
}

/* With more on its way than a socket is sure to take it waits, and looks again. */
static void a_spare_buffer_is_for_who_gives_it_back(void **state) {
  (void)state;
  struct scene scene;
  begin(&scene, CLIENT_STALLS, 1);
  scene.client.acks_by_hand = true;
  scene.client.unacked = SPARE_BYTES + 1;
  speak(&scene);
  assert_int_equal(scene.client.got.len, 0);
  scene.client.unacked = 0;
  world_advance(&scene.w, 600);
  assert_int_equal(scene.client.got.len, 6);
  end(&scene);
}

/* Bulk that comes through in little pieces has waited all the time. */
static void who_streams_by_spare_buffers_waits(void **state) {
  (void)state;
  static const uint8_t bulk[20000];
  struct scene scene;
  begin(&scene, CLIENT_STALLS, 1);
  scene.backend.read_max = 1;
  scene.client.acks_by_hand = true;
  peer_send(&scene.backend, bulk, sizeof bulk);
  for (int i = 0; i < 50; i++) {
    world_advance(&scene.w, 60);
    scene.client.unacked = 0;
  }
  assert_in_range(scene.backend.sent_read, 500, sizeof bulk - 1);
  assert_true(session_domain_is_short(&scene.w.domain));
  end(&scene);
}

static void who_stalls_while_others_wait_is_ended(void **state) {
  (void)state;
  struct scene scene;
  begin(&scene, CLIENT_STALLS, 0);
  world_advance(&scene.w, 60000); /* for long, but nobody has waited */
  speak(&scene);
  assert_int_equal(scene.backend.got.len, 2); /* the way up is not held */
  assert_int_equal(scene.client.got.len, 0);
  assert_false(session_domain_is_short(&scene.w.domain));
  world_advance(&scene.w, 1500);
  assert_true(session_domain_is_short(&scene.w.domain));
  world_advance(&scene.w, 8000);
  assert_int_equal(scene.w.ended, 0);
  world_advance(&scene.w, 3000 + scene.w.settings.close_timeout_ms);
  assert_int_equal(scene.w.ended, 1);
  assert_seen_end(&scene.w.client, SEEN_RESET);
  assert_seen_end(&scene.w.backend, SEEN_RESET);
  assert_int_equal(scene.client.got.len, 6);
  world_advance(&scene.w, 10000);
  assert_false(session_domain_is_short(&scene.w.domain));
  end(&scene);
}

static void a_target_that_stalls_is_named(void **state) {
  (void)state;
  struct scene scene;
  begin(&scene, BACKEND_STALLS, 0);
  speak(&scene);
  assert_int_equal(scene.client.got.len, 6); /* the way down is not held */
  world_advance(&scene.w, 12500);
  assert_client_story(&scene.w, "close(1013 Target does not read while memory is short)");
  world_advance(&scene.w, scene.w.settings.close_timeout_ms + 2500);
  assert_int_equal(scene.backend.got.len, 2);
  end(&scene);
}

/* A byte now and then, or an acknowledgement, is progress. */
static void who_is_slow_stays(void **state) {
  (void)state;
  struct scene scene;
  begin(&scene, CLIENT_STALLS, 0);
  speak(&scene);
  for (int i = 0; i < 4; i++) {
    world_advance(&scene.w, 9000);
    peer_take(&scene.w.client, 1);
    world_rest(&scene.w);
  }
  scene.w.client.acks_by_hand = true;
  scene.w.client.unacked = 100;
  for (int i = 0; i < 4; i++) {
    world_advance(&scene.w, 9000);
    scene.w.client.unacked -= 10;
  }
  assert_int_equal(scene.w.ended, 0);
  assert_int_equal(scene.w.domain.count, 2);
  world_advance(&scene.w, 14000 + scene.w.settings.close_timeout_ms);
  assert_int_equal(scene.w.ended, 1);
  end(&scene);
}

static unsigned stalled;

static void on_stalled(struct session_domain *domain, void *owner) {
  (void)domain;
  (void)owner;
  stalled++;
}

/* Two stall, and one waits: the one that has stalled longer makes room. */
static void the_longest_is_ended_first(void **state) {
  (void)state;
  struct scene scene;
  struct world *w = &scene.w;
  begin(&scene, CLIENT_STALLS, 0);
  w->pool.ceiling = 3; /* of which two are lent for the way down */
  struct fake_peer client, backend;
  peer_init(&client);
  peer_init(&backend);
  client.room = 0;
  world_open_between(w, &client, &backend);
  peer_send(&backend, "data", 4);
  world_rest(w);
  w->domain.on_stalled = on_stalled;
  stalled = 0;
  speak(&scene);
  world_advance(w, 5000);
  peer_take(&w->client, 1); /* has come to hold one first, but moves */
  world_advance(w, 7000);
  assert_int_equal(stalled, 1);
  world_advance(w, w->settings.close_timeout_ms + 1000);
  assert_int_equal(scene.client.got.len, 6);
  assert_seen_end(&client, SEEN_RESET);
  assert_seen_end(&w->client, SEEN_NONE);
  assert_int_equal(stalled, 1);
  end(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_spare_buffer_does_for_small_messages),
      cmocka_unit_test(a_spare_buffer_is_for_who_gives_it_back),
      cmocka_unit_test(who_streams_by_spare_buffers_waits),
      cmocka_unit_test(who_stalls_while_others_wait_is_ended),
      cmocka_unit_test(a_target_that_stalls_is_named),
      cmocka_unit_test(who_is_slow_stays),
      cmocka_unit_test(the_longest_is_ended_first),
  };
  return cmocka_run_group_tests_name("bridge/shortage", tests, NULL, NULL);
}
