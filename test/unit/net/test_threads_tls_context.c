/* Contexts, keys and tickets shared by threads that shake hands at the same time: every handshake succeeds,
 * and ThreadSanitizer looks at what they share (an RSA key's blinding, a curve's tables, tickets' keys, PSA).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <string.h>

#include "core/error.h"
#include "net/tls/context.h"
#include "pem_files.h"

#define THREADS    4
#define HANDSHAKES 12

struct way {
  uint8_t data[32768];
  size_t at, len;
};

struct side {
  mbedtls_ssl_context ssl;
  struct way *in, *out;
  int result;
};

/* One thread's. */
struct pair {
  struct tls_context *server_context, *client_context;
  struct way up, down;
  unsigned good;
};

static int side_send(void *arg, const unsigned char *data, size_t len) {
  struct side *side = arg;
  if (side->out->len + len > sizeof side->out->data) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  memcpy(side->out->data + side->out->len, data, len);
  side->out->len += len;
  return (int)len;
}

static int side_recv(void *arg, unsigned char *buf, size_t len) {
  struct side *side = arg;
  size_t left = side->in->len - side->in->at;
  if (left == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > left) len = left;
  memcpy(buf, side->in->data + side->in->at, len);
  side->in->at += len;
  return (int)len;
}

static bool open_side(struct side *side, struct tls_context *context, struct way *in, struct way *out) {
  *side = (struct side){.in = in, .out = out, .result = MBEDTLS_ERR_SSL_WANT_READ};
  mbedtls_ssl_init(&side->ssl);
  mbedtls_ssl_set_bio(&side->ssl, side, side_send, side_recv, NULL);
  return mbedtls_ssl_setup(&side->ssl, tls_context_config(context)) == 0;
}

static bool shake_hands(struct pair *pair) {
  struct side server, client;
  memset(&pair->up, 0, sizeof pair->up);
  memset(&pair->down, 0, sizeof pair->down);
  bool good = open_side(&server, tls_context_hold(pair->server_context), &pair->up, &pair->down);
  good = open_side(&client, tls_context_hold(pair->client_context), &pair->down, &pair->up) && good;
  const char *name = tls_context_server_name(pair->client_context, "localhost");
  good = mbedtls_ssl_set_hostname(&client.ssl, name) == 0 && good;
  for (int turn = 0; good && turn < 10; turn++) {
    if (client.result == MBEDTLS_ERR_SSL_WANT_READ) client.result = mbedtls_ssl_handshake(&client.ssl);
    if (server.result == MBEDTLS_ERR_SSL_WANT_READ) server.result = mbedtls_ssl_handshake(&server.ssl);
  }
  good = good && client.result == 0 && server.result == 0;
  mbedtls_ssl_free(&server.ssl);
  mbedtls_ssl_free(&client.ssl);
  tls_context_drop(pair->server_context);
  tls_context_drop(pair->client_context);
  return good;
}

static void *shake_many(void *arg) {
  struct pair *pair = arg;
  for (int i = 0; i < HANDSHAKES; i++)
    pair->good += shake_hands(pair) ? 1 : 0;
  return NULL;
}

static void check_shared(const char *cert, const char *key, const char *ca) {
  static struct pair pairs[THREADS];
  struct tls_suites suites;
  char why[512];
  struct tls_context *server, *client;
  struct tls_tickets *tickets = tls_tickets_new();
  tls_suites_default(&suites);
  struct tls_server_options server_options = {
      .cert_path = pem_file(cert), .key_path = pem_file(key), .suites = &suites, .tickets = tickets};
  struct tls_client_options client_options = {.trust = TLS_TRUST_VERIFIED, .ca_path = pem_file(ca)};
  assert_int_equal(tls_context_new_server(&server, &server_options, why, sizeof why), WSL_OK);
  assert_int_equal(tls_context_new_client(&client, &client_options, why, sizeof why), WSL_OK);
  tls_tickets_drop(tickets);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    pairs[i] = (struct pair){.server_context = server, .client_context = client};
    assert_int_equal(pthread_create(&threads[i], NULL, shake_many, &pairs[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(pairs[i].good, HANDSHAKES);
  }
  tls_context_drop(server);
  tls_context_drop(client);
}

static void an_ec_key_is_shared(void **state) {
  (void)state;
  check_shared("chain.pem", "leaf.key", "ca.pem");
}

static void an_rsa_key_is_shared(void **state) {
  (void)state;
  check_shared("rsa.pem", "rsa.key", "rsa.pem");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_ec_key_is_shared),
      cmocka_unit_test(an_rsa_key_is_shared),
  };
  return cmocka_run_group_tests_name("net/threads_tls_context", tests, pem_files_make, pem_files_remove);
}
