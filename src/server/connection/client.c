/* Who the client is, where somebody stands in between: a balancer that has named it in a PROXY header
 * (proxy.c), proxies that have named it in the request (Forwarded, X-Forwarded-For). Only those
 * whom the operator lists are believed.
 *
 * Of a chain "client, proxy, proxy" everything left of the first address that is not a trusted proxy's may be
 * invented: so the walk begins at the right, and ends at the first address that it does not trust.
 */
#include <stdlib.h>

#include "codec/http/forwarded.h"
#include "core/text.h"
#include "server/connection/internal.h"

/* Room for an IPv6 literal with a zone, NUL included. */
#define HOST_MAX 72u

struct connection_chain *connection_make_chain(struct connection *c) {
  if (c->chain == NULL) c->chain = calloc(1, sizeof(*c->chain));
  return c->chain;
}

/* ---- what the request says ---- */

/* The rightmost address that is not trusted, as far as elements have come; of trusted ones alone the
 * leftmost. */
struct walk {
  const struct networks *trusted;
  bool said;  /* there was such a header at all */
  bool found; /* an address, with nothing behind it that can't be read */
  struct address client;
  enum forwarded_scheme scheme;
};

static bool read_address(const struct forwarded_element *element, struct address *address) {
  char host[HOST_MAX];
  if (element->host.len == 0 || element->host.len >= sizeof(host)) return false;
  memcpy(host, element->host.at, element->host.len);
  host[element->host.len] = '\0';
  return address_parse_literal(host, element->port, address);
}

static void visit(struct walk *walk, const struct forwarded_element *element) {
  struct address address;
  walk->said = true;
  if (!read_address(element, &address)) {
    walk->found = false; /* whoever stands behind it can't be known through it */
    return;
  }
  if (walk->found && networks_hold(walk->trusted, &address)) return;
  walk->found = true;
  walk->client = address;
  walk->scheme = element->scheme;
}

typedef bool (*next_fn)(struct wsl_span *rest, struct forwarded_element *element);

/* All header lines of that name, in their order, are one list (RFC 9110 5.3). */
static struct walk walk_header(const struct connection *c, const char *name, next_fn next) {
  struct walk walk = {.trusted = &c->domain->settings->trust_forwarded};
  struct forwarded_element element;
  struct wsl_span value;
  uint32_t field = 0;
  while (wsl_head_next(&c->head, wsl_span_of(name), &field, &value)) {
    while (next(&value, &element))
      visit(&walk, &element);
  }
  return walk;
}

/* Most proxies write X-Forwarded-Proto beside X-Forwarded-For. */
static enum forwarded_scheme read_proto(const struct connection *c) {
  enum forwarded_scheme scheme = FORWARDED_SCHEME_UNSAID;
  struct wsl_span value;
  uint32_t field = 0;
  while (wsl_head_next(&c->head, wsl_span_of("X-Forwarded-Proto"), &field, &value))
    scheme = x_forwarded_proto(value);
  return scheme;
}

static bool same_host(const struct address *a, const struct address *b) {
  struct bare_address x = address_bare(a), y = address_bare(b);
  return x.family == y.family && memcmp(x.bytes, y.bytes, sizeof(x.bytes)) == 0;
}

/* A proxy sets one of the two, and passes the other on as the client wrote it: where both are there and say
 * two things, nobody knows which one it is. Said once a connection, since it may be the client's doing. */
static bool agree(const struct connection *c, const struct walk *a, const struct walk *b) {
  if (!a->said || !b->said) return true;
  if (a->found == b->found && (!a->found || same_host(&a->client, &b->client))) return true;
  char peer[ADDRESS_TEXT_MAX];
  log_event(
      c->chain->contradicted ? LOG_DEBUG : LOG_WARN, c->id,
      "Forwarded and X-Forwarded-For name two clients, neither is believed via=%s: let the proxy remove the "
      "one that it does not set",
      address_format(&c->peer, peer));
  c->chain->contradicted = true;
  return false;
}

bool connection_note_forwarded(struct connection *c) {
  const struct networks *trusted = &c->domain->settings->trust_forwarded;
  if (c->chain != NULL) c->chain->forwarded.len = 0;
  if (c->chain != NULL) c->chain->scheme = FORWARDED_SCHEME_UNSAID;
  if (!networks_hold(trusted, &c->peer)) return true;
  struct walk standard = walk_header(c, "Forwarded", forwarded_next);
  struct walk customary = walk_header(c, "X-Forwarded-For", x_forwarded_for_next);
  struct connection_chain *chain = connection_make_chain(c);
  if (chain == NULL) return false;
  if (!agree(c, &standard, &customary)) return true; /* then the proxy is whom the log names */
  chain->scheme = standard.scheme != FORWARDED_SCHEME_UNSAID ? standard.scheme : read_proto(c);
  if (standard.found)
    chain->forwarded = standard.client;
  else if (customary.found)
    chain->forwarded = customary.client;
  return true;
}

/* ---- what is known ---- */

const struct address *connection_client(const struct connection *c) {
  return c->chain != NULL && c->chain->forwarded.len > 0 ? &c->chain->forwarded : &c->peer;
}

bool connection_is_secure(const struct connection *c) {
  return c->security != CONNECTION_PLAIN || (c->chain != NULL && c->chain->scheme == FORWARDED_HTTPS);
}

/* Headers mostly name no port. */
static void show_address(struct text *text, const struct address *address) {
  char shown[ADDRESS_TEXT_MAX];
  address_format(address, shown);
  bool is_unix = address->storage.ss_family == AF_UNIX;
  char *colon = address_port(address) == 0 && !is_unix ? strrchr(shown, ':') : NULL;
  if (colon != NULL) *colon = '\0';
  text_string(text, shown);
}

const char *connection_show_client(const struct connection *c, char out[CLIENT_TEXT_MAX]) {
  struct text text;
  text_init(&text, out, CLIENT_TEXT_MAX);
  show_address(&text, connection_client(c));
  if (c->chain == NULL) return out;
  const char *before = " via=";
  if (connection_client(c) != &c->peer) {
    text_string(&text, before);
    show_address(&text, &c->peer);
    before = ",";
  }
  if (c->chain->balancer.len > 0) {
    text_string(&text, before);
    show_address(&text, &c->chain->balancer);
  }
  return out;
}
