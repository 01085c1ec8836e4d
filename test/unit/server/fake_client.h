/* A client made of memory: a transport whose input is fed by the test, byte by byte if it likes, and
 * whose output lands in an array. What a connection asks for with transport_again() is played by
 * fake_client_play(), as the poller would.
 */
#ifndef TEST_SERVER_FAKE_CLIENT_H
#define TEST_SERVER_FAKE_CLIENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "net/transport.h"

#define FAKE_OUTPUT_MAX 65536u
#define FAKE_INPUT_MAX  ((size_t)1 << 18)

enum fake_fate { FAKE_ALIVE, FAKE_CLOSED, FAKE_RESET };

struct fake_client {
  struct transport transport; /* first: it is one */
  uint8_t input[FAKE_INPUT_MAX];
  size_t input_at, input_len;
  bool ended;                   /* FIN behind the input */
  char output[FAKE_OUTPUT_MAX]; /* terminated */
  size_t output_len;
  size_t write_room; /* bytes that writes still take */
  bool finished;     /* our FIN was sent */
  bool again;
  enum fake_fate fate;
};

static inline struct fake_client *fake_of(struct transport *t) {
  return (struct fake_client *)(void *)t;
}

static inline int64_t fake_read(struct transport *t, uint8_t *buf, size_t len) {
  struct fake_client *f = fake_of(t);
  size_t left = f->input_len - f->input_at;
  if (left == 0) {
    t->ready &= ~(unsigned)TRANSPORT_READABLE;
    return f->ended ? 0 : WSL_AGAIN;
  }
  if (len > left) len = left;
  memcpy(buf, f->input + f->input_at, len);
  f->input_at += len;
  if (f->input_at == f->input_len && !f->ended) t->ready &= ~(unsigned)TRANSPORT_READABLE;
  return (int64_t)len;
}

static inline int64_t fake_writev(struct transport *t, const struct iovec *parts, int count) {
  struct fake_client *f = fake_of(t);
  assert(!f->finished);
  size_t taken = 0;
  for (int i = 0; i < count; i++) {
    size_t len = parts[i].iov_len < f->write_room ? parts[i].iov_len : f->write_room;
    assert(f->output_len + len < FAKE_OUTPUT_MAX);
    memcpy(f->output + f->output_len, parts[i].iov_base, len);
    f->output_len += len;
    f->write_room -= len;
    taken += len;
  }
  f->output[f->output_len] = '\0';
  if (f->write_room == 0) t->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return taken > 0 ? (int64_t)taken : WSL_AGAIN;
}

static inline int fake_finish(struct transport *t) {
  fake_of(t)->finished = true;
  return 0;
}

static inline void fake_again(struct transport *t) {
  fake_of(t)->again = true;
}

static inline void fake_close(struct transport *t) {
  assert(fake_of(t)->fate == FAKE_ALIVE);
  fake_of(t)->fate = FAKE_CLOSED;
}

static inline void fake_reset(struct transport *t) {
  assert(fake_of(t)->fate == FAKE_ALIVE);
  fake_of(t)->fate = FAKE_RESET;
}

static inline int fake_unacked(struct transport *t, size_t *bytes) {
  (void)t;
  *bytes = 0;
  return 0;
}

static inline int fake_silence(struct transport *t, uint64_t *ms) {
  (void)t;
  (void)ms;
  return WSL_UNSUPPORTED;
}

static inline void fake_client_init(struct fake_client *f) {
  static const struct transport_ops ops = {
      .read = fake_read,
      .writev = fake_writev,
      .finish = fake_finish,
      .again = fake_again,
      .close = fake_close,
      .reset = fake_reset,
      .unacked = fake_unacked,
      .silence = fake_silence,
  };
  memset(f, 0, sizeof(*f));
  f->transport.ops = &ops;
  f->write_room = SIZE_MAX / 2;
  f->transport.ready = TRANSPORT_WRITABLE;
}

/* Turns of the loop until nobody asks for another; the count is bounded, so that a spin fails. */
static inline void fake_client_play(struct fake_client *f) {
  for (int turns = 0; f->again && f->fate == FAKE_ALIVE; turns++) {
    assert(turns < 10000);
    f->again = false;
    f->transport.on_ready(&f->transport, f->transport.owner);
  }
}

static inline void fake_client_event(struct fake_client *f, unsigned bits) {
  if (f->fate != FAKE_ALIVE) return;
  f->transport.ready |= bits;
  f->transport.on_ready(&f->transport, f->transport.owner);
  fake_client_play(f);
}

static inline void fake_client_send(struct fake_client *f, const void *data, size_t len) {
  assert(f->input_len + len <= FAKE_INPUT_MAX);
  memcpy(f->input + f->input_len, data, len);
  f->input_len += len;
  fake_client_event(f, TRANSPORT_READABLE);
}

static inline void fake_client_end(struct fake_client *f) {
  f->ended = true;
  fake_client_event(f, TRANSPORT_READABLE | TRANSPORT_ENDING);
}

/* The peer's window opens by `bytes`. */
static inline void fake_client_take(struct fake_client *f, size_t bytes) {
  f->write_room += bytes;
  fake_client_event(f, TRANSPORT_WRITABLE);
}

#endif
