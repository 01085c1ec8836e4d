/* Networks as operators write them: 10.0.0.0/8, 2001:db8::/32, one address, or the keyword "unix" for peers
 * on Unix sockets. Pure.
 *
 * An IPv4 address is the same whether a socket says 10.0.0.1 or ::ffff:10.0.0.1, and so is a network.
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* Text of the longest, NUL included: an IPv6 address and "/128". */
#define NETWORK_TEXT_MAX 64u

/* An address without port and scope: `family` is AF_INET (4 bytes), AF_INET6 (16), or any other (none). */
struct bare_address {
  int family;
  uint8_t bytes[16];
};

/* v4-mapped ones come as IPv4. */
struct bare_address address_bare(const struct address *address);

struct network {
  struct bare_address first; /* family AF_UNIX: all Unix sockets; bits behind `bits` are 0 */
  unsigned bits;
};

/* "ADDRESS" or "ADDRESS/BITS"; bits set behind the length are ignored, as routers do. False with a static
 * sentence in *why. */
bool network_parse(struct wsl_span text, struct network *network, const char **why);

/* Likewise, or "unix". */
bool network_parse_peer(struct wsl_span text, struct network *network, const char **why);

/* "::/0" holds no IPv4 address, and neither holds a Unix socket. */
bool network_holds(const struct network *network, const struct bare_address *address);

/* Some of them; none: nobody is in. */
struct networks {
  const struct network *values;
  size_t count;
};

bool networks_hold(const struct networks *networks, const struct address *address);

#endif
