/* Down: the backend's bytes are read, and leave for the client from the buffer that they were read
 * into (client_out.c frames them). While the client takes none, the backend is not read: a session
 * holds at most one buffer in this direction.
 */
#include "bridge/messages.h"
#include "bridge/session_internal.h"

static void read_end(struct session *s, int64_t result) {
  if (result == WSL_AGAIN) return;
  if (result == 0) {
    ending_backend_fin(s);
  } else {
    ending_backend_lost(s, (int)result);
  }
}

bool down_settle(struct session *s) {
  if (s->backend == NULL || s->backend_in == BACKEND_IN_ENDED) return false;
  bool owes = client_owes(&s->writer);
  if (owes && s->backend_in == BACKEND_IN_BYTES) return false;
  enum messages_over over = s->messages->over;
  if (over == MESSAGES_ENDED) {
    read_end(s, s->messages->end);
  } else if (over == MESSAGES_NOT_TEXT && s->backend_in == BACKEND_IN_BYTES) {
    ending_backend_not_text(s);
  } else {
    /* It was auto, and the client has spoken. */
    if (s->messages->mode == FRAMES_BINARY && !owes) messages_close(s);
    return false;
  }
  return true;
}

static bool takes_rest(struct session *s, struct buffer *buffer, int64_t end) {
  bool may_send = s->messages != NULL && end != WSL_AGAIN && s->backend_in == BACKEND_IN_BYTES;
  return may_send && messages_send_rest(s, buffer, end);
}

bool down_pump(struct session *s) {
  if (s->backend == NULL || s->backend_in == BACKEND_IN_ENDED) return false;
  if (!transport_readable(s->backend)) return false;
  if (s->backend_in == BACKEND_IN_BYTES && client_owes(&s->writer)) return false;
  if (splice_read(s)) return true;

  struct buffer *buffer = session_borrow(s, BUFFER_DOWN);
  if (buffer == NULL) return false;
  int64_t n =
      s->messages == NULL ? session_read(s, BUFFER_DOWN, s->backend, buffer) : messages_read(s, buffer);
  if (n <= 0) {
    if (takes_rest(s, buffer, n)) return true;
    buffer_return(s->domain->buffers, buffer);
    read_end(s, n);
    return n != WSL_AGAIN;
  }
  if (s->backend_in == BACKEND_IN_DROP) {
    buffer_return(s->domain->buffers, buffer);
    closing_dropped(s);
    return true;
  }
  liveness_payload_moved(s);
  closing_moved(s);
  if (s->messages == NULL) {
    session_tell(s, TAP_FROM_TARGET, buffer->data, (size_t)n);
    client_send(s, buffer, buffer->data, (size_t)n);
  } else {
    messages_send(s, buffer, (size_t)n);
  }
  client_flush(s);
  return true;
}
