/* Reading request heads: into the worker's scratch first, since most heads arrive whole; what is not
 * complete goes to the stash. The pool of buffers is left to streams: were heads read into its buffers, peers
 * that stall could keep everybody else from being answered.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/log.h"
#include "server/connection/internal.h"

/* First byte of a TLS record that holds a handshake message (RFC 8446 5.1). */
#define TLS_HANDSHAKE 0x16

static size_t fields_size(const struct connection *c) {
  return c->domain->settings->head.fields_max * sizeof(struct wsl_head_field);
}

static void free_fields(struct connection *c) {
  if (c->fields == NULL) return;
  free(c->fields);
  c->fields = NULL;
  stash_budget_give(&c->domain->stashes, fields_size(c));
}

void connection_free_head(struct connection *c) {
  free_fields(c);
  if (c->stash.cap > 0) stash_free(&c->stash, &c->domain->stashes);
}

/* The head is not complete: its fields move out of the worker's scratch, which the next connection
 * writes over. */
static int own_fields(struct connection *c) {
  if (c->fields != NULL) return 0;
  if (!stash_budget_take(&c->domain->stashes, fields_size(c))) return WSL_NO_MEMORY;
  c->fields = malloc(fields_size(c));
  if (c->fields == NULL) {
    stash_budget_give(&c->domain->stashes, fields_size(c));
    return WSL_NO_MEMORY;
  }
  wsl_head_move_fields(&c->head, c->fields);
  return 0;
}

/* On a kept connection the time for a request counts from its first byte, not from the idle time. */
static void note_begun(struct connection *c) {
  if (c->begun || !wsl_head_begun(&c->head)) return;
  c->begun = true;
  if (c->requests == 0) return; /* from accept on; trickling extends nothing */
  timer_arm(c->domain->timers, &c->timer,
            c->domain->timers->now_ms + c->domain->settings->handshake_timeout_ms);
}

static enum wsl_head_status parse(struct connection *c, const uint8_t *base, size_t len) {
  enum wsl_head_status status = wsl_head_feed(&c->head, (const char *)base, len);
  note_begun(c);
  if (status == WSL_HEAD_BAD) connection_refuse_head(c, (struct wsl_span){(const char *)base, len});
  if (status == WSL_HEAD_DONE) connection_begin_request(c);
  return status;
}

static void refuse_for_memory(struct connection *c) {
  connection_refuse(c, 503, "too many incomplete requests");
}

static bool becomes_session(const struct connection *c) {
  return c->state == CONNECTION_ROUTING;
}

/* Its bytes are needed again. */
static bool keeps_head(const struct connection *c) {
  return c->state == CONNECTION_AUTHORIZING;
}

static bool reads_another(const struct connection *c) {
  return !becomes_session(c) && c->next == NEXT_REQUEST;
}

/* Early frames move to a buffer, as the session wants them; where none is to be had now, they wait in the
 * stash for one. */
static bool keep_early(struct connection *c, const uint8_t *bytes, size_t len) {
  struct buffer *buffer = buffer_borrow(c->domain->buffers, BUFFER_UP);
  if (buffer == NULL) return stash_put(&c->stash, &c->domain->stashes, bytes, len) == 0;
  memcpy(buffer->data, bytes, len);
  c->early = buffer;
  c->early_at = buffer->data;
  c->early_len = len;
  return true;
}

/* A head lay whole in the scratch: what is behind it is the session's, or waits in the stash for its turn. */
static void keep_rest(struct connection *c, size_t len) {
  if (keeps_head(c)) {
    if (stash_put(&c->stash, &c->domain->stashes, c->domain->scratch_head, len) != 0) {
      connection_free_gate(c);
      refuse_for_memory(c);
    }
    return;
  }
  const uint8_t *rest = c->domain->scratch_head + c->head.head_len;
  size_t rest_len = len - c->head.head_len;
  if (rest_len == 0) return;
  if (becomes_session(c)) {
    if (!keep_early(c, rest, rest_len)) (void)connection_stop_upgrade(c, "out of memory");
  } else if (reads_another(c) && stash_put(&c->stash, &c->domain->stashes, rest, rest_len) != 0) {
    c->next = NEXT_LINGER; /* no memory for more requests: this one's answer is the last */
  }
}

/* A read brought no bytes: the end, an error, or nothing yet. */
static enum step on_no_bytes(struct connection *c, int64_t result) {
  if (result == WSL_AGAIN) return connection_may_go(c) ? STEP_ON : STEP_WAIT;
  if (result < 0 && connection_failed_in_tls(c)) return connection_tls_failed(c);
  if (result < 0) return connection_abandon(c, error_text((int)result));
  c->ended = true;
  return STEP_ON;
}

static enum step on_client_ended(struct connection *c) {
  if (c->begun) {
    connection_refuse(c, 400, "the request ends inside its head");
    return STEP_ON;
  }
  log_event(LOG_DEBUG, c->id, "connection closed by the client after %u requests", (unsigned)c->requests);
  return connection_close(c, CLOSE_IN_ORDER);
}

size_t connection_head_read_size(const struct connection *c) {
  size_t size = buffer_pool_small_size(c->domain->buffers);
  return size < CONNECTION_HEAD_READ_MAX ? size : CONNECTION_HEAD_READ_MAX;
}

/* The connection's very first byte tells; nothing of HTTP begins so (RFC 9112 2.2, RFC 8446 5.1). */
static bool speaks_tls(const struct connection *c, const uint8_t *first) {
  return c->requests == 0 && c->security == CONNECTION_PLAIN && *first == TLS_HANDSHAKE;
}

/* The usual way: the whole head in one read. */
static enum step read_into_scratch(struct connection *c) {
  uint8_t *bytes = c->domain->scratch_head;
  int64_t n = transport_read(c->client, bytes, connection_head_read_size(c));
  if (n <= 0) return on_no_bytes(c, n);
  if (speaks_tls(c, bytes)) return connection_begin_tls(c, bytes, (size_t)n);
  enum wsl_head_status status = parse(c, bytes, (size_t)n);
  if (status == WSL_HEAD_DONE) keep_rest(c, (size_t)n);
  if (status == WSL_HEAD_MORE &&
      (own_fields(c) != 0 || stash_put(&c->stash, &c->domain->stashes, bytes, (size_t)n) != 0))
    refuse_for_memory(c);
  return STEP_ON;
}

void connection_read_head_again(struct connection *c) {
  wsl_head_init(&c->head, &c->domain->settings->head, c->domain->scratch_fields);
  c->unparsed = true;
  connection_set_state(c, CONNECTION_HEAD);
}

/* What came with a PROXY header in one read. */
static enum step begin_tls_of_stash(struct connection *c) {
  enum step step = connection_begin_tls(c, c->stash.data + c->stash.at, stash_waiting(&c->stash));
  if (step != STEP_GONE) stash_free(&c->stash, &c->domain->stashes);
  return step;
}

/* The stash holds the start of a head, or more. */
static enum step parse_stash(struct connection *c) {
  c->unparsed = false;
  if (speaks_tls(c, c->stash.data + c->stash.at)) return begin_tls_of_stash(c);
  switch (parse(c, c->stash.data + c->stash.at, stash_waiting(&c->stash))) {
    case WSL_HEAD_MORE:
      if (own_fields(c) != 0) refuse_for_memory(c);
      break;
    case WSL_HEAD_DONE:
      free_fields(c);
      if (!keeps_head(c)) stash_drop(&c->stash, &c->domain->stashes, c->head.head_len);
      break;
    case WSL_HEAD_BAD:
      break;
  }
  return STEP_ON;
}

static enum step read_into_stash(struct connection *c) {
  struct stash *stash = &c->stash;
  if (stash_reserve(stash, &c->domain->stashes, 1) != 0) {
    refuse_for_memory(c);
    return STEP_ON;
  }
  /* At most a buffer's size, so that what lies behind an upgrade's head always fits one. */
  size_t room = stash->cap - stash->len;
  if (room > connection_head_read_size(c)) room = connection_head_read_size(c);
  int64_t n = transport_read(c->client, stash->data + stash->len, room);
  if (n <= 0) return on_no_bytes(c, n);
  stash->len += (size_t)n;
  return parse_stash(c);
}

enum step connection_step_head(struct connection *c) {
  if (c->awaits_proxy) return connection_step_proxy(c);
  connection_note_tls(c);
  if (c->unparsed) return parse_stash(c);
  if (c->ended) return on_client_ended(c);
  if (connection_may_go(c)) return connection_close(c, CLOSE_IN_ORDER);
  if (!transport_readable(c->client)) return STEP_WAIT;
  return stash_waiting(&c->stash) > 0 ? read_into_stash(c) : read_into_scratch(c);
}
