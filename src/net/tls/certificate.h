/* What is worth knowing about a server's own certificate: a name for the log, and what will trouble its
 * clients. Pure but for the clock.
 */
#ifndef NET_TLS_CERTIFICATE_H
#define NET_TLS_CERTIFICATE_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>

#include "net/address.h"

/* "CN=example.com, expires 2027-01-31"; returns `out`. Printable ASCII, whatever the certificate holds. */
const char *tls_certificate_describe(const mbedtls_x509_crt *leaf, char *out, size_t cap);

/* The last common name of the subject as UTF-8 with a NUL, and its length; 0 where there is none, or none
 * that is plain text and fits. */
size_t tls_certificate_common_name(const mbedtls_x509_crt *leaf, char *out, size_t cap);

/* Whether the certificate is for this IP address (RFC 5280 4.2.1.6: iPAddress, its bytes and no others). */
bool tls_certificate_bears(const mbedtls_x509_crt *leaf, const struct address *address);

/* Whether one is the other's issuer, by their names. */
bool tls_certificate_issued(const mbedtls_x509_crt *issuer, const mbedtls_x509_crt *certificate);

/* Appends to why[] (NUL-terminated, "" or a text) what is wrong with the certificates' dates, order and
 * usage; several findings are joined by "; ". Nothing where all is well. */
void tls_certificate_warn(const mbedtls_x509_crt *chain, const char *path, char *why, size_t why_cap);

/* The same for a certificate that stands alone and whose issuer clients may not know: an intermediate is
 * missing. */
void tls_certificate_warn_alone(const mbedtls_x509_crt *leaf, const char *path, char *why, size_t why_cap);

/* Appends a sentence likewise. */
void tls_warn(char *why, size_t why_cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
