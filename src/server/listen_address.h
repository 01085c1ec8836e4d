/* Where to listen: the operator's host and port made into addresses, and the sentences for what can go
 * wrong with them. Used at start only, before any loop runs: resolving blocks.
 */
#ifndef SERVER_LISTEN_ADDRESS_H
#define SERVER_LISTEN_ADDRESS_H

#include <netdb.h>

#include "net/address.h"
#include "net/privileged.h"
#include "server/settings.h"

/* Resolves `host` ("" = all addresses: `::`, which then is dual stack); of a name's addresses the first of
 * the preferred family, else the first. 0, or an error with a line in why[0..why_cap). */
WSL_MUST_CHECK int listen_address_resolve(const char *host, uint16_t port, enum listen_family family,
                                          struct address *address, char *why, size_t why_cap);

/* Binds and listens at *address, with `::` as dual stack; where the machine has no IPv6 and `host` is
 * "", 0.0.0.0 takes its place. On success returns the descriptor and *address is where it listens, the
 * real port included; else an error of privileged_listen() with a line in why[0..why_cap). */
WSL_MUST_CHECK int listen_address_bind(const char *host, struct address *address, enum listen_sharing sharing,
                                       const struct socket_tuning *tuning, int backlog, char *why,
                                       size_t why_cap);

/* The first of the preferred family, else the first. Pure. */
const struct addrinfo *listen_address_choose(const struct addrinfo *list, enum listen_family preferred);

/* The sentence for an error of privileged_listen() at `address`. Pure. */
void listen_address_explain(int error, const struct address *address, char *why, size_t why_cap);

#endif
