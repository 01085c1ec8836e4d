/* Routes by token (route/router.h): takes it from its place in the request, and looks it up with the plugin's
 * source (route/token/kind.h), on the pool or on the loop as the kind wants it. Tokens are secrets: never in
 * a log line.
 */
#ifndef ROUTE_TOKEN_ROUTER_H
#define ROUTE_TOKEN_ROUTER_H

#include "route/router.h"
#include "route/token/cache.h"
#include "route/token/kind.h"
#include "route/token/place.h"

/* Lookups of a worker that run or wait: a disk that hangs must not pile up requests. */
#define TOKEN_LOOKUPS_MAX 1024u

struct token_router {
  struct router router; /* first: it is one */
  struct offload *offload;
  struct token_source *source;
  struct token_client *client; /* of an asynchronous source, else NULL */
  struct timers *timers;
  struct token_cache cache; /* of an asynchronous source's answers, where it allows that */
  struct token_place place;
  size_t under_way; /* lookups */
};

/* `means`, what it points to and `source` outlive the router. WSL_NO_MEMORY: nothing is to be destroyed. */
WSL_MUST_CHECK int token_router_init(struct token_router *router, const struct token_means *means,
                                     struct token_source *source, const struct token_place *place);

/* Nothing is under way but jobs of the pool that nobody waits for any more. */
void token_router_destroy(struct token_router *router);

/* Nothing is under way, and the worker would like to end: what is kept open for the next lookup is closed.
 * Harmless when repeated; lookups may come all the same. */
void token_router_rest(struct token_router *router);

#endif
