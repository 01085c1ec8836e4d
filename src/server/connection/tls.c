/* TLS on the way in: begun by a connection's first byte, noted when its handshake is over, and explained
 * when it fails. The handshake itself is net/tls's; a connection just waits in HEAD until there is something
 * to read.
 */
#include "core/log.h"
#include "server/connection/internal.h"

static void log_failed_handshake(struct connection *c, const char *why) {
  char client[CLIENT_TEXT_MAX], shown[LOG_TEXT_MAX / 2];
  counter_add(&c->domain->counters->tls_failed);
  log_event(LOG_INFO, c->id, "TLS handshake with the client failed client=%s reason=\"%s\"",
            connection_show_client(c, client), log_escape(wsl_span_of(why), shown, sizeof(shown)));
}

/* Behind the handshake: some clients refuse a certificate only then. */
static void log_failed_stream(const struct connection *c, const char *why) {
  char client[CLIENT_TEXT_MAX];
  log_event(LOG_INFO, c->id, "TLS with the client failed client=%s reason=\"%s\"",
            connection_show_client(c, client), why);
}

/* Without a certificate there is no TLS to answer in: the client sees its handshake end. */
static enum step refuse_tls(struct connection *c) {
  log_failed_handshake(c, "no certificate is given (--cert)");
  return connection_close(c, CLOSE_IN_ORDER);
}

enum step connection_begin_tls(struct connection *c, const uint8_t *bytes, size_t len) {
  struct connection_domain *domain = c->domain;
  if (domain->tls_context == NULL) return refuse_tls(c);
  struct transport *secured =
      tls_accept(domain->tls, domain->tls_context, c->client, bytes, len, connection_on_ready, c);
  if (secured == NULL) return connection_abandon(c, "no memory for TLS");
  c->client = secured;
  c->security = CONNECTION_HANDSHAKING;
  return STEP_WAIT;
}

void connection_note_tls(struct connection *c) {
  if (c->security != CONNECTION_HANDSHAKING || tls_state(c->client) != TLS_OPEN) return;
  c->security = CONNECTION_SECURE;
  counter_add(&c->domain->counters->tls_handshakes);
  if (tls_resumed(c->client)) counter_add(&c->domain->counters->tls_resumed);
  char how[TLS_DESCRIPTION_MAX];
  log_event(LOG_DEBUG, c->id, "TLS established %s", tls_describe(c->client, how));
}

enum step connection_tls_failed(struct connection *c) {
  if (c->security == CONNECTION_HANDSHAKING)
    log_failed_handshake(c, tls_failure(c->client));
  else
    log_failed_stream(c, tls_failure(c->client));
  return connection_linger(c); /* a reset would overtake the alert */
}

void connection_tls_late(struct connection *c) {
  log_failed_handshake(c, "it did not end in time (--handshake-timeout)");
  (void)connection_close(c, CLOSE_IN_ORDER);
}

bool connection_failed_in_tls(const struct connection *c) {
  return c->security != CONNECTION_PLAIN && tls_state(c->client) == TLS_FAILED;
}
