/* The seam between what every resolver does (resolver.c) and the library that asks the network
 * (resolver_ares.c or resolver_getaddrinfo.c). The library's file also defines struct resolver,
 * resolver_open() and resolver_close(). Private to net.
 */
#ifndef NET_RESOLVER_LIBRARY_H
#define NET_RESOLVER_LIBRARY_H

#include "net/resolver.h"

/* One question in flight. It outlives a cancelled query: libraries can't always take one back. */
struct resolver_request {
  struct resolver_query *query; /* NULL once cancelled */
  bool loopback_name;           /* "localhost" or beneath it: if the library fails, we know the answer */
  uv_getaddrinfo_t call;        /* resolver_getaddrinfo.c's */
};

/* What a library found, kept by family, so that many addresses of one can't push out the other. */
struct resolver_found {
  struct address of[2][RESOLVER_ADDRESSES_MAX]; /* in the library's order; of[0]: its first one's family */
  size_t count[2];
};

/* Takes an address in; others than IPv4 and IPv6, and what is too many, are passed over. */
void resolver_found_add(struct resolver_found *found, const struct sockaddr *sockaddr, socklen_t len);

/* Asks for a name (no literal, of sane length). Exactly one resolver_answer() follows, perhaps before
 * this returns. */
void resolver_library_ask(struct resolver *resolver, struct resolver_request *request, const char *host);

/* The query does not matter any more; the answer still follows, at the library's leisure. */
void resolver_library_cancel(struct resolver_request *request);

/* Ends a request and frees it: 0 with `found`, or an error of enum wsl_error. */
void resolver_answer(struct resolver_request *request, int error, struct resolver_found *found);

#endif
