/* Routes every request to one target (route/router.h). */
#ifndef ROUTE_FIXED_ROUTER_H
#define ROUTE_FIXED_ROUTER_H

#include "route/router.h"

struct fixed_router {
  struct router router; /* first: it is one */
  const struct target *target;
};

/* `target` outlives the router and all that it routed. */
void fixed_router_init(struct fixed_router *router, const struct target *target);

#endif
