/* From an upgrade request to a session: the origin's judgement, the 101, dialling before it where the
 * operator wants that, and the handing over.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/text.h"
#include "server/connection/frames_choice.h"
#include "server/connection/internal.h"

/* Bytes read while dialling, only to see whether the client is still there. */
#define PEEK_SIZE 1024u

/* With a subprotocol beyond all custom. */
static bool make_long_answer(struct connection *c, const struct wsl_request *request) {
  size_t cap = UPGRADE_ANSWER_ROOM + request->subprotocol.len;
  char *answer = malloc(cap);
  if (answer == NULL) return false;
  size_t len = wsl_upgrade_answer(request, answer, cap);
  assert(len > 0);
  outgoing_take_head(&c->out, answer, len);
  return true;
}

static bool make_answer(struct connection *c, const struct wsl_request *request) {
  if (request->subprotocol.len > USUAL_SUBPROTOCOL) return make_long_answer(c, request);
  size_t len = wsl_upgrade_answer(request, c->words->answer, sizeof(c->words->answer));
  assert(len > 0);
  outgoing_lend_head(&c->out, c->words->answer, len);
  return true;
}

void connection_put_origin(const struct connection *c, struct wsl_span origin, struct text *text) {
  const struct server_settings *settings = c->domain->settings;
  bool host_is_secret = settings->token_kind != NULL && settings->token_place.kind == TOKEN_IN_HOST;
  if (origin.at == NULL || host_is_secret) return;
  char shown[SHOWN_MAX];
  text_format(text, " origin=\"%s\"", log_escape(origin, shown, sizeof(shown)));
}

/* What stands for a token. */
#define TOKEN_MASK "***"

/* The path but for the token in it, where that is its place. */
static void describe_path(const struct connection *c, struct wsl_span path, struct text *text) {
  const struct server_settings *settings = c->domain->settings;
  struct wsl_span token = {path.at, 0};
  if (settings->token_kind != NULL) token = token_place_in_path(&settings->token_place, path);
  size_t before = token.len == 0 ? path.len : (size_t)(token.at - path.at);
  size_t behind = path.len - before - token.len;
  char shown[SHOWN_MAX];
  text_format(text, "path=\"%s", log_escape((struct wsl_span){path.at, before}, shown, sizeof(shown)));
  if (token.len > 0)
    text_format(text, TOKEN_MASK "%s",
                log_escape((struct wsl_span){token.at + token.len, behind}, shown, sizeof(shown)));
  text_string(text, "\"");
}

/* The request's part of the opening line, made while its bytes are here; the target is not known yet.
 * Without the query: tokens live there. */
static void describe_opening(struct connection *c, const struct wsl_request *request) {
  if (!log_enabled(LOG_INFO)) return;
  struct upgrade_words *words = c->words;
  char shown[SHOWN_MAX];
  struct text text;
  text_init(&text, words->opening, sizeof(words->opening));
  describe_path(c, request->path, &text);
  words->opening_path_len = text.len;
  connection_put_origin(c, request->origin, &text);
  if (c->pass != NULL && c->pass->user[0] != '\0')
    text_format(&text, " user=\"%s\"", log_escape(wsl_span_of(c->pass->user), shown, sizeof(shown)));
  if (c->security != CONNECTION_PLAIN) {
    char how[TLS_DESCRIPTION_MAX];
    text_format(&text, " tls=\"%s\"", tls_describe(c->client, how));
  }
  if (request->subprotocol.len > 0)
    text_format(&text, " subprotocol=%s", log_escape(request->subprotocol, shown, sizeof(shown)));
  if (c->frames.mode != FRAMES_BINARY) text_format(&text, " frames=%s", frames_name(c->frames.mode));
}

static void refuse_origin(struct connection *c, const struct wsl_request *request) {
  char what[SHOWN_MAX + 64];
  struct text text;
  text_init(&text, what, sizeof(what));
  text_string(&text, "reason=\"origin not allowed\"");
  connection_put_origin(c, request->origin, &text);
  connection_count_answer(c, 403, what);
  struct response response = {.status = 403};
  connection_answer_text(c, &response, "pages of this origin may not connect here", ANSWER_BODY, NEXT_LINGER);
}

void connection_begin_upgrade(struct connection *c, const struct wsl_request *request) {
  const struct server_settings *settings = c->domain->settings;
  if (!origin_allowed(&settings->origins, request->origin, request->authority)) {
    refuse_origin(c, request);
    return;
  }
  c->next = request->keep_alive ? NEXT_REQUEST : NEXT_LINGER;
  if (!connection_passes_gate(c, request, GATE_UPGRADE)) return;
  if (session_domain_is_short(c->domain->sessions)) {
    connection_refuse(c, 503, "memory for streams is short: try again later");
    return;
  }
  if (!single_session_take(c->domain->single)) {
    connection_refuse(c, 503, "this server accepts one session only (--run-once)");
    return;
  }
  c->has_turn = true;
  c->words = slab_take(&c->domain->words);
  if (c->words == NULL || !connection_make_context(c, request) || !make_answer(c, request)) {
    connection_refuse(c, 503, "out of memory");
    return;
  }
  c->frames = frames_for(request->subprotocol, settings->frames);
  describe_opening(c, request);
  connection_begin_routing(c, request);
}

void connection_give_turn_back(struct connection *c) {
  if (c->has_turn) single_session_give_back(c->domain->single);
  c->has_turn = false;
}

void connection_free_upgrade(struct connection *c) {
  route_cancel(&c->route);
  dial_cancel(&c->dial);
  if (c->backend != NULL) transport_reset(c->backend);
  c->backend = NULL;
  buffer_return(c->domain->buffers, c->early);
  c->early = NULL;
  slab_give(&c->domain->words, c->words);
  c->words = NULL;
  connection_give_turn_back(c);
  free(c->own_target);
  c->own_target = NULL;
  free(c->context);
  c->context = NULL;
  c->target = NULL;
}

/* ---- CONNECTION_DIALLING ---- */

/* Bits of the backend stand until the session looks at them. */
static void on_backend_ready(struct transport *transport, void *owner) {
  (void)transport;
  (void)owner;
}

/* May come from inside dialer_start(): only notes. */
static void on_dialled(struct dial *dial, int error, struct transport *backend) {
  struct connection *c = LIST_ENTRY(dial, struct connection, dial);
  c->dial_over = true;
  c->dial_error = error;
  c->backend = backend;
  if (backend != NULL) transport_own(backend, on_backend_ready, c);
  transport_again(c->client);
}

static uint16_t status_of_dial(int error) {
  switch (error) {
    case WSL_TIMED_OUT:
      return 504;
    case WSL_FORBIDDEN:
      return 403;
    case WSL_NO_DESCRIPTOR:
    case WSL_NO_PORT:
    case WSL_NO_MEMORY:
    case WSL_TOO_MANY:
      return 503;
    default:
      return 502;
  }
}

static void refuse_for_backend(struct connection *c) {
  char what[SHOWN_MAX];
  struct text text;
  text_init(&text, what, sizeof(what));
  text_format(&text, "target=%s reason=\"%s\"", c->target->text, error_text_for_log(c->dial_error));
  uint16_t status = status_of_dial(c->dial_error);
  connection_count_answer(c, status, what);
  outgoing_clear(&c->out); /* the 101 */
  struct response response = {.status = status, .retry_after_s = status == 503 ? 1 : 0};
  connection_answer_text(c, &response, error_text(c->dial_error), ANSWER_BODY, NEXT_LINGER);
}

/* Whether bytes behind the head of an upgrade are here already; while it is authorized, the head is too. */
static bool has_early(const struct connection *c) {
  size_t head_len = c->state == CONNECTION_AUTHORIZING ? c->head.head_len : 0;
  return c->early != NULL || stash_waiting(&c->stash) > head_len;
}

/* A client that closes its socket meanwhile shows as a FIN with nothing before it; early frames show
 * that somebody half-closed who wants an answer. */
enum step connection_look_for_client(struct connection *c) {
  if ((c->client->ready & TRANSPORT_ENDING) == 0 || has_early(c)) return STEP_WAIT;
  uint8_t bytes[PEEK_SIZE];
  int64_t n = transport_read(c->client, bytes, sizeof(bytes));
  if (n == WSL_AGAIN) return STEP_WAIT;
  if (n <= 0) return connection_abandon(c, "the client has left");
  if (stash_put(&c->stash, &c->domain->stashes, bytes, (size_t)n) != 0)
    return connection_abandon(c, "no memory for early frames");
  return STEP_WAIT;
}

enum step connection_stop_upgrade(struct connection *c, const char *reason) {
  connection_free_upgrade(c);
  outgoing_clear(&c->out);
  connection_refuse(c, 503, reason);
  return STEP_ON;
}

enum step connection_step_dialling(struct connection *c) {
  if (!c->dial_started) {
    c->dial_started = true;
    c->dial.context = c->context;
    dialer_start(c->domain->dialer, &c->dial, c->target, c->domain->settings->session.dial_timeout_ms,
                 on_dialled);
    return STEP_ON;
  }
  if (c->domain->serving == SERVING_OVER) return connection_stop_upgrade(c, "the server is stopping");
  if (!c->dial_over) return connection_look_for_client(c);
  if (c->backend == NULL) {
    refuse_for_backend(c);
  } else {
    connection_set_state(c, CONNECTION_UPGRADING);
  }
  return STEP_ON;
}

/* ---- CONNECTION_UPGRADING ---- */

/* Early bytes that lie in the stash move to a buffer, as the session wants them. */
static enum step fetch_early(struct connection *c) {
  struct buffer *buffer = connection_borrow(c, BUFFER_UP);
  if (buffer == NULL) {
    connection_expect_progress(c);
    return STEP_WAIT;
  }
  size_t len = stash_waiting(&c->stash);
  assert(len <= buffer->size); /* a read's worth at most: head.c */
  memcpy(buffer->data, c->stash.data + c->stash.at, len);
  stash_drop(&c->stash, &c->domain->stashes, len);
  c->early = buffer;
  c->early_at = buffer->data;
  c->early_len = len;
  return STEP_ON;
}

static enum step hand_over(struct connection *c) {
  struct connection_domain *domain = c->domain;
  struct session_birth birth = {
      .id = c->id,
      .started_ms = c->accepted_ms,
      .client = c->client,
      .backend = c->backend,
      .target = c->target,
      .own_target = c->own_target,
      .context = c->context,
      .early = c->early,
      .early_at = c->early_at,
      .early_len = c->early_len,
      .frames = c->frames,
  };
  char client[CLIENT_TEXT_MAX];
  int path_len = (int)c->words->opening_path_len;
  const char *opening = c->words->opening;
  char mark[TOKEN_MARK_MAX];
  log_event(LOG_INFO, c->id, "session opened client=%s %.*s target=%s%s%s", connection_show_client(c, client),
            path_len, opening, c->target->text, connection_token_mark(c, mark), opening + path_len);
  counter_add(&domain->counters->upgrades);
  if (session_open(domain->sessions, &birth) != 0) {
    log_event(LOG_ERROR, c->id, "session ended at once: no memory");
    counter_add(&domain->counters->sessions_ended);
    return connection_close(c, CLOSE_BY_RESET);
  }
  c->client = NULL;
  c->backend = NULL;
  c->early = NULL;
  c->has_turn = false;
  c->own_target = NULL;
  c->context = NULL;
  connection_free(c);
  /* It comes too late to be told with the others. */
  if (domain->serving == SERVING_OVER) session_domain_go_away(domain->sessions);
  return STEP_GONE;
}

enum step connection_step_upgrading(struct connection *c) {
  if (outgoing_left(&c->out) > 0) return connection_write(c);
  if (stash_waiting(&c->stash) > 0) return fetch_early(c);
  return hand_over(c);
}
