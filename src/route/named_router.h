/* Routes to the target that the request itself names (route/router.h), such as ?address=db:5432: read from
 * its place, nothing looked up. Whether it may is --allow-target's to say (net/target_rules.h), without which
 * the command line does not let this router come about.
 */
#ifndef ROUTE_NAMED_ROUTER_H
#define ROUTE_NAMED_ROUTER_H

#include "route/router.h"
#include "route/token/place.h"

struct named_router {
  struct router router; /* first: it is one */
  struct token_place place;
};

void named_router_init(struct named_router *router, const struct token_place *place);

#endif
