/* Two bare mbedTLS contexts that talk through memory, or one that talks through a socket: for tests of what
 * is below net/tls. Each end owns what it has said until the other has heard it. Not with mbedTLS 2.28.
 */
#ifndef TEST_UNIT_NET_TLS_ENDS_H
#define TEST_UNIT_NET_TLS_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <string.h>

#include "net/tls/key_update.h"

#if MBEDTLS_VERSION_MAJOR >= 3

/* Ciphertext on its way. */
struct tls_pipe {
  uint8_t *data;
  size_t len, cap;
};

struct tls_end {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  struct tls_key_update update;
  struct tls_pipe said;
  struct tls_end *other; /* whose `said` is our input, or NULL: `socket` is */
  int socket;
  size_t bite;                       /* most bytes that one receive brings; 0: no limit */
  int error;                         /* what the last tls_end_hear() ended with, if not with hunger */
  enum tls_key_update_result result; /* of the last message that mbedTLS did not know */
  unsigned updates;                  /* followed */
};

/* What a handshake may choose from. */
struct tls_terms {
  int suites[2]; /* the one, and 0 */
  mbedtls_ssl_protocol_version version;
};

/* Makes an end with a certificate of its own (a server) or without trust (a client). */
void tls_end_open(struct tls_end *end, int endpoint, const struct tls_terms *terms);
void tls_end_close(struct tls_end *end);

/* Both, joined; tls_ends_agree() does the handshake. */
void tls_ends_open(struct tls_end *client, struct tls_end *server, const struct tls_terms *terms);
void tls_ends_agree(struct tls_end *client, struct tls_end *server);

/* Seals data[0..len) into as many records as it takes. */
void tls_end_say(struct tls_end *end, const uint8_t *data, size_t len);

/* Opens what has arrived, following KeyUpdates, up to len bytes. Stops hungry, or at an error. */
size_t tls_end_hear(struct tls_end *end, uint8_t *buf, size_t len);

/* Over a socket: waits for a KeyUpdate, with nothing but tickets before it, and follows it. */
void tls_end_await_update(struct tls_end *end);

#endif

#endif
