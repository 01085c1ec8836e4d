/* See net/program/pipe_stream.h.
 *
 * Edges come once, as for sockets (net/stream.c): READABLE and WRITABLE are cleared only when the kernel has
 * said, or a short count on a pipe proves, that another edge will come.
 */
#include "net/program/pipe_stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

struct pipe_stream {
  struct transport transport; /* first: it is one */
  struct poller_watch output; /* a terminal's only one */
  struct poller_watch input;  /* not registered for a terminal, and once finished */
  struct poller_garbage garbage;
  struct pipe_domain *domain;
  struct pipe_peer *peer;
  bool is_terminal;
  bool program_ended;
  bool output_ended; /* the verdict is awaited */
  bool finished;
  bool over; /* reading has come to `outcome` */
  int outcome;
};

static struct pipe_stream *stream_of(struct transport *transport) {
  return (struct pipe_stream *)(void *)transport;
}

/* ---- reading ---- */

static int64_t nothing_now(struct pipe_stream *stream) {
  stream->transport.ready &= ~(unsigned)TRANSPORT_READABLE;
  poller_drained(&stream->output, TRANSPORT_READABLE);
  return WSL_AGAIN;
}

static int64_t end_reading(struct pipe_stream *stream) {
  stream->output_ended = true;
  stream->transport.ready |= TRANSPORT_ENDING;
  int verdict = stream->peer->ops->verdict(stream->peer);
  if (verdict == WSL_AGAIN) return nothing_now(stream);
  stream->over = true;
  stream->outcome = verdict;
  stream->transport.ready &= ~(unsigned)TRANSPORT_READABLE;
  return verdict;
}

/* A terminal that nobody holds open any more says EIO. */
static int64_t read_failed(struct pipe_stream *stream, int system_errno) {
  bool nothing = system_errno == EAGAIN || system_errno == EWOULDBLOCK;
  if (nothing && !(stream->is_terminal && stream->program_ended)) return nothing_now(stream);
  return end_reading(stream); /* a pipe has no errors of its own */
}

static int64_t stream_read(struct transport *transport, uint8_t *buf, size_t len) {
  assert(len > 0);
  struct pipe_stream *stream = stream_of(transport);
  if (stream->over) return stream->outcome;
  if (stream->output_ended) return end_reading(stream);
  ssize_t got;
  do {
    got = read(stream->output.fd, buf, len);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return read_failed(stream, errno);
  if (got == 0) return end_reading(stream);
  /* A terminal hands out a line or 4 KB at a time, whatever lies behind. */
  bool drained = (size_t)got < len && !stream->is_terminal && (transport->ready & TRANSPORT_ENDING) == 0;
  if (drained) (void)nothing_now(stream);
  return got;
}

/* ---- writing ---- */

static struct poller_watch *input_of(struct pipe_stream *stream) {
  return stream->is_terminal ? &stream->output : &stream->input;
}

static void input_is_full(struct pipe_stream *stream) {
  stream->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  poller_drained(input_of(stream), TRANSPORT_WRITABLE);
}

static int64_t stream_writev(struct transport *transport, const struct iovec *parts, int count) {
  assert(count > 0 && count <= TRANSPORT_PARTS_MAX);
  struct pipe_stream *stream = stream_of(transport);
  assert(!stream->finished);
  size_t len = 0;
  for (int i = 0; i < count; i++)
    len += parts[i].iov_len;
  assert(len > 0);
  ssize_t taken;
  do {
    taken = writev(input_of(stream)->fd, parts, count);
  } while (taken < 0 && errno == EINTR);
  if (taken == (ssize_t)len) return taken;
  int system_errno = errno;
  input_is_full(stream);
  if (taken > 0) return taken;
  if (taken == 0 || system_errno == EAGAIN || system_errno == EWOULDBLOCK) return WSL_AGAIN;
  /* EPIPE, a terminal's EIO: it takes no more. What it has still to say, its output tells. */
  return WSL_BROKEN;
}

static void close_input(struct pipe_stream *stream) {
  int fd = stream->input.fd;
  if (fd < 0) return;
  poller_remove(&stream->input);
  close(fd);
}

static pid_t foreground_of(const struct pipe_stream *stream) {
  pid_t group = stream->is_terminal ? tcgetpgrp(stream->output.fd) : 0;
  return group > 0 ? group : 0;
}

static int stream_finish(struct transport *transport) {
  struct pipe_stream *stream = stream_of(transport);
  if (stream->finished) return WSL_OK;
  stream->finished = true;
  close_input(stream);
  if (stream->is_terminal) stream->peer->ops->hang_up(stream->peer, foreground_of(stream));
  return WSL_OK;
}

/* What lies in the pipe. Of a terminal the kernel doesn't say, nor of a pipe whose end we have closed. */
static int stream_unacked(struct transport *transport, size_t *bytes) {
  struct pipe_stream *stream = stream_of(transport);
  int waiting = 0;
  if (stream->input.fd < 0 || ioctl(stream->input.fd, FIONREAD, &waiting) != 0) return WSL_UNSUPPORTED;
  *bytes = (size_t)waiting;
  return WSL_OK;
}

static int stream_silence(struct transport *transport, uint64_t *ms) {
  (void)transport;
  (void)ms;
  return WSL_UNSUPPORTED;
}

/* ---- the rest ---- */

static void stream_again(struct transport *transport) {
  poller_again(&stream_of(transport)->output);
}

static const char *stream_failure(const struct transport *transport) {
  const struct pipe_stream *stream = (const struct pipe_stream *)(const void *)transport;
  return stream->peer->ops->failure(stream->peer);
}

static void stream_forsake(struct transport *transport) {
  struct pipe_peer *peer = stream_of(transport)->peer;
  peer->ops->forsake(peer);
}

static void release_stream(struct poller_garbage *garbage) {
  struct pipe_stream *stream = LIST_ENTRY(garbage, struct pipe_stream, garbage);
  struct pipe_domain *domain = stream->domain;
  domain->open--;
  slab_give(&domain->slab, stream);
}

/* Its end in order and by force are one: the program's side knows what has become of it. */
static void stream_close(struct transport *transport) {
  struct pipe_stream *stream = stream_of(transport);
  struct pipe_peer *peer = stream->peer;
  int fd = stream->output.fd;
  assert(fd >= 0); /* closed twice */
  pid_t foreground = foreground_of(stream);
  close_input(stream);
  poller_remove(&stream->output);
  close(fd);
  poller_release(stream->domain->poller, &stream->garbage, release_stream);
  peer->ops->gone(peer, foreground);
}

static const struct transport_ops pipe_stream_ops = {
    .read = stream_read,
    .writev = stream_writev,
    .finish = stream_finish,
    .again = stream_again,
    .close = stream_close,
    .reset = stream_close,
    .unacked = stream_unacked,
    .silence = stream_silence,
    .failure = stream_failure,
    .forsake = stream_forsake,
};

/* The owner hears of bits that are new, and of the turn that was asked for (`asked`). */
static void tell(struct pipe_stream *stream, unsigned bits, bool asked) {
  struct transport *transport = &stream->transport;
  unsigned added = bits & ~transport->ready;
  transport->ready |= bits;
  if (added == 0 && !asked) return;
  if (transport->on_ready != NULL) transport->on_ready(transport, transport->owner);
}

static void on_output(struct poller_watch *watch, unsigned events) {
  struct pipe_stream *stream = LIST_ENTRY(watch, struct pipe_stream, output);
  unsigned bits = events & (TRANSPORT_READABLE | TRANSPORT_ENDING);
  if (stream->is_terminal) bits |= events & TRANSPORT_WRITABLE;
  if (stream->over) bits &= ~(unsigned)TRANSPORT_READABLE;
  tell(stream, bits, events == 0);
}

/* A program that has closed its input shows as an error here: a write finds it, if there ever is one. */
static void on_input(struct poller_watch *watch, unsigned events) {
  tell(LIST_ENTRY(watch, struct pipe_stream, input), events & TRANSPORT_WRITABLE, false);
}

void pipe_domain_init(struct pipe_domain *domain, struct poller *poller) {
  domain->poller = poller;
  domain->open = 0;
  slab_init(&domain->slab, sizeof(struct pipe_stream));
}

void pipe_domain_destroy(struct pipe_domain *domain) {
  assert(domain->open == 0);
  slab_destroy(&domain->slab);
}

struct transport *pipe_stream_open(struct pipe_domain *domain, int output, int input,
                                   struct pipe_peer *peer) {
  struct pipe_stream *stream = slab_take(&domain->slab);
  if (stream == NULL) goto fail_descriptors;
  *stream = (struct pipe_stream){
      .transport = {.ops = &pipe_stream_ops}, .domain = domain, .peer = peer, .is_terminal = input == output};
  list_init(&stream->garbage.node);
  poller_watch_init(&stream->output);
  poller_watch_init(&stream->input);
  if (poller_add(domain->poller, &stream->output, output, on_output) != WSL_OK) goto fail_stream;
  if (input != output && poller_add(domain->poller, &stream->input, input, on_input) != WSL_OK)
    goto fail_watch;
  domain->open++;
  return &stream->transport;

fail_watch:
  poller_remove(&stream->output);
fail_stream:
  slab_give(&domain->slab, stream);
fail_descriptors:
  close(output);
  if (input != output) close(input);
  return NULL;
}

void pipe_stream_settled(struct transport *transport) {
  struct pipe_stream *stream = stream_of(transport);
  stream->program_ended = true;
  if (stream->over || !(stream->output_ended || stream->is_terminal)) return;
  tell(stream, TRANSPORT_READABLE, false);
}
