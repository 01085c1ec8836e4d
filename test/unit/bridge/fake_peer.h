/* A peer of the session that lives in memory: what it sends is scripted, what it is sent is recorded.
 *
 * The transport in front of it keeps net/transport.h to the letter: edges only (on_ready comes when
 * bits are added), READABLE and WRITABLE cleared by a short count, ends that repeat. It is freed when
 * the session closes it, so that AddressSanitizer sees any later use; the peer stays and remembers.
 */
#ifndef TEST_BRIDGE_FAKE_PEER_H
#define TEST_BRIDGE_FAKE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"

#define UNLIMITED SIZE_MAX

/* Bytes that grow. */
struct bytes {
  uint8_t *data;
  size_t len, cap;
};

void bytes_add(struct bytes *bytes, const void *data, size_t len);
void bytes_free(struct bytes *bytes);

enum peer_end {
  PEER_GOES_ON,
  PEER_FIN,
  PEER_RESET,
  PEER_TIMED_OUT,
  PEER_TRUNCATED,
  PEER_TLS_BROKEN,
  PEER_UNREADABLE /* the kernel has no memory for reading from it */
};

/* How the session's stream to the peer ended, as the peer sees it. */
enum seen_end { SEEN_NONE, SEEN_FIN, SEEN_RESET };

struct fake_transport;

struct fake_peer {
  struct fake_transport *transport; /* NULL before it is connected and after it was closed */

  struct bytes sent; /* everything that it sent */
  size_t sent_read;  /* how much of that the session has read */
  enum peer_end end; /* what comes behind the last byte */
  size_t read_max;   /* most bytes that one read brings */

  struct bytes got;      /* everything that was written to it */
  size_t room;           /* bytes that it still takes; 0: stalled */
  size_t write_max;      /* most bytes that one write takes */
  int write_error;       /* what every write and the FIN say, without another sign; 0: none */
  bool seals;            /* takes all that is written and keeps what there is no room for, as TLS does */
  struct bytes pending;  /* that */
  unsigned finish_again; /* so many calls of finish say WSL_AGAIN first (TLS) */
  bool heeds;            /* being forsaken, as a program does */
  bool has_left;         /* its process has gone: the first byte written to it is answered by a reset: */
  bool reset_due;        /* at the next turn */

  bool acks_by_hand; /* else everything is acknowledged at once */
  bool cant_tell;    /* unacked and silence are unsupported, as on Unix sockets */
  size_t unacked;
  uint64_t silence_ms;

  unsigned reads, writes, agains, finishes, closes, resets, connects, probes, lasts, forsakes;
  int widest_write;    /* most parts of one writev */
  size_t longest_read; /* most bytes that one read brought */
  bool unread_at_close;
};

/* A peer that sends nothing and takes everything. */
void peer_init(struct fake_peer *peer);
void peer_free(struct fake_peer *peer);

/* The transport to it, not yet owned by anybody. */
struct transport *peer_connect(struct fake_peer *peer);

/* What the peer does; the session hears of it at once, as far as it is an edge. */
void peer_send(struct fake_peer *peer, const void *data, size_t len);
void peer_finish(struct fake_peer *peer);
void peer_truncate(struct fake_peer *peer); /* a TLS stream's FIN without close_notify */
void peer_break_tls(struct fake_peer *peer);
void peer_reset(struct fake_peer *peer);
void peer_take(struct fake_peer *peer, size_t len); /* room for so many bytes more, or UNLIMITED */

/* An edge that brings nothing, as poll may report any: an edge is a hint. */
void peer_edge_for_nothing(struct fake_peer *peer);

/* Its writes fail with a reset although nothing was heard of one before. */
void peer_reset_unheard(struct fake_peer *peer);

/* The next turn of the loop: what was asked for, and room that a short write left. False when there
 * was nothing to do. */
bool peer_turn(struct fake_peer *peer);

enum seen_end peer_seen_end(const struct fake_peer *peer);

/* Reads, writes and requests for another turn so far. */
unsigned peer_calls(const struct fake_peer *peer);

#endif
