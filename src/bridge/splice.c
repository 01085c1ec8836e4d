/* Down through a pipe (net/splice_pool.h): a frame's payload goes from the backend's socket to the client's
 * without being read.
 *
 *   backend ==> pipe: held bytes ==> client, behind a header that says how many
 *
 * What one splice brings into the pipe is one frame, so nobody asks beforehand how much there is. Tried only
 * behind reads that filled their buffers, and given up for reading as soon as it brings little: whether the
 * stream pauses, ends or has failed, or the kernel won't splice it, the next read finds. The client's side of
 * a stall is that of a buffer: the session keeps the pipe, and the backend is not touched.
 */
#include <assert.h>

#include "bridge/session_internal.h"

/* Less than this part of what a pipe can bring at once is read and written at lower cost. */
#define SPLICE_WORTH_PART 16u

static bool wanted(const struct session *s) {
  return s->domain->pipes != NULL && s->appetites[BUFFER_DOWN].overflows &&
         s->backend_in == BACKEND_IN_BYTES && transport_splices(s->backend, s->client);
}

bool splice_read(struct session *s) {
  struct client_writer *w = &s->writer;
  size_t frame = s->domain->settings->max_frame_size;
  if (!wanted(s)) return false;
  struct splice_pipe *pipe = splice_pool_borrow(s->domain->pipes);
  if (pipe == NULL) return false;
  size_t most = frame < SPLICE_PIPE_BYTES ? frame : SPLICE_PIPE_BYTES;
  int64_t n = transport_splice_in(s->backend, pipe, frame);
  if (n <= 0 || (size_t)n < most / SPLICE_WORTH_PART) s->appetites[BUFFER_DOWN].overflows = false;
  if (n <= 0) {
    splice_pool_return(s->domain->pipes, pipe);
    return false;
  }
  s->turn_bytes += (size_t)n;
  liveness_payload_moved(s);
  closing_moved(s);
  assert(!client_owes(w) && w->header_left + w->frame_left == 0);
  w->pipe = pipe;
  client_flush(s);
  return true;
}

/* Takes note of `written` bytes of header and payload. */
static void consume(struct session *s, size_t written) {
  struct client_writer *w = &s->writer;
  size_t header = written < w->header_left ? written : w->header_left;
  w->header_left -= header;
  w->frame_left -= written - header;
  s->bytes_down += written - header;
  if (w->header_left + w->frame_left == 0) splice_drop(s); /* empty: the pool keeps it */
}

bool splice_write(struct session *s) {
  struct client_writer *w = &s->writer;
  bool fresh = w->header_left + w->frame_left == 0;
  uint8_t header[WSL_FRAME_HEADER_MAX];
  if (fresh) w->frame_left = w->pipe->held;
  size_t header_len = wsl_frame_header(header, WSL_OP_BINARY, w->frame_left); /* unless it has left already */
  if (fresh) w->header_left = header_len;
  struct wsl_span head = {(const char *)header + header_len - w->header_left, w->header_left};
  int64_t written = client_took(s, transport_splice_out(s->client, head, w->pipe));
  if (written == WSL_AGAIN) {
    /* Nothing of it is on its way: a pong or a Close may still go before it. */
    if (fresh) w->header_left = w->frame_left = 0;
    return false;
  }
  if (written < 0) return true;
  liveness_payload_moved(s);
  consume(s, (size_t)written);
  return true;
}

void splice_drop(struct session *s) {
  struct client_writer *w = &s->writer;
  if (w->pipe == NULL) return;
  splice_pool_return(s->domain->pipes, w->pipe);
  w->pipe = NULL;
}
