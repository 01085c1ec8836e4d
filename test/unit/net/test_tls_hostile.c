/* Peers that are no TLS, go away in the middle, or ask for more than they give; owners that close while a
 * step of the handshake runs. Nothing is left over afterwards (tls_world_close looks).
 */
#include "tls_world.h"

static const enum peer_version tls_1_2 = PEER_1_2, tls_1_3 = PEER_1_3;

#define VERSION(state) (*(const enum peer_version *)*(state))

static void close_now(struct tls_world *w) {
  struct transport *tls = w->tls;
  w->tls = NULL;
  transport_close(tls);
}

static void reset_now(struct tls_world *w) {
  struct transport *tls = w->tls;
  w->tls = NULL;
  transport_reset(tls);
}

/* ---- no TLS ---- */

struct plain_row {
  const char *name, *bytes;
  size_t len;
  int outcome;   /* 1: not decided yet */
  bool answered; /* with an alert */
};

static const struct plain_row plain_rows[] = {
    {"HTTP", "GET / HTTP/1.1\r\n", 16, WSL_TLS_PLAIN, false},
    {"one byte of HTTP", "G", 1, WSL_TLS_PLAIN, false},
    {"SSH", "SSH-2.0-x\r\n", 11, WSL_TLS_PLAIN, false},
    {"SSL 2", "\x80\x2e\x01\x03\x01", 5, WSL_TLS_PLAIN, false},
    {"data before a handshake", "\x17\x03\x03\x00\x01", 5, WSL_TLS_PLAIN, false},
    {"another version", "\x16\x02", 2, WSL_TLS_PLAIN, false},
    {"a handshake's first byte", "\x16", 1, 1, false},
    {"a header", "\x16\x03\x01\x02\x00", 5, 1, false},
    {"an empty record", "\x16\x03\x01\x00\x00", 5, WSL_TLS_FAILED, true},
    {"a record too long", "\x16\x03\x01\xff\xff", 5, WSL_TLS_FAILED, true},
    {"no ClientHello", "\x16\x03\x01\x00\x04\x0e\x00\x00\x00", 9, WSL_TLS_FAILED, true},
    {"half a ClientHello", "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11, WSL_TLS_FAILED, true},
    {"an alert", "\x15\x03\x01\x00\x02\x02\x28", 7, WSL_TLS_FAILED, false},
    {"an end", "\x15\x03\x01\x00\x02\x01\x00", 7, WSL_TLS_FAILED, false},
};

/* How a side that was told so shows it. */
static void check_refusal(struct tls_world *w, const struct plain_row *row, enum tls_side side) {
  assert_int_equal(tls_state(w->tls), TLS_FAILED);
  unsigned own = side == TLS_SIDE_CLIENT ? 1 : 0; /* its hello */
  if (w->fake->writes != own + row->answered) fail_msg("%s: %u", row->name, w->fake->writes);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_true((w->tls->ready & TRANSPORT_FAILED) != 0);
}

static void tell(const struct plain_row *row, enum tls_side side) {
  struct tls_world *w = tls_world_open(side, PEER_1_3, STEPS_INLINE);
  w->peer.result = -1; /* it says nothing */
  fake_deliver(w->fake, row->bytes, row->len);
  tls_world_settle(w);
  if (w->outcome != row->outcome) fail_msg("%s: %d: %s", row->name, (int)w->outcome, tls_failure(w->tls));
  assert_int_equal(strlen(tls_failure(w->tls)) > 0, row->outcome < 0);
  if (row->outcome < 0) check_refusal(w, row, side);
  tls_world_close(w);
}

static void test_what_is_no_tls(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof plain_rows / sizeof plain_rows[0]; i++) {
    tell(&plain_rows[i], TLS_SIDE_SERVER);
    tell(&plain_rows[i], TLS_SIDE_CLIENT);
  }
}

static void test_plain_first_bytes_handed_over(void **state) {
  (void)state;
  struct tls_world *w = tls_world_bare(TLS_SIDE_SERVER, PEER_1_3, STEPS_INLINE);
  tls_world_start(w, "GET /", 5);
  assert_int_equal(w->calls, 0); /* not from inside a birth */
  w->peer.result = -1;
  tls_world_settle(w);
  assert_int_equal(w->calls, 1);
  assert_int_equal(w->outcome, WSL_TLS_PLAIN);
  assert_int_equal(w->fake->out.len, 0);
  tls_world_close(w);
}

/* ---- certificates ---- */

static void test_the_client_does_not_trust_us(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  mbedtls_ssl_conf_authmode(&w->peer.config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&w->peer.config, tls_world_stranger(), NULL);
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  assert_string_equal(tls_failure(w->tls), "the client sent the alert unknown_ca");
  tls_world_close(w);
}

static void test_a_target_that_nobody_trusts(void **state) {
  struct tls_world *w = tls_world_open_to(VERSION(state), "elsewhere");
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_UNTRUSTED);
  assert_memory_equal(tls_failure(w->tls), "the target's certificate", 24);
  assert_true(w->peer.result < 0); /* mbedTLS sends the alert unprotected and refuses such a one itself */
  tls_world_close(w);
}

/* ---- going away ---- */

enum going { GOING_END, GOING_RESET, GOING_CLOSED, GOING_CUT, GOINGS };

/* After `cut` bytes of the client's. Returns false when the handshake was over before. */
static bool abort_at(enum peer_version version, size_t cut, enum going going) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, version, STEPS_INLINE);
  w->peer_budget = cut;
  tls_world_settle(w);
  bool early = tls_state(w->tls) == TLS_HANDSHAKING;
  if (early) {
    assert_int_equal(w->outcome, 1);
    assert_int_equal(w->calls, 0);
    if (going == GOING_END) fake_end(w->fake);
    if (going == GOING_RESET) fake_fail(w->fake, WSL_RESET);
    if (going == GOING_CLOSED) close_now(w);
    if (going == GOING_CUT) reset_now(w);
    tls_world_settle(w);
    if (going == GOING_END) {
      assert_int_equal(w->outcome, WSL_TLS_FAILED);
      assert_string_equal(tls_failure(w->tls), "the client went away during the handshake");
    }
    if (going == GOING_RESET) assert_int_equal(w->outcome, WSL_RESET);
  }
  tls_world_close(w);
  return early;
}

static void test_aborted_at_every_byte(void **state) {
  for (enum going going = 0; going < GOINGS; going++) {
    size_t cut = 0;
    while (abort_at(VERSION(state), cut, going))
      cut += going == GOING_END ? 1 : 7;
    assert_true(cut > 100);
  }
}

/* The same from a target. */
static void test_a_target_goes_away_at_every_byte(void **state) {
  for (size_t cut = 0;; cut += 5) {
    struct tls_world *w = tls_world_open(TLS_SIDE_CLIENT, VERSION(state), STEPS_INLINE);
    w->peer_budget = cut;
    tls_world_settle(w);
    bool early = tls_state(w->tls) == TLS_HANDSHAKING;
    if (early) {
      fake_end(w->fake);
      tls_world_settle(w);
      assert_int_equal(w->outcome, WSL_TLS_FAILED);
      assert_string_equal(tls_failure(w->tls), "the target went away during the handshake");
    }
    tls_world_close(w);
    if (!early) break;
  }
}

/* Every byte of the client's flights turned over: an error or a handshake, never anything else. */
static void test_corrupted_at_every_byte(void **state) {
  for (size_t at = 0; at < 1200; at += 3) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
    w->corrupt_at = at;
    tls_world_settle(w);
    bool all = w->delivered <= at;
    if (tls_state(w->tls) == TLS_FAILED) {
      assert_true(strlen(tls_failure(w->tls)) > 0);
      assert_true(w->outcome < 0);
    }
    tls_world_close(w);
    if (all) break;
  }
}

/* ---- while a step runs ---- */

static void run_to_step(struct tls_world *w) {
  while (w->held == NULL)
    assert_true(tls_world_turn(w));
}

static void test_closing_while_a_step_runs(void **state) {
  void (*const ways[])(struct tls_world *) = {close_now, reset_now};
  for (int i = 0; i < 2; i++) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_HELD);
    run_to_step(w);
    ways[i](w);
    assert_true(w->fake->closed); /* at once */
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->domain.open, 1); /* but the memory stays */
    tls_world_release_step(w);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->domain.open, 0);
    assert_int_equal(w->calls, 0);
    tls_world_close(w);
  }
}

static void test_closing_while_a_step_waits(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_HELD);
  while (list_empty(&w->jobs)) {
    peer_run(&w->peer);
    fake_deliver(w->fake, w->peer.out.data, w->peer.out.len);
    w->peer.out.at = w->peer.out.len;
  }
  close_now(w);
  assert_true(list_empty(&w->jobs));
  uv_run(&w->loop, UV_RUN_NOWAIT);
  assert_int_equal(w->domain.open, 0);
  tls_world_close(w);
}

/* Events that come while a step runs are not lost. */
static void test_events_while_a_step_runs(void **state) {
  for (enum going going = GOING_END; going <= GOING_RESET; going++) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_HELD);
    run_to_step(w);
    if (going == GOING_END)
      fake_end(w->fake);
    else
      fake_fail(w->fake, WSL_RESET);
    transport_again(w->tls);
    tls_world_turn(w);
    assert_int_equal(w->outcome, 1);
    assert_int_equal(transport_pending(w->tls), 0);
    tls_world_release_step(w);
    tls_world_settle(w);
    assert_int_equal(w->outcome, going == GOING_END ? WSL_TLS_FAILED : WSL_RESET);
    tls_world_close(w);
  }
}

static void test_finishing_while_a_step_runs(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_HELD);
  run_to_step(w);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_true(w->fake->finished);
  tls_world_release_step(w); /* what it wrote has nowhere to go */
  tls_world_settle(w);
  fake_end(w->fake);
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  tls_world_close(w);
}

/* There is nothing in a handshake for which an end should wait. */
static void test_finishing_while_a_flight_waits(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  w->fake->room = 10;
  tls_world_settle(w);
  assert_true(transport_pending(w->tls) > 0);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_true(w->fake->finished);
  assert_int_equal(transport_pending(w->tls), 0);
  fake_take(w->fake, ANY);
  fake_end(w->fake);
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  tls_world_close(w);
}

/* The owner hears of a failed handshake at once, although the alert has to wait for room. */
static void test_a_failure_is_told_before_its_alert_has_left(void **state) {
  (void)state;
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_3, STEPS_INLINE);
  w->peer.result = -1; /* it says nothing */
  w->fake->room = 3;
  fake_deliver(w->fake, "\x16\x03\x01\x00\x00", 5);
  tls_world_settle(w);
  assert_true(transport_pending(w->tls) > 0);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  assert_int_equal(transport_finish(w->tls), WSL_AGAIN);
  unsigned calls = w->calls;
  fake_take(w->fake, ANY);
  assert_int_equal(w->calls, calls + 1);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  tls_world_close(w);
}

/* ---- open, and hostile ---- */

static void say_hello_again(struct peer *peer) {
  const uint8_t empty_hello[] = {MBEDTLS_SSL_HS_CLIENT_HELLO, 0, 0, 0};
  peer_say(peer, empty_hello, sizeof empty_hello);
}

/* RFC 5246 7.2.2: no_renegotiation is a warning, and the connection goes on. */
static void test_renegotiation_is_refused(void **state) {
  (void)state;
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_2, STEPS_INLINE);
  tls_world_handshake(w);
  unsigned writes = w->fake->writes, steps = w->steps_run;
  say_hello_again(&w->peer);
  peer_write(&w->peer, "data", 4);
  tls_world_settle(w);
  assert_int_equal(w->fake->writes, writes + 1);
  assert_int_equal(w->steps_run, steps);
  assert_int_equal(tls_state(w->tls), TLS_OPEN);
  assert_memory_equal(w->plain.data, "data", 4);
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"on", 2), 2);
  tls_world_settle(w);
  assert_memory_equal(w->peer.plain.data, "on", 2);
  tls_world_close(w);
}

/* A peer that asks for answer upon answer and reads none; in TLS 1.2 each empty ClientHello is one. */
static void test_answers_are_bounded(void **state) {
  (void)state;
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_2, STEPS_INLINE);
  tls_world_handshake(w);
  w->fake->room = 0;
  w->peer.stopped = true;
  size_t rounds = 0;
  for (; w->outcome == 1; rounds++) {
    say_hello_again(&w->peer);
    tls_world_settle(w);
    assert_true(transport_pending(w->tls) < 200 * 1024);
    assert_true(rounds < 100000);
  }
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  assert_string_equal(tls_failure(w->tls), "the client does not take the answers that it asks for");
  tls_world_close(w);

  w = tls_world_open(TLS_SIDE_SERVER, PEER_1_2, STEPS_INLINE);
  tls_world_handshake(w);
  for (int i = 0; i < 200; i++)
    say_hello_again(&w->peer);
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  assert_string_equal(tls_failure(w->tls), "the client asks for answers without end");
  tls_world_close(w);
}

/* KeyUpdates alone, one upon the other. */
static void test_key_updates_are_bounded(void **state) {
  (void)state;
  if (!tls_key_update_supported()) skip();
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_3, STEPS_INLINE);
  tls_key_update_watch(&w->peer.keys, &w->peer.ssl);
  tls_world_handshake(w);
  for (int i = 0; i < 100; i++)
    assert_int_equal(tls_key_update_sent(&w->peer.keys, &w->peer.ssl, TLS_RECORDS_A_KEY), 0);
  tls_world_settle(w);
  assert_int_equal(w->outcome, WSL_TLS_FAILED);
  assert_string_equal(tls_failure(w->tls), "the client asks for answers without end");
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  tls_world_close(w);
}

/* With data between them they are as many as the peer likes, also where one read brings hundreds. */
static void test_key_updates_among_data(void **state) {
  (void)state;
  if (!tls_key_update_supported()) skip();
  for (size_t read_size = 1; read_size <= 4096; read_size *= 16) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_3, STEPS_INLINE);
    tls_key_update_watch(&w->peer.keys, &w->peer.ssl);
    tls_world_handshake(w);
    w->read_size = read_size;
    uint8_t data[3 * 300];
    fill_pattern(data, sizeof data, 0);
    for (size_t at = 0; at < sizeof data; at += 3) {
      peer_write(&w->peer, data + at, 3);
      assert_int_equal(tls_key_update_sent(&w->peer.keys, &w->peer.ssl, TLS_RECORDS_A_KEY), 0);
    }
    tls_world_settle(w);
    assert_int_equal(w->outcome, 1);
    assert_pattern(&w->plain, sizeof data);
    tls_world_close(w);
  }
}

/* Records without data must not keep the loop for themselves. */
static void test_warnings_without_end_share_the_loop(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  tls_world_handshake(w);
  w->stopped = true;
  for (int i = 0; i < 20000; i++)
    assert_int_equal(mbedtls_ssl_send_alert_message(&w->peer.ssl, 1, 90), 0);
  peer_write(&w->peer, "data", 4);
  tls_world_settle(w);
  uint8_t buf[100];
  unsigned turns = 0;
  for (;;) {
    unsigned reads = w->fake->reads;
    int64_t got = transport_read(w->tls, buf, sizeof buf);
    assert_in_range(w->fake->reads - reads, 1, 4);
    if (got > 0) break;
    assert_int_equal(got, WSL_AGAIN);
    unsigned calls = w->calls;
    tls_world_settle(w);
    assert_int_equal(w->calls, calls + 1);
    assert_true(transport_readable(w->tls));
    turns++;
  }
  assert_memory_equal(buf, "data", 4);
  assert_true(turns > 2);
  tls_world_close(w);
}

#define BOTH(test)                                                   \
  {#test " (1.2)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_2}, { \
    #test " (1.3)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_3    \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_no_tls),
      cmocka_unit_test(test_plain_first_bytes_handed_over),
      BOTH(test_the_client_does_not_trust_us),
      BOTH(test_a_target_that_nobody_trusts),
      BOTH(test_aborted_at_every_byte),
      BOTH(test_a_target_goes_away_at_every_byte),
      BOTH(test_corrupted_at_every_byte),
      BOTH(test_closing_while_a_step_runs),
      BOTH(test_closing_while_a_step_waits),
      BOTH(test_events_while_a_step_runs),
      BOTH(test_finishing_while_a_step_runs),
      BOTH(test_finishing_while_a_flight_waits),
      cmocka_unit_test(test_a_failure_is_told_before_its_alert_has_left),
      cmocka_unit_test(test_renegotiation_is_refused),
      cmocka_unit_test(test_answers_are_bounded),
      cmocka_unit_test(test_key_updates_are_bounded),
      cmocka_unit_test(test_key_updates_among_data),
      BOTH(test_warnings_without_end_share_the_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
