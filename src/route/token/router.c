/* See route/token/router.h. A lookup owns a copy of its token, since it may outlive the request and, once a
 * thread of the pool has begun it, whoever asked.
 */
#include "route/token/router.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/timers.h"
#include "route/token/target.h"

/* One request's. Of `job` and `asked` the kind of source uses one. */
struct lookup {
  struct offload_job job;
  struct token_lookup asked; /* its question serves both */
  struct token_router *router;
  struct route_lookup *asker; /* NULL once it has given up; the loop's alone */
  struct token_answer answer; /* once the work is done */
  char token[];
};

static struct token_router *router_of(struct router *router) {
  return (struct token_router *)(void *)router;
}

static void end(struct lookup *lookup) {
  lookup->router->under_way--;
  free(lookup);
}

/* Frees the lookup, and tells who asked, if anybody still wants to know. */
static void answer(struct lookup *lookup, const struct token_answer *answer) {
  struct route_lookup *asker = lookup->asker;
  end(lookup);
  if (asker == NULL) {
    free(answer->target);
    return;
  }
  asker->work = NULL;
  asker->done(asker, answer->outcome, answer->target, answer->target);
}

/* ---- on the pool ---- */

/* An IPv6 address without the brackets that a Host has round it. */
static bool unbracket(struct wsl_span *token) {
  if (token->len <= 2 || token->at[0] != '[' || token->at[token->len - 1] != ']') return false;
  *token = (struct wsl_span){token->at + 1, token->len - 2};
  return true;
}

/* On a thread of the pool. An IPv6 Host may stand in a file with or without its brackets. */
static void look_up(struct offload_job *job) {
  struct lookup *lookup = LIST_ENTRY(job, struct lookup, job);
  struct token_source *source = lookup->router->source;
  struct token_question question = lookup->asked.question;
  source->kind->find(source, &question, &lookup->answer);
  if (lookup->answer.outcome != ROUTE_UNKNOWN || lookup->router->place.kind != TOKEN_IN_HOST) return;
  if (unbracket(&question.token)) source->kind->find(source, &question, &lookup->answer);
}

static void on_looked_up(struct offload_job *job) {
  struct lookup *lookup = LIST_ENTRY(job, struct lookup, job);
  struct token_answer result = lookup->answer;
  answer(lookup, &result);
}

/* ---- on the loop ---- */

static void on_answered(struct token_lookup *asked, const struct token_answer *result) {
  struct lookup *lookup = LIST_ENTRY(asked, struct lookup, asked);
  struct token_router *router = lookup->router;
  asked->work = NULL;
  if (result->target != NULL)
    token_cache_keep(&router->cache, asked->question.token, result->target, result->keep_ms,
                     router->timers->now_ms);
  answer(lookup, result);
}

static void ask(struct token_router *router, struct lookup *lookup) {
  struct wsl_span token = lookup->asked.question.token;
  const struct target *kept = token_cache_find(&router->cache, token, router->timers->now_ms);
  if (kept == NULL) {
    token_client_ask(router->client, &lookup->asked, on_answered);
    return;
  }
  struct target *target = token_target_copy(kept);
  enum route_outcome outcome = target == NULL ? ROUTE_BUSY : ROUTE_FOUND;
  answer(lookup, &(struct token_answer){.outcome = outcome, .target = target});
}

/* ---- both ---- */

static void refuse(struct route_lookup *asker, enum route_outcome outcome) {
  asker->done(asker, outcome, NULL, NULL);
}

/* NULL without memory. */
static struct lookup *make(struct token_router *router, struct route_lookup *asker,
                           const struct route_request *request) {
  size_t room = token_place_room(&router->place, request);
  struct lookup *lookup = calloc(1, sizeof(*lookup) + room);
  if (lookup == NULL) return NULL;
  lookup->router = router;
  lookup->asker = asker;
  size_t len = token_place_take(&router->place, request, lookup->token);
  lookup->asked.question = (struct token_question){.token = {lookup->token, len}, .id = request->id};
  return lookup;
}

/* 24 bits: as many as a log wants, and too few to tell a token by if the key were known. */
static uint32_t mark_of(const struct token_router *router, struct wsl_span token) {
  return 1 + (uint32_t)(siphash(&router->source->key, token) % 0xffffff);
}

static void start(struct router *base, struct route_lookup *asker, const struct route_request *request) {
  struct token_router *router = router_of(base);
  struct lookup *lookup = make(router, asker, request);
  if (lookup == NULL) {
    refuse(asker, ROUTE_BUSY);
    return;
  }
  bool has_token = lookup->asked.question.token.len > 0;
  if (!has_token || router->under_way >= TOKEN_LOOKUPS_MAX) {
    free(lookup);
    refuse(asker, has_token ? ROUTE_BUSY : ROUTE_NO_TOKEN);
    return;
  }
  asker->work = lookup;
  asker->mark = mark_of(router, lookup->asked.question.token);
  router->under_way++;
  if (router->client != NULL)
    ask(router, lookup);
  else
    offload_start(router->offload, &lookup->job, look_up, on_looked_up);
}

static void cancel(struct router *base, struct route_lookup *asker) {
  struct lookup *lookup = asker->work;
  asker->work = NULL;
  if (router_of(base)->client != NULL) {
    token_client_cancel(&lookup->asked);
    end(lookup);
  } else if (offload_cancel(&lookup->job)) {
    end(lookup);
  } else {
    lookup->asker = NULL; /* freed when its work is done */
  }
}

static const struct router_ops token_router_ops = {.start = start, .cancel = cancel};

int token_router_init(struct token_router *router, const struct token_means *means,
                      struct token_source *source, const struct token_place *place) {
  *router = (struct token_router){
      .router = {&token_router_ops},
      .offload = means->offload,
      .source = source,
      .timers = means->timers,
      .place = *place,
  };
  token_cache_init(&router->cache, &source->key);
  if (source->kind->client == NULL) return 0;
  router->client = token_client_open(source, means);
  return router->client == NULL ? WSL_NO_MEMORY : 0;
}

void token_router_destroy(struct token_router *router) {
  if (router->client == NULL) return;
  token_cache_destroy(&router->cache);
  token_client_close(router->client);
  router->client = NULL;
}

void token_router_rest(struct token_router *router) {
  if (router->client != NULL && router->under_way == 0) token_client_rest(router->client);
}
