/* Which target an upgrade gets: asked while the request's bytes are here, answered at once or later
 * (route/router.h). The answer is only noted; what it means is the next step's to say.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/log.h"
#include "server/connection/internal.h"

/* Longest reason and path of a refusal's line. */
#define REFUSAL_LINE_MAX 512u

/* What a client gets, and the log. Nothing of the request but its path: tokens are secrets. */
struct refusal {
  uint16_t status;
  const char *text;
};

static const struct refusal refusals[] = {
    [ROUTE_NO_TOKEN] = {403, "no token"},
    [ROUTE_UNKNOWN] = {404, "unknown token"},
    [ROUTE_BUSY] = {503, "too many lookups at once"},
    [ROUTE_FAILED] = {502, "the token can't be looked up"},
    [ROUTE_NO_TARGET] = {400, "the request names no target"},
    [ROUTE_MALFORMED] = {400, "the target that the request names is not of the form host:port"},
};
static const struct refusal refusal_for_time = {504, "the token's lookup takes too long"};

/* May come from inside route_start(), before the state; then the next step looks anyway. */
static void on_routed(struct route_lookup *lookup, enum route_outcome outcome, const struct target *target,
                      void *owned) {
  struct connection *c = LIST_ENTRY(lookup, struct connection, route);
  c->route_over = true;
  c->route_outcome = outcome;
  if (outcome == ROUTE_BUSY || outcome == ROUTE_FAILED) counter_add(&c->domain->counters->lookups_failed);
  c->target = target;
  c->own_target = owned;
  if (c->state == CONNECTION_ROUTING) transport_again(c->client);
}

void connection_begin_routing(struct connection *c, const struct wsl_request *request) {
  struct route_request wanted = {
      .path = request->path,
      .query = request->query,
      .authority = request->authority,
      .head = &c->head,
      .id = c->id,
  };
  if (c->domain->settings->token_kind != NULL) counter_add(&c->domain->counters->lookups);
  route_start(c->domain->router, &c->route, &wanted, on_routed);
  connection_set_state(c, CONNECTION_ROUTING);
  if (c->route_over) return;
  timer_arm(c->domain->timers, &c->timer, c->domain->timers->now_ms + c->domain->settings->token_timeout_ms);
}

static void refuse(struct connection *c, const struct refusal *refusal) {
  char what[REFUSAL_LINE_MAX], mark[TOKEN_MARK_MAX];
  snprintf(what, sizeof(what), "%.*s%s reason=\"%s\"", (int)c->words->opening_path_len, c->words->opening,
           connection_token_mark(c, mark), refusal->text);
  connection_count_answer(c, refusal->status, what);
  connection_free_upgrade(c);
  outgoing_clear(&c->out); /* the 101 */
  struct response response = {.status = refusal->status, .retry_after_s = refusal->status == 503 ? 1 : 0};
  connection_answer_text(c, &response, refusal->text, ANSWER_BODY, NEXT_LINGER);
}

const char *connection_token_mark(const struct connection *c, char out[TOKEN_MARK_MAX]) {
  out[0] = '\0';
  if (c->route.mark != 0) snprintf(out, TOKEN_MARK_MAX, " token=#%06" PRIx32, c->route.mark);
  return out;
}

void connection_routing_late(struct connection *c) {
  counter_add(&c->domain->counters->lookups_failed);
  refuse(c, &refusal_for_time);
  connection_run(c);
}

/* What somebody else than the command line has named is judged before anything is dialled or answered; names
 * once more by what they resolve to (net/socket_dialer.h). */
static bool may_dial(struct connection *c) {
  static const struct refusal refusal = {403, "this target is not allowed"};
  char why[TARGET_REASON_MAX];
  if (target_judge(&c->domain->settings->target_rules, c->target, why) != TARGET_REFUSED) return true;
  log_event(LOG_WARN, c->id, "target refused target=%s reason=\"%s\"", c->target->text, why);
  counter_add(&c->domain->counters->refused_targets);
  refuse(c, &refusal);
  return false;
}

enum step connection_step_routing(struct connection *c) {
  if (c->domain->serving == SERVING_OVER) return connection_stop_upgrade(c, "the server is stopping");
  if (!c->route_over) return connection_look_for_client(c);
  timer_disarm(c->domain->timers, &c->timer);
  if (c->route_outcome != ROUTE_FOUND) {
    refuse(c, &refusals[c->route_outcome]);
    return STEP_ON;
  }
  if (!may_dial(c)) return STEP_ON;
  connection_set_state(
      c, c->domain->settings->dial_order == DIAL_BEFORE_UPGRADE ? CONNECTION_DIALLING : CONNECTION_UPGRADING);
  return STEP_ON;
}
