/* See net/network.h. */
#include "net/network.h"

#include <netinet/in.h>
#include <string.h>

#include "core/parse.h"

#define V4_BITS 32u
#define V6_BITS 128u

/* Where the IPv4 address stands in a v4-mapped one (RFC 4291 2.5.5.2). */
#define MAPPED_AT 12u

struct bare_address address_bare(const struct address *address) {
  const void *storage = &address->storage;
  struct bare_address bare = {.family = address->storage.ss_family};
  if (bare.family == AF_INET) {
    memcpy(bare.bytes, &((const struct sockaddr_in *)storage)->sin_addr, sizeof(struct in_addr));
  } else if (bare.family == AF_INET6) {
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)storage)->sin6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(v6);
    bare.family = mapped ? AF_INET : AF_INET6;
    memcpy(bare.bytes, v6->s6_addr + (mapped ? MAPPED_AT : 0),
           mapped ? sizeof(struct in_addr) : sizeof(struct in6_addr));
  }
  return bare;
}

static bool parse_bits(struct wsl_span text, unsigned max, unsigned *bits) {
  uint64_t number;
  if (!parse_digits(text, max, &number)) return false;
  *bits = (unsigned)number;
  return true;
}

static bool parse_bare(struct wsl_span text, struct address *address) {
  char host[NETWORK_TEXT_MAX];
  if (text.len >= sizeof host || memchr(text.at, '%', text.len) != NULL) return false;
  memcpy(host, text.at, text.len);
  host[text.len] = '\0';
  return address_parse_literal(host, 0, address);
}

static void clear_behind(struct network *network) {
  for (unsigned bit = network->bits; bit < 8 * sizeof network->first.bytes; bit++)
    network->first.bytes[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
}

bool network_parse(struct wsl_span text, struct network *network, const char **why) {
  const char *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
  struct wsl_span host = {text.at, slash != NULL ? (size_t)(slash - text.at) : text.len};
  struct address address;
  *why = "not an IP address or network such as 10.0.0.0/8 or 2001:db8::/32";
  if (host.len == 0 || !parse_bare(host, &address)) return false;
  network->first = address_bare(&address);
  bool mapped = network->first.family != address.storage.ss_family;
  unsigned max = address.storage.ss_family == AF_INET ? V4_BITS : V6_BITS;
  network->bits = max;
  *why = "the prefix length after the slash must be at most 32 (IPv4) or 128 (IPv6)";
  if (slash != NULL &&
      !parse_bits((struct wsl_span){slash + 1, text.len - host.len - 1}, max, &network->bits))
    return false;
  if (mapped && network->bits < V6_BITS - V4_BITS) return false; /* more than the mapped ones */
  if (mapped) network->bits -= V6_BITS - V4_BITS;
  clear_behind(network);
  return true;
}

bool network_parse_peer(struct wsl_span text, struct network *network, const char **why) {
  if (!wsl_span_equal(text, wsl_span_of("unix"))) return network_parse(text, network, why);
  *network = (struct network){.first.family = AF_UNIX};
  return true;
}

bool network_holds(const struct network *network, const struct bare_address *address) {
  if (network->first.family != address->family) return false;
  size_t whole = network->bits / 8, rest = network->bits % 8;
  if (memcmp(network->first.bytes, address->bytes, whole) != 0) return false;
  uint8_t mask = (uint8_t)(0xff00u >> rest);
  return rest == 0 || (address->bytes[whole] & mask) == network->first.bytes[whole];
}

bool networks_hold(const struct networks *networks, const struct address *address) {
  struct bare_address bare = address_bare(address);
  for (size_t i = 0; i < networks->count; i++) {
    if (network_holds(&networks->values[i], &bare)) return true;
  }
  return false;
}
