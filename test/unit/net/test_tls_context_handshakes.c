/* What a client meets who speaks to a context's server: versions, ALPN, key shares, suites, tickets, and
 * certificates of its own. Client and server are mbedTLS in one thread, with queues in memory between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "net/tls/context.h"
#include "net/tls/library.h"
#include "pem_files.h"

#define WHY_CAP 512u

static struct tls_suites all_suites;

static struct tls_server_options options_for(const char *cert, const char *key) {
  tls_suites_default(&all_suites);
  return (struct tls_server_options){
      .cert_path = pem_file(cert), .key_path = pem_file(key), .suites = &all_suites};
}

/* ---- handshakes, in memory ---- */

struct queue {
  uint8_t data[65536];
  size_t at, len;
};

static struct queue to_server, to_client;

static int queue_send(void *arg, const unsigned char *data, size_t len) {
  struct queue *queue = arg;
  assert_true(queue->len + len <= sizeof queue->data);
  memcpy(queue->data + queue->len, data, len);
  queue->len += len;
  return (int)len;
}

static int queue_recv(void *arg, unsigned char *buf, size_t len) {
  struct queue *queue = arg;
  size_t left = queue->len - queue->at;
  if (left == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > left) len = left;
  memcpy(buf, queue->data + queue->at, len);
  queue->at += len;
  return (int)len;
}

static int client_send(void *arg, const unsigned char *data, size_t len) {
  (void)arg;
  return queue_send(&to_server, data, len);
}
static int client_recv(void *arg, unsigned char *buf, size_t len) {
  (void)arg;
  return queue_recv(&to_client, buf, len);
}
static int server_send(void *arg, const unsigned char *data, size_t len) {
  (void)arg;
  return queue_send(&to_client, data, len);
}
static int server_recv(void *arg, unsigned char *buf, size_t len) {
  (void)arg;
  return queue_recv(&to_server, buf, len);
}

enum version { ONLY_1_2, ONLY_1_3 };

/* A client as a test wishes it; the results behind. */
struct client {
  enum version version;
  const char **alpn;
  const char *sni;
  const char *cert; /* of its own: files' name without .pem and .key */
  int only_group;   /* 3.x: an IANA number, or 0 */
  int only_suite;
  mbedtls_ssl_session *session; /* in and out, or NULL */

  int server_result, client_result;
  bool full; /* a certificate was sent */
  char suite[64], protocol[16];
};

static void set_version(mbedtls_ssl_config *config, enum version version) {
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_protocol_version wanted =
      version == ONLY_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
  mbedtls_ssl_conf_min_tls_version(config, wanted);
  mbedtls_ssl_conf_max_tls_version(config, wanted);
#else
  (void)version;
  (void)config;
#endif
}

#if MBEDTLS_VERSION_MAJOR >= 3
#define STATE(ssl) ((ssl)->MBEDTLS_PRIVATE(state))
#else
#define STATE(ssl) ((ssl)->state)
#endif

/* One side as far as it can. */
static bool step(mbedtls_ssl_context *ssl, int *result, bool *full) {
  bool moved = false;
  while (STATE(ssl) != MBEDTLS_SSL_HANDSHAKE_OVER && (*result == 0 || *result == MBEDTLS_ERR_SSL_WANT_READ)) {
    if (STATE(ssl) == MBEDTLS_SSL_SERVER_CERTIFICATE && full != NULL) *full = true;
    int before = STATE(ssl);
    *result = mbedtls_ssl_handshake_step(ssl);
    if (*result == MBEDTLS_ERR_SSL_WANT_READ && STATE(ssl) == before) break;
    moved = true;
  }
  return moved;
}

/* 3.x reports a ticket at one of the next reads. */
#define READS_PLENTY 8

static void read_tickets(mbedtls_ssl_context *ssl, mbedtls_ssl_session *session) {
#if MBEDTLS_VERSION_MAJOR >= 3
  unsigned char buf[16];
  for (int i = 0; i < READS_PLENTY; i++) {
    if (mbedtls_ssl_read(ssl, buf, sizeof buf) != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
    mbedtls_ssl_session_free(session);
    mbedtls_ssl_session_init(session);
    assert_int_equal(mbedtls_ssl_get_session(ssl, session), 0);
  }
#else
  (void)ssl;
  (void)session;
#endif
}

static void configure(mbedtls_ssl_config *config, const struct client *client, mbedtls_x509_crt *cert,
                      mbedtls_pk_context *key) {
  assert_int_equal(mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                               MBEDTLS_SSL_PRESET_DEFAULT),
                   0);
  mbedtls_ssl_conf_rng(config, tls_library_random, NULL);
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
  set_version(config, client->version);
  if (client->alpn != NULL) assert_int_equal(mbedtls_ssl_conf_alpn_protocols(config, client->alpn), 0);
#if MBEDTLS_VERSION_MAJOR >= 3
  static uint16_t groups[3];
  groups[0] = (uint16_t)client->only_group;
  groups[1] = MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1; /* a second one that it names, but sends no share of */
  if (client->only_group != 0) mbedtls_ssl_conf_groups(config, groups);
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(config, 1);
#endif
  static int suites[2];
  suites[0] = client->only_suite;
  if (client->only_suite != 0) mbedtls_ssl_conf_ciphersuites(config, suites);
  if (client->cert == NULL) return;
  char name[64];
  (void)snprintf(name, sizeof name, "%s.pem", client->cert);
  assert_int_equal(mbedtls_x509_crt_parse_file(cert, pem_file(name)), 0);
  (void)snprintf(name, sizeof name, "%s.key", client->cert);
#if MBEDTLS_VERSION_MAJOR >= 3
  assert_int_equal(mbedtls_pk_parse_keyfile(key, pem_file(name), NULL, tls_library_random, NULL), 0);
#else
  assert_int_equal(mbedtls_pk_parse_keyfile(key, pem_file(name), NULL), 0);
#endif
  assert_int_equal(mbedtls_ssl_conf_own_cert(config, cert, key), 0);
}

static void note(struct client *client, const mbedtls_ssl_context *ssl) {
  const char *suite = mbedtls_ssl_get_ciphersuite(ssl), *protocol = mbedtls_ssl_get_alpn_protocol(ssl);
  (void)snprintf(client->suite, sizeof client->suite, "%s", suite != NULL ? suite : "");
  (void)snprintf(client->protocol, sizeof client->protocol, "%s", protocol != NULL ? protocol : "");
}

/* A connection of the client to the context's server. True when both are content. */
static bool meet(struct tls_context *context, struct client *client) {
  mbedtls_ssl_config config;
  mbedtls_ssl_context server, peer;
  mbedtls_x509_crt cert;
  mbedtls_pk_context key;
  memset(&to_server, 0, sizeof to_server);
  memset(&to_client, 0, sizeof to_client);
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_init(&server);
  mbedtls_ssl_init(&peer);
  mbedtls_x509_crt_init(&cert);
  mbedtls_pk_init(&key);
  configure(&config, client, &cert, &key);
  assert_int_equal(mbedtls_ssl_setup(&server, tls_context_config(context)), 0);
  assert_int_equal(mbedtls_ssl_setup(&peer, &config), 0);
  assert_int_equal(mbedtls_ssl_set_hostname(&peer, client->sni), 0);
  mbedtls_ssl_set_bio(&server, NULL, server_send, server_recv, NULL);
  mbedtls_ssl_set_bio(&peer, NULL, client_send, client_recv, NULL);
  bool resuming = client->session != NULL && client->full; /* a session was noted before */
  if (resuming) assert_int_equal(mbedtls_ssl_set_session(&peer, client->session), 0);
  client->full = false;
  client->server_result = client->client_result = 0;
  bool moved = true;
  while (moved) {
    moved = step(&peer, &client->client_result, NULL);
    moved = step(&server, &client->server_result, &client->full) || moved;
  }
  bool open = client->server_result == 0 && client->client_result == 0;
  if (open) note(client, &peer);
  if (open && client->session != NULL) {
    if (client->version == ONLY_1_3) {
      read_tickets(&peer, client->session);
    } else if (!resuming) {
      mbedtls_ssl_session_init(client->session);
      assert_int_equal(mbedtls_ssl_get_session(&peer, client->session), 0);
    }
  }
  mbedtls_ssl_free(&server);
  mbedtls_ssl_free(&peer);
  mbedtls_ssl_config_free(&config);
  mbedtls_x509_crt_free(&cert);
  mbedtls_pk_free(&key);
  return open;
}

static struct tls_context *context_with(const struct tls_server_options *options) {
  struct tls_context *context;
  char why[WHY_CAP];
  if (tls_context_new_server(&context, options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  return context;
}

#define LAST_VERSION (TLS_LIBRARY_HAS_1_3 ? ONLY_1_3 : ONLY_1_2)

static void application_protocol_is_http_1_1_or_none(void **state) {
  (void)state;
  const char *both[] = {"h2", "http/1.1", NULL}, *h2[] = {"h2", NULL};
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_context *context = context_with(&options);
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    struct client none = {.version = version};
    assert_true(meet(context, &none));
    assert_string_equal(none.protocol, "");
    struct client offers_both = {.version = version, .alpn = both};
    assert_true(meet(context, &offers_both));
    assert_string_equal(offers_both.protocol, "http/1.1");
    struct client offers_h2 = {.version = version, .alpn = h2};
    assert_false(meet(context, &offers_h2));
    assert_int_equal(to_client.data[0], 21); /* an alert */
    assert_int_equal(to_client.data[6], MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
  }
  tls_context_drop(context);
}

static void any_server_name_is_taken(void **state) {
  (void)state;
  static const char *const names[] = {NULL, "localhost", "elsewhere.example", "127.0.0.1"};
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  struct tls_context *context = context_with(&options);
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      struct client client = {.version = version, .sni = names[i]};
      assert_true(meet(context, &client));
    }
  }
  tls_context_drop(context);
}

static void only_ecdhe_with_aead_is_spoken(void **state) {
  (void)state;
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_context *context = context_with(&options);
  static const struct {
    const char *name;
    bool taken;
  } rows[] = {
      {"TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", true},
      {"TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", true},
      {"TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256", true},
      {"TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA256", false},
      {"TLS-RSA-WITH-AES-128-GCM-SHA256", false},
      {"TLS-DHE-RSA-WITH-AES-128-GCM-SHA256", false},
      {"TLS-ECDHE-RSA-WITH-CAMELLIA-128-GCM-SHA256", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct client client = {.only_suite = mbedtls_ssl_get_ciphersuite_id(rows[i].name)};
    if (client.only_suite == 0 && !rows[i].taken) continue; /* this mbedTLS was built without it */
    assert_int_not_equal(client.only_suite, 0);
    if (meet(context, &client) != rows[i].taken) fail_msg("%s", rows[i].name);
  }
  tls_context_drop(context);
}

#if TLS_LIBRARY_HAS_1_3
/* RFC 8446 4.1.3: a HelloRetryRequest is a ServerHello with this beginning of its random. */
static bool retried(void) {
  static const uint8_t mark[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};
  return memmem(to_client.data, to_client.len, mark, sizeof mark) != NULL;
}

static void every_share_is_taken_as_it_comes(void **state) {
  (void)state;
  static const int groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                               MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
                               MBEDTLS_SSL_IANA_TLS_GROUP_X448};
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  struct tls_context *context = context_with(&options);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    struct client client = {.version = ONLY_1_3, .only_group = groups[i]};
    assert_true(meet(context, &client));
    assert_false(retried());
  }
  tls_context_drop(context);
}

static void the_minimum_keeps_1_2_out(void **state) {
  (void)state;
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  options.minimum = TLS_VERSION_1_3;
  struct tls_context *context = context_with(&options);
  struct client old = {.version = ONLY_1_2}, new = {.version = ONLY_1_3};
  assert_false(meet(context, &old));
  assert_int_equal(to_client.data[6], MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION);
  assert_true(meet(context, &new));
  tls_context_drop(context);
}
#endif

static void a_list_of_suites_is_kept_to(void **state) {
  (void)state;
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_suites suites;
  char unknown[64], why[WHY_CAP];
  assert_int_equal(
      tls_suites_parse("ECDHE-RSA-AES256-GCM-SHA384", &suites, unknown, sizeof unknown, why, sizeof why),
      WSL_OK);
  options.suites = &suites;
  struct tls_context *context = context_with(&options);
  memset(&suites, 0, sizeof suites); /* copied */
  struct client client = {.version = ONLY_1_2};
  assert_true(meet(context, &client));
  assert_string_equal(client.suite, "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384");
  tls_context_drop(context);
}

/* ---- tickets ---- */

struct resumption {
  struct client client;
  mbedtls_ssl_session session;
};

static void must_meet(struct tls_context *context, struct client *client) {
  if (!meet(context, client))
    fail_msg("version %d: server -0x%x, client -0x%x", client->version, (unsigned)-client->server_result,
             (unsigned)-client->client_result);
}

/* A first, full connection, which brings a ticket. */
static void begin_resumption(struct resumption *r, struct tls_context *context, enum version version,
                             const char *cert) {
  *r = (struct resumption){.client = {.version = version, .cert = cert}};
  mbedtls_ssl_session_init(&r->session);
  r->client.session = &r->session;
  must_meet(context, &r->client);
  assert_true(r->client.full);
}

/* The next one: whether the ticket was taken. */
static bool resumes(struct resumption *r, struct tls_context *context) {
  r->client.full = true;
  must_meet(context, &r->client);
  return !r->client.full;
}

static void end_resumption(struct resumption *r) {
  mbedtls_ssl_session_free(&r->session);
}

static void tickets_serve_all_contexts_that_share_their_keys(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new(), *others = tls_tickets_new();
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  options.tickets = tickets;
  struct tls_context *first = context_with(&options);
  struct tls_context *second = context_with(&options);
  options.tickets = others;
  struct tls_context *stranger = context_with(&options);
  options.tickets = NULL;
  struct tls_context *none = context_with(&options);
  tls_tickets_drop(tickets); /* the contexts hold them */
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    struct resumption r;
    begin_resumption(&r, first, version, NULL);
    assert_true(resumes(&r, first));
    assert_true(resumes(&r, second));
    assert_true(resumes(&r, first));
    assert_false(resumes(&r, stranger));
    end_resumption(&r);
    begin_resumption(&r, first, version, NULL);
    assert_false(resumes(&r, none));
    end_resumption(&r);
  }
  tls_context_drop(first);
  tls_context_drop(second);
  tls_context_drop(stranger);
  tls_context_drop(none);
  tls_tickets_drop(others);
}

/* RFC 5246 7.4.1.3: a resumed session keeps its suite; what suits an RSA key does not suit an EC key, and
 * mbedTLS does not look. In TLS 1.3 suites say nothing about keys. */
static void tickets_from_before_another_kind_of_key_do_no_harm(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new();
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  options.tickets = tickets;
  struct tls_context *rsa = context_with(&options);
  options = options_for("ec.pem", "ec.key");
  options.tickets = tickets;
  struct tls_context *ec = context_with(&options);
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    struct resumption r;
    begin_resumption(&r, rsa, version, NULL);
    assert_int_equal(resumes(&r, ec), version == ONLY_1_3);
    end_resumption(&r);
  }
  tls_context_drop(rsa);
  tls_context_drop(ec);
  tls_tickets_drop(tickets);
}

/* ---- clients' certificates ---- */

static struct tls_context *demanding_context(const char *authorities, struct tls_tickets *tickets) {
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  options.client_certificates = TLS_CLIENT_CERTIFICATES_REQUIRED;
  options.ca_path = pem_file(authorities);
  options.tickets = tickets;
  return context_with(&options);
}

static void clients_must_show_a_certificate_of_our_authorities(void **state) {
  (void)state;
  struct tls_context *context = demanding_context("ca.pem", NULL);
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    struct client good = {.version = version, .cert = "client"};
    struct client stranger = {.version = version, .cert = "stranger"};
    struct client without = {.version = version};
    assert_true(meet(context, &good));
    assert_false(meet(context, &stranger));
    assert_int_equal(stranger.server_result, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    assert_false(meet(context, &without));
    assert_int_equal(without.server_result, MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE);
  }
  tls_context_drop(context);
}

/* The attack: a client whose authority was taken off the list comes back with a ticket. */
static void a_ticket_does_not_outlive_the_authorities(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new();
  struct tls_context *before = demanding_context("ca.pem", tickets);
  struct tls_context *after = demanding_context("other-ca.pem", tickets);
  for (enum version version = ONLY_1_2; version <= LAST_VERSION; version++) {
    struct resumption r;
    begin_resumption(&r, before, version, "client");
    assert_true(resumes(&r, before));
    r.client.full = true;
    assert_false(meet(after, &r.client));
    end_resumption(&r);
  }
  tls_context_drop(before);
  tls_context_drop(after);
  tls_tickets_drop(tickets);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(application_protocol_is_http_1_1_or_none),
      cmocka_unit_test(any_server_name_is_taken),
      cmocka_unit_test(only_ecdhe_with_aead_is_spoken),
#if TLS_LIBRARY_HAS_1_3
      cmocka_unit_test(every_share_is_taken_as_it_comes),
      cmocka_unit_test(the_minimum_keeps_1_2_out),
#endif
      cmocka_unit_test(a_list_of_suites_is_kept_to),
      cmocka_unit_test(tickets_serve_all_contexts_that_share_their_keys),
      cmocka_unit_test(tickets_from_before_another_kind_of_key_do_no_harm),
      cmocka_unit_test(clients_must_show_a_certificate_of_our_authorities),
      cmocka_unit_test(a_ticket_does_not_outlive_the_authorities),
  };
  return cmocka_run_group_tests_name("net/tls_context_handshakes", tests, pem_files_make, pem_files_remove);
}
