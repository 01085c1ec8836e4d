/* TLS over a transport in memory: every byte that was written is read, however the records are cut and
 * joined on their way, and what leaves does so in as few records and calls as can be. In both versions.
 */
#include "tls_world.h"

#include <mbedtls/ssl_ticket.h>

#include "net/tls/library.h"

static const enum peer_version tls_1_2 = PEER_1_2, tls_1_3 = PEER_1_3;

#define VERSION(state) (*(const enum peer_version *)*(state))

static struct tls_world *open_server(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  tls_world_handshake(w);
  return w;
}

/* The peer writes `len` bytes of the pattern as one record, behind `offset` earlier ones. */
static void peer_writes(struct tls_world *w, size_t len, size_t offset) {
  uint8_t data[TLS_WRITE_MAX];
  assert_true(len <= sizeof data);
  fill_pattern(data, len, offset);
  peer_write(&w->peer, data, len);
}

static int64_t owner_writes(struct tls_world *w, size_t len, size_t offset) {
  uint8_t *data = malloc(len);
  fill_pattern(data, len, offset);
  int64_t taken = transport_write(w->tls, data, len);
  free(data);
  return taken;
}

/* ---- the handshake ---- */

static void test_both_sides_open(void **state) {
  for (int side = TLS_SIDE_SERVER; side <= TLS_SIDE_CLIENT; side++) {
    struct tls_world *w = tls_world_open((enum tls_side)side, VERSION(state), STEPS_INLINE);
    assert_true(transport_is_tls(w->tls));
    assert_false(transport_is_tls(&w->fake->transport));
    assert_int_equal(tls_state(w->tls), TLS_HANDSHAKING);
    assert_int_equal(w->tls->ready, 0);
    tls_world_handshake(w);
    assert_true(w->calls > 0);
    assert_true(transport_writable(w->tls));
    assert_string_equal(tls_failure(w->tls), "");
    peer_writes(w, 1000, 0);
    assert_int_equal(owner_writes(w, 2000, 0), 2000);
    tls_world_settle(w);
    assert_pattern(&w->plain, 1000);
    assert_pattern(&w->peer.plain, 2000);
    tls_world_close(w);
  }
}

static void test_description_names_version_and_suite(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  char words[TLS_DESCRIPTION_MAX];
  assert_string_equal(tls_describe(w->tls, words), "");
  tls_world_handshake(w);
  tls_describe(w->tls, words);
  const char *version = mbedtls_ssl_get_version(&w->peer.ssl);
  assert_memory_equal(words, version, strlen(version));
  assert_memory_equal(words + strlen(version), " TLS_", 5);
  assert_null(strchr(words, '-'));
  assert_null(strstr(words, "resumed"));
  tls_world_close(w);
}

static void test_bits_of_a_handshake_are_its_own(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  while (tls_state(w->tls) == TLS_HANDSHAKING) {
    assert_int_equal(w->tls->ready, 0);
    assert_int_equal(w->calls, 0);
    uint8_t byte = 0;
    assert_int_equal(transport_read(w->tls, &byte, 1), WSL_AGAIN);
    assert_int_equal(transport_write(w->tls, &byte, 1), WSL_AGAIN);
    tls_world_turn(w);
  }
  assert_int_equal(w->calls, 1);
  tls_world_close(w);
}

static unsigned steps_of_handshake(enum peer_version version, size_t split) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, version, STEPS_INLINE);
  w->split = split;
  tls_world_handshake(w);
  unsigned steps = w->steps_run;
  tls_world_close(w);
  return steps;
}

static void test_a_byte_at_a_time_costs_no_steps(void **state) {
  unsigned whole = steps_of_handshake(VERSION(state), ANY), bytewise = steps_of_handshake(VERSION(state), 1);
  assert_in_range(whole, 1, 4);
  assert_in_range(bytewise, whole, 6); /* a step for each record at most */
}

static void test_first_bytes_read_by_others(void **state) {
  struct tls_world *w = tls_world_bare(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  peer_run(&w->peer);
  size_t len = w->peer.out.len;
  tls_world_close(w);
  for (size_t cut = 0; cut <= len; cut += 1 + len / 40) {
    w = tls_world_bare(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
    peer_run(&w->peer);
    if (cut > w->peer.out.len) cut = w->peer.out.len;
    w->peer.out.at = cut;
    tls_world_start(w, w->peer.out.data, cut);
    tls_world_handshake(w);
    tls_world_close(w);
  }
}

static void test_short_reads_in_a_handshake(void **state) {
  for (size_t most = 1; most < 300; most = 3 * most + 1) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
    w->fake->read_max = most;
    tls_world_handshake(w);
    tls_world_close(w);
  }
}

static void test_flights_through_a_narrow_transport(void **state) {
  for (size_t room = 1; room < 1200; room += room < 30 ? 1 : 97) {
    struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
    w->fake->room = 0;
    while (tls_state(w->tls) == TLS_HANDSHAKING) {
      tls_world_settle(w);
      fake_take(w->fake, room);
    }
    fake_take(w->fake, ANY);
    tls_world_handshake(w);
    tls_world_close(w);
  }
}

/* A world whose peer keeps its session in `session`, and begins with it if `resumes`. */
static struct tls_world *open_for_session(struct tls_context *context, enum peer_version version,
                                          mbedtls_ssl_session *session, bool resumes) {
  struct tls_world *w = tls_world_bare(TLS_SIDE_SERVER, version, STEPS_INLINE);
  tls_context_drop(w->context);
  w->context = tls_context_hold(context);
  mbedtls_ssl_conf_session_tickets(&w->peer.config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
#ifdef MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
      &w->peer.config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
  if (resumes) assert_int_equal(mbedtls_ssl_set_session(&w->peer.ssl, session), 0);
  w->peer.session = session;
  tls_world_start(w, NULL, 0);
  return w;
}

static void shake_hands(struct tls_context *context, enum peer_version version, mbedtls_ssl_session *session,
                        bool resumes) {
  struct tls_world *w = open_for_session(context, version, session, resumes);
  tls_world_handshake(w);
  assert_int_equal(tls_resumed(w->tls), resumes);
  char words[TLS_DESCRIPTION_MAX];
  assert_int_equal(strstr(tls_describe(w->tls, words), " resumed") != NULL, resumes);
  peer_writes(w, 100, 0);
  tls_world_settle(w);
  assert_pattern(&w->plain, 100);
  tls_world_close(w);
}

static void test_resumption(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  shake_hands(w->context, VERSION(state), &session, false);
  shake_hands(w->context, VERSION(state), &session, true);
  mbedtls_ssl_session_free(&session);
  tls_world_close(w);
}

/* The client's last flight and its first data in one delivery, or cut anywhere. In TLS 1.2 only a resumed
 * handshake ends with a flight of the client's. */
static void test_data_with_the_finished_message(void **state) {
  struct tls_world *first = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  shake_hands(first->context, VERSION(state), &session, false);
  for (size_t split = 1; split < 600; split += split < 40 ? 1 : 31) {
    struct tls_world *w = open_for_session(first->context, VERSION(state), &session, true);
    w->peer.greeting = 2000;
    w->split = split < 560 ? split : ANY;
    tls_world_handshake(w);
    assert_true(tls_resumed(w->tls));
    assert_pattern(&w->plain, 2000);
    tls_world_close(w);
  }
  mbedtls_ssl_session_free(&session);
  tls_world_close(first);
}

/* ---- reading ---- */

static void test_records_of_every_size(void **state) {
  struct tls_world *w = open_server(state);
  for (size_t size = 1; size <= 16384; size++) {
    peer_writes(w, size, 0);
    w->split = size % 3 == 0 ? ANY : 1 + size * 7919 % 9000;
    tls_world_settle(w);
    if (w->plain.len != size) fail_msg("%zu bytes of a record of %zu", w->plain.len, size);
    assert_pattern(&w->plain, size);
    bytes_reset(&w->plain);
  }
  tls_world_close(w);
}

static const size_t sizes[] = {1, 2, 15, 16, 17, 255, 256, 1000, 4095, 16382, 16383, 16384};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void test_byte_by_byte(void **state) {
  struct tls_world *w = open_server(state);
  w->split = 1;
  for (size_t i = 0; i < SIZES; i++) {
    peer_writes(w, sizes[i], 0);
    tls_world_settle(w);
    assert_pattern(&w->plain, sizes[i]);
    bytes_reset(&w->plain);
  }
  tls_world_close(w);
}

static void test_records_cut_at_every_byte(void **state) {
  struct tls_world *w = open_server(state);
  size_t cut = 0, len = 1;
  for (; cut < len; cut++) {
    peer_writes(w, 1, 0);
    peer_writes(w, 300, 1);
    peer_writes(w, 40, 301);
    len = bytes_left(&w->peer.out);
    w->split = cut;
    if (cut > 0) tls_world_turn(w);
    w->split = ANY;
    tls_world_settle(w);
    assert_pattern(&w->plain, 341);
    bytes_reset(&w->plain);
  }
  assert_true(cut > 341);
  tls_world_close(w);
}

static void test_all_sizes_of_a_readers_buffer(void **state) {
  struct tls_world *w = open_server(state);
  for (size_t size = 1; size < 40000; size += 1 + size / 3) {
    w->read_size = size;
    for (size_t i = 0; i < 4; i++)
      peer_writes(w, 9000, i * 9000);
    tls_world_settle(w);
    assert_pattern(&w->plain, 36000);
    bytes_reset(&w->plain);
  }
  tls_world_close(w);
}

/* The inner transport may give less than it has; READABLE stays then. */
static void test_short_reads_of_the_inner_transport(void **state) {
  struct tls_world *w = open_server(state);
  for (size_t most = 1; most < 20000; most += 1 + most / 2) {
    w->fake->read_max = most;
    for (size_t i = 0; i < 4; i++)
      peer_writes(w, 9000, i * 9000);
    tls_world_settle(w);
    assert_pattern(&w->plain, 36000);
    bytes_reset(&w->plain);
  }
  tls_world_close(w);
}

static void test_64_kb_come_as_one_run_of_one_read(void **state) {
  struct tls_world *w = open_server(state);
  w->stopped = true;
  size_t record = (size_t)mbedtls_ssl_get_max_out_record_payload(&w->peer.ssl), run = 4 * record;
  for (size_t i = 0; i < 12; i++)
    peer_writes(w, record, i * record);
  tls_world_settle(w);
  uint8_t *buf = malloc(65536);
  for (int i = 0; i < 3; i++) {
    unsigned reads = w->fake->reads;
    assert_true(transport_readable(w->tls));
    assert_in_range(transport_read(w->tls, buf, 65536), run, 65536);
    assert_int_equal(w->fake->reads - reads, 1);
  }
  free(buf);
  tls_world_close(w);
}

/* Where a chunk ended inside a record, the next is that much shorter: then no rest has to be carried. */
static void test_chunks_get_back_to_the_records_borders(void **state) {
  struct tls_world *w = open_server(state);
  w->stopped = true;
  size_t record = (size_t)mbedtls_ssl_get_max_out_record_payload(&w->peer.ssl);
  for (size_t i = 0; i < 20; i++)
    peer_writes(w, record, i * record);
  size_t sealed = bytes_left(&w->peer.out) / 20;
  uint8_t *buf = malloc(65536);
  w->split = sealed / 3;
  tls_world_turn(w);
  assert_int_equal(transport_read(w->tls, buf, 65536), WSL_AGAIN);
  w->split = ANY;
  tls_world_settle(w);
  for (int i = 0; i < 3; i++)
    assert_in_range(transport_read(w->tls, buf, 4 * record), 4 * record, 65536);
  assert_int_equal(bytes_left(&w->fake->in), 8 * sealed);
  free(buf);
  tls_world_close(w);
}

static void test_small_reads_cost_a_call_a_record(void **state) {
  struct tls_world *w = open_server(state);
  w->read_size = 100;
  unsigned reads = w->fake->reads;
  for (size_t i = 0; i < 4; i++)
    peer_writes(w, 16000, i * 16000);
  tls_world_settle(w);
  assert_pattern(&w->plain, 64000);
  assert_in_range(w->fake->reads - reads, 4, 6);
  tls_world_close(w);
}

static void test_empty_records_are_no_end(void **state) {
  struct tls_world *w = open_server(state);
  assert_int_equal(mbedtls_ssl_write(&w->peer.ssl, (const uint8_t *)"", 0), 0);
  peer_writes(w, 10, 0);
  assert_int_equal(mbedtls_ssl_write(&w->peer.ssl, (const uint8_t *)"", 0), 0);
  assert_int_equal(mbedtls_ssl_write(&w->peer.ssl, (const uint8_t *)"", 0), 0);
  tls_world_settle(w);
  assert_pattern(&w->plain, 10);
  assert_int_equal(w->outcome, 1);
  peer_writes(w, 20, 10);
  tls_world_settle(w);
  assert_pattern(&w->plain, 30);
  tls_world_close(w);
}

#ifdef MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED
/* Toward a target, where mbedTLS may tell of a ticket between two records of data. */
static void test_tickets_among_the_data(void **state) {
  (void)state;
  struct tls_world *w = tls_world_open(TLS_SIDE_CLIENT, PEER_1_3, STEPS_INLINE);
  mbedtls_ssl_config *ours = (mbedtls_ssl_config *)(uintptr_t)tls_context_config(w->context);
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
      ours, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
  mbedtls_ssl_ticket_context tickets;
  mbedtls_ssl_ticket_init(&tickets);
  assert_int_equal(
      mbedtls_ssl_ticket_setup(&tickets, tls_library_random, NULL, MBEDTLS_CIPHER_AES_256_GCM, 3600), 0);
  mbedtls_ssl_conf_session_tickets_cb(&w->peer.config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                      &tickets);
  w->peer.greeting = 1000;
  tls_world_handshake(w);
  assert_pattern(&w->plain, 1000);
  assert_int_equal(w->outcome, 1);
  assert_int_equal(transport_write(w->tls, (const uint8_t *)"on", 2), 2);
  tls_world_close(w);
  mbedtls_ssl_ticket_free(&tickets);
}
#endif

/* RFC 8446 4.6.3; where mbedTLS can't follow, the failure says so. */
static void test_the_peer_renews_its_keys(void **state) {
  (void)state;
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, PEER_1_3, STEPS_INLINE);
  tls_key_update_watch(&w->peer.keys, &w->peer.ssl);
  tls_world_handshake(w);
  for (size_t i = 0; i < 20; i++) {
    peer_writes(w, 100, i * 100);
    if (tls_key_update_supported()) {
      assert_int_equal(tls_key_update_sent(&w->peer.keys, &w->peer.ssl, TLS_RECORDS_A_KEY), 0);
    } else {
      const uint8_t key_update[] = {24, 0, 0, 1, 0};
      peer_say(&w->peer, key_update, sizeof key_update);
      break;
    }
  }
  tls_world_settle(w);
  if (tls_key_update_supported()) {
    assert_pattern(&w->plain, 2000);
    assert_int_equal(w->outcome, 1);
  } else if (w->peer.version == PEER_1_3) {
    assert_pattern(&w->plain, 100);
    assert_int_equal(w->outcome, WSL_TLS_FAILED);
    assert_non_null(strstr(tls_failure(w->tls), "KeyUpdate"));
    assert_int_equal(w->peer.result, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  }
  tls_world_close(w);
}

/* Whoever stops reading and asks for a turn finds READABLE as it was. */
static void test_a_turn_asked_for_comes(void **state) {
  struct tls_world *w = open_server(state);
  unsigned calls = w->calls;
  transport_again(w->tls);
  assert_int_equal(w->calls, calls);
  tls_world_settle(w);
  assert_int_equal(w->calls, calls + 1);
  w->stopped = true;
  peer_writes(w, 100, 0);
  tls_world_settle(w);
  assert_int_equal(w->calls, calls + 2);
  assert_true(transport_readable(w->tls));
  peer_writes(w, 100, 100);
  tls_world_settle(w);
  assert_int_equal(w->calls, calls + 2); /* no bit was new */
  w->stopped = false;
  transport_again(w->tls);
  tls_world_settle(w);
  assert_pattern(&w->plain, 200);
  tls_world_close(w);
}

#define BOTH(test)                                                   \
  {#test " (1.2)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_2}, { \
    #test " (1.3)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_3    \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_both_sides_open),
      BOTH(test_description_names_version_and_suite),
      BOTH(test_bits_of_a_handshake_are_its_own),
      BOTH(test_a_byte_at_a_time_costs_no_steps),
      BOTH(test_first_bytes_read_by_others),
      BOTH(test_short_reads_in_a_handshake),
      BOTH(test_data_with_the_finished_message),
      BOTH(test_flights_through_a_narrow_transport),
      BOTH(test_resumption),
      BOTH(test_records_of_every_size),
      BOTH(test_byte_by_byte),
      BOTH(test_records_cut_at_every_byte),
      BOTH(test_all_sizes_of_a_readers_buffer),
      BOTH(test_short_reads_of_the_inner_transport),
      BOTH(test_64_kb_come_as_one_run_of_one_read),
      BOTH(test_chunks_get_back_to_the_records_borders),
      BOTH(test_small_reads_cost_a_call_a_record),
      BOTH(test_empty_records_are_no_end),
#ifdef MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED
      cmocka_unit_test(test_tickets_among_the_data),
#endif
      cmocka_unit_test(test_the_peer_renews_its_keys),
      BOTH(test_a_turn_asked_for_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
