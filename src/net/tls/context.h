/* TLS contexts: what a certificate, its key and the operator's wishes come to, ready for connections.
 *
 * A context never changes; a renewed certificate makes a new one, and the old one goes when its last
 * connection has. Counted by reference, thread-safe: all workers share one. Files are read here, when
 * a context is made: blocking, from the main thread.
 *
 * Policy (README "TLS"): TLS 1.2 and 1.3, ECDHE with AEAD, X25519, P-256 and the other curves taken as
 * they come, ALPN "http/1.1" (never "h2"), no renegotiation, no compression, no 0-RTT, any or no server name.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "net/tls/suites.h"

struct tls_context;

/* Session tickets' keys, shared by all workers and by the contexts that follow each other. mbedTLS
 * rotates them (TLS_TICKET_LIFETIME_S: each key encrypts for so long, and decrypts for as long again).
 * Counted by reference, thread-safe. */
struct tls_tickets;
#define TLS_TICKET_LIFETIME_S (6u * 3600u)

struct tls_tickets *tls_tickets_new(void); /* NULL without memory */
struct tls_tickets *tls_tickets_hold(struct tls_tickets *tickets);
void tls_tickets_drop(struct tls_tickets *tickets); /* NULL is ignored */

enum tls_client_certificates {
  TLS_CLIENT_CERTIFICATES_IGNORED,
  TLS_CLIENT_CERTIFICATES_REQUESTED, /* asked for and checked, but nobody is turned away: tls_peer_name() */
  TLS_CLIENT_CERTIFICATES_REQUIRED
};

struct tls_server_options {
  const char *cert_path; /* PEM, the leaf first; may hold the key too */
  const char *key_path;  /* PEM; NULL: in cert_path */
  const char *password;  /* of the key, or NULL */
  enum tls_client_certificates client_certificates;
  const char
      *ca_path; /* PEM file (or directory) that clients' certificates must lead to; NULL: the system's */
  enum tls_version minimum;
  const struct tls_suites *suites; /* copied */
  struct tls_tickets *tickets;     /* held; NULL: no resumption. With client certificates asked for the
                                      context makes keys of its own: a ticket stands for a certificate
                                      that was good under the CAs of when it was made, so it must not
                                      outlive them. The caller has nothing to do */
};

/* Makes a server's context. 0, or an error with one line of plain words in why[0..why_cap) that names
 * the file and what to do: missing, unreadable, a directory, no PEM, a CSR or public key instead of a
 * certificate, an encrypted key without password or with a wrong one, a key that does not fit, a kind of
 * key that mbedTLS does not know (Ed25519). On success why[] holds a warning worth logging, or "": expired,
 * not yet valid, expires within TLS_EXPIRY_WARNING_DAYS, intermediate missing or in the wrong order. */
#define TLS_EXPIRY_WARNING_DAYS 7u
WSL_MUST_CHECK int tls_context_new_server(struct tls_context **context,
                                          const struct tls_server_options *options, char *why,
                                          size_t why_cap);

enum tls_trust { TLS_TRUST_VERIFIED, TLS_TRUST_ANYBODY };

struct tls_client_options {
  enum tls_trust trust;
  const char *ca_path; /* PEM file or directory; NULL: the system's */
  const char *name;    /* that the certificate must bear and that is asked for (SNI); NULL: the host dialled,
                          "localhost" for a Unix socket */
  const char *cert_path, *key_path, *password; /* a client certificate, or NULL: none */
};

/* Makes a client's context, for TLS toward targets. Likewise. */
WSL_MUST_CHECK int tls_context_new_client(struct tls_context **context,
                                          const struct tls_client_options *options, char *why,
                                          size_t why_cap);

/* For a second try at a target that tls_wants_version_1_2() of: the same with TLS 1.2 as the highest version.
 * Lives as long as the context, which holding it holds; NULL where there is none (it is one itself, or this
 * mbedTLS has no 1.3). */
struct tls_context *tls_context_for_1_2(const struct tls_context *context);

struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_drop(struct tls_context *context); /* NULL is ignored */

/* "CN=example.com, expires 2027-01-31", for a log line; lives as long as the context. */
const char *tls_context_describe(const struct tls_context *context);

/* The system's CA bundle: what SSL_CERT_FILE or SSL_CERT_DIR name, as in OpenSSL, else the first of the
 * usual places that exists; NULL when there is none. */
const char *tls_system_ca_path(void);

/* ---- for net/tls/tls.c ---- */

struct mbedtls_ssl_config;
struct mbedtls_x509_crt;
const struct mbedtls_ssl_config *tls_context_config(const struct tls_context *context);

/* The name to ask for (SNI) and to expect toward `host` (NULL: a Unix socket, which stands for "localhost"),
 * or NULL where that is an IP address: RFC 6066 3 lets none be asked for, and mbedTLS does not check what it
 * does not ask for. Then tls_check_address() (net/tls/tls.h) does, once the handshake is over. */
const char *tls_context_server_name(const struct tls_context *context, const char *host);

/* Whether a certificate that the peer has shown may serve for `host` as far as mbedTLS has not looked: it
 * bears the IP address, where one was dialled or named. WSL_TLS_UNTRUSTED if not. */
WSL_MUST_CHECK int tls_context_check_address(const struct tls_context *context,
                                             const struct mbedtls_x509_crt *peer, const char *host);

#endif
