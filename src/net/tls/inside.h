/* What mbedTLS knows and has no function for: some fields of its context, under their names in both versions
 * that we build with. net/tls/key_update.c, which goes deeper, has its own.
 */
#ifndef NET_TLS_INSIDE_H
#define NET_TLS_INSIDE_H

#include <mbedtls/ssl.h>
#include <stdint.h>

#ifdef MBEDTLS_PRIVATE
#define TLS_INSIDE(field) MBEDTLS_PRIVATE(field)
#else
#define TLS_INSIDE(field) field
#endif

/* Where a handshake stands: MBEDTLS_SSL_... states. */
static inline int tls_inside_state(const mbedtls_ssl_context *ssl) {
  return ssl->TLS_INSIDE(state);
}

/* The alert behind MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: its level and description lie where it was read. */
static inline uint8_t tls_inside_alert(const mbedtls_ssl_context *ssl) {
  return ssl->TLS_INSIDE(in_msg)[1];
}

#endif
