/* Simulated peers (peer.h). */
#include "peer.h"

#include <string.h>

#include "fault.h"
#include "pipes.h"

#define RUBBISH 0xDD
/* Of so many times that time passes a slow one acknowledges once, some part. */
#define SLOW_ACK_IN 4u

static struct peer_transport *in_use(const struct transport *base) {
  struct peer_transport *t = (struct peer_transport *)(void *)(uintptr_t)base;
  if (t->gone) sim_fail("a transport was used after it was closed");
  return t;
}

static struct peer *peer_of(const struct transport *base) {
  return in_use(base)->peer;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Some number up to the limit; all where there is none. */
static size_t draw_up_to(struct peer *p, size_t n, uint32_t limit) {
  if (limit == 0 || n == 0) return n;
  return 1 + random_below(&p->random, (uint32_t)smaller(n, limit));
}

static bool says_not_now(struct peer *p) {
  if (p->temper->again_percent == 0) return false;
  if (random_below(&p->random, 100) >= p->temper->again_percent) return false;
  p->hush = true;
  p->jests++;
  return true;
}

bool peer_failed(const struct peer *p) {
  return p->end_arrived && (p->end == END_RESET || p->end == END_TIMED_OUT || p->end == END_TLS_BROKEN);
}

bool peer_has_room(const struct peer *p) {
  return p->room > 0 && p->sealed == 0;
}

static int end_result(const struct peer *p) {
  static const int results[STREAM_ENDS] = {
      [END_FIN] = 0,
      [END_RESET] = WSL_RESET,
      [END_TIMED_OUT] = WSL_TIMED_OUT,
      [END_TRUNCATED] = WSL_TRUNCATED,
      [END_TLS_BROKEN] = WSL_TLS_FAILED,
  };
  return results[p->end];
}

/* ---- what the session does ---- */

static int64_t take_bytes(struct peer *p, uint8_t *buf, size_t len) {
  size_t unread = p->arrived - p->read;
  if (unread == 0) {
    p->transport.base.ready &= ~(unsigned)TRANSPORT_READABLE;
    if (!p->end_arrived) return WSL_AGAIN;
    p->end_read = true;
    return end_result(p);
  }
  if (says_not_now(p)) {
    p->transport.base.ready &= ~(unsigned)TRANSPORT_READABLE;
    return WSL_AGAIN;
  }
  size_t n = draw_up_to(p, smaller(unread, len), p->temper->read_max);
  memcpy(buf, p->said.data + p->read, n);
  p->read += n;
  if (n == unread && n < len && !p->end_arrived) p->transport.base.ready &= ~(unsigned)TRANSPORT_READABLE;
  return (int64_t)n;
}

static int64_t peer_read(struct transport *base, uint8_t *buf, size_t len) {
  struct peer *p = peer_of(base);
  sim_check(len > 0, "a read of no bytes");
  sim_check(transport_readable(base), "a read from a transport that is not readable");
  p->calls++;
  unsigned jests = p->jests;
  p->asked = len;
  int64_t n = take_bytes(p, buf, len);
  if (n == WSL_AGAIN && jests == p->jests) p->fruitless++;
  p->witness->on_read(p, n, buf);
  return n;
}

/* How much of what is offered the kernel takes. */
static size_t room_for(struct peer *p, size_t offered) {
  size_t room = smaller(p->room, offered);
  if (room == 0) return 0;
  if (p->temper->seals) return offered;
  return draw_up_to(p, room, p->temper->write_max);
}

static void put_bytes(struct peer *p, const struct iovec *parts, int count, size_t n) {
  for (int i = 0; i < count && n > 0; i++) {
    size_t part = smaller(parts[i].iov_len, n);
    bytes_add(&p->got, parts[i].iov_base, part);
    n -= part;
  }
}

/* The kernel has `n` bytes more. */
static void kernel_takes(struct peer *p, size_t n) {
  if (p->room != ROOM_UNLIMITED) p->room -= n;
  if (p->unacked == 0 && n > 0) p->unacked_since_ms = *p->clock_ms;
  p->unacked += n;
  if (p->temper->leaves && p->end_said && p->end == END_FIN && n > 0) peer_ends(p, END_RESET);
}

static int64_t offer(struct peer *p, const struct iovec *parts, int count, size_t offered) {
  unsigned *ready = &p->transport.base.ready;
  if (p->deaf) return WSL_IO;
  if (peer_failed(p)) {
    *ready &= ~(unsigned)TRANSPORT_WRITABLE;
    *ready |= TRANSPORT_FAILED | (p->end_read ? 0u : TRANSPORT_READABLE);
    return end_result(p);
  }
  if (p->sealed > 0) return WSL_AGAIN;
  size_t taken = peer_has_room(p) && says_not_now(p) ? 0 : room_for(p, offered);
  put_bytes(p, parts, count, taken);
  size_t kernel = smaller(taken, p->room);
  kernel_takes(p, kernel);
  p->sealed = taken - kernel;
  if (taken < offered || p->sealed > 0) *ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return taken > 0 ? (int64_t)taken : WSL_AGAIN;
}

static int64_t peer_writev(struct transport *base, const struct iovec *parts, int count) {
  struct peer *p = peer_of(base);
  sim_check(count > 0 && count <= TRANSPORT_PARTS_MAX, "a write of %d parts", count);
  sim_check(p->our_end == OUR_END_NONE && !p->end_due, "a write behind our end");
  size_t offered = 0, before = p->got.len;
  for (int i = 0; i < count; i++) {
    sim_check(parts[i].iov_len > 0, "a write with an empty part");
    offered += parts[i].iov_len;
  }
  p->calls++;
  unsigned jests = p->jests;
  int64_t n = offer(p, parts, count, offered);
  if (n < 0 && jests == p->jests) p->fruitless++;
  p->witness->on_write(p, n, offered, p->got.data == NULL ? NULL : p->got.data + before);
  return n;
}

/* The kernel keeps them back until the end comes, which is to be in the same turn. */
static int64_t peer_write_last(struct transport *base, const uint8_t *data, size_t len) {
  struct iovec part = {(void *)(uintptr_t)data, len};
  int64_t n = peer_writev(base, &part, 1);
  peer_of(base)->end_due = n == (int64_t)len;
  return n;
}

/* What it says beside a count tells nothing: that is for a read. */
static int64_t peer_splice_in(struct transport *base, struct splice_pipe *pipe, size_t len) {
  struct peer *p = peer_of(base);
  sim_check(len > 0, "a splice of no bytes");
  sim_check(transport_readable(base), "a splice from a transport that is not readable");
  p->calls++;
  size_t unread = smaller(p->arrived - p->read, pipe_capacity(pipe));
  if (p->temper->wont_splice || unread == 0 || says_not_now(p)) return WSL_AGAIN;
  size_t n = draw_up_to(p, smaller(unread, len), p->temper->read_max);
  pipe_fill(pipe, p->said.data + p->read, n);
  p->read += n;
  p->asked = 0; /* not into a buffer */
  p->witness->on_read(p, (int64_t)n, pipe_bytes(pipe));
  return (int64_t)n;
}

/* A short count leaves WRITABLE alone. */
static int64_t peer_splice_out(struct transport *base, struct wsl_span head, struct splice_pipe *pipe) {
  sim_check(pipe->held > 0, "a splice of an empty pipe");
  struct iovec parts[] = {{(void *)(uintptr_t)head.at, head.len},
                          {(void *)(uintptr_t)pipe_bytes(pipe), pipe->held}};
  bool whole = head.len == 0;
  int64_t n = peer_writev(base, parts + whole, 2 - whole);
  if (n > (int64_t)head.len) {
    pipe_drain(pipe, (size_t)n - head.len);
    base->ready |= TRANSPORT_WRITABLE;
  }
  return n;
}

static int end_ours(struct peer *p) {
  p->end_due = false;
  if (p->finish_again > 0 || p->sealed > 0) {
    if (p->finish_again > 0) p->finish_again--;
    p->hush = true;
    p->transport.base.ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return WSL_AGAIN;
  }
  p->our_end = OUR_END_FIN;
  if (peer_failed(p)) return WSL_BROKEN;
  if (p->unacked == 0) p->unacked_since_ms = *p->clock_ms;
  p->unacked++;
  return WSL_OK;
}

static int peer_finish(struct transport *base) {
  struct peer *p = peer_of(base);
  sim_check(p->our_end == OUR_END_NONE, "a transport was finished twice");
  int result = end_ours(p);
  p->witness->on_finish(p, result);
  return result;
}

static void peer_again(struct transport *base) {
  struct peer *p = peer_of(base);
  p->calls++;
  p->transport.turn_wanted = true;
}

static void let_go(struct peer *p) {
  memset(&p->transport.base, RUBBISH, sizeof p->transport.base);
  p->transport.gone = true;
  p->connected = false;
}

/* What lies unread makes the kernel send a reset instead. */
static void peer_close(struct transport *base) {
  struct peer *p = peer_of(base);
  p->witness->on_close(p);
  bool unread = p->arrived > p->read;
  p->our_end = unread ? OUR_END_RESET : OUR_END_FIN;
  const struct transport_ops *ops = base->ops;
  let_go(p);
  base->ops = ops; /* so that a later call comes here, and is told */
}

static void peer_reset(struct transport *base) {
  struct peer *p = peer_of(base);
  p->witness->on_reset(p);
  p->our_end = OUR_END_RESET;
  const struct transport_ops *ops = base->ops;
  let_go(p);
  base->ops = ops;
}

static int peer_unacked(struct transport *base, size_t *bytes) {
  struct peer *p = peer_of(base);
  if (p->temper->cant_tell) return WSL_UNSUPPORTED;
  *bytes = p->unacked + p->sealed;
  return WSL_OK;
}

static int peer_silence(struct transport *base, uint64_t *ms) {
  struct peer *p = peer_of(base);
  if (p->temper->cant_tell) return WSL_UNSUPPORTED;
  *ms = *p->clock_ms - p->heard_ms;
  return WSL_OK;
}

static size_t peer_pending(const struct transport *base) {
  return peer_of(base)->sealed;
}

static void peer_forsake(struct transport *base) {
  struct peer *p = peer_of(base);
  p->forsaken = true;
  p->witness->on_forsake(p);
}

static const struct transport_ops peer_ops = {
    .read = peer_read,
    .writev = peer_writev,
    .finish = peer_finish,
    .again = peer_again,
    .close = peer_close,
    .reset = peer_reset,
    .unacked = peer_unacked,
    .silence = peer_silence,
    .pending = peer_pending,
    .splice_in = peer_splice_in,
    .splice_out = peer_splice_out,
    .write_last = peer_write_last,
};

/* TLS: nothing can be spliced. */
static const struct transport_ops sealing_ops = {
    .read = peer_read,
    .writev = peer_writev,
    .finish = peer_finish,
    .again = peer_again,
    .close = peer_close,
    .reset = peer_reset,
    .unacked = peer_unacked,
    .silence = peer_silence,
    .pending = peer_pending,
};

static const struct transport_ops program_ops = {
    .read = peer_read,
    .writev = peer_writev,
    .finish = peer_finish,
    .again = peer_again,
    .close = peer_close,
    .reset = peer_reset,
    .unacked = peer_unacked,
    .silence = peer_silence,
    .forsake = peer_forsake,
};

static const struct transport_ops *ops_of(const struct temper *temper) {
  if (temper->heeds) return &program_ops;
  return temper->seals ? &sealing_ops : &peer_ops;
}

/* ---- what the peer does ---- */

void peer_init(struct peer *p, const struct temper *temper, uint64_t seed, uint64_t *clock_ms) {
  struct bytes said = p->said, got = p->got;
  bytes_clear(&said);
  bytes_clear(&got);
  *p = (struct peer){.temper = temper, .said = said, .got = got, .clock_ms = clock_ms};
  random_seed(&p->random, seed);
  p->room = temper->room == UINT32_MAX ? ROOM_UNLIMITED : temper->room;
  p->finish_again = temper->finish_again;
  p->heard_ms = p->acked_ms = p->noticed_ms = *clock_ms;
}

void peer_free(struct peer *p) {
  bytes_free(&p->said);
  bytes_free(&p->got);
}

static unsigned incoming_bits(const struct peer *p) {
  unsigned bits = p->read < p->arrived ? TRANSPORT_READABLE : 0;
  if (!p->end_arrived) return bits;
  if (!p->end_read) bits |= TRANSPORT_READABLE;
  return bits | (peer_failed(p) ? TRANSPORT_FAILED : TRANSPORT_ENDING);
}

struct transport *peer_connect(struct peer *p) {
  p->connected = true;
  p->transport = (struct peer_transport){.peer = p};
  p->transport.base.ops = ops_of(p->temper);
  p->transport.base.ready = TRANSPORT_WRITABLE | incoming_bits(p);
  return &p->transport.base;
}

void peer_sends(struct peer *p, size_t back) {
  size_t until = p->said.len - smaller(back, p->said.len);
  if (until > p->sent && !p->vanished) p->sent = until;
}

void peer_ends(struct peer *p, enum stream_end end) {
  bool worse = p->end == END_FIN && end == END_RESET; /* a reset may come behind a FIN */
  if (p->vanished || (p->end_said && !worse)) return;
  p->end_said = true;
  p->end_arrived = false;
  p->end = end;
}

void peer_takes(struct peer *p, uint32_t room) {
  if (p->vanished) return;
  p->room = room == UINT32_MAX ? ROOM_UNLIMITED : room;
}

/* What waits inside the transport leaves as there is room. */
static bool unseal(struct peer *p) {
  size_t n = smaller(p->sealed, p->room);
  if (n == 0) return false;
  p->sealed -= n;
  kernel_takes(p, n);
  return true;
}

/* Who asks for it again and again has seen that so much was unacknowledged for a while. */
#define SURELY_SEEN_MS 1100u

/* A peer that takes nothing acknowledges nothing more; but it answers probes, so it is heard of. */
static void acknowledge(struct peer *p, size_t most) {
  uint64_t now = *p->clock_ms;
  if (p->vanished) return;
  p->heard_ms = now;
  if (p->unacked == 0 || (p->room == 0 && p->temper->slow_acks)) return;
  bool long_ago = now - p->unacked_since_ms >= SURELY_SEEN_MS && now - p->acked_ms >= SURELY_SEEN_MS;
  if (long_ago && p->connected && !p->temper->cant_tell) p->noticed_ms = now;
  p->unacked -= smaller(most, p->unacked);
  p->acked_ms = now;
}

void peer_ages(struct peer *p) {
  if (!p->temper->slow_acks) {
    acknowledge(p, SIZE_MAX);
  } else if (random_below(&p->random, SLOW_ACK_IN) == 0) {
    acknowledge(p, 1 + random_below(&p->random, 2 * (uint32_t)smaller(p->unacked, 100000) + 1));
  } else if (!p->vanished) {
    p->heard_ms = *p->clock_ms;
  }
}

static bool arrive(struct peer *p) {
  size_t n = draw_up_to(p, p->sent - p->arrived, p->temper->arrive_max);
  p->arrived += n;
  bool end = p->end_said && !p->end_arrived && p->arrived == p->sent;
  if (end) p->end_arrived = true;
  if (n > 0 || end) p->heard_ms = *p->clock_ms;
  return n > 0 || end;
}

static bool has_edge(const struct peer *p, unsigned *bits) {
  *bits = incoming_bits(p);
  if (peer_has_room(p) && !peer_failed(p)) *bits |= TRANSPORT_WRITABLE;
  return (*bits & ~p->transport.base.ready) != 0;
}

bool peer_turn(struct peer *p) {
  bool moved = arrive(p);
  if (!p->connected) return moved;
  sim_check(!p->end_due, "the last bytes were written, and no end came behind them");
  moved |= unseal(p);
  if (!p->temper->slow_acks) acknowledge(p, SIZE_MAX);
  struct transport *base = &p->transport.base;
  unsigned bits;
  bool edge = has_edge(p, &bits);
  p->hush = false;
  bool wanted = p->transport.turn_wanted;
  p->transport.turn_wanted = false;
  if (!edge && !wanted) return moved;
  if (bits & ~base->ready & TRANSPORT_FAILED) p->witness->on_failed(p);
  if (bits & ~base->ready & TRANSPORT_WRITABLE) p->writable_edges++;
  base->ready |= bits;
  p->edges++;
  base->on_ready(base, base->owner);
  return true;
}
