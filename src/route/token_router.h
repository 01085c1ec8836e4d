/* Routes by token (route/router.h): takes it from the query ("token=", percent-decoded, the first) or from
 * the Host without its port (--host-token; an IPv6 address with its brackets, or as a second try without),
 * and looks it up through net/offload. Tokens are secrets: never in a log line.
 */
#ifndef ROUTE_TOKEN_ROUTER_H
#define ROUTE_TOKEN_ROUTER_H

#include "net/offload.h"
#include "route/router.h"
#include "route/token_source.h"

enum token_place { TOKEN_IN_QUERY, TOKEN_IN_HOST };

/* Lookups of a worker that run or wait: a disk that hangs must not pile up requests. */
#define TOKEN_LOOKUPS_MAX 1024u

struct token_router {
  struct router router; /* first: it is one */
  struct offload *offload;
  struct token_source *source;
  enum token_place place;
  size_t under_way; /* lookups */
};

/* `offload` and `source` outlive the router. */
void token_router_init(struct token_router *router, struct offload *offload, struct token_source *source,
                       enum token_place place);

#endif
