/* Between the PROXY protocol's ends (codec/text/proxy_protocol.h) and socket addresses. Pure. */
#ifndef SERVER_CONNECTION_PROXY_ADDRESS_H
#define SERVER_CONNECTION_PROXY_ADDRESS_H

#include "codec/text/proxy_protocol.h"
#include "net/address.h"

/* The header for a connection of `client` that reached `local`. A client on a Unix socket is nobody. Where
 * the families differ both are written as IPv6; a `local` that is no IP address is 0.0.0.0 or ::, port 0. */
struct proxy_header proxy_header_of(const struct address *client, const struct address *local);

/* One end of a header of that family, which is not PROXY_NOBODY. */
struct address proxy_address_of(enum proxy_family family, const struct proxy_end *end);

#endif
