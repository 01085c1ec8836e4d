/* See route/named_router.h: nothing to wait for, so nothing to cancel. */
#include "route/named_router.h"

#include <stdlib.h>

#include "core/error.h"
#include "route/token/target.h"

static enum route_outcome make_target(struct wsl_span text, struct target **target) {
  const char *why = NULL;
  if (text.len == 0) return ROUTE_NO_TARGET;
  switch (token_target_read(text, TARGET_LOOKED_UP, target, &why)) {
    case 0:
      return ROUTE_FOUND;
    case WSL_NO_MEMORY:
      return ROUTE_BUSY;
    default:
      return ROUTE_MALFORMED;
  }
}

static enum route_outcome read_target(const struct token_place *place, const struct route_request *request,
                                      struct target **target) {
  char *text = malloc(token_place_room(place, request) + 1);
  if (text == NULL) return ROUTE_BUSY;
  enum route_outcome outcome =
      make_target((struct wsl_span){text, token_place_take(place, request, text)}, target);
  free(text);
  return outcome;
}

static void start(struct router *base, struct route_lookup *lookup, const struct route_request *request) {
  const struct named_router *router = (const struct named_router *)(void *)base;
  struct target *target = NULL;
  enum route_outcome outcome = read_target(&router->place, request, &target);
  lookup->done(lookup, outcome, target, target);
}

static void cancel(struct router *router, struct route_lookup *lookup) {
  (void)router;
  (void)lookup;
}

static const struct router_ops named_router_ops = {.start = start, .cancel = cancel};

void named_router_init(struct named_router *router, const struct token_place *place) {
  *router = (struct named_router){.router = {&named_router_ops}, .place = *place};
}
