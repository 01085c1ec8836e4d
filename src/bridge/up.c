/* Up: the client's bytes are read, decoded in the buffer that they were read into, and written from
 * it to the backend. What the backend does not take keeps its buffer, and reading stops until it
 * has left: a session holds at most one buffer in this direction.
 */
#include <assert.h>

#include "bridge/messages.h"
#include "bridge/session_internal.h"

static bool pong_is_leaving(const struct client_writer *w) {
  return w->control_sent < w->control_len && w->control_opcode == WSL_OP_PONG;
}

bool up_may_read(const struct session *s) {
  if (s->client == NULL || s->client_in == CLIENT_IN_ENDED) return false;
  if (s->client_in == CLIENT_IN_DROP) return true;
  /* A client that sends pings and reads no pongs is stopped too (bounded, RFC 6455 5.5.3). */
  return s->up.buffer == NULL && !s->writer.pong_waiting && !pong_is_leaving(&s->writer);
}

/* Writes what is held; true when anything moved. */
static bool flush(struct session *s) {
  struct held *up = &s->up;
  if (up->buffer == NULL || s->dialling) return false;
  if (s->backend == NULL || s->backend_out == BACKEND_OUT_BROKEN) {
    held_drop(s, up);
    return true;
  }
  if (!transport_writable(s->backend)) return false;
  int64_t written = transport_write(s->backend, up->at, up->len);
  if (written == WSL_AGAIN) return false;
  if (written < 0) {
    backend_break(s);                  /* what ended it is found by reading: a FIN, or the error itself */
    session_enter(s, SESSION_CLOSING); /* if nothing is: not to drop the client's bytes for ever */
    return true;
  }
  up->at += written;
  up->len -= (size_t)written;
  s->bytes_up += (uint64_t)written;
  liveness_backend_written(s);
  liveness_payload_moved(s);
  closing_moved(s);
  session_tell_taken(s, TAP_TO_TARGET, (size_t)written);
  if (up->len == 0) held_drop(s, up);
  return true;
}

/* Takes over a buffer whose payload is to go to the backend. */
static void forward(struct session *s, struct buffer *buffer, uint8_t *at, size_t len) {
  assert(s->up.buffer == NULL);
  s->up = (struct held){buffer, at, len};
  if (len == 0) {
    held_drop(s, &s->up);
    return;
  }
  liveness_payload_moved(s);
  session_tell(s, TAP_FROM_CLIENT, at, len);
  flush(s);
}

/* In frames of less than a kilobyte headers are more than one byte in so many. */
#define DENSE_SHARE 128u

static bool goes_on(enum wsl_frame_event event) {
  return event == WSL_FRAME_PING || event == WSL_FRAME_PONG || event == WSL_FRAME_MESSAGE;
}

/* Decodes all of at[0..len) at once, answers control frames, and forwards the payload as one run. */
static void decode(struct session *s, struct buffer *buffer, uint8_t *at, size_t len) {
  uint8_t *run = s->messages == NULL ? at : at - WSL_LINE_END_MAX; /* room in the headroom */
  size_t run_len = 0, whole = len;
  struct pong_batch pongs;
  pongs.len = 0;
  struct wsl_frame_result result;
  do {
    result = wsl_decoder_feed(&s->decoder, run + run_len, at, len);
    run_len += s->messages == NULL ? result.run_len : messages_take(s, run + run_len, &result);
    at += result.consumed;
    len -= result.consumed;
    if (result.event == WSL_FRAME_PING) client_pong(s, &pongs, s->decoder.control, s->decoder.control_len);
  } while (goes_on(result.event));

  s->appetites[BUFFER_UP].dense = run_len + whole / DENSE_SHARE < whole;
  client_send_pongs(s, &pongs);
  forward(s, buffer, run, run_len);
  if (result.event == WSL_FRAME_CLOSE) ending_client_close(s, result.close_code);
  if (result.event == WSL_FRAME_VIOLATION) ending_violation(s, result.close_code, result.reason);
}

void up_early(struct session *s, struct buffer *early, uint8_t *at, size_t len) {
  liveness_client_read(s);
  decode(s, early, at, len);
}

static void read_end(struct session *s, int64_t result) {
  if (result == WSL_AGAIN) return;
  if (result == 0) {
    ending_client_fin(s);
  } else if (result == WSL_TRUNCATED) {
    ending_client_truncated(s);
  } else {
    ending_client_lost(s, (int)result);
  }
}

static bool read_client(struct session *s) {
  struct buffer *buffer = session_borrow(s, BUFFER_UP);
  if (buffer == NULL) return false;
  int64_t n = session_read(s, BUFFER_UP, s->client, buffer);
  if (n <= 0) {
    buffer_return(s->domain->buffers, buffer);
    read_end(s, n);
    return n != WSL_AGAIN;
  }
  liveness_client_read(s);
  if (s->client_in == CLIENT_IN_FRAMES) {
    if (s->backend_out == BACKEND_OUT_BROKEN) {
      closing_dropped(s);
    } else {
      closing_moved(s);
    }
    decode(s, buffer, buffer->data, (size_t)n);
  } else { /* no movement: who floods us and never reads our Close is not waited for */
    buffer_return(s->domain->buffers, buffer);
  }
  return true;
}

bool up_pump(struct session *s) {
  bool moved = flush(s);
  if (up_may_read(s) && transport_readable(s->client)) moved |= read_client(s);
  return moved;
}
