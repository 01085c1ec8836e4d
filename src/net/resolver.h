/* Names to addresses, without blocking the loop: c-ares where it is built in (resolver_ares.c), else
 * libuv's getaddrinfo in the thread pool (resolver_getaddrinfo.c). One resolver a worker.
 *
 * Literals are answered here and never reach a library: c-ares 1.18 asks the DNS server for IPv4
 * literals.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <uv.h>

#include "net/address.h"

struct resolver;
struct resolver_query;

#define RESOLVER_ADDRESSES_MAX 16u

/* `error` is 0 with count >= 1 addresses, in the order in which to try them (RFC 6724 as the library
 * sorts, families interleaved as RFC 8305 4 wants), valid during the call; else WSL_NAME_UNKNOWN,
 * WSL_NAME_FAILED, WSL_NO_MEMORY or WSL_CANCELLED-free silence after a cancel. */
typedef void (*resolver_fn)(struct resolver_query *query, int error, const struct address *addresses,
                            size_t count);

/* Embedded in whoever asks; alive until its callback or resolver_cancel(). */
struct resolver_query {
  resolver_fn done;
  uint16_t port;
  void *request; /* private; NULL when nothing is in flight */
};

/* NULL when the library refuses to start. */
struct resolver *resolver_open(uv_loop_t *loop);

/* Cancels nothing by itself: every query must be done or cancelled. Frees once libuv has let go. */
void resolver_close(struct resolver *resolver);

/* Asks for host (NUL-terminated, brackets taken off). The callback may come before this returns.
 * Cancelled queries never call back. */
void resolver_ask(struct resolver *resolver, struct resolver_query *query, const char *host, uint16_t port,
                  resolver_fn done);

/* Harmless when nothing is in flight. The query may be freed afterwards. */
void resolver_cancel(struct resolver_query *query);

#endif
