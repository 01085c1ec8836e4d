/* Session tickets' keys: mbedTLS's two, the one that encrypts and the one before it, behind its mutex.
 *
 * mbedTLS renews the encrypting key when it is TLS_TICKET_LIFETIME_S old and a ticket is written or read;
 * tickets of the one before stay good until they are as old. All of it is in memory only: a restart ends all
 * tickets, which costs their holders a full handshake and nothing else.
 */
#include "net/tls/tickets.h"

#include <mbedtls/ssl_ticket.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "net/tls/library.h"

struct tls_tickets {
  atomic_uint references;
  mbedtls_ssl_ticket_context context;
};

struct tls_tickets *tls_tickets_new(void) {
  if (tls_library_start() != 0) return NULL;
  struct tls_tickets *tickets = calloc(1, sizeof *tickets);
  if (tickets == NULL) return NULL;
  atomic_init(&tickets->references, 1);
  mbedtls_ssl_ticket_init(&tickets->context);
  int error = mbedtls_ssl_ticket_setup(&tickets->context, tls_library_random, NULL,
                                       MBEDTLS_CIPHER_AES_256_GCM, TLS_TICKET_LIFETIME_S);
  if (error == 0) return tickets;
  tls_tickets_drop(tickets);
  return NULL;
}

struct tls_tickets *tls_tickets_hold(struct tls_tickets *tickets) {
  atomic_fetch_add_explicit(&tickets->references, 1, memory_order_relaxed);
  return tickets;
}

void tls_tickets_drop(struct tls_tickets *tickets) {
  if (tickets == NULL) return;
  if (atomic_fetch_sub_explicit(&tickets->references, 1, memory_order_acq_rel) > 1) return;
  mbedtls_ssl_ticket_free(&tickets->context);
  free(tickets);
}

static int suite_of(const mbedtls_ssl_session *session) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_ssl_session_get_ciphersuite_id(session);
#else
  return session->ciphersuite;
#endif
}

static bool suite_fits(const struct tls_ticket_rules *rules, int suite) {
  if (!tls_suite_fits_key(suite, rules->key)) return false;
  for (const int *id = rules->suites->ids; *id != 0; id++) {
    if (*id == suite) return true;
  }
  return false;
}

static int write_ticket(void *arg, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *len, uint32_t *lifetime_s) {
  struct tls_ticket_rules *rules = arg;
  return mbedtls_ssl_ticket_write(&rules->tickets->context, session, start, end, len, lifetime_s);
}

static int parse_ticket(void *arg, mbedtls_ssl_session *session, unsigned char *ticket, size_t len) {
  struct tls_ticket_rules *rules = arg;
  int error = mbedtls_ssl_ticket_parse(&rules->tickets->context, session, ticket, len);
  if (error != 0 || suite_fits(rules, suite_of(session))) return error;
  mbedtls_ssl_session_free(session);
  return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
}

void tls_tickets_configure(mbedtls_ssl_config *config, struct tls_ticket_rules *rules) {
  mbedtls_ssl_conf_session_tickets_cb(config, write_ticket, parse_ticket, rules);
}
