/* Whether a request may come in (route/gate.h): asked while its bytes are here. Where the answer takes its
 * time, all that was read stays in the stash, head and what lies behind it, and is read again afterwards: so
 * nothing of a request but its bytes needs to live that long.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/text.h"
#include "server/connection/internal.h"

/* A gate answers sooner than this, pauses included; a disk or a pool that hangs must not hold clients. */
#define GATE_PATIENCE_MS 60000u

/* As websockify has it, to the letter: browsers keep credentials by realm. */
#define CHALLENGE "Basic realm=\"Websockify\""

static uint16_t status_of(enum gate_outcome outcome) {
  static const uint16_t statuses[] = {
      [GATE_OPEN] = 200,   [GATE_UNKNOWN] = 401, [GATE_WRONG] = 401, [GATE_MALFORMED] = 403,
      [GATE_CLOSED] = 403, [GATE_HURRIED] = 429, [GATE_BUSY] = 503,
  };
  return statuses[outcome];
}

/* Without memory for it the request goes on: only a name in the log, or a cookie, is missing then. */
static struct gate_pass *make_pass(const struct gate_answer *answer) {
  if (answer->user == NULL && answer->cookie == NULL) return NULL;
  const char *user = answer->user != NULL ? answer->user : "",
             *cookie = answer->cookie != NULL ? answer->cookie : "";
  struct gate_pass *pass = malloc(sizeof(*pass) + strlen(user) + 1 + strlen(cookie) + 1);
  if (pass == NULL) return NULL;
  char *room = (char *)(pass + 1);
  pass->user = strcpy(room, user);
  pass->cookie = strcpy(room + strlen(user) + 1, cookie);
  return pass;
}

/* May come from inside gate_start(), before the state; then whoever asked looks anyway. */
static void on_judged(struct gate_check *check, const struct gate_answer *answer) {
  struct connection *c = LIST_ENTRY(check, struct connection, check);
  if (answer->delayed) counter_add(&c->domain->counters->auth_delays);
  if (answer->outcome == GATE_WRONG) counter_add(&c->domain->counters->auth_failures);
  c->judgement = *answer;
  c->judgement.user = c->judgement.cookie = NULL;
  c->judged = true;
  if (answer->outcome == GATE_OPEN) c->pass = make_pass(answer);
  if (c->state == CONNECTION_AUTHORIZING) transport_again(c->client);
}

/* Only where names are looked at. */
static struct wsl_span certificate_name(const struct connection *c, char name[TLS_PEER_NAME_MAX]) {
  struct wsl_span none = {NULL, 0};
  if (c->domain->settings->auth.plugin != AUTH_CERTIFICATE || c->security != CONNECTION_SECURE) return none;
  size_t len = tls_peer_name(c->client, name);
  if (len > 0) return (struct wsl_span){name, len};
  char doubts[256];
  log_event(LOG_DEBUG, c->id, "no name from a client certificate: %s",
            tls_peer_doubts(c->client, doubts, sizeof(doubts)));
  return none;
}

static void ask(struct connection *c, const struct wsl_request *request, enum gate_purpose purpose) {
  char name[TLS_PEER_NAME_MAX];
  struct gate_request shown = {
      .purpose = purpose,
      .carrier = connection_is_secure(c) ? GATE_OVER_TLS : GATE_OVER_PLAIN,
      .head = &c->head,
      .origin = request->origin,
      .authority = request->authority,
      .certificate_name = certificate_name(c, name),
      .client = connection_client(c),
  };
  gate_start(c->domain->gate, &c->check, &shown, on_judged);
}

/* A browser's first request never has credentials: no news where it is for a page. `request`: NULL where its
 * bytes are not here any more, which are where an origin is judged. */
static void note_refusal(struct connection *c, uint16_t status, const struct wsl_request *request) {
  if (c->judgement.outcome == GATE_UNKNOWN && c->purpose == GATE_FILE) {
    counter_add(&c->domain->counters->refused_4xx);
    log_event(LOG_DEBUG, c->id, "request without credentials status=%u", (unsigned)status);
    return;
  }
  char what[SHOWN_MAX + 128];
  struct text text;
  text_init(&text, what, sizeof(what));
  text_format(&text, "reason=\"%s\"", c->judgement.reason);
  if (request != NULL && c->domain->settings->auth.plugin == AUTH_ORIGIN)
    connection_put_origin(c, request->origin, &text);
  connection_count_answer(c, status, what);
}

/* A 401 keeps the connection: the browser asks its user, and tries again. */
static void refuse(struct connection *c, const struct wsl_request *request) {
  uint16_t status = status_of(c->judgement.outcome);
  struct response response = {
      .status = status,
      .retry_after_s = c->judgement.retry_after_s,
      .cache_control = "no-store",
      .www_authenticate = status == 401 ? CHALLENGE : NULL,
  };
  note_refusal(c, status, request);
  connection_answer_text(c, &response, c->judgement.reason,
                         c->head.method_is_head ? ANSWER_HEAD_ONLY : ANSWER_BODY,
                         status == 401 ? c->next : NEXT_LINGER);
}

bool connection_passes_gate(struct connection *c, const struct wsl_request *request,
                            enum gate_purpose purpose) {
  const struct server_settings *settings = c->domain->settings;
  if (c->domain->gate == NULL || (purpose == GATE_FILE && settings->auth.files == AUTH_FILES_OPEN))
    return true;
  c->purpose = purpose;
  if (!c->judged) ask(c, request, purpose);
  if (!c->judged) {
    connection_set_state(c, CONNECTION_AUTHORIZING);
    timer_arm(c->domain->timers, &c->timer, c->domain->timers->now_ms + GATE_PATIENCE_MS);
    return false;
  }
  if (c->judgement.outcome == GATE_OPEN) return true;
  refuse(c, request);
  return false;
}

void connection_free_gate(struct connection *c) {
  gate_cancel(&c->check);
  free(c->pass);
  c->pass = NULL;
  c->judged = false;
}

void connection_gate_late(struct connection *c) {
  connection_free_gate(c);
  connection_refuse(c, 503, "the check of the credentials takes too long");
  connection_run(c);
}

enum step connection_step_authorizing(struct connection *c) {
  if (c->domain->serving == SERVING_OVER) {
    connection_free_gate(c);
    connection_refuse(c, 503, "the server is stopping");
    return STEP_ON;
  }
  /* Whoever half-closes behind a request for a page wants that page. */
  if (!c->judged) return c->purpose == GATE_UPGRADE ? connection_look_for_client(c) : STEP_WAIT;
  timer_disarm(c->domain->timers, &c->timer);
  if (c->judgement.outcome == GATE_OPEN) {
    connection_read_head_again(c);
  } else {
    stash_drop(&c->stash, &c->domain->stashes, c->head.head_len);
    refuse(c, NULL);
  }
  return STEP_ON;
}
