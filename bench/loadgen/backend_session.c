/* What the built-in backend does with a connection: sink, source or echo (backend_session.h). */
#include "loadgen/backend_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "loadgen/pattern_file.h"
#include "loadgen/websocket_echo.h"

#define CALLS_A_TURN     4u              /* a busy session must not starve the others */
#define SOURCE_WRITE_MAX (1024u * 1024u) /* bytes a call; longer wishes are cut */

struct backend_session {
  struct list node;
  struct backend *backend;
  struct transport *transport;
  uint64_t received, sent;
  uint64_t looked_at; /* what was received when leftovers were looked for last */
  uint8_t *pending;   /* echo: what could not leave yet, and is all that will until it has */
  size_t pending_len, pending_sent;
  bool ended;                       /* the peer's end was read, or it is to be no more */
  struct websocket_echo *websocket; /* BACKEND_WEBSOCKET_ECHO, else NULL */
};

static void count(atomic_uint_fast64_t *counter, uint64_t bytes) {
  /* One writer: no locked instruction is needed. */
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + bytes,
                        memory_order_relaxed);
}

static void end_session(struct backend_session *session) {
  struct backend *backend = session->backend;
  list_remove(&session->node);
  transport_close(session->transport);
  free(session->pending);
  websocket_echo_free(session->websocket);
  free(session);
  atomic_fetch_sub_explicit(&backend->open, 1, memory_order_release);
}

void backend_sessions_end(struct backend *backend) {
  for (struct list *node; (node = list_take_first(&backend->sessions)) != NULL;)
    end_session(LIST_ENTRY(node, struct backend_session, node));
}

/* The peer has broken the stream. Always false. */
static bool break_session(struct backend_session *session) {
  count(&session->backend->broken, 1);
  end_session(session);
  return false;
}

static void note_wrong_byte(struct backend *backend, uint64_t offset, uint8_t got) {
  if (atomic_load_explicit(&backend->failed, memory_order_relaxed)) return;
  (void)snprintf(
      backend->failure, sizeof backend->failure,
      "wrong content at the backend: byte %llu of what arrived there is 0x%02x and should be 0x%02x",
      (unsigned long long)offset, got, pattern_at(backend->pattern, offset));
  atomic_store_explicit(&backend->failed, true, memory_order_release);
}

/* ---- each returns false when the session is gone ---- */

static bool write_pending(struct backend_session *session) {
  const uint8_t *rest = session->pending + session->pending_sent;
  size_t left = session->pending_len - session->pending_sent;
  int64_t sent = transport_write(session->transport, rest, left);
  if (sent == WSL_AGAIN) return true;
  if (sent < 0) return break_session(session);
  session->pending_sent += (size_t)sent;
  count(&session->backend->sent, (uint64_t)sent);
  if (session->pending_sent < session->pending_len) return true;
  free(session->pending);
  session->pending = NULL;
  return true;
}

static bool keep_pending(struct backend_session *session, const uint8_t *bytes, size_t len) {
  session->pending = malloc(len);
  if (session->pending == NULL) {
    end_session(session);
    return false;
  }
  memcpy(session->pending, bytes, len);
  session->pending_len = len;
  session->pending_sent = 0;
  return true;
}

static bool echo(struct backend_session *session, const uint8_t *bytes, size_t len) {
  int64_t sent = transport_write(session->transport, bytes, len);
  if (sent == WSL_AGAIN) sent = 0;
  if (sent < 0) return break_session(session);
  count(&session->backend->sent, (uint64_t)sent);
  return (size_t)sent == len || keep_pending(session, bytes + sent, len - (size_t)sent);
}

static bool echo_websocket(struct backend_session *session, uint8_t *bytes, size_t len) {
  struct websocket_echo *websocket = session->websocket;
  websocket_echo_feed(websocket, bytes, len);
  session->ended = websocket->state == WEBSOCKET_ECHO_CLOSED;
  return websocket->out_len == 0 || echo(session, websocket->out, websocket->out_len);
}

static bool take(struct backend_session *session, uint8_t *bytes, size_t len) {
  struct backend *backend = session->backend;
  if (backend->kind == BACKEND_SINK && backend->verify) {
    size_t right = pattern_check(backend->pattern, session->received, bytes, len);
    if (right < len) note_wrong_byte(backend, session->received + right, bytes[right]);
  }
  session->received += len;
  count(&backend->received, len);
  if (session->websocket != NULL) return echo_websocket(session, bytes, len);
  return backend->kind != BACKEND_ECHO || echo(session, bytes, len);
}

static bool may_read(const struct backend_session *session) {
  return !session->ended && session->pending == NULL && transport_readable(session->transport);
}

static bool read_some(struct backend_session *session) {
  uint8_t *buffer = session->backend->lane.buffer;
  for (unsigned i = 0; i < CALLS_A_TURN && may_read(session); i++) {
    int64_t got = transport_read(session->transport, buffer, LANE_BUFFER_LEN);
    if (got == WSL_AGAIN) return true;
    if (got < 0) return break_session(session);
    if (got == 0)
      session->ended = true;
    else if (!take(session, buffer, (size_t)got))
      return false;
  }
  return true;
}

static int64_t send_some(const struct backend_session *session, uint64_t len) {
  const struct backend *backend = session->backend;
  struct iovec parts[TRANSPORT_PARTS_MAX];
  if (backend->pattern_file != PATTERN_FILE_NONE)
    return pattern_file_send(backend->pattern_file, session->transport, session->sent, len);
  int count = outgoing_parts(&backend->outgoing, session->sent, len, parts, TRANSPORT_PARTS_MAX);
  return transport_writev(session->transport, parts, count);
}

static bool send_pattern(struct backend_session *session) {
  const struct outgoing *outgoing = &session->backend->outgoing;
  for (unsigned i = 0; i < CALLS_A_TURN && transport_writable(session->transport); i++) {
    uint64_t len = outgoing->payload_len < SOURCE_WRITE_MAX ? outgoing->payload_len : SOURCE_WRITE_MAX;
    int64_t sent = send_some(session, len);
    if (sent == WSL_AGAIN) return true;
    if (sent < 0) return break_session(session);
    session->sent += (uint64_t)sent;
    count(&session->backend->sent, (uint64_t)sent);
  }
  return true;
}

static bool has_work(const struct backend_session *session) {
  if (may_read(session)) return true;
  bool to_send = session->backend->kind == BACKEND_SOURCE || session->pending != NULL;
  return to_send && transport_writable(session->transport);
}

static void on_session_ready(struct transport *transport, void *owner) {
  struct backend_session *session = owner;
  if (session->pending != NULL && transport_writable(transport) && !write_pending(session)) return;
  if (!read_some(session)) return;
  if (session->ended && session->pending == NULL) {
    count(&session->backend->ended, 1);
    end_session(session);
    return;
  }
  if (session->backend->kind == BACKEND_SOURCE && !send_pattern(session)) return;
  if (has_work(session)) transport_again(transport);
}

/* Bytes below the mark of lane_receive_at_least() wake nobody. */
void backend_sessions_look(struct backend *backend) {
  for (struct list *node = backend->sessions.next; node != &backend->sessions; node = node->next) {
    struct backend_session *session = LIST_ENTRY(node, struct backend_session, node);
    bool moved = session->received != session->looked_at;
    session->looked_at = session->received;
    if (moved) continue;
    session->transport->ready |= TRANSPORT_READABLE;
    transport_again(session->transport);
  }
}

static struct backend_session *new_session(struct backend *backend) {
  struct backend_session *session = calloc(1, sizeof *session);
  if (session == NULL) return NULL;
  session->backend = backend;
  if (backend->kind != BACKEND_WEBSOCKET_ECHO) return session;
  session->websocket = websocket_echo_new(LANE_BUFFER_LEN);
  if (session->websocket != NULL) return session;
  free(session);
  return NULL;
}

void backend_session_begin(struct backend *backend, int fd) {
  struct backend_session *session = new_session(backend);
  if (session == NULL) {
    (void)close(fd);
    return;
  }
  session->transport =
      stream_open(&backend->lane.streams, fd, backend->endpoint.kind, on_session_ready, session);
  if (session->transport == NULL) {
    websocket_echo_free(session->websocket);
    free(session);
    return;
  }
  if (backend->in_bulk) lane_receive_at_least(session->transport, LANE_BULK_BYTES);
  list_append(&backend->sessions, &session->node);
  count(&backend->accepted, 1);
  atomic_fetch_add_explicit(&backend->open, 1, memory_order_relaxed);
}
