/* See route/token_router.h. A lookup owns a copy of its token, since it may outlive the request and, once a
 * thread of the pool has begun it, whoever asked.
 */
#include "route/token_router.h"

#include <stdlib.h>

#include "codec/query.h"

struct token_lookup {
  struct offload_job job;
  struct token_router *router;
  struct route_lookup *asker; /* NULL once it has given up; the loop's alone */
  enum route_outcome outcome; /* as are these two once the work is done */
  struct target *target;
  size_t token_len;
  char token[];
};

static struct token_router *router_of(struct router *router) {
  return (struct token_router *)(void *)router;
}

/* ---- the token ---- */

/* websockify drops line feeds at a token's end: files that people paste from have them. */
static size_t without_line_feeds(const char *token, size_t len) {
  while (len > 0 && token[len - 1] == '\n')
    len--;
  return len;
}

/* A Host without its port; an IPv6 address keeps its brackets. */
static struct wsl_span host_name(struct wsl_span authority) {
  const char *end = NULL;
  if (authority.len > 0 && authority.at[0] == '[') {
    end = memchr(authority.at, ']', authority.len);
    return end == NULL ? authority : (struct wsl_span){authority.at, (size_t)(end - authority.at) + 1};
  }
  if (authority.len > 0) end = memchr(authority.at, ':', authority.len);
  return end == NULL ? authority : (struct wsl_span){authority.at, (size_t)(end - authority.at)};
}

static size_t token_room(const struct token_router *router, const struct route_request *request) {
  return router->place == TOKEN_IN_QUERY ? request->query.len : request->authority.len;
}

/* Writes the token; 0: the request has none. */
static size_t take_token(const struct token_router *router, const struct route_request *request, char *out,
                         size_t cap) {
  if (router->place == TOKEN_IN_HOST) {
    struct wsl_span host = host_name(request->authority);
    if (host.len > 0) memcpy(out, host.at, host.len);
    return host.len;
  }
  size_t len = 0;
  if (query_parameter(request->query, "token", out, cap, &len) != QUERY_FOUND) return 0;
  return without_line_feeds(out, len);
}

/* ---- the lookup ---- */

/* On a thread of the pool. An IPv6 Host may stand in the file with or without its brackets. */
static void look_up(struct offload_job *job) {
  struct token_lookup *lookup = LIST_ENTRY(job, struct token_lookup, job);
  struct token_source *source = lookup->router->source;
  struct wsl_span token = {lookup->token, lookup->token_len};
  lookup->outcome = token_source_find(source, token, &lookup->target);
  bool bracketed = token.len > 2 && token.at[0] == '[' && token.at[token.len - 1] == ']';
  if (lookup->outcome != ROUTE_UNKNOWN || lookup->router->place != TOKEN_IN_HOST || !bracketed) return;
  struct wsl_span bare = {token.at + 1, token.len - 2};
  lookup->outcome = token_source_find(source, bare, &lookup->target);
}

static void on_looked_up(struct offload_job *job) {
  struct token_lookup *lookup = LIST_ENTRY(job, struct token_lookup, job);
  struct route_lookup *asker = lookup->asker;
  enum route_outcome outcome = lookup->outcome;
  struct target *target = lookup->target;
  lookup->router->under_way--;
  free(lookup);
  if (asker == NULL) {
    free(target);
    return;
  }
  asker->work = NULL;
  asker->done(asker, outcome, target, target);
}

static void answer_without(struct route_lookup *asker, enum route_outcome outcome) {
  asker->done(asker, outcome, NULL, NULL);
}

static void start(struct router *base, struct route_lookup *asker, const struct route_request *request) {
  struct token_router *router = router_of(base);
  size_t room = token_room(router, request);
  struct token_lookup *lookup = calloc(1, sizeof(*lookup) + room);
  if (lookup == NULL) {
    answer_without(asker, ROUTE_BUSY);
    return;
  }
  lookup->token_len = take_token(router, request, lookup->token, room);
  if (lookup->token_len == 0 || router->under_way >= TOKEN_LOOKUPS_MAX) {
    answer_without(asker, lookup->token_len == 0 ? ROUTE_NO_TOKEN : ROUTE_BUSY);
    free(lookup);
    return;
  }
  lookup->router = router;
  lookup->asker = asker;
  asker->work = lookup;
  router->under_way++;
  offload_start(router->offload, &lookup->job, look_up, on_looked_up);
}

static void cancel(struct router *base, struct route_lookup *asker) {
  struct token_lookup *lookup = asker->work;
  asker->work = NULL;
  if (offload_cancel(&lookup->job)) {
    router_of(base)->under_way--;
    free(lookup);
  } else {
    lookup->asker = NULL; /* freed when its work is done */
  }
}

static const struct router_ops token_router_ops = {.start = start, .cancel = cancel};

void token_router_init(struct token_router *router, struct offload *offload, struct token_source *source,
                       enum token_place place) {
  *router = (struct token_router){
      .router = {&token_router_ops},
      .offload = offload,
      .source = source,
      .place = place,
  };
}
