/* Down: the backend's bytes are read, and leave for the client from the buffer that they were read
 * into (client_out.c frames them). While the client takes none, the backend is not read: a session
 * holds at most one buffer in this direction.
 */
#include "bridge/session_internal.h"

static void read_end(struct session *s, int64_t result) {
  if (result == WSL_AGAIN) return;
  if (result == 0) {
    ending_backend_fin(s);
  } else {
    ending_backend_lost(s, (int)result);
  }
}

bool down_pump(struct session *s) {
  if (s->backend == NULL || s->backend_in == BACKEND_IN_ENDED) return false;
  if (!transport_readable(s->backend)) return false;
  if (s->backend_in == BACKEND_IN_BYTES && client_owes(&s->writer)) return false;
  if (splice_read(s)) return true;

  struct buffer *buffer = session_borrow(s, BUFFER_DOWN);
  if (buffer == NULL) return false;
  int64_t n = session_read(s, BUFFER_DOWN, s->backend, buffer);
  if (n <= 0) {
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
  client_send(s, buffer, buffer->data, (size_t)n);
  client_flush(s);
  return true;
}
