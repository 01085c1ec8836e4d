/* A byte stream to a peer, whatever carries it: TCP, a Unix socket, TLS over TCP, a child's stdio,
 * or in tests a simulated one.
 *
 * Readiness is remembered, not asked for: a transport keeps in `ready` what the last events said
 * and clears a bit when a call meets its end (a short read, WSL_AGAIN). Owners stop and start a
 * direction by looking or not looking; that costs no system call.
 *
 *   on_ready(t)  is called when bits were added. The owner then reads and writes as long as the bits
 *                stand and its budget lasts; with work left it calls transport_again(), and on_ready
 *                comes once more at the next turn of the loop. There is no other reminder: events are
 *                edges.
 *
 * Nothing here blocks. A transport belongs to one worker; all calls on its thread. Closing (one of
 * transport_close, transport_reset) frees the transport: no callback comes afterwards, and the
 * pointer is gone. The owner closes exactly once.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <wsluice/span.h>

#include "core/error.h"
#include "net/address.h"

enum transport_ready {
  TRANSPORT_READABLE = 1 << 0, /* a read may bring bytes, the end or an error                       */
  TRANSPORT_WRITABLE = 1 << 1, /* a write may take bytes                                            */
  TRANSPORT_ENDING = 1 << 2,   /* the peer's FIN was seen; bytes may lie unread before it           */
  TRANSPORT_FAILED = 1 << 3    /* the peer reset, or the connection died; unread bytes may remain:
                                  reads bring them and then the error. READABLE is set too          */
};

struct transport;
struct splice_pipe;
typedef void (*transport_ready_fn)(struct transport *transport, void *owner);

struct transport_ops {
  int64_t (*read)(struct transport *, uint8_t *buf, size_t len);
  int64_t (*writev)(struct transport *, const struct iovec *parts, int count);
  int (*finish)(struct transport *);
  void (*again)(struct transport *);
  void (*close)(struct transport *);
  void (*reset)(struct transport *);
  int (*unacked)(struct transport *, size_t *bytes);
  int (*silence)(struct transport *, uint64_t *ms);
  size_t (*pending)(const struct transport *);
  const char *(*failure)(const struct transport *);
  int64_t (*splice_in)(struct transport *, struct splice_pipe *pipe, size_t len);
  int64_t (*splice_out)(struct transport *, struct wsl_span head, struct splice_pipe *pipe);
  int64_t (*write_last)(struct transport *, const uint8_t *data, size_t len);
  int (*local_address)(const struct transport *, struct address *address);
  void (*forsake)(struct transport *);
};

/* The part that every kind shares; kinds embed it first. */
struct transport {
  const struct transport_ops *ops;
  transport_ready_fn on_ready;
  void *owner;
  unsigned ready; /* bits of enum transport_ready */
};

/* Gives the transport to another owner (the HTTP side hands it to the session). Bits that stand are
 * not repeated: the new owner looks at `ready` itself. */
static inline void transport_own(struct transport *t, transport_ready_fn on_ready, void *owner) {
  t->on_ready = on_ready;
  t->owner = owner;
}

static inline bool transport_readable(const struct transport *t) {
  return (t->ready & TRANSPORT_READABLE) != 0;
}

static inline bool transport_writable(const struct transport *t) {
  return (t->ready & TRANSPORT_WRITABLE) != 0;
}

/* Reads up to len (> 0) bytes into buf. Returns the number read; 0 at the peer's orderly end;
 * WSL_AGAIN when there is nothing now; WSL_RESET, WSL_TIMED_OUT or another error when the stream is
 * broken; WSL_TRUNCATED when a TLS peer ended without close_notify (it may still be able to read). Ends and
 * errors repeat when asked again. Clears READABLE when nothing more is there; after an end or an error
 * READABLE stays clear (TLS behind a failure sets it once more, when the input has ended: for those that
 * linger). */
static inline int64_t transport_read(struct transport *t, uint8_t *buf, size_t len) {
  return t->ops->read(t, buf, len);
}

/* Writes parts[0..count) (count up to TRANSPORT_PARTS_MAX). Returns how many bytes were taken, at
 * least 1; WSL_AGAIN when none could be; WSL_RESET, WSL_BROKEN or another error when none ever will.
 * A short count clears WRITABLE. */
static inline int64_t transport_writev(struct transport *t, const struct iovec *parts, int count) {
  return t->ops->writev(t, parts, count);
}

/* 256 KB in frames of 1 KB are 256 headers and slices; writev(2) itself takes 1024. */
#define TRANSPORT_PARTS_MAX 512

static inline int64_t transport_write(struct transport *t, const uint8_t *data, size_t len) {
  struct iovec part = {(void *)(uintptr_t)data, len};
  return t->ops->writev(t, &part, 1);
}

/* The same for the last bytes of our direction: once all were taken the caller calls transport_finish() at
 * once (of a short count the rest goes this way too). Until then the kernel may hold them back, so that over
 * TCP they and the FIN are one segment: a fortieth less for an upgrade with all that belongs to it. */
static inline int64_t transport_write_last(struct transport *t, const uint8_t *data, size_t len) {
  return t->ops->write_last == NULL ? transport_write(t, data, len) : t->ops->write_last(t, data, len);
}

/* Whether bytes can go through a pipe from one to the other (net/splice_pool.h). TLS and Unix sockets have
 * no such way. */
static inline bool transport_splices(const struct transport *from, const struct transport *to) {
  return from->ops->splice_in != NULL && to->ops->splice_out != NULL;
}

/* Moves up to len bytes into the pipe, which is empty. Returns the number; or WSL_AGAIN, which says no more
 * than a short count does: whether there is nothing now, or an end or an error, or whether the kernel won't,
 * is for transport_read() to find. READABLE stays as it was. */
static inline int64_t transport_splice_in(struct transport *t, struct splice_pipe *pipe, size_t len) {
  return t->ops->splice_in(t, pipe, len);
}

/* Writes `head` (may be empty), and behind it all that the pipe holds. Counts and fails as
 * transport_writev() does, but that a short count need not clear WRITABLE. */
static inline int64_t transport_splice_out(struct transport *t, struct wsl_span head,
                                           struct splice_pipe *pipe) {
  return t->ops->splice_out(t, head, pipe);
}

/* Bytes that a write has taken and the kernel has not: 0 but for TLS, which can't give back what it has
 * encrypted. WRITABLE is clear while there are any; they leave by themselves, and on_ready comes. Who
 * lets go of a transport waits for 0 first, where transport_finish() does not (it says WSL_AGAIN). */
static inline size_t transport_pending(const struct transport *t) {
  return t->ops->pending == NULL ? 0 : t->ops->pending(t);
}

/* What broke the stream, in words, where an error says too little (TLS); "" where it doesn't. Lives as long
 * as the transport. */
static inline const char *transport_failure(const struct transport *t) {
  return t->ops->failure == NULL ? "" : t->ops->failure(t);
}

/* Ends our direction in order (TCP: FIN; TLS: close_notify, then FIN); reading goes on. WSL_AGAIN:
 * call again when WRITABLE. Any other result is final: 0, or an error where the stream is broken
 * already. Nothing may be written afterwards. */
static inline int transport_finish(struct transport *t) {
  return t->ops->finish(t);
}

/* Nothing that the peer still sends is wanted: it is read to be dropped. Of meaning for programs, which then
 * have a time to end in (net/program/program.h). Harmless twice. */
static inline void transport_forsake(struct transport *t) {
  if (t->ops->forsake != NULL) t->ops->forsake(t);
}

/* Whether that means anything to it: then it is there for this owner alone, and a cost as long as it lives.
 */
static inline bool transport_heeds_forsaking(const struct transport *t) {
  return t->ops->forsake != NULL;
}

/* Calls on_ready at the next turn of the loop, with whatever bits stand then. */
static inline void transport_again(struct transport *t) {
  t->ops->again(t);
}

/* Closes in order and frees. What the kernel has taken it still delivers; but with unread input it
 * sends a reset, so read the end first. */
static inline void transport_close(struct transport *t) {
  t->ops->close(t);
}

/* Closes abruptly and frees: the peer's stream ends with an error (TCP RST), not with an end.
 * Unix sockets know no reset: their peer sees an end. */
static inline void transport_reset(struct transport *t) {
  t->ops->reset(t);
}

/* Bytes written that the peer's kernel has not acknowledged (Linux: SIOCOUTQ; Unix sockets: not yet
 * read by the peer). After transport_finish() the FIN counts as one more, so 0 means that the peer has
 * the end as well; after a reset the count stands still, above 0. WSL_UNSUPPORTED where the system can't
 * tell. */
static inline WSL_MUST_CHECK int transport_unacked(struct transport *t, size_t *bytes) {
  return t->ops->unacked(t, bytes);
}

/* Milliseconds since anything came from the peer, an ACK included (Linux: TCP_INFO).
 * WSL_UNSUPPORTED where it can't be told. */
static inline WSL_MUST_CHECK int transport_silence(struct transport *t, uint64_t *ms) {
  return t->ops->silence(t, ms);
}

/* The address of our end: the one that a client reached. WSL_UNSUPPORTED where there is none. */
static inline WSL_MUST_CHECK int transport_local_address(const struct transport *t, struct address *address) {
  return t->ops->local_address == NULL ? WSL_UNSUPPORTED : t->ops->local_address(t, address);
}

#endif
