/* How TLS streams end: an orderly end is told from a cut one at every byte, close_notify leaves before the
 * FIN whatever the kernel takes, and a failure's alert gets its way out.
 */
#include "tls_world.h"

#include "net/linger.h"

static const enum peer_version tls_1_2 = PEER_1_2, tls_1_3 = PEER_1_3;

#define VERSION(state) (*(const enum peer_version *)*(state))

static struct tls_world *open_server(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  tls_world_handshake(w);
  return w;
}

static void peer_writes(struct tls_world *w, size_t len, size_t offset) {
  uint8_t data[4000];
  assert_true(len <= sizeof data);
  fill_pattern(data, len, offset);
  peer_write(&w->peer, data, len);
}

static void assert_repeats(struct tls_world *w, int64_t outcome) {
  assert_int_equal(w->outcome, outcome);
  for (int i = 0; i < 3; i++) {
    uint8_t byte;
    assert_false(transport_readable(w->tls));
    assert_int_equal(transport_read(w->tls, &byte, 1), outcome);
  }
}

static bool is_prefix(const struct bytes *bytes) {
  for (size_t i = 0; i < bytes->len; i++) {
    if (bytes->data[i] != (uint8_t)(i * 31 % 251)) return false;
  }
  return true;
}

/* ---- the peer's end ---- */

/* Two records and close_notify, of which `cut` bytes arrive before the inner stream ends in `error` (0: a
 * FIN). Returns the bytes there are in all. */
static size_t cut_stream(void **state, size_t cut, int error, size_t read_size) {
  struct tls_world *w = open_server(state);
  w->read_size = read_size;
  peer_writes(w, 30, 0);
  peer_writes(w, 50, 30);
  size_t data = bytes_left(&w->peer.out);
  peer_say_close(&w->peer);
  size_t all = bytes_left(&w->peer.out);
  if (cut > all) cut = all;
  fake_deliver(w->fake, w->peer.out.data + w->peer.out.at, cut);
  w->peer.out.at = w->peer.out.len;
  if (error == 0)
    fake_end(w->fake);
  else
    fake_fail(w->fake, error);
  tls_world_settle(w);
  int64_t expected = cut == all ? 0 : error == 0 ? WSL_TRUNCATED : error;
  assert_repeats(w, expected);
  assert_true(is_prefix(&w->plain));
  if (cut >= data) assert_int_equal(w->plain.len, 80);
  assert_int_equal(tls_state(w->tls), TLS_OPEN);
  assert_string_equal(tls_failure(w->tls), "");
  tls_world_close(w);
  return all;
}

static void test_an_end_is_told_from_a_cut_at_every_byte(void **state) {
  size_t all = cut_stream(state, 0, 0, 65536);
  for (size_t cut = 1; cut <= all; cut++)
    assert_int_equal(cut_stream(state, cut, 0, 65536), all);
  for (size_t read_size = 1; read_size < 90; read_size += 11) {
    cut_stream(state, all, 0, read_size);
    cut_stream(state, all - 1, 0, read_size);
  }
}

static void test_a_reset_at_every_byte(void **state) {
  size_t all = cut_stream(state, 0, WSL_RESET, 65536);
  for (size_t cut = 1; cut <= all; cut += 3)
    cut_stream(state, cut, WSL_RESET, 65536);
  cut_stream(state, all, WSL_RESET, 7);
  cut_stream(state, 60, WSL_TIMED_OUT, 65536);
}

/* FAILED and ENDING of the inner transport show, with READABLE, while bytes are unread. */
static void test_bits_of_the_inner_transport_show(void **state) {
  struct tls_world *w = open_server(state);
  w->stopped = true;
  peer_writes(w, 10, 0);
  tls_world_settle(w);
  unsigned calls = w->calls;
  fake_end(w->fake);
  assert_int_equal(w->calls, calls + 1);
  assert_true((w->tls->ready & TRANSPORT_ENDING) != 0);
  fake_fail(w->fake, WSL_RESET);
  assert_int_equal(w->calls, calls + 2);
  assert_true((w->tls->ready & TRANSPORT_FAILED) != 0 && transport_readable(w->tls));
  w->stopped = false;
  transport_again(w->tls);
  tls_world_settle(w);
  assert_pattern(&w->plain, 10);
  assert_repeats(w, WSL_RESET);
  tls_world_close(w);
}

static void test_after_close_notify_nothing_is_read(void **state) {
  struct tls_world *w = open_server(state);
  peer_writes(w, 10, 0);
  peer_say_close(&w->peer);
  peer_writes(w, 500, 10);
  tls_world_settle(w);
  assert_pattern(&w->plain, 10);
  assert_repeats(w, 0);
  peer_writes(w, 500, 10);
  tls_world_settle(w);
  fake_end(w->fake);
  assert_pattern(&w->plain, 10);
  assert_repeats(w, 0);
  /* and we may still write */
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"rest", 4), 4);
  tls_world_close(w);
}

static void test_writing_goes_on_behind_a_truncation(void **state) {
  struct tls_world *w = open_server(state);
  fake_end(w->fake);
  assert_repeats(w, WSL_TRUNCATED);
  uint8_t data[100];
  fill_pattern(data, sizeof data, 0);
  assert_int_equal(transport_write(w->tls, data, sizeof data), sizeof data);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  tls_world_settle(w);
  assert_pattern(&w->peer.plain, 100);
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  tls_world_close(w);
}

/* ---- alerts ---- */

struct alert_row {
  const char *name;
  uint8_t level, description;
  int64_t outcome; /* 1: nothing happens */
  const char *words;
};

static const struct alert_row alert_rows[] = {
    {"close_notify as a fatal alert", 2, 0, 0, ""},
    {"user_canceled", 1, 90, 1, ""},
    {"user_canceled as a fatal alert", 2, 90, 1, ""},
    {"certificate_unknown", 2, 46, WSL_TLS_FAILED, "the client sent the alert certificate_unknown"},
    {"internal_error", 2, 80, WSL_TLS_FAILED, "the client sent the alert internal_error"},
    {"unknown", 2, 199, WSL_TLS_FAILED, "the client sent the alert unknown alert"},
};

static void test_alerts_received(void **state) {
  for (size_t i = 0; i < sizeof alert_rows / sizeof alert_rows[0]; i++) {
    const struct alert_row *row = &alert_rows[i];
    struct tls_world *w = open_server(state);
    peer_writes(w, 10, 0);
    assert_int_equal(mbedtls_ssl_send_alert_message(&w->peer.ssl, row->level, row->description), 0);
    if (row->outcome == 1) peer_writes(w, 10, 10);
    unsigned writes = w->fake->writes;
    tls_world_settle(w);
    if (w->outcome != row->outcome) fail_msg("%s: %d", row->name, (int)w->outcome);
    assert_pattern(&w->plain, row->outcome == 1 ? 20 : 10);
    assert_string_equal(tls_failure(w->tls), row->words);
    if (row->outcome < 0) {
      assert_int_equal(tls_state(w->tls), TLS_FAILED);
      assert_int_equal(w->fake->writes, writes); /* an alert is not answered */
      assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_TLS_FAILED);
    }
    tls_world_close(w);
  }
}

/* A byte of a record is wrong. What came before is read first. */
static void test_a_bad_record_is_answered_with_an_alert(void **state) {
  for (size_t bad = 0; bad < 40; bad++) {
    struct tls_world *w = open_server(state);
    peer_writes(w, 10, 0);
    size_t at = w->peer.out.len;
    peer_writes(w, 20, 10);
    w->peer.out.data[at + bad] ^= 0x40;
    if (bad == 3) fake_deliver(w->fake, w->peer.out.data, 0);
    tls_world_settle(w);
    if (tls_state(w->tls) == TLS_OPEN) { /* a length that calls for more */
      uint8_t more[20000] = {0};
      fake_deliver(w->fake, more, sizeof more);
    }
    assert_pattern(&w->plain, 10);
    assert_repeats(w, WSL_TLS_FAILED);
    assert_true((w->tls->ready & TRANSPORT_FAILED) != 0);
    assert_true(strlen(tls_failure(w->tls)) > 0);
    tls_world_settle(w);
    assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
    tls_world_close(w);
  }
}

/* The owner is told even if it is not reading at that moment, and gets the bytes before the error. */
static void test_the_alert_waits_for_the_kernel(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->room = 0;
  assert_true(transport_write(w->tls, (const uint8_t *)"stalled", 7) == 7);
  size_t pending = transport_pending(w->tls);
  assert_true(pending > 0);
  uint8_t junk[] = {23, 3, 3, 0, 30};
  fake_deliver(w->fake, junk, sizeof junk);
  uint8_t more[30] = {0};
  fake_deliver(w->fake, more, sizeof more);
  assert_repeats(w, WSL_TLS_FAILED);
  assert_true(transport_pending(w->tls) > pending);
  assert_int_equal(transport_finish(w->tls), WSL_AGAIN);
  assert_false(transport_writable(w->tls));
  assert_false(w->fake->finished);
  unsigned calls = w->calls;
  while (transport_pending(w->tls) > 0)
    fake_take(w->fake, 5);
  assert_true(w->calls > calls);
  assert_true(transport_writable(w->tls));
  fake_take(w->fake, ANY);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_true(w->fake->finished);
  tls_world_settle(w);
  assert_memory_equal(w->peer.plain.data, "stalled", 7);
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  tls_world_close(w);
}

static void on_lingered(struct lingering *linger) {
  (void)linger;
}

/* What the peer still sends is dropped, so that closing is no reset; its end ends the lingering. */
static void test_lingering_behind_a_failure(void **state) {
  struct tls_world *w = open_server(state);
  uint8_t junk[20000] = {0};
  fake_deliver(w->fake, junk, sizeof junk);
  assert_repeats(w, WSL_TLS_FAILED);
  fake_deliver(w->fake, junk, sizeof junk);
  struct timers timers;
  timers_init(&timers, 0);
  struct lingering linger;
  struct transport *tls = w->tls;
  w->tls = NULL;
  linger_start(&linger, tls, &timers, on_lingered);
  assert_true(w->fake->finished);
  for (int i = 0; i < 100; i++)
    fake_deliver(w->fake, junk, sizeof junk);
  tls_world_settle(w);
  assert_int_equal(bytes_left(&w->fake->in), 0);
  assert_false(w->fake->closed);
  fake_end(w->fake);
  assert_true(w->fake->closed);
  assert_false(w->fake->reset);
  tls_world_close(w);
}

/* ---- our end ---- */

static void test_finish_says_close_notify_first(void **state) {
  struct tls_world *w = open_server(state);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_true(w->fake->finished);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  /* reading goes on */
  peer_writes(w, 30, 0);
  tls_world_settle(w);
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  assert_pattern(&w->plain, 30);
  peer_say_close(&w->peer);
  tls_world_settle(w);
  assert_repeats(w, 0);
  tls_world_close(w);
}

static void test_nothing_is_written_behind_close_notify(void **state) {
  struct tls_world *w = open_server(state);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_BROKEN);
  tls_world_close(w);

  w = open_server(state); /* while it waits, neither; nor an answer to what the peer asks */
  w->fake->room = 5;
  assert_int_equal(transport_finish(w->tls), WSL_AGAIN);
  size_t pending = transport_pending(w->tls);
  assert_true(pending > 0);
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_BROKEN);
  const uint8_t empty_hello[] = {MBEDTLS_SSL_HS_CLIENT_HELLO, 0, 0, 0};
  peer_say(&w->peer, empty_hello, sizeof empty_hello);
  tls_world_settle(w);
  assert_int_equal(transport_pending(w->tls), pending);
  tls_world_close(w);
}

/* For every room that the kernel has at first. */
static void test_finish_waits_for_what_is_pending(void **state) {
  for (size_t room = 1; room < 160; room++) {
    struct tls_world *w = open_server(state);
    w->fake->room = room;
    uint8_t data[60];
    fill_pattern(data, sizeof data, 0);
    assert_int_equal(transport_write(w->tls, data, sizeof data), sizeof data);
    int result;
    while ((result = transport_finish(w->tls)) == WSL_AGAIN) {
      assert_false(transport_writable(w->tls) || w->fake->finished);
      unsigned calls = w->calls;
      while (w->calls == calls)
        fake_take(w->fake, 1);
      assert_true(transport_writable(w->tls));
    }
    assert_int_equal(result, WSL_OK);
    assert_true(w->fake->finished);
    tls_world_settle(w);
    assert_pattern(&w->peer.plain, 60);
    assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    tls_world_close(w);
  }
}

static void test_finish_waits_for_a_kernel_that_is_full(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  w->fake->room = 0;
  assert_int_equal(transport_finish(w->tls), WSL_AGAIN);
  assert_false(transport_writable(w->tls));
  unsigned calls = w->calls;
  fake_take(w->fake, ANY);
  assert_int_equal(w->calls, calls + 1);
  assert_int_equal(transport_finish(w->tls), WSL_OK);
  tls_world_settle(w);
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  tls_world_close(w);
}

static void close_now(struct tls_world *w) {
  struct transport *tls = w->tls;
  w->tls = NULL;
  transport_close(tls);
}

static void test_close_tries_close_notify(void **state) {
  struct tls_world *w = open_server(state);
  close_now(w);
  assert_true(w->fake->closed && !w->fake->reset);
  tls_world_settle(w);
  assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  tls_world_close(w);

  w = open_server(state); /* it does not fit: then not */
  w->fake->room = 0;
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), 1);
  close_now(w);
  assert_true(w->fake->closed && !w->fake->reset);
  tls_world_close(w);
}

static void test_reset_says_nothing(void **state) {
  struct tls_world *w = open_server(state);
  unsigned writes = w->fake->writes;
  struct transport *tls = w->tls;
  w->tls = NULL;
  transport_reset(tls);
  assert_true(w->fake->reset);
  assert_int_equal(w->fake->writes, writes);
  assert_int_equal(w->domain.open, 1); /* an event of the batch may still name it */
  tls_world_close(w);
}

/* ---- the inner transport's errors ---- */

static void test_a_write_error_is_final(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->write_error = WSL_RESET;
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_RESET);
  w->fake->write_error = 0;
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_RESET);
  assert_false(transport_writable(w->tls));
  assert_int_equal(transport_finish(w->tls), WSL_RESET);
  tls_world_close(w);
}

/* Whoever waits to write is told, also where the inner transport does not fail for its reader. */
static void test_a_write_error_while_pending_is_told(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->room = 3;
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), 1);
  assert_true(transport_pending(w->tls) > 0);
  unsigned calls = w->calls;
  w->fake->write_error = WSL_BROKEN;
  fake_take(w->fake, ANY);
  assert_int_equal(w->calls, calls + 1);
  assert_int_equal(transport_pending(w->tls), 0);
  assert_int_equal(transport_finish(w->tls), WSL_BROKEN);
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), WSL_BROKEN);
  /* what the peer had sent is still read */
  peer_writes(w, 40, 0);
  tls_world_settle(w);
  assert_pattern(&w->plain, 40);
  tls_world_close(w);
}

static void test_a_reset_while_pending_is_told(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->room = 3;
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"x", 1), 1);
  w->fake->write_error = WSL_RESET;
  fake_fail(w->fake, WSL_RESET);
  assert_repeats(w, WSL_RESET);
  assert_int_equal(transport_pending(w->tls), 0);
  assert_int_equal(transport_finish(w->tls), WSL_RESET);
  tls_world_close(w);
}

/* As a stream whose reset was met by somebody's write: WRITABLE is gone, and no event will bring it. */
static void test_finish_on_a_dead_transport_says_so(void **state) {
  struct tls_world *w = open_server(state);
  w->stopped = true;
  w->fake->write_error = WSL_RESET;
  fake_fail(w->fake, WSL_RESET);
  w->fake->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  assert_int_equal(transport_finish(w->tls), WSL_RESET);
  tls_world_close(w);
}

#define BOTH(test)                                                   \
  {#test " (1.2)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_2}, { \
    #test " (1.3)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_3    \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_an_end_is_told_from_a_cut_at_every_byte),
      BOTH(test_a_reset_at_every_byte),
      BOTH(test_bits_of_the_inner_transport_show),
      BOTH(test_after_close_notify_nothing_is_read),
      BOTH(test_writing_goes_on_behind_a_truncation),
      BOTH(test_alerts_received),
      BOTH(test_a_bad_record_is_answered_with_an_alert),
      BOTH(test_the_alert_waits_for_the_kernel),
      BOTH(test_lingering_behind_a_failure),
      BOTH(test_finish_says_close_notify_first),
      BOTH(test_nothing_is_written_behind_close_notify),
      BOTH(test_finish_waits_for_what_is_pending),
      BOTH(test_finish_waits_for_a_kernel_that_is_full),
      BOTH(test_close_tries_close_notify),
      BOTH(test_reset_says_nothing),
      BOTH(test_a_write_error_is_final),
      BOTH(test_a_write_error_while_pending_is_told),
      BOTH(test_a_reset_while_pending_is_told),
      BOTH(test_finish_on_a_dead_transport_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
