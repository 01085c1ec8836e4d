/* Down through a pipe (net/splice_pool.h): a frame's payload goes from the backend's socket to the client's
 * without being read.
 *
 *   backend ==> pipe: held bytes ==> client, behind a header that says how many
 *
 * What one splice brings into the pipe is one frame, so nobody asks beforehand how much there is. Tried only
 * behind reads that filled their buffers, and given up for reading as soon as it brings little: whether the
 * stream pauses, ends or has failed, or the kernel won't splice it, the next read finds. How the frame leaves
 * for the client is client_out.c's to say. A stall is that of a buffer: the session keeps the pipe, and the
 * backend is not touched.
 */
#include "bridge/session_internal.h"

/* Less than this part of what a pipe can bring at once is read and written at lower cost. */
#define SPLICE_WORTH_PART 16u

static bool wanted(const struct session *s) {
  return s->domain->pipes != NULL && s->appetites[BUFFER_DOWN].overflows && s->messages == NULL &&
         s->tap == NULL && s->backend_in == BACKEND_IN_BYTES && transport_splices(s->backend, s->client);
}

bool splice_read(struct session *s) {
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
  client_send_piped(s, pipe);
  client_flush(s);
  return true;
}

void splice_drop(struct session *s) {
  struct client_writer *w = &s->writer;
  if (w->pipe == NULL) return;
  splice_pool_return(s->domain->pipes, w->pipe);
  w->pipe = NULL;
}
