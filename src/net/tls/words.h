/* What went wrong with TLS, in words that an operator can act on. Pure; knows mbedTLS's numbers. */
#ifndef NET_TLS_WORDS_H
#define NET_TLS_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* A sentence without a full stop for an mbedTLS error (negative), such as "no cipher suite in common" or
 * "not TLS: the first bytes are no TLS record". Static; never NULL, unknown numbers get a general one. */
const char *tls_error_words(int mbedtls_error);

/* The WSL_* error that mbedTLS's stands for: WSL_TLS_PLAIN, WSL_TLS_UNTRUSTED, WSL_NO_MEMORY, ... */
int tls_error_of(int mbedtls_error);

/* "certificate_expired" for 45 (RFC 8446 6, the RFC's own names). Static; "unknown alert" for others. */
const char *tls_alert_name(uint8_t description);

/* What is wrong with a certificate: mbedTLS's verify flags as a comma-separated list in words ("expired,
 * not signed by a trusted CA"); returns `out`. */
const char *tls_verify_words(uint32_t flags, char *out, size_t cap);

#endif
