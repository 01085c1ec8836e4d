/* PROXY headers (codec/text/proxy_protocol.h) in front of everything else, TLS included: from the balancers
 * that the operator lists one is awaited, and a connection that begins otherwise ends; else a balancer whose
 * setting was forgotten would show as the client of everybody, and whoever can reach the port past it could
 * be anybody.
 */
#include "codec/text/proxy_protocol.h"
#include "core/log.h"
#include "server/connection/internal.h"
#include "server/connection/proxy_address.h"

/* Bytes of what came instead that a log line shows. */
#define SHOWN_BYTES_MAX 24u

bool connection_awaits_proxy(const struct connection *c) {
  return networks_hold(&c->domain->settings->accept_proxy, &c->peer);
}

/* The connection's peer is the client from now on. False without memory. */
static bool take_header(struct connection *c, const struct proxy_header *header) {
  c->awaits_proxy = false;
  if (header->family == PROXY_NOBODY)
    return true; /* a balancer's own check, or a client that it can't name */
  struct connection_chain *chain = connection_make_chain(c);
  if (chain == NULL) return false;
  chain->balancer = c->peer;
  chain->local = proxy_address_of(header->family, &header->destination);
  c->peer = proxy_address_of(header->family, &header->source);
  char client[CLIENT_TEXT_MAX];
  log_event(LOG_DEBUG, c->id, "PROXY header client=%s", connection_show_client(c, client));
  return true;
}

static enum step refuse(struct connection *c, struct wsl_span bytes, const char *fault) {
  char peer[ADDRESS_TEXT_MAX], shown[4 * SHOWN_BYTES_MAX + 8];
  if (bytes.len > SHOWN_BYTES_MAX) bytes.len = SHOWN_BYTES_MAX;
  counter_add(&c->domain->counters->proxy_failed);
  log_escape(bytes, shown, sizeof(shown));
  address_format(&c->peer, peer);
  if (fault != NULL)
    log_event(LOG_WARN, c->id, "PROXY header refused client=%s reason=\"%s\" got=\"%s\"", peer, fault, shown);
  else
    log_event(
        LOG_WARN, c->id,
        "expected a PROXY header client=%s got=\"%s\": configure it to send one (HAProxy: send-proxy, nginx: "
        "proxy_protocol on), or remove it from --accept-proxy",
        peer, shown);
  return connection_linger(c);
}

void connection_proxy_late(struct connection *c) {
  char peer[ADDRESS_TEXT_MAX];
  counter_add(&c->domain->counters->proxy_failed);
  log_event(LOG_WARN, c->id, "no PROXY header in time client=%s (--accept-proxy, --handshake-timeout)",
            address_format(&c->peer, peer));
  (void)connection_close(c, CLOSE_IN_ORDER);
}

/* The stash has all bytes so far. */
static enum step look(struct connection *c) {
  struct proxy_header header;
  struct wsl_span bytes = {(const char *)c->stash.data + c->stash.at, stash_waiting(&c->stash)};
  size_t taken = 0;
  const char *fault = NULL;
  switch (proxy_decode((const uint8_t *)bytes.at, bytes.len, &header, &taken, &fault)) {
    case PROXY_MORE:
      return STEP_ON;
    case PROXY_DONE:
      break;
    case PROXY_NONE:
    case PROXY_BAD:
      return refuse(c, bytes, fault);
  }
  stash_drop(&c->stash, &c->domain->stashes, taken);
  c->unparsed = stash_waiting(&c->stash) > 0;
  return take_header(c, &header) ? STEP_ON : connection_abandon(c, "no memory for a client's address");
}

/* A check of a balancer's may do no more than connect. */
static enum step on_ended(struct connection *c) {
  log_event(LOG_DEBUG, c->id, "connection closed before its PROXY header was whole");
  return connection_close(c, CLOSE_IN_ORDER);
}

enum step connection_step_proxy(struct connection *c) {
  uint8_t *bytes = c->domain->scratch_head;
  if (connection_may_go(c)) return connection_close(c, CLOSE_IN_ORDER);
  if (!transport_readable(c->client)) return STEP_WAIT;
  int64_t n = transport_read(c->client, bytes, connection_head_read_size(c));
  if (n == WSL_AGAIN) return connection_may_go(c) ? STEP_ON : STEP_WAIT;
  if (n < 0) return connection_abandon(c, error_text((int)n));
  if (n == 0) return on_ended(c);
  if (stash_put(&c->stash, &c->domain->stashes, bytes, (size_t)n) != 0)
    return connection_abandon(c, "no memory for a PROXY header");
  return look(c);
}

bool connection_begins_with_proxy(struct wsl_span bytes) {
  struct proxy_header header;
  size_t taken;
  const char *fault;
  if (bytes.len < sizeof("PROXY")) return false;
  return proxy_decode((const uint8_t *)bytes.at, bytes.len, &header, &taken, &fault) != PROXY_NONE;
}
