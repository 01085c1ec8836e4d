/* ctest: wrap=mbedtls_ssl_tls13_populate_transform */
/* KeyUpdate between two ends in memory: both roles and directions, every suite, at records' borders; and all
 * that is no good KeyUpdate. test_tls_key_update_openssl.c has another's implementation at the other end.
 */
#include "tls_ends.h"

#include <stdio.h>
#include <stdlib.h>

#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)

#define RECORD_MAX 16384u

/* Sealed: header, message and type padded to 16 bytes, tag. */
#define ANSWER_SIZE (5 + 16 + 16)

static const struct tls_terms aes128 = {{MBEDTLS_TLS1_3_AES_128_GCM_SHA256, 0}, MBEDTLS_SSL_VERSION_TLS1_3};
static const struct tls_terms aes256 = {{MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0}, MBEDTLS_SSL_VERSION_TLS1_3};
static const struct tls_terms chacha = {{MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, 0},
                                        MBEDTLS_SSL_VERSION_TLS1_3};
static const struct tls_terms tls12 = {{0, 0}, MBEDTLS_SSL_VERSION_TLS1_2};

static struct tls_end client, server;
static uint8_t sent[5 * RECORD_MAX], heard[5 * RECORD_MAX];

/* Fails the next so many times (the program is linked so that the unit's calls come here). */
static int populate_failures;
struct mbedtls_ssl_key_set;
int __real_mbedtls_ssl_tls13_populate_transform(mbedtls_ssl_transform *transform, int endpoint, int suite,
                                                const struct mbedtls_ssl_key_set *keys,
                                                mbedtls_ssl_context *ssl);
int __wrap_mbedtls_ssl_tls13_populate_transform(mbedtls_ssl_transform *transform, int endpoint, int suite,
                                                const struct mbedtls_ssl_key_set *keys,
                                                mbedtls_ssl_context *ssl);

int __wrap_mbedtls_ssl_tls13_populate_transform(mbedtls_ssl_transform *transform, int endpoint, int suite,
                                                const struct mbedtls_ssl_key_set *keys,
                                                mbedtls_ssl_context *ssl) {
  if (populate_failures > 0) {
    populate_failures--;
    return MBEDTLS_ERR_SSL_ALLOC_FAILED;
  }
  return __real_mbedtls_ssl_tls13_populate_transform(transform, endpoint, suite, keys, ssl);
}

static void open_ends(const struct tls_terms *terms) {
  tls_ends_open(&client, &server, terms);
  tls_ends_agree(&client, &server);
}

static void close_ends(void) {
  tls_end_close(&client);
  tls_end_close(&server);
}

static void skip_without_support(void) {
  if (!tls_key_update_supported()) skip();
}

/* ---- what a peer can send ---- */

/* Not static in the library, not declared either. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

static void say_record(struct tls_end *end, int type, const uint8_t *content, size_t len) {
  end->ssl.MBEDTLS_PRIVATE(out_msgtype) = type;
  end->ssl.MBEDTLS_PRIVATE(out_msglen) = len;
  memcpy(end->ssl.MBEDTLS_PRIVATE(out_msg), content, len);
  assert_int_equal(mbedtls_ssl_write_record(&end->ssl, 1), 0);
}

static const uint8_t not_requested[] = {24, 0, 0, 1, 0};
static const uint8_t requested[] = {24, 0, 0, 1, 1};

static void renew(struct tls_end *end) {
  assert_int_equal(tls_key_update_sent(&end->update, &end->ssl, TLS_RECORDS_A_KEY), 0);
}

/* The unit never asks for the other's keys: the test says so itself, and moves its own key on with the
 * unit's help, whose message is taken back. */
static void renew_asking(struct tls_end *end) {
  say_record(end, MBEDTLS_SSL_MSG_HANDSHAKE, requested, sizeof requested);
  size_t mark = end->said.len;
  renew(end);
  assert_true(end->said.len > mark);
  end->said.len = mark;
}

static void check_passes(struct tls_end *from, struct tls_end *to, size_t len) {
  for (size_t i = 0; i < len; i++)
    sent[i] = (uint8_t)(i * 7 + len);
  tls_end_say(from, sent, len);
  size_t got = tls_end_hear(to, heard, sizeof heard);
  assert_int_equal(to->error, 0);
  assert_int_equal(got, len);
  assert_memory_equal(heard, sent, len);
}

/* ---- good ones ---- */

static const struct suite_row {
  const char *name;
  const struct tls_terms *terms;
} suite_rows[] = {{"AES-128-GCM", &aes128}, {"AES-256-GCM", &aes256}, {"ChaCha20", &chacha}};

static const size_t sizes[] = {1, 2, 255, 256, RECORD_MAX, RECORD_MAX - 1, RECORD_MAX + 1, 3 * RECORD_MAX};

static void test_data_passes_between_updates(void **state) {
  (void)state;
  skip_without_support();
  for (size_t row = 0; row < sizeof suite_rows / sizeof *suite_rows; row++) {
    print_message("%s\n", suite_rows[row].name);
    open_ends(suite_rows[row].terms);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      struct tls_end *a = i % 2 == 0 ? &client : &server, *b = a->other;
      renew(a);
      check_passes(a, b, sizes[i]);
      check_passes(b, a, sizes[i]);
      renew_asking(b);
      check_passes(b, a, sizes[i]);
      check_passes(a, b, sizes[i]);
    }
    /* Each round moves three keys, one of them as an answer. */
    assert_int_equal(client.updates + server.updates, 3 * sizeof sizes / sizeof *sizes);
    close_ends();
  }
}

/* Data, update, data without the other reading: what lies before is opened with the old key. */
static void test_updates_stand_in_order_with_data(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  server.bite = 1;
  tls_end_say(&client, (const uint8_t *)"before ", 7);
  renew(&client);
  tls_end_say(&client, (const uint8_t *)"between ", 8);
  renew_asking(&client);
  tls_end_say(&client, (const uint8_t *)"behind", 6);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 21);
  assert_memory_equal(heard, "before between behind", 21);
  assert_int_equal(server.updates, 2);
  check_passes(&server, &client, 100);
  assert_int_equal(client.updates, 1); /* one answer, to the one that asked */
  close_ends();
}

/* Both ask before either has read: each answers, and keys stay in step. */
static void test_requests_cross(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes256);
  for (int i = 0; i < 10; i++) {
    renew_asking(&client);
    renew_asking(&server);
    check_passes(&client, &server, 10);
    check_passes(&server, &client, 10);
    check_passes(&client, &server, 10);
  }
  assert_int_equal(client.updates, 20);
  assert_int_equal(server.updates, 20);
  close_ends();
}

static void test_a_thousand_in_a_row(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  for (int i = 0; i < 1000; i++)
    renew_asking(i % 2 == 0 ? &client : &server);
  check_passes(&client, &server, 1000);
  check_passes(&server, &client, 1000);
  check_passes(&client, &server, 1000);
  assert_int_equal(client.updates, 1000);
  assert_int_equal(server.updates, 1000);
  close_ends();
}

/* Whoever asks without reading gets one answer for each request that we read, of this size. */
static void test_an_answer_is_one_small_record(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  renew_asking(&client);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(server.said.len, ANSWER_SIZE);
  renew(&client);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(server.said.len, ANSWER_SIZE);
  close_ends();
}

static void test_keys_are_renewed_before_the_limit(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  assert_int_equal(tls_key_update_sent(&server.update, &server.ssl, TLS_RECORDS_A_KEY - 1), 0);
  assert_int_equal(server.said.len, 0);
  assert_int_equal(tls_key_update_sent(&server.update, &server.ssl, 1), 0);
  assert_true(server.said.len > 0);
  assert_int_equal(server.update.records_sent, 0);
  check_passes(&server, &client, 1000);
  assert_int_equal(client.updates, 1);
  assert_int_equal(client.said.len, 0); /* no answer was asked for */
  /* An answer counts as a renewal. */
  assert_int_equal(tls_key_update_sent(&server.update, &server.ssl, TLS_RECORDS_A_KEY - 1), 0);
  renew_asking(&client);
  check_passes(&client, &server, 10);
  assert_int_equal(server.update.records_sent, 0);
  close_ends();
}

/* RFC 8446 5.1 lets a handshake message span records; that it ends with one is what counts. */
static void test_a_message_in_two_records(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, not_requested, 4);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, not_requested + 4, 1);
  size_t mark = client.said.len;
  renew(&client);
  client.said.len = mark;
  check_passes(&client, &server, 10);
  assert_int_equal(server.updates, 1);
  close_ends();
}

static void test_secrets_are_wiped(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes256);
  static const struct tls_key_update zero;
  assert_int_equal(client.update.secret_len, 48);
  assert_memory_equal(client.update.client_secret, server.update.client_secret, 48);
  uint8_t first[48];
  memcpy(first, client.update.client_secret, sizeof first);
  renew(&client);
  assert_memory_not_equal(client.update.client_secret, first, sizeof first);
  tls_key_update_free(&client.update, &client.ssl);
  assert_memory_equal(&client.update, &zero, sizeof zero);
  close_ends();
}

/* ---- bad ones ---- */

/* Content of one or two handshake records. */
static const struct bad_row {
  const char *name;
  uint8_t first[12], first_len, second[12], second_len;
  enum tls_key_update_result result;
  int alert;
} bad_rows[] = {
    {"request of 2",
     {24, 0, 0, 1, 2},
     5,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER},
    {"request of 255",
     {24, 0, 0, 1, 255},
     5,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER},
    {"empty body", {24, 0, 0, 0}, 4, {0}, 0, TLS_KEY_UPDATE_FAILED, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR},
    {"empty body, then its byte",
     {24, 0, 0, 0, 1},
     5,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR},
    {"body of two bytes",
     {24, 0, 0, 2, 0, 0},
     6,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR},
    {"two in a record",
     {24, 0, 0, 1, 0, 24, 0, 0, 1, 0},
     10,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE},
    {"a byte behind it",
     {24, 0, 0, 1, 1, 24},
     6,
     {0},
     0,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE},
    {"a message behind its second half",
     {24, 0, 0, 1},
     4,
     {0, 24, 0, 0, 1, 0},
     6,
     TLS_KEY_UPDATE_FAILED,
     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE},
    {"a certificate request", {13, 0, 0, 1, 0}, 5, {0}, 0, TLS_KEY_UPDATE_NONE, 0},
    {"a finished", {20, 0, 0, 1, 0}, 5, {0}, 0, TLS_KEY_UPDATE_NONE, 0},
};

static void check_bad(const struct bad_row *row, struct tls_end *from, struct tls_end *to) {
  say_record(from, MBEDTLS_SSL_MSG_HANDSHAKE, row->first, row->first_len);
  if (row->second_len > 0) say_record(from, MBEDTLS_SSL_MSG_HANDSHAKE, row->second, row->second_len);
  assert_int_equal(tls_end_hear(to, heard, sizeof heard), 0);
  assert_int_equal(to->error, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  assert_int_equal(to->result, row->result);
  assert_int_equal(to->said.len > 0, row->alert != 0);
  if (row->alert == 0) return;
  assert_int_equal(tls_end_hear(from, heard, sizeof heard), 0); /* readable: no key has moved */
  assert_int_equal(from->error, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  assert_int_equal(from->ssl.MBEDTLS_PRIVATE(in_msg)[1], row->alert);
}

static void test_bad_messages_end_the_connection(void **state) {
  (void)state;
  skip_without_support();
  for (size_t i = 0; i < 2 * (sizeof bad_rows / sizeof *bad_rows); i++) {
    const struct bad_row *row = &bad_rows[i / 2];
    print_message("%s, from the %s\n", row->name, i % 2 == 0 ? "client" : "server");
    open_ends(&aes128);
    check_bad(row, i % 2 == 0 ? &client : &server, i % 2 == 0 ? &server : &client);
    close_ends();
  }
}

static void test_data_between_its_halves(void **state) {
  (void)state;
  open_ends(&aes128);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, requested, 4);
  tls_end_say(&client, requested + 4, 1);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(server.error, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  assert_int_equal(server.result, TLS_KEY_UPDATE_NONE);
  close_ends();
}

/* Data under the key that should be gone. */
static void test_the_old_key_is_gone(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, not_requested, sizeof not_requested);
  tls_end_say(&client, (const uint8_t *)"old", 3);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(server.error, MBEDTLS_ERR_SSL_INVALID_MAC);
  close_ends();
}

static void test_inside_a_handshake(void **state) {
  (void)state;
  tls_ends_open(&client, &server, &aes128);
  assert_int_equal(mbedtls_ssl_handshake(&client.ssl), MBEDTLS_ERR_SSL_WANT_READ);
  assert_int_equal(mbedtls_ssl_handshake(&server.ssl), MBEDTLS_ERR_SSL_WANT_READ);
  /* As far as the client's Finished, under the handshake's keys. */
  while (client.ssl.MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_CLIENT_FINISHED)
    assert_int_equal(mbedtls_ssl_handshake_step(&client.ssl), 0);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, requested, sizeof requested);
  assert_int_equal(mbedtls_ssl_handshake(&server.ssl), MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  assert_int_equal(tls_key_update_handle(&server.update, &server.ssl), TLS_KEY_UPDATE_NONE);
  close_ends();
}

static void test_tls_1_2_has_none(void **state) {
  (void)state;
  open_ends(&tls12);
  assert_int_equal(client.update.secret_len, 0);
  assert_int_equal(tls_key_update_sent(&client.update, &client.ssl, TLS_RECORDS_A_KEY), 0);
  assert_int_equal(client.said.len, 0);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, requested, sizeof requested);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_not_equal(server.error, 0);
  assert_int_equal(tls_key_update_handle(&server.update, &server.ssl), TLS_KEY_UPDATE_NONE);
  close_ends();
}

/* Between two keys mbedTLS's transform is empty, and an empty one lets plaintext through. */
static void test_no_plaintext_when_memory_ends(void **state) {
  (void)state;
  skip_without_support();
  open_ends(&aes128);
  renew_asking(&client);
  populate_failures = 1;
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(populate_failures, 0);
  assert_int_equal(server.result, TLS_KEY_UPDATE_FAILED);
  assert_int_equal(server.said.len, ANSWER_SIZE); /* the answer, which was sealed before */
  assert_true(mbedtls_ssl_write(&server.ssl, sent, 1) < 0);
  assert_int_not_equal(mbedtls_ssl_close_notify(&server.ssl), 0);
  (void)mbedtls_ssl_send_alert_message(&server.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                       MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
  assert_int_equal(server.said.len, ANSWER_SIZE);
  static const uint8_t plain[] = {23, 3, 3, 0, 3, 'n', 'o', 23};
  client.said.len = 0;
  memcpy(client.said.data, plain, sizeof plain);
  client.said.len = sizeof plain;
  assert_true(mbedtls_ssl_read(&server.ssl, heard, sizeof heard) < 0);
  assert_int_equal(client.said.len, sizeof plain); /* not even looked at */
  close_ends();

  open_ends(&aes128);
  populate_failures = 1;
  assert_int_equal(tls_key_update_sent(&client.update, &client.ssl, TLS_RECORDS_A_KEY),
                   MBEDTLS_ERR_SSL_ALLOC_FAILED);
  assert_true(mbedtls_ssl_write(&client.ssl, sent, 1) < 0);
  assert_int_equal(client.said.len, ANSWER_SIZE);
  close_ends();
}

static void test_said_where_unsupported(void **state) {
  (void)state;
  if (tls_key_update_supported()) skip();
  open_ends(&aes128);
  say_record(&client, MBEDTLS_SSL_MSG_HANDSHAKE, requested, sizeof requested);
  assert_int_equal(tls_end_hear(&server, heard, sizeof heard), 0);
  assert_int_equal(server.result, TLS_KEY_UPDATE_UNSUPPORTED);
  assert_int_equal(server.said.len, 0);
  close_ends();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_passes_between_updates),
      cmocka_unit_test(test_updates_stand_in_order_with_data),
      cmocka_unit_test(test_requests_cross),
      cmocka_unit_test(test_a_thousand_in_a_row),
      cmocka_unit_test(test_an_answer_is_one_small_record),
      cmocka_unit_test(test_keys_are_renewed_before_the_limit),
      cmocka_unit_test(test_a_message_in_two_records),
      cmocka_unit_test(test_secrets_are_wiped),
      cmocka_unit_test(test_bad_messages_end_the_connection),
      cmocka_unit_test(test_data_between_its_halves),
      cmocka_unit_test(test_the_old_key_is_gone),
      cmocka_unit_test(test_inside_a_handshake),
      cmocka_unit_test(test_tls_1_2_has_none),
      cmocka_unit_test(test_no_plaintext_when_memory_ends),
      cmocka_unit_test(test_said_where_unsupported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_nothing_is_a_key_update(void **state) {
  (void)state;
  mbedtls_ssl_context ssl;
  struct tls_key_update update = {.secret_len = 0};
  mbedtls_ssl_init(&ssl);
  tls_key_update_watch(&update, &ssl);
  assert_false(tls_key_update_supported());
  assert_int_equal(tls_key_update_handle(&update, &ssl), TLS_KEY_UPDATE_NONE);
  assert_int_equal(tls_key_update_sent(&update, &ssl, TLS_RECORDS_A_KEY), 0);
  tls_key_update_free(&update, &ssl);
  mbedtls_ssl_free(&ssl);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_a_key_update)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
