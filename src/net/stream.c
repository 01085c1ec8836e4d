/* Stream sockets as transports (stream.h): TCP and Unix.
 *
 * Edges come once, so the rule behind every line here is: READABLE or WRITABLE is cleared only when
 * the kernel has said, or a short count proves, that another edge will come. After a FIN or an error
 * no further edge comes, so a short read must not clear READABLE then: the end is still to be fetched.
 *
 * Linux hands a connection's error out once, to whichever call asks first. When that is a write, the
 * next read would return 0, and a reset would look like an orderly end: the stream keeps the error
 * for the reader.
 */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket_system.h"
#include "net/socket_tuning.h"
#include "net/splice_pool.h"

struct stream {
  struct transport transport; /* first: it is one */
  struct poller_watch watch;
  struct poller_garbage garbage;
  struct stream_domain *domain;
  enum stream_kind kind;
  bool short_read_drains; /* a short read proves that the receive queue is empty */
  bool over;              /* reading has come to `outcome`: 0, the end, or an error */
  int outcome;
  int write_error; /* what a write (or splice) was told in the reader's place, else 0 */
};

/* Bits that a short read does not settle: behind the data an end or an error waits, without an edge. */
#define END_NOTED ((unsigned)(TRANSPORT_ENDING | TRANSPORT_FAILED))

static struct stream *stream_of(struct transport *transport) {
  return (struct stream *)(void *)transport;
}

static void clear_ready(struct stream *stream, unsigned bits) {
  stream->transport.ready &= ~bits;
  poller_drained(&stream->watch, bits);
}

static int64_t end_reading(struct stream *stream, int outcome) {
  stream->over = true;
  stream->outcome = outcome;
  stream->transport.ready &= ~(unsigned)TRANSPORT_READABLE;
  return outcome;
}

static int64_t stream_read(struct transport *transport, uint8_t *buf, size_t len) {
  assert(len > 0);
  struct stream *stream = stream_of(transport);
  if (stream->over) return stream->outcome;
  ssize_t got;
  do {
    got = recv(stream->watch.fd, buf, len, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    bool drained = (size_t)got < len && stream->short_read_drains && (transport->ready & END_NOTED) == 0;
    if (drained) clear_ready(stream, TRANSPORT_READABLE);
    return got;
  }
  if (got == 0) return end_reading(stream, stream->write_error);
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    clear_ready(stream, TRANSPORT_READABLE);
    return WSL_AGAIN;
  }
  return end_reading(stream, error_from_errno(errno));
}

/* What a failing write says about the reader's side. EPIPE says nothing: it comes after the peer's FIN
 * or behind an error that was handed out before. Want of memory passes. All else is the connection's
 * error, which the kernel has now forgotten. */
static int write_failed(struct stream *stream, int system_errno) {
  int error = error_from_errno(system_errno);
  stream->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  if (system_errno == EPIPE || system_errno == ENOBUFS || system_errno == ENOMEM) return error;
  if (stream->write_error == 0) stream->write_error = error;
  stream->transport.ready |= TRANSPORT_FAILED;
  if (!stream->over) stream->transport.ready |= TRANSPORT_READABLE;
  return error;
}

static int64_t write_refused(struct stream *stream, int system_errno) {
  if (system_errno != EAGAIN && system_errno != EWOULDBLOCK) return write_failed(stream, system_errno);
  clear_ready(stream, TRANSPORT_WRITABLE);
  return WSL_AGAIN;
}

static ssize_t send_parts(int fd, const struct iovec *parts, int count) {
  if (count == 1)
    return socket_send_piece(fd, (struct wsl_span){parts->iov_base, parts->iov_len}, SOCKET_ALL);
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
  return socket_send(fd, &message);
}

/* What a send of `len` bytes came to. */
static int64_t written(struct stream *stream, ssize_t sent, size_t len) {
  if (sent < 0) return write_refused(stream, errno);
  if ((size_t)sent < len) clear_ready(stream, TRANSPORT_WRITABLE);
  return sent;
}

static int64_t stream_writev(struct transport *transport, const struct iovec *parts, int count) {
  assert(count > 0 && count <= TRANSPORT_PARTS_MAX);
  struct stream *stream = stream_of(transport);
  size_t len = 0;
  for (int i = 0; i < count; i++)
    len += parts[i].iov_len;
  assert(len > 0);
  return written(stream, send_parts(stream->watch.fd, parts, count), len);
}

static int64_t stream_write_last(struct transport *transport, const uint8_t *data, size_t len) {
  assert(len > 0);
  struct stream *stream = stream_of(transport);
  struct wsl_span piece = {(const char *)data, len};
  return written(stream, socket_send_piece(stream->watch.fd, piece, SOCKET_MORE), len);
}

/* Whether what splice(2) failed with is the connection's error, or says that the kernel won't, or not now. */
static bool ends_stream(int system_errno) {
  static const int others[] = {EAGAIN, EWOULDBLOCK, EINVAL, ENOSYS, EPERM, EACCES, ENOMEM, ENOBUFS};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (system_errno == others[i]) return false;
  return true;
}

/* What splice(2) says at a socket's end, or in front of a byte that was sent as urgent, is not relied on:
 * recv() tells. But an error is handed out once, and recv() would say 0 then. */
static int64_t stream_splice_in(struct transport *transport, struct splice_pipe *pipe, size_t len) {
  struct stream *stream = stream_of(transport);
  assert(pipe->held == 0 && len > 0);
  if (stream->over) return WSL_AGAIN;
  ssize_t got = socket_splice(stream->watch.fd, pipe->ends[1], len);
  if (got > 0) {
    pipe->held = (size_t)got;
    return got;
  }
  if (got < 0 && ends_stream(errno) && stream->write_error == 0)
    stream->write_error = error_from_errno(errno);
  return WSL_AGAIN;
}

static int64_t stream_splice_out(struct transport *transport, struct wsl_span head,
                                 struct splice_pipe *pipe) {
  struct stream *stream = stream_of(transport);
  assert(pipe->held > 0);
  ssize_t sent = head.len == 0 ? 0 : socket_send_piece(stream->watch.fd, head, SOCKET_MORE);
  if (sent < 0) return write_refused(stream, errno);
  if ((size_t)sent < head.len) {
    clear_ready(stream, TRANSPORT_WRITABLE);
    return sent;
  }
  ssize_t moved = socket_splice(pipe->ends[0], stream->watch.fd, pipe->held);
  if (moved > 0) {
    pipe->held -= (size_t)moved;
    return sent + moved;
  }
  int64_t refused = write_refused(stream, moved == 0 ? EIO : errno);
  return refused == WSL_AGAIN && sent > 0 ? sent : refused;
}

static int stream_finish(struct transport *transport) {
  if (shutdown(stream_of(transport)->watch.fd, SHUT_WR) != 0) return error_from_errno(errno);
  return WSL_OK;
}

static void stream_again(struct transport *transport) {
  poller_again(&stream_of(transport)->watch);
}

static void release_stream(struct poller_garbage *garbage) {
  struct stream *stream = LIST_ENTRY(garbage, struct stream, garbage);
  struct stream_domain *domain = stream->domain;
  domain->open--;
  slab_give(&domain->slab, stream);
}

static void stream_close(struct transport *transport) {
  struct stream *stream = stream_of(transport);
  int fd = stream->watch.fd;
  assert(fd >= 0); /* closed twice */
  poller_remove(&stream->watch);
  close(fd); /* even when it says EINTR the descriptor is gone on Linux: never retried */
  poller_release(stream->domain->poller, &stream->garbage, release_stream);
}

/* On a Unix socket the linger option does nothing: the peer sees an end, or ECONNRESET when it left
 * bytes of its own unread here. */
static void stream_reset(struct transport *transport) {
  struct linger abruptly = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(stream_of(transport)->watch.fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly);
  stream_close(transport);
}

/* TCP: a FIN that is not acknowledged counts as one byte, so 0 after finish means that the peer has all,
 * the end included. After a reset the count stands still. Unix: memory of what the peer has not read,
 * more than the bytes themselves; 0 is exact. */
static int stream_unacked(struct transport *transport, size_t *bytes) {
  return socket_unacked(stream_of(transport)->watch.fd, bytes);
}

static int stream_local_address(const struct transport *transport, struct address *address) {
  return address_local(stream_fd(transport), address);
}

static int stream_silence(struct transport *transport, uint64_t *ms) {
  struct stream *stream = stream_of(transport);
  return stream->kind == STREAM_TCP ? socket_silence(stream->watch.fd, ms) : WSL_UNSUPPORTED;
}

static const struct transport_ops tcp_ops = {
    .read = stream_read,
    .writev = stream_writev,
    .finish = stream_finish,
    .again = stream_again,
    .close = stream_close,
    .reset = stream_reset,
    .unacked = stream_unacked,
    .silence = stream_silence,
    .local_address = stream_local_address,
    .splice_in = stream_splice_in,
    .splice_out = stream_splice_out,
    .write_last = stream_write_last,
};

/* Not spliced. Out of one it does not win: small pieces fill the pipe's slots at some 220 KB, and CPU a
 * gigabyte was 0.96 of reading's (median of five pairs of runs; TCP: 0.64). Into one kernels before 6.5 may
 * refuse. */
static const struct transport_ops unix_ops = {
    .read = stream_read,
    .writev = stream_writev,
    .finish = stream_finish,
    .again = stream_again,
    .close = stream_close,
    .reset = stream_reset,
    .unacked = stream_unacked,
    .silence = stream_silence,
    .local_address = stream_local_address,
};

/* `events` 0 is the turn that was asked for; else the owner hears only of bits that are new. */
static void on_stream_events(struct poller_watch *watch, unsigned events) {
  struct stream *stream = LIST_ENTRY(watch, struct stream, watch);
  struct transport *transport = &stream->transport;
  if (events & POLLER_URGENT) stream->short_read_drains = false;
  unsigned bits = events & ~POLLER_URGENT;
  if (stream->over) bits &= ~(unsigned)TRANSPORT_READABLE;
  unsigned added = bits & ~transport->ready;
  transport->ready |= bits;
  if (added == 0 && events != 0) return;
  assert(transport->on_ready != NULL); /* a dialled transport gets its owner in the dial's callback */
  transport->on_ready(transport, transport->owner);
}

void stream_domain_init(struct stream_domain *domain, struct poller *poller) {
  domain->poller = poller;
  domain->open = 0;
  slab_init(&domain->slab, sizeof(struct stream));
}

void stream_domain_destroy(struct stream_domain *domain) {
  assert(domain->open == 0);
  slab_destroy(&domain->slab);
}

struct transport *stream_open(struct stream_domain *domain, int fd, enum stream_kind kind,
                              transport_ready_fn on_ready, void *owner) {
  struct stream *stream = slab_take(&domain->slab);
  if (stream == NULL) goto fail_descriptor;
  stream->transport = (struct transport){
      .ops = kind == STREAM_TCP ? &tcp_ops : &unix_ops, .on_ready = on_ready, .owner = owner};
  stream->domain = domain;
  stream->kind = kind;
  /* On Unix sockets a read stops at descriptors that the peer passes along, whatever lies behind. */
  stream->short_read_drains = kind == STREAM_TCP;
  list_init(&stream->garbage.node);
  if (poller_add(domain->poller, &stream->watch, fd, on_stream_events) != WSL_OK) goto fail_stream;
  if (kind == STREAM_TCP) socket_ensure_no_delay(fd);
  domain->open++;
  return &stream->transport;

fail_stream:
  slab_give(&domain->slab, stream);
fail_descriptor:
  close(fd);
  return NULL;
}

int stream_fd(const struct transport *transport) {
  return ((const struct stream *)(const void *)transport)->watch.fd;
}
