/* See tls_ends.h. */
#include "tls_ends.h"

#if MBEDTLS_VERSION_MAJOR >= 3
#include <errno.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/hash.h"
#include "net/tls/library.h"
#include "net/tls/self_signed.h"

static mbedtls_x509_crt certificate;
static mbedtls_pk_context key;

/* Once for all tests of a program. */
static void make_certificate(void) {
  static bool made;
  if (made) return;
  made = true;
  assert_int_equal(tls_library_start(), 0);
  struct self_signed pair;
  assert_int_equal(self_signed_make(&pair), 0);
  mbedtls_x509_crt_init(&certificate);
  mbedtls_pk_init(&key);
  assert_int_equal(mbedtls_x509_crt_parse(&certificate, pair.cert_pem, strlen((char *)pair.cert_pem) + 1), 0);
  assert_int_equal(mbedtls_pk_parse_key(&key, pair.key_pem, strlen((char *)pair.key_pem) + 1, NULL, 0,
                                        tls_library_random, NULL),
                   0);
}

__attribute__((destructor)) static void free_certificate(void) {
  mbedtls_x509_crt_free(&certificate);
  mbedtls_pk_free(&key);
}

static int on_send(void *arg, const unsigned char *data, size_t len) {
  struct tls_end *end = arg;
  if (end->other == NULL) {
    for (size_t sent = 0; sent < len;) {
      ssize_t now = send(end->socket, data + sent, len - sent, MSG_NOSIGNAL);
      if (now <= 0) return MBEDTLS_ERR_SSL_CONN_EOF;
      sent += (size_t)now;
    }
    return (int)len;
  }
  struct tls_pipe *pipe = &end->said;
  if (pipe->cap - pipe->len < len) {
    pipe->cap = 2 * (pipe->len + len);
    pipe->data = realloc(pipe->data, pipe->cap);
    assert_non_null(pipe->data);
  }
  memcpy(pipe->data + pipe->len, data, len);
  pipe->len += len;
  return (int)len;
}

static int on_recv(void *arg, unsigned char *buf, size_t len) {
  struct tls_end *end = arg;
  if (end->bite > 0 && len > end->bite) len = end->bite;
  if (end->other == NULL) {
    ssize_t got = recv(end->socket, buf, len, 0);
    return got > 0 ? (int)got : MBEDTLS_ERR_SSL_CONN_EOF;
  }
  struct tls_pipe *pipe = &end->other->said;
  if (pipe->len == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > pipe->len) len = pipe->len;
  memcpy(buf, pipe->data, len);
  memmove(pipe->data, pipe->data + len, pipe->len - len);
  pipe->len -= len;
  return (int)len;
}

void tls_end_open(struct tls_end *end, int endpoint, const struct tls_terms *terms) {
  make_certificate();
  memset(end, 0, sizeof *end);
  end->socket = -1;
  mbedtls_ssl_init(&end->ssl);
  mbedtls_ssl_config_init(&end->config);
  assert_int_equal(mbedtls_ssl_config_defaults(&end->config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                               MBEDTLS_SSL_PRESET_DEFAULT),
                   0);
  mbedtls_ssl_conf_rng(&end->config, tls_library_random, NULL);
  mbedtls_ssl_conf_authmode(&end->config, MBEDTLS_SSL_VERIFY_NONE);
  mbedtls_ssl_conf_min_tls_version(&end->config, terms->version);
  mbedtls_ssl_conf_max_tls_version(&end->config, terms->version);
  if (terms->suites[0] != 0) mbedtls_ssl_conf_ciphersuites(&end->config, terms->suites);
  if (endpoint == MBEDTLS_SSL_IS_SERVER)
    assert_int_equal(mbedtls_ssl_conf_own_cert(&end->config, &certificate, &key), 0);
  assert_int_equal(mbedtls_ssl_setup(&end->ssl, &end->config), 0);
  if (endpoint == MBEDTLS_SSL_IS_CLIENT)
    assert_int_equal(mbedtls_ssl_set_hostname(&end->ssl, "localhost"), 0);
  mbedtls_ssl_set_bio(&end->ssl, end, on_send, on_recv, NULL);
  tls_key_update_watch(&end->update, &end->ssl);
}

void tls_end_close(struct tls_end *end) {
  tls_key_update_free(&end->update, &end->ssl);
  mbedtls_ssl_free(&end->ssl);
  mbedtls_ssl_config_free(&end->config);
  free(end->said.data);
  if (end->socket >= 0) (void)close(end->socket);
}

void tls_ends_open(struct tls_end *client, struct tls_end *server, const struct tls_terms *terms) {
  tls_end_open(client, MBEDTLS_SSL_IS_CLIENT, terms);
  tls_end_open(server, MBEDTLS_SSL_IS_SERVER, terms);
  client->other = server;
  server->other = client;
}

void tls_ends_agree(struct tls_end *client, struct tls_end *server) {
  int theirs = MBEDTLS_ERR_SSL_WANT_READ, ours = MBEDTLS_ERR_SSL_WANT_READ;
  for (int turn = 0; turn < 50 && (theirs != 0 || ours != 0); turn++) {
    if (ours != 0) ours = mbedtls_ssl_handshake(&client->ssl);
    if (theirs != 0) theirs = mbedtls_ssl_handshake(&server->ssl);
    assert_true(ours == 0 || ours == MBEDTLS_ERR_SSL_WANT_READ);
    assert_true(theirs == 0 || theirs == MBEDTLS_ERR_SSL_WANT_READ);
  }
  assert_int_equal(ours, 0);
  assert_int_equal(theirs, 0);
}

void tls_end_say(struct tls_end *end, const uint8_t *data, size_t len) {
  while (len > 0) {
    int sealed = mbedtls_ssl_write(&end->ssl, data, len);
    assert_true(sealed > 0);
    data += sealed;
    len -= (size_t)sealed;
  }
}

/* True: read on. */
static bool take(struct tls_end *end, int error) {
  if (error == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) return true;
  if (error == MBEDTLS_ERR_SSL_WANT_READ) return end->other == NULL || end->other->said.len > 0;
  end->error = error;
  if (error != MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE) return false;
  end->result = tls_key_update_handle(&end->update, &end->ssl);
  if (end->result != TLS_KEY_UPDATE_DONE) return false;
  end->updates++;
  end->error = 0;
  return true;
}

size_t tls_end_hear(struct tls_end *end, uint8_t *buf, size_t len) {
  size_t got = 0;
  end->error = 0;
  end->result = TLS_KEY_UPDATE_NONE;
  while (got < len) {
    int now = mbedtls_ssl_read(&end->ssl, buf + got, len - got);
    if (now > 0)
      got += (size_t)now;
    else if (!take(end, now))
      break;
  }
  return got;
}

void tls_end_await_update(struct tls_end *end) {
  unsigned before = end->updates;
  while (end->updates == before) {
    uint8_t unexpected;
    int error = mbedtls_ssl_read(&end->ssl, &unexpected, 1);
    assert_true(error < 0);
    assert_true(take(end, error));
  }
}
#endif
