/* KeyUpdate (RFC 8446 4.6.3) for mbedTLS 3.6, which has none: it ends a connection whose peer renews its
 * keys, and long-lived or busy peers do (OpenSSL on request, others after so many records).
 *
 * The one place that calls what mbedTLS does not declare for others. It notes the traffic secrets as mbedTLS
 * derives them, and where mbedtls_ssl_read() gives up on a post-handshake message looks whether that is a
 * well-formed KeyUpdate: then the receiving keys move on, and if the peer asked for it a KeyUpdate goes out
 * and the sending keys follow. Other versions of mbedTLS than those checked here get
 * TLS_KEY_UPDATE_UNSUPPORTED and nothing is touched.
 */
#ifndef NET_TLS_KEY_UPDATE_H
#define NET_TLS_KEY_UPDATE_H

#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include <wsluice/span.h>

/* SHA-384's size, the largest of TLS 1.3's suites. */
#define TLS_SECRET_MAX 48u

/* A connection's; zeroed at first, wiped by tls_key_update_free(). */
struct tls_key_update {
  uint8_t client_secret[TLS_SECRET_MAX], server_secret[TLS_SECRET_MAX]; /* application traffic, current */
  uint8_t secret_len;                                                   /* 0: none (TLS 1.2, or not yet) */
  uint64_t records_sent; /* with the current key; the caller counts (tls_key_update_sent) */
};

/* Whether this build, with the library that it runs on, can follow a KeyUpdate at all. */
bool tls_key_update_supported(void);

/* Before the handshake: has mbedTLS hand over the secrets. Uses the context's export-keys callback, which
 * keeps `update`'s address. */
void tls_key_update_watch(struct tls_key_update *update, mbedtls_ssl_context *ssl);

enum tls_key_update_result {
  TLS_KEY_UPDATE_NONE,        /* the message was something else: the error stands */
  TLS_KEY_UPDATE_DONE,        /* read again; an answer may have been written through the send callback */
  TLS_KEY_UPDATE_UNSUPPORTED, /* it was one, and this mbedTLS can't; no alert was sent */
  TLS_KEY_UPDATE_FAILED       /* malformed, or out of memory: the connection is over. An alert was sent, but
                                 where memory ended between two keys: then nothing goes in or out any more */
};

/* After mbedtls_ssl_read() has returned MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE. The context's send callback must
 * take a record of this size at once. At most one answer a call: how many a peer may ask for before it takes
 * them is the caller's to bound. */
enum tls_key_update_result tls_key_update_handle(struct tls_key_update *update, mbedtls_ssl_context *ssl);

/* Behind each mbedtls_ssl_write(): renews the sending key before so many records have used it that AES-GCM's
 * bound (RFC 8446 5.5: 2^24.5 full records) comes near. 0, or mbedTLS's error: the connection is over.
 * Without support, or in TLS 1.2, which has no way of doing it, nothing happens. */
#define TLS_RECORDS_A_KEY (1u << 23)
WSL_MUST_CHECK int tls_key_update_sent(struct tls_key_update *update, mbedtls_ssl_context *ssl,
                                       unsigned records);

/* Wipes the secrets; the context forgets where they were. Before mbedtls_ssl_free(). */
void tls_key_update_free(struct tls_key_update *update, mbedtls_ssl_context *ssl);

#endif
