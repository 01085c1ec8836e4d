/* Handshakes in the real pool, many at a time, while their owners read, write and close: nothing that a
 * step works on is touched meanwhile (ThreadSanitizer looks), and all memory comes back.
 */
#include "tls_world.h"

#define WORLDS 12u

static const enum peer_version versions[] = {PEER_1_2, PEER_1_3};

static void test_handshakes_in_the_pool(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    for (int side = TLS_SIDE_SERVER; side <= TLS_SIDE_CLIENT; side++) {
      struct tls_world *w = tls_world_open((enum tls_side)side, versions[i], STEPS_POOL);
      w->split = 50;
      tls_world_handshake(w);
      peer_write(&w->peer, "hello", 5);
      assert_int_equal(transport_write(w->tls, (const uint8_t *)"world", 5), 5);
      tls_world_settle(w);
      assert_memory_equal(w->plain.data, "hello", 5);
      assert_memory_equal(w->peer.plain.data, "world", 5);
      tls_world_close(w);
    }
  }
}

/* Each at another moment, and in turn by close, reset and the peer's end. */
static void test_closing_at_any_moment(void **state) {
  (void)state;
  for (unsigned turns = 1; turns < 3 * WORLDS; turns++) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, versions[turns % 2], STEPS_POOL);
    for (unsigned i = 0; i < turns && tls_world_turn_at_once(w); i++) {
      size_t unacked;
      char words[TLS_DESCRIPTION_MAX];
      assert_int_equal(transport_unacked(w->tls, &unacked), WSL_OK);
      (void)transport_pending(w->tls);
      (void)tls_describe(w->tls, words);
    }
    struct transport *tls = w->tls;
    if (turns % 3 == 2) {
      fake_end(w->fake);
      tls_world_settle(w);
    } else {
      w->tls = NULL;
      if (turns % 3 == 0)
        transport_close(tls);
      else
        transport_reset(tls);
      assert_true(w->fake->closed);
    }
    tls_world_close(w);
  }
}

/* One context, as all workers share one; more transports than the pool runs. */
static void test_many_at_once(void **state) {
  (void)state;
  struct tls_world *worlds[WORLDS];
  struct tls_world *first = tls_world_bare(TLS_SIDE_SERVER, PEER_1_3, STEPS_POOL);
  for (size_t i = 0; i < WORLDS; i++) {
    struct tls_world *w = tls_world_bare(TLS_SIDE_SERVER, versions[i % 2], STEPS_POOL);
    tls_context_drop(w->context);
    w->context = tls_context_hold(first->context);
    tls_world_start(w, NULL, 0);
    worlds[i] = w;
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < WORLDS; i++)
      moved |= tls_world_turn_at_once(worlds[i]);
  }
  for (size_t i = 0; i < WORLDS; i++) {
    assert_int_equal(tls_state(worlds[i]->tls), TLS_OPEN);
    tls_world_close(worlds[i]);
  }
  tls_world_close(first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_handshakes_in_the_pool),
      cmocka_unit_test(test_closing_at_any_moment),
      cmocka_unit_test(test_many_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
