/* Inside net/tls: what its files share. tls.c has births, ends and readiness, handshake.c the steps of
 * a handshake, read.c and write.c the data, failure.c the words.
 *
 *   inner --recv--> carry --> input --> [mbedTLS] --> the reader's buffer
 *   inner <--write-- sealed, or pending <-- output <-- [mbedTLS] <-- the writer's parts
 *
 * mbedTLS calls back for input and output in the middle of its functions; both only move bytes between
 * memories. While a step runs on another thread (`stepping`), `ssl`, `keys`, `carry`, `input` and `made`
 * belong to that thread, and the loop touches none of them.
 */
#ifndef NET_TLS_INNER_H
#define NET_TLS_INNER_H

#include <limits.h>

#include "net/tls/bytes.h"
#include "net/tls/key_update.h"
#include "net/tls/tls.h"

/* A record's header and most content: 2^14, plus 256 in TLS 1.3 (RFC 8446 5.2). TLS 1.2 allows 2^14 + 2048
 * (RFC 5246 6.2.3), which AEAD suites never need. */
#define TLS_HEADER_SIZE    5u
#define TLS_PLAINTEXT_MAX  16384u
#define TLS_CIPHERTEXT_MAX (TLS_PLAINTEXT_MAX + 2048u)
#define TLS_RECORD_MAX     (TLS_HEADER_SIZE + TLS_PLAINTEXT_MAX + 256u)

/* Most that sealing adds to a record: header 5, nonce 8, tag 16, type 1 and padding up to 16, rounded up. */
#define TLS_RECORD_EXTRA 64u

/* A write in records of 512 bytes, the least that a client may ask for (RFC 6066 4), fits. */
#define TLS_SCRATCH_SIZE ((size_t)TLS_WRITE_MAX + (TLS_WRITE_MAX / 512u + 1u) * TLS_RECORD_EXTRA)

/* The answers_left of a write: as many as the scratch holds. */
#define TLS_ANSWERS_ANY UINT_MAX

/* Answers to post-handshake messages (KeyUpdate, attempts to renegotiate) that one read may bring about: a
 * peer that sends so many and no data between them must neither fill memory nor take all the time. */
#define TLS_ANSWERS_A_READ_MAX 32u

/* Answers that wait behind a write that waits. A peer that lets more gather does not read. */
#define TLS_PENDING_MAX (TLS_SCRATCH_SIZE + 8u * 1024u)

/* Input that waits for a reader with too small a buffer: at most what one recv brought. */
#define TLS_CARRY_MAX (TLS_SCRATCH_SIZE + TLS_CIPHERTEXT_MAX)

struct tls {
  struct transport transport; /* first: it is one */
  struct transport *inner;    /* NULL once closed */
  struct tls_domain *domain;
  struct tls_context *context;
  const char *peer; /* "the client" or "the target", for words */
  enum tls_state state;
  mbedtls_ssl_context ssl;
  struct tls_key_update keys;

  /* input: what the running call may take, part of carry or of the domain's scratch */
  const uint8_t *input;
  size_t input_len;
  bool starved;           /* mbedTLS asked for input where there was none */
  struct tls_bytes carry; /* received, not yet taken by mbedTLS */
  bool heard;             /* the first record looked like TLS */
  bool plain_alert_seen;  /* in the handshake, unprotected: */
  uint8_t plain_alert;
  bool ended; /* reading comes to `outcome`: 0, the end, or an error */
  int outcome;
  size_t record_overhead; /* once open: bytes around a peer's record's plaintext */
  bool inner_ended;       /* with or behind a failure: the input was read or dropped to its end */

  struct tls_bytes pending; /* sealed; the inner transport has yet to take it */
  int write_error;          /* of the inner transport: final */
  bool said_close;          /* close_notify has left, or is pending: nothing may follow it */
  bool finished;            /* the inner transport's FIN too */
  bool turn_asked;          /* on_ready comes at the next turn, whatever the bits */

  struct offload_job step;
  bool stepping;         /* `done` is to come */
  bool speaks_first;     /* a client whose hello is yet to be said */
  bool abandoned;        /* closed meanwhile: `done` frees */
  bool full;             /* a certificate was exchanged: not resumed */
  size_t step_input;     /* of carry, given to the step */
  int step_result;       /* mbedTLS's */
  struct tls_bytes made; /* by the step, for pending */

  char failure[192];
  struct poller_garbage garbage;
};

static inline struct tls *tls_of(const struct transport *transport) {
  return (struct tls *)(uintptr_t)transport;
}

/* ---- tls.c ---- */

/* The stream is over: reads bring what is there, then `outcome`. */
void tls_end(struct tls *tls, int outcome);

/* The same for a failure: nothing can be written any more either. */
void tls_fail(struct tls *tls, int outcome);

/* Does what the inner transport's bits and a step's end allow, and tells the owner of bits that were
 * added. The last thing that a caller does: the owner may close. */
void tls_move(struct tls *tls);

/* on_ready comes at the next turn of the loop. */
void tls_ask_turn(struct tls *tls);

/* Takes over the inner transport's bits of reading. */
void tls_mirror_input(struct tls *tls);

/* Frees behind the batch of events; closed already. */
void tls_release(struct tls *tls);

/* ---- handshake.c ---- */

/* Goes on as far as it can without waiting. Ends in another state than TLS_HANDSHAKING, or in waiting for
 * the inner transport or a step. */
void tls_handshake_run(struct tls *tls);

/* ---- read.c ---- */

int64_t tls_read(struct transport *transport, uint8_t *buf, size_t len);

/* mbedTLS's callback; `arg` is the struct tls. */
int tls_on_recv(void *arg, unsigned char *buf, size_t len);

/* ---- write.c ---- */

int64_t tls_writev(struct transport *transport, const struct iovec *parts, int count);

/* mbedTLS's callback. */
int tls_on_send(void *arg, const unsigned char *data, size_t len);

/* Around everything on the loop that may seal: at most so many records, then they go out. */
void tls_begin_sealing(struct tls *tls, unsigned answers);
void tls_send_sealed(struct tls *tls);

/* Seals close_notify and sends it, as far as the inner transport takes it. Nothing may be pending. */
void tls_say_close(struct tls *tls);

/* Whether the inner transport may take something, or has an error to tell: it may have lost WRITABLE to it.
 */
bool tls_may_send(const struct tls *tls);

/* Sends what is pending as far as it goes. True when nothing is left (an error leaves nothing). */
bool tls_flush(struct tls *tls);

/* Sends data[0..len) behind what is pending; what does not go is kept. */
void tls_send(struct tls *tls, const uint8_t *data, size_t len);

/* ---- failure.c ---- */

/* Notes in words why it failed, by mbedTLS's error, and returns the WSL_* error for it. */
WSL_MUST_CHECK int tls_explain(struct tls *tls, int mbedtls_error);

/* In words of our own, with the peer as the subject. */
void tls_explain_as(struct tls *tls, const char *words);

/* Seals a fatal alert for an error for which mbedTLS sent none, unless none is called for. */
void tls_say_alert(struct tls *tls, int mbedtls_error);

/* Notes what is known of an open stream only. */
void tls_note_opened(struct tls *tls);

#endif
