/* Certificates and keys from files into mbedTLS, with a plain line for whatever can go wrong.
 *
 * Blocking. `why` gets one line on an error; on success it is not touched.
 */
#ifndef NET_TLS_LOAD_H
#define NET_TLS_LOAD_H

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <wsluice/span.h>

struct tls_pair {
  mbedtls_x509_crt chain; /* the leaf first */
  mbedtls_pk_context key;
};

/* Reads a certificate chain and the key that fits its first certificate; key_path NULL: the key is in
 * cert_path too. `pair` is initialised (mbedtls_*_init) and the caller's to free in any case. */
WSL_MUST_CHECK int tls_load_pair(struct tls_pair *pair, const char *cert_path, const char *key_path,
                                 const char *password, char *why, size_t why_cap);

/* Reads CA certificates from a PEM file or a directory of such; NULL: the system's. Those that mbedTLS can't
 * read are left out, with their number (of a file's) in *skipped, as long as one is good. */
WSL_MUST_CHECK int tls_load_authorities(mbedtls_x509_crt *authorities, const char *path, int *skipped,
                                        char *why, size_t why_cap);

/* Whether one of the system's CAs has signed the certificate, by its name; false where there are none. */
bool tls_load_system_knows_issuer(const mbedtls_x509_crt *certificate);

#endif
