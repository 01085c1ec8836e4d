/* Routing: from an upgrade request to the target that it gets, or the reason why it gets none.
 *
 * An interface, since the ways differ (one target for all, the token plugins) and
 * most of them wait for something: answers come by callback, on the worker's loop.
 */
#ifndef ROUTE_ROUTER_H
#define ROUTE_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/head.h>

#include "net/dialer.h"

/* What a router may look at; spans live only for the call. */
struct route_request {
  struct wsl_span path;        /* as sent */
  struct wsl_span query;       /* without "?"; may be empty */
  struct wsl_span authority;   /* the Host */
  const struct wsl_head *head; /* whole: any header */
  uint64_t id;                 /* of the connection, for log lines */
};

enum route_outcome {
  ROUTE_FOUND,
  ROUTE_NO_TOKEN,  /* the request names none: 403 */
  ROUTE_UNKNOWN,   /* no target of that name: 404 */
  ROUTE_BUSY,      /* too many lookups under way, or no memory: 503 */
  ROUTE_FAILED,    /* the source can't be read: 502; the router has logged why */
  ROUTE_NO_TARGET, /* the request is to name its target itself, and does not: 400 */
  ROUTE_MALFORMED  /* or names what is none: 400 */
};

struct route_lookup;

/* With ROUTE_FOUND a target: shared and alive for ever (`owned` NULL), or one of its own, which the callee
 * frees with free(owned) when nothing uses it any more; `target` points to or into it. Else both NULL. */
typedef void (*route_fn)(struct route_lookup *lookup, enum route_outcome outcome, const struct target *target,
                         void *owned);

struct router;

/* Embedded in whoever asks; alive until the callback or route_cancel(). */
struct route_lookup {
  route_fn done;
  struct router *router;
  void *work;    /* the router's own; NULL when nothing is in flight */
  uint32_t mark; /* set by the router: of what it looks up, a token's hash under a key of this process, so
                    that lines of the log can be matched; 0: there is none */
};

struct router_ops {
  void (*start)(struct router *, struct route_lookup *, const struct route_request *);
  void (*cancel)(struct router *, struct route_lookup *);
};

/* One a worker. */
struct router {
  const struct router_ops *ops;
};

/* The callback may come before this returns. */
static inline void route_start(struct router *router, struct route_lookup *lookup,
                               const struct route_request *request, route_fn done) {
  lookup->done = done;
  lookup->router = router;
  lookup->work = NULL;
  lookup->mark = 0;
  router->ops->start(router, lookup, request);
}

/* Gives up; harmless when nothing is in flight or the lookup was zeroed and never started. */
static inline void route_cancel(struct route_lookup *lookup) {
  if (lookup->router != NULL && lookup->work != NULL) lookup->router->ops->cancel(lookup->router, lookup);
}

#endif
