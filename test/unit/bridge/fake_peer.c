/* Peers in memory (fake_peer.h). */
#include "bridge/fake_peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct fake_transport {
  struct transport base; /* first: it is one */
  struct fake_peer *peer;
  bool turn_wanted;
  bool finished;
};

void bytes_add(struct bytes *bytes, const void *data, size_t len) {
  if (len == 0) return;
  if (bytes->len + len > bytes->cap) {
    bytes->cap = 2 * (bytes->len + len);
    bytes->data = realloc(bytes->data, bytes->cap);
    assert(bytes->data != NULL);
  }
  memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

static struct fake_peer *peer_of(struct transport *transport) {
  return ((struct fake_transport *)(void *)transport)->peer;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static int end_result(enum peer_end end) {
  switch (end) {
    case PEER_RESET:
      return WSL_RESET;
    case PEER_TIMED_OUT:
      return WSL_TIMED_OUT;
    case PEER_TRUNCATED:
      return WSL_TRUNCATED;
    case PEER_TLS_BROKEN:
      return WSL_TLS_FAILED;
    case PEER_UNREADABLE:
      return WSL_NO_MEMORY;
    case PEER_GOES_ON:
      return WSL_AGAIN;
    case PEER_FIN:
      break;
  }
  return 0;
}

static int64_t fake_read(struct transport *transport, uint8_t *buf, size_t len) {
  struct fake_peer *peer = peer_of(transport);
  assert(len > 0);
  peer->reads++;
  size_t unread = peer->sent.len - peer->sent_read;
  if (unread == 0) {
    transport->ready &= ~(unsigned)TRANSPORT_READABLE;
    return end_result(peer->end);
  }
  size_t n = smaller(smaller(unread, len), peer->read_max);
  memcpy(buf, peer->sent.data + peer->sent_read, n);
  peer->sent_read += n;
  if (n > peer->longest_read) peer->longest_read = n;
  bool drained = n == unread && n < len && peer->end == PEER_GOES_ON;
  if (drained) transport->ready &= ~(unsigned)TRANSPORT_READABLE;
  return (int64_t)n;
}

static bool peer_failed(const struct fake_peer *peer) {
  return peer->end == PEER_RESET || peer->end == PEER_TIMED_OUT || peer->end == PEER_TLS_BROKEN;
}

/* What there is room for leaves, the rest is kept: all of it counts as written. */
static void unseal(struct fake_peer *peer) {
  size_t n = smaller(peer->room, peer->pending.len);
  bytes_add(&peer->got, peer->pending.data, n);
  if (peer->room != UNLIMITED) peer->room -= n;
  peer->pending.len -= n;
  if (peer->pending.len > 0) memmove(peer->pending.data, peer->pending.data + n, peer->pending.len);
}

static int64_t seal(struct fake_peer *peer, struct transport *transport, const struct iovec *parts,
                    int count) {
  for (int i = 0; i < count; i++)
    bytes_add(&peer->pending, parts[i].iov_base, parts[i].iov_len);
  size_t taken = peer->pending.len;
  if (peer->acks_by_hand) peer->unacked += taken;
  unseal(peer);
  if (peer->pending.len > 0) transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return (int64_t)taken;
}

static int64_t fake_writev(struct transport *transport, const struct iovec *parts, int count) {
  struct fake_peer *peer = peer_of(transport);
  assert(count > 0 && count <= TRANSPORT_PARTS_MAX);
  assert(!((struct fake_transport *)(void *)transport)->finished);
  peer->writes++;
  if (count > peer->widest_write) peer->widest_write = count;
  if (peer->write_error != 0) return peer->write_error;
  if (peer_failed(peer)) {
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    transport->ready |= TRANSPORT_FAILED | TRANSPORT_READABLE;
    return end_result(peer->end);
  }
  if (peer->pending.len > 0) { /* an edge for nothing may have said otherwise */
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return WSL_AGAIN;
  }
  if (peer->seals && peer->room < peer->write_max) return seal(peer, transport, parts, count);
  size_t taken = 0, offered = 0, most = smaller(peer->room, peer->write_max);
  for (int i = 0; i < count; i++) {
    assert(parts[i].iov_len > 0);
    size_t n = smaller(parts[i].iov_len, most - taken);
    bytes_add(&peer->got, parts[i].iov_base, n);
    taken += n;
    offered += parts[i].iov_len;
  }
  if (peer->room != UNLIMITED) peer->room -= taken;
  if (peer->acks_by_hand) peer->unacked += taken;
  if (taken < offered) transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  peer->reset_due = peer->has_left && taken > 0;
  return taken > 0 ? (int64_t)taken : WSL_AGAIN;
}

static int64_t fake_write_last(struct transport *transport, const uint8_t *data, size_t len) {
  struct iovec part = {(void *)(uintptr_t)data, len};
  peer_of(transport)->lasts++;
  return fake_writev(transport, &part, 1);
}

static int fake_finish(struct transport *transport) {
  struct fake_peer *peer = peer_of(transport);
  if (peer->finish_again > 0 || peer->pending.len > 0) {
    if (peer->finish_again > 0) peer->finish_again--;
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return WSL_AGAIN;
  }
  if (peer->write_error != 0) return peer->write_error;
  peer->finishes++;
  ((struct fake_transport *)(void *)transport)->finished = true;
  return peer_failed(peer) ? WSL_BROKEN : WSL_OK;
}

static void fake_again(struct transport *transport) {
  peer_of(transport)->agains++;
  ((struct fake_transport *)(void *)transport)->turn_wanted = true;
}

static void fake_close(struct transport *transport) {
  struct fake_peer *peer = peer_of(transport);
  peer->closes++;
  peer->unread_at_close = peer->sent_read < peer->sent.len;
  peer->transport = NULL;
  free(transport);
}

static void fake_reset(struct transport *transport) {
  struct fake_peer *peer = peer_of(transport);
  peer->resets++;
  peer->transport = NULL;
  free(transport);
}

static int fake_unacked(struct transport *transport, size_t *bytes) {
  struct fake_peer *peer = peer_of(transport);
  peer->probes++;
  if (peer->cant_tell) return WSL_UNSUPPORTED;
  *bytes = peer->unacked + (peer->acks_by_hand ? 0 : peer->pending.len);
  return WSL_OK;
}

static int fake_silence(struct transport *transport, uint64_t *ms) {
  struct fake_peer *peer = peer_of(transport);
  if (peer->cant_tell) return WSL_UNSUPPORTED;
  *ms = peer->silence_ms;
  return WSL_OK;
}

static size_t fake_pending(const struct transport *transport) {
  return ((const struct fake_transport *)(const void *)transport)->peer->pending.len;
}

static void fake_forsake(struct transport *transport) {
  peer_of(transport)->forsakes++;
}

static const struct transport_ops fake_ops = {
    .read = fake_read,
    .writev = fake_writev,
    .finish = fake_finish,
    .again = fake_again,
    .close = fake_close,
    .reset = fake_reset,
    .unacked = fake_unacked,
    .silence = fake_silence,
    .pending = fake_pending,
    .write_last = fake_write_last,
};

static const struct transport_ops fake_program_ops = {
    .read = fake_read,
    .writev = fake_writev,
    .finish = fake_finish,
    .again = fake_again,
    .close = fake_close,
    .reset = fake_reset,
    .unacked = fake_unacked,
    .silence = fake_silence,
    .forsake = fake_forsake,
};

void peer_init(struct fake_peer *peer) {
  *peer = (struct fake_peer){.read_max = UNLIMITED, .room = UNLIMITED, .write_max = UNLIMITED};
}

void peer_free(struct fake_peer *peer) {
  bytes_free(&peer->sent);
  bytes_free(&peer->got);
  bytes_free(&peer->pending);
}

static unsigned incoming_bits(const struct fake_peer *peer) {
  unsigned bits = peer->sent_read < peer->sent.len ? TRANSPORT_READABLE : 0;
  if (peer->end == PEER_FIN || peer->end == PEER_TRUNCATED) bits |= TRANSPORT_READABLE | TRANSPORT_ENDING;
  if (peer->end == PEER_UNREADABLE) bits |= TRANSPORT_READABLE;
  if (peer_failed(peer)) bits |= TRANSPORT_READABLE | TRANSPORT_FAILED;
  return bits;
}

struct transport *peer_connect(struct fake_peer *peer) {
  struct fake_transport *transport = calloc(1, sizeof *transport);
  assert(transport != NULL && peer->transport == NULL);
  transport->base.ops = peer->heeds ? &fake_program_ops : &fake_ops;
  transport->base.ready = TRANSPORT_WRITABLE | incoming_bits(peer);
  transport->peer = peer;
  peer->transport = transport;
  peer->connects++;
  return &transport->base;
}

static void add_bits(struct fake_peer *peer, unsigned bits) {
  if (peer->transport == NULL) return;
  struct transport *transport = &peer->transport->base;
  unsigned added = bits & ~transport->ready;
  transport->ready |= bits;
  if (added != 0) transport->on_ready(transport, transport->owner);
}

void peer_send(struct fake_peer *peer, const void *data, size_t len) {
  assert(peer->end == PEER_GOES_ON);
  bytes_add(&peer->sent, data, len);
  add_bits(peer, incoming_bits(peer));
}

void peer_finish(struct fake_peer *peer) {
  peer->end = PEER_FIN;
  add_bits(peer, incoming_bits(peer));
}

void peer_break_tls(struct fake_peer *peer) {
  peer->end = PEER_TLS_BROKEN;
  add_bits(peer, incoming_bits(peer));
}

void peer_truncate(struct fake_peer *peer) {
  peer->end = PEER_TRUNCATED;
  add_bits(peer, incoming_bits(peer));
}

void peer_reset(struct fake_peer *peer) {
  bool end_was_read =
      peer->end == PEER_FIN && peer->transport != NULL && !transport_readable(&peer->transport->base);
  peer->end = PEER_RESET;
  add_bits(peer, end_was_read ? TRANSPORT_FAILED : TRANSPORT_FAILED | TRANSPORT_READABLE);
}

void peer_edge_for_nothing(struct fake_peer *peer) {
  add_bits(peer, TRANSPORT_READABLE | TRANSPORT_WRITABLE);
}

void peer_reset_unheard(struct fake_peer *peer) {
  peer->end = PEER_RESET;
}

void peer_take(struct fake_peer *peer, size_t len) {
  peer->room = len == UNLIMITED ? UNLIMITED : peer->room + len;
  bool sealed = peer->pending.len > 0;
  unseal(peer);
  if (peer->pending.len > 0 || peer_failed(peer)) return;
  if (peer->room > 0 || sealed) add_bits(peer, TRANSPORT_WRITABLE);
}

bool peer_turn(struct fake_peer *peer) {
  if (peer->transport == NULL) return false;
  struct transport *transport = &peer->transport->base;
  if (peer->reset_due) {
    peer->reset_due = false;
    peer_reset(peer);
    return true;
  }
  if (peer->transport->turn_wanted) {
    peer->transport->turn_wanted = false;
    transport->on_ready(transport, transport->owner);
    return true;
  }
  bool edge =
      peer->room > 0 && peer->pending.len == 0 && !transport_writable(transport) && !peer_failed(peer);
  if (edge) add_bits(peer, TRANSPORT_WRITABLE);
  return edge;
}

enum seen_end peer_seen_end(const struct fake_peer *peer) {
  if (peer->resets > 0 || (peer->closes > 0 && peer->unread_at_close)) return SEEN_RESET;
  return peer->finishes > 0 || peer->closes > 0 ? SEEN_FIN : SEEN_NONE;
}

unsigned peer_calls(const struct fake_peer *peer) {
  return peer->reads + peer->writes + peer->agains;
}
