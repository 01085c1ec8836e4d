/* TLS contexts (context.h): mbedTLS's configuration with our policy, and what it points to.
 *
 * A context is built by one thread and only read from then on; mbedTLS locks what it changes in it (RSA's
 * blinding values, tickets' keys).
 */
#include "net/tls/context.h"

#include <mbedtls/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "net/address.h"
#include "net/tls/certificate.h"
#include "net/tls/library.h"
#include "net/tls/load.h"
#include "net/tls/tickets.h"

#define DESCRIPTION_CAP 320u

/* Browsers use a ticket once and open connections side by side; OpenSSL sends as many. */
#define TICKETS_A_HANDSHAKE 2

struct tls_context {
  atomic_uint references;
  mbedtls_ssl_config config;
  struct tls_pair pair;
  mbedtls_x509_crt authorities;
  struct tls_suites suites;
  struct tls_ticket_rules ticket_rules; /* its tickets are held, or NULL */
  char *name;                           /* to expect instead of the host dialled, or NULL */
  bool verifies;                        /* peers must show a certificate */
  struct tls_context *for_1_2;          /* toward targets: a second try's, a part of this one; or NULL */
  struct tls_context *whole;            /* of which this is that part: its life, files and name; or NULL */
  char description[DESCRIPTION_CAP];
};

/* Never "h2", which nobody here speaks; "http/1.0" is all that some old clients offer, and files are served
 * to them as well. */
static const char *alpn_http[] = {"http/1.1", "http/1.0", NULL};

/* P-256 is what mbedTLS does fastest, so where we choose (TLS 1.2, and our own share toward targets) it comes
 * first; in TLS 1.3 the server takes whichever of these the client sent a share for. */
#if MBEDTLS_VERSION_MAJOR >= 3
static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_X448,      MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
#else
static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519,
                                              MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
                                              MBEDTLS_ECP_DP_NONE};
#endif

/* Toward targets PKCS #1 comes before PSS, which TLS 1.3 takes anyway: a server of TLS 1.2 that chooses PSS
 * from a hello for both versions is told illegal_parameter by mbedTLS 3.6, and OpenSSL's take the first that
 * fits. */
#if MBEDTLS_VERSION_MAJOR >= 3
static const uint16_t target_signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,    MBEDTLS_TLS1_3_SIG_NONE};
#endif

/* ---- life ---- */

static struct tls_context *context_new(void) {
  struct tls_context *context = calloc(1, sizeof *context);
  if (context == NULL) return NULL;
  atomic_init(&context->references, 1);
  mbedtls_ssl_config_init(&context->config);
  mbedtls_x509_crt_init(&context->pair.chain);
  mbedtls_pk_init(&context->pair.key);
  mbedtls_x509_crt_init(&context->authorities);
  return context;
}

static struct tls_context *whole_of(struct tls_context *context) {
  return context->whole != NULL ? context->whole : context;
}

struct tls_context *tls_context_hold(struct tls_context *context) {
  atomic_fetch_add_explicit(&whole_of(context)->references, 1, memory_order_relaxed);
  return context;
}

/* Of a part only what it does not share. */
static void free_part(struct tls_context *part) {
  if (part == NULL) return;
  mbedtls_ssl_config_free(&part->config);
  free(part);
}

void tls_context_drop(struct tls_context *context) {
  if (context == NULL) return;
  context = whole_of(context);
  if (atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1) return;
  free_part(context->for_1_2); /* first: it points to what follows */
  mbedtls_ssl_config_free(&context->config);
  mbedtls_x509_crt_free(&context->pair.chain);
  mbedtls_pk_free(&context->pair.key);
  mbedtls_x509_crt_free(&context->authorities);
  tls_tickets_drop(context->ticket_rules.tickets);
  free(context->name);
  free(context);
}

/* ---- what server and client share ---- */

static void set_versions(mbedtls_ssl_config *config, enum tls_version minimum) {
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_protocol_version lowest =
      minimum == TLS_VERSION_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
  mbedtls_ssl_conf_min_tls_version(config, lowest);
  mbedtls_ssl_conf_max_tls_version(
      config, TLS_LIBRARY_HAS_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
#else
  (void)minimum; /* tls_version_parse() refuses 1.3 here */
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

/* A PSK alone would give up forward secrecy; 0-RTT is replayable, and a WebSocket's upgrade is no request
 * that may come twice. Both are off by default, which a build's configuration could change. */
static void set_policy(mbedtls_ssl_config *config, const struct tls_suites *suites) {
  mbedtls_ssl_conf_rng(config, tls_library_random, NULL);
  mbedtls_ssl_conf_ciphersuites(config, suites->ids);
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_groups(config, groups);
#else
  mbedtls_ssl_conf_curves(config, groups);
#endif
#if TLS_LIBRARY_HAS_1_3
  mbedtls_ssl_conf_tls13_key_exchange_modes(config, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL |
                                                        MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL);
#if defined(MBEDTLS_SSL_EARLY_DATA)
  mbedtls_ssl_conf_early_data(config, MBEDTLS_SSL_EARLY_DATA_DISABLED);
#endif
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_legacy_renegotiation(config, MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION);
#endif
}

static int no_memory(char *why, size_t why_cap) {
  (void)snprintf(why, why_cap, "no memory for TLS");
  return WSL_NO_MEMORY;
}

/* A context with our policy, still without certificates. */
static int context_begin(struct tls_context **context, int endpoint, enum tls_version minimum,
                         const struct tls_suites *suites, char *why, size_t why_cap) {
  why[0] = '\0';
  if (tls_library_start() != WSL_OK) {
    (void)snprintf(why, why_cap, "mbedTLS can't be started");
    return WSL_IO;
  }
  struct tls_context *made = context_new();
  if (made == NULL) return no_memory(why, why_cap);
  if (mbedtls_ssl_config_defaults(&made->config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                  MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
    tls_context_drop(made);
    return no_memory(why, why_cap);
  }
  made->suites = *suites;
  set_versions(&made->config, minimum);
  set_policy(&made->config, &made->suites);
  *context = made;
  return WSL_OK;
}

static int take_pair(struct tls_context *context, const char *cert_path, const char *key_path,
                     const char *password, char *why, size_t why_cap) {
  int error = tls_load_pair(&context->pair, cert_path, key_path, password, why, why_cap);
  if (error != WSL_OK) return error;
  if (mbedtls_ssl_conf_own_cert(&context->config, &context->pair.chain, &context->pair.key) != 0)
    return no_memory(why, why_cap);
  tls_certificate_describe(&context->pair.chain, context->description, sizeof context->description);
  return WSL_OK;
}

/* Looks through the system's CAs, which takes milliseconds: only for a file of one certificate that did not
 * sign itself. */
static void warn_of_missing_issuer(const mbedtls_x509_crt *leaf, const char *path, char *why,
                                   size_t why_cap) {
  if (leaf->next != NULL || tls_certificate_issued(leaf, leaf) || tls_load_system_knows_issuer(leaf)) return;
  tls_certificate_warn_alone(leaf, path, why, why_cap);
}

/* Peers must show a certificate that leads to one of these. */
static void trust_only(struct tls_context *context, mbedtls_x509_crt *authorities) {
  mbedtls_ssl_conf_ca_chain(&context->config, authorities, NULL);
  mbedtls_ssl_conf_authmode(&context->config, MBEDTLS_SSL_VERIFY_REQUIRED);
  context->verifies = true;
}

static int take_authorities(struct tls_context *context, const char *ca_path, char *why, size_t why_cap) {
  int skipped;
  int error = tls_load_authorities(&context->authorities, ca_path, &skipped, why, why_cap);
  if (error != WSL_OK) return error;
  if (skipped > 0 && ca_path != NULL)
    tls_warn(why, why_cap, "CA certificates \"%s\": %d can't be read and are left out", ca_path, skipped);
  trust_only(context, &context->authorities);
  return WSL_OK;
}

/* ---- servers ---- */

/* A ticket stands for the certificate that its client showed when it was made, and TLS 1.3's tickets do not
 * even carry it: taken by a context with other CAs it would let in whom that context refuses. So where
 * certificates are required, each context has keys of its own. */
static int take_tickets(struct tls_context *context, const struct tls_server_options *options, char *why,
                        size_t why_cap) {
  if (options->tickets == NULL) return WSL_OK;
  struct tls_tickets *tickets = options->client_certificates != TLS_CLIENT_CERTIFICATES_IGNORED
                                    ? tls_tickets_new()
                                    : tls_tickets_hold(options->tickets);
  if (tickets == NULL) return no_memory(why, why_cap);
  bool is_ec = mbedtls_pk_can_do(&context->pair.key, MBEDTLS_PK_ECKEY) != 0;
  context->ticket_rules = (struct tls_ticket_rules){
      .tickets = tickets, .suites = &context->suites, .key = is_ec ? TLS_SUITE_KEY_EC : TLS_SUITE_KEY_RSA};
  tls_tickets_configure(&context->config, &context->ticket_rules);
#if TLS_LIBRARY_HAS_1_3
  mbedtls_ssl_conf_new_session_tickets(&context->config, TICKETS_A_HANDSHAKE);
#endif
  return WSL_OK;
}

static int server_fill(struct tls_context *context, const struct tls_server_options *options, char *why,
                       size_t why_cap) {
  if (mbedtls_ssl_conf_alpn_protocols(&context->config, alpn_http) != 0) return no_memory(why, why_cap);
  int error = take_pair(context, options->cert_path, options->key_path, options->password, why, why_cap);
  if (error != WSL_OK) return error;
  tls_certificate_warn(&context->pair.chain, options->cert_path, why, why_cap);
  warn_of_missing_issuer(&context->pair.chain, options->cert_path, why, why_cap);
  if (options->client_certificates != TLS_CLIENT_CERTIFICATES_IGNORED) {
    error = take_authorities(context, options->ca_path, why, why_cap);
    /* The list of CAs helps browsers choose among their certificates; the system's hundreds would not fit a
     * record and help nobody. */
    if (options->ca_path == NULL)
      mbedtls_ssl_conf_cert_req_ca_list(&context->config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
  }
  if (options->client_certificates == TLS_CLIENT_CERTIFICATES_REQUESTED)
    mbedtls_ssl_conf_authmode(&context->config, MBEDTLS_SSL_VERIFY_OPTIONAL);
  return error == WSL_OK ? take_tickets(context, options, why, why_cap) : error;
}

int tls_context_new_server(struct tls_context **context, const struct tls_server_options *options, char *why,
                           size_t why_cap) {
  struct tls_context *made;
  int error = context_begin(&made, MBEDTLS_SSL_IS_SERVER, options->minimum, options->suites, why, why_cap);
  if (error != WSL_OK) return error;
  error = server_fill(made, options, why, why_cap);
  if (error != WSL_OK) {
    tls_context_drop(made);
    return error;
  }
  *context = made;
  return WSL_OK;
}

/* ---- clients ---- */

static void set_client_policy(mbedtls_ssl_config *config) {
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_sig_algs(config, target_signatures);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED); /* none is kept */
#endif
}

static int take_client_files(struct tls_context *context, const struct tls_client_options *options, char *why,
                             size_t why_cap) {
  if (options->name != NULL && (context->name = strdup(options->name)) == NULL)
    return no_memory(why, why_cap);
  int error = WSL_OK;
  if (options->cert_path != NULL)
    error = take_pair(context, options->cert_path, options->key_path, options->password, why, why_cap);
  if (error == WSL_OK && options->trust == TLS_TRUST_VERIFIED)
    error = take_authorities(context, options->ca_path, why, why_cap);
  return error;
}

#if TLS_LIBRARY_HAS_1_3
/* The same once more, capped: its hello then names no signature of PSS, which 1.3 demands and mbedTLS 3.6
 * can't check in 1.2. The files are read once: they may be pipes, and the system's CAs take a megabyte. */
static int add_second_try(struct tls_context *context, char *why, size_t why_cap) {
  struct tls_context *part;
  char nothing[1];
  int error =
      context_begin(&part, MBEDTLS_SSL_IS_CLIENT, TLS_VERSION_1_2, &context->suites, nothing, sizeof nothing);
  if (error != WSL_OK) return no_memory(why, why_cap);
  mbedtls_ssl_conf_max_tls_version(&part->config, MBEDTLS_SSL_VERSION_TLS1_2);
  set_client_policy(&part->config);
  part->whole = context;
  part->name = context->name;
  context->for_1_2 = part;
  if (context->verifies) trust_only(part, &context->authorities);
  bool shows_certificate = context->pair.chain.version != 0;
  if (shows_certificate &&
      mbedtls_ssl_conf_own_cert(&part->config, &context->pair.chain, &context->pair.key) != 0)
    return no_memory(why, why_cap);
  return WSL_OK;
}
#endif

int tls_context_new_client(struct tls_context **context, const struct tls_client_options *options, char *why,
                           size_t why_cap) {
  struct tls_suites suites;
  tls_suites_default(&suites);
  struct tls_context *made;
  int error = context_begin(&made, MBEDTLS_SSL_IS_CLIENT, TLS_VERSION_1_2, &suites, why, why_cap);
  if (error != WSL_OK) return error;
  set_client_policy(&made->config);
  error = take_client_files(made, options, why, why_cap);
#if TLS_LIBRARY_HAS_1_3
  if (error == WSL_OK) error = add_second_try(made, why, why_cap);
#endif
  if (error != WSL_OK) {
    tls_context_drop(made);
    return error;
  }
  *context = made;
  return WSL_OK;
}

struct tls_context *tls_context_for_1_2(const struct tls_context *context) {
  return context->for_1_2;
}

/* ---- looking ---- */

const char *tls_context_describe(const struct tls_context *context) {
  return context->description;
}

const struct mbedtls_ssl_config *tls_context_config(const struct tls_context *context) {
  return &context->config;
}

/* ---- whom to expect ---- */

static const char *expected_name(const struct tls_context *context, const char *host) {
  if (context->name != NULL) return context->name;
  return host != NULL ? host : "localhost";
}

const char *tls_context_server_name(const struct tls_context *context, const char *host) {
  struct address address;
  const char *name = expected_name(context, host);
  return address_parse_literal(name, 0, &address) ? NULL : name;
}

int tls_context_check_address(const struct tls_context *context, const struct mbedtls_x509_crt *peer,
                              const char *host) {
  struct address address;
  if (!context->verifies || !address_parse_literal(expected_name(context, host), 0, &address)) return WSL_OK;
  return peer != NULL && tls_certificate_bears(peer, &address) ? WSL_OK : WSL_TLS_UNTRUSTED;
}

const char *tls_system_ca_path(void) {
  /* OpenSSL's own variables, which websockify obeys through it. */
  static const char *const variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
  static const char *const places[] = {
      "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch, and our image */
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
      "/etc/pki/tls/certs/ca-bundle.crt",                  /* older ones */
      "/etc/ssl/ca-bundle.pem",                            /* SUSE */
      "/etc/ssl/cert.pem",                                 /* BSDs, macOS */
      "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
      "/etc/ssl/certs"};
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
    const char *path = getenv(variables[i]);
    if (path != NULL && path[0] != '\0') return path;
  }
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (access(places[i], R_OK) == 0) return places[i];
  }
  return NULL;
}
