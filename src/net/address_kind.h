/* Addresses that mean this machine, its wire, or the cloud that it runs in: what a stranger's word must not
 * lead a connection to. Pure.
 *
 * An address that carries an IPv4 one for a translator on the way (NAT64, 6to4, IPv4-compatible, Teredo) is
 * whatever that one is, too.
 */
#ifndef NET_ADDRESS_KIND_H
#define NET_ADDRESS_KIND_H

#include "net/network.h"

/* Bits of a set; the first that applies is the one to name. */
enum address_kind {
  ADDRESS_METADATA = 1 << 0, /* a cloud's service that hands credentials to whoever can reach it */
  ADDRESS_LOOPBACK = 1 << 1,
  ADDRESS_UNSPECIFIED = 1 << 2, /* 0.0.0.0/8, ::, which Linux connects to this machine */
  ADDRESS_LINK_LOCAL = 1 << 3,
  ADDRESS_MULTICAST = 1 << 4, /* broadcast too */
  ADDRESS_OWN = 1 << 5,       /* this machine's on a network: net/own_address.h tells, no table can */
};

/* What the tables tell. */
#define ADDRESS_KINDS_ALL 0x1fu

struct address_kinds {
  unsigned kinds; /* those of `wanted` that the address is; 0: none */
  unsigned bits;  /* how long the network of the narrowest of them is: who names no less means it */
};

struct address_kinds address_kinds_of(const struct bare_address *address, unsigned wanted);

/* "a loopback address"; the first of `kinds`, which is not 0. Static. */
const char *address_kind_text(unsigned kinds);

/* The kinds that a name stands for by itself, whatever it resolves to: "localhost", what ends in
 * ".localhost" (RFC 6761 6.3), and the names of metadata services. 0: none. */
unsigned address_kinds_of_name(struct wsl_span name);

#endif
