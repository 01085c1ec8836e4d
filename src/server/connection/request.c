/* What a complete request head leads to, and the short answers. */
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "server/connection/internal.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

static const char no_files_text[] =
    "This is a WebSocket port (wsluice): connect with ws://, or start wsluice with --web DIR to serve files.";

/* The log limits repeated lines by their format: strangers who knock at a wrong door by the thousand must not
 * hide that the right one is out of order. */
static const char refused_format[] = "request refused status=%u client=%s %s";
static const char failed_format[] = "request refused status=%u client=%s %s";

void connection_count_answer(struct connection *c, uint16_t status, const char *what) {
  struct counters *counters = c->domain->counters;
  if (status < 400) {
    counter_add(&counters->requests_served);
    log_event(LOG_DEBUG, c->id, "request served status=%u %s", (unsigned)status, what);
    return;
  }
  counter_add(status < 500 ? &counters->refused_4xx : &counters->refused_5xx);
  char client[CLIENT_TEXT_MAX];
  log_event(LOG_INFO, c->id, status < 500 ? refused_format : failed_format, (unsigned)status,
            connection_show_client(c, client), what);
}

size_t connection_write_head(struct connection *c, struct response *response, char *out, size_t cap) {
  bool keeps = c->next == NEXT_REQUEST && c->domain->serving == SERVING;
  response->connection = keeps ? RESPONSE_KEEP : RESPONSE_CLOSE;
  if (c->pass != NULL && c->pass->cookie[0] != '\0') {
    response->set_cookie = c->pass->cookie;
    response->cache_control = "private, no-cache"; /* no cache that others share may hand it out */
  }
  return response_head(response, response_clock_date(&c->domain->clock), out, cap);
}

/* The head, with `room` bytes behind it for a body. NULL without memory. */
static char *make_head(struct connection *c, struct response *response, size_t room, size_t *len) {
  size_t cap = RESPONSE_HEAD_MAX + (response->location == NULL ? 0 : strlen(response->location));
  char *head = malloc(cap + room);
  if (head != NULL) *len = connection_write_head(c, response, head, cap);
  return head;
}

static void answer(struct connection *c, char *head, size_t len) {
  connection_give_turn_back(c); /* before anybody reads that this upgrade came to nothing */
  timer_disarm(c->domain->timers, &c->timer);
  if (head != NULL) {
    outgoing_take_head(&c->out, head, len);
  } else {
    c->next = NEXT_LINGER; /* no memory: the connection closes without an answer */
  }
  connection_set_state(c, CONNECTION_ANSWERING);
}

void connection_answer_head(struct connection *c, struct response *response, enum connection_next next) {
  c->next = next;
  size_t len = 0;
  char *head = make_head(c, response, 0, &len);
  answer(c, head, len);
}

void connection_answer_text(struct connection *c, struct response *response, const char *text,
                            enum answer_body body, enum connection_next next) {
  size_t text_len = strlen(text);
  response->content_type = TEXT_TYPE;
  response->content_length = text_len + 1;
  c->next = next;
  size_t len = 0;
  char *head = make_head(c, response, text_len + 1, &len);
  if (head != NULL && body == ANSWER_BODY) {
    memcpy(head + len, text, text_len);
    head[len + text_len] = '\n';
    len += text_len + 1;
  }
  answer(c, head, len);
}

static void log_refusal(struct connection *c, uint16_t status, const char *reason) {
  char what[256];
  snprintf(what, sizeof(what), "reason=\"%s\"", reason);
  connection_count_answer(c, status, what);
}

/* RFC 9110 9.3.2, also for a head that is refused before its end. */
static enum answer_body body_for(const struct connection *c) {
  return c->head.method_is_head ? ANSWER_HEAD_ONLY : ANSWER_BODY;
}

void connection_refuse(struct connection *c, uint16_t status, const char *reason) {
  struct response response = {.status = status, .retry_after_s = status == 503 ? 1 : 0};
  log_refusal(c, status, reason);
  connection_answer_text(c, &response, reason, body_for(c), NEXT_LINGER);
}

static bool lacks_tls(const struct connection *c) {
  return c->domain->settings->tls.service == TLS_SERVICE_ONLY && c->security == CONNECTION_PLAIN;
}

static void refuse_plain(struct connection *c) {
  connection_refuse(c, 400, "this port accepts only TLS: use https:// or wss://");
}

void connection_refuse_head(struct connection *c, struct wsl_span bytes) {
  if (c->requests == 0 && connection_begins_with_proxy(bytes))
    connection_refuse(c, 400, "PROXY headers are not accepted from this address (--accept-proxy)");
  else if (lacks_tls(c))
    refuse_plain(c);
  else
    connection_refuse(c, c->head.error_status, c->head.error_reason);
}

static void refuse_request(struct connection *c, const struct wsl_request *request) {
  struct response response = {
      .status = request->status,
      .allow = request->allow,
      .upgrade = request->offer_version ? RESPONSE_OFFERS_UPGRADE : RESPONSE_PLAIN,
  };
  log_refusal(c, request->status, request->reason);
  connection_answer_text(c, &response, request->reason, body_for(c), NEXT_LINGER);
}

static void refuse_method(struct connection *c, const char *allow, const char *text) {
  struct response response = {.status = 405, .allow = allow};
  log_refusal(c, 405, text);
  connection_answer_text(c, &response, text, body_for(c), NEXT_LINGER);
}

static void begin_plain(struct connection *c, const struct wsl_request *request) {
  bool head_only = body_for(c) == ANSWER_HEAD_ONLY;
  if (c->domain->files->files->kind == STATIC_NONE) {
    refuse_method(c, "GET", no_files_text);
    return;
  }
  if (!head_only && !wsl_span_equal(request->method, wsl_span_of("GET"))) {
    refuse_method(c, "GET, HEAD", "only GET and HEAD are served here");
    return;
  }
  c->next = request->keep_alive ? NEXT_REQUEST : NEXT_LINGER;
  if (!connection_passes_gate(c, request, GATE_FILE)) return;
  connection_begin_file(c, request);
}

void connection_begin_request(struct connection *c) {
  struct wsl_request request;
  wsl_request_read(&c->head, &c->domain->settings->subprotocols, &request);
  if (!c->judged) c->requests++;
  timer_disarm(c->domain->timers, &c->timer);
  if (!c->judged && !connection_note_forwarded(c)) {
    connection_refuse(c, 503, "out of memory");
    return;
  }
  if (c->domain->serving == SERVING_OVER) {
    connection_refuse(c, 503, "the server is stopping");
    return;
  }
  if (lacks_tls(c)) {
    refuse_plain(c);
    return;
  }
  switch (request.kind) {
    case WSL_REQUEST_PLAIN:
      begin_plain(c, &request);
      break;
    case WSL_REQUEST_UPGRADE:
      connection_begin_upgrade(c, &request);
      break;
    case WSL_REQUEST_REFUSED:
      refuse_request(c, &request);
      break;
  }
}

enum step connection_step_answering(struct connection *c) {
  if (outgoing_left(&c->out) > 0) return connection_write(c);
  return connection_has_left(c) ? connection_answered(c) : STEP_WAIT;
}
