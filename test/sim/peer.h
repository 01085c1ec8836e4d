/* A simulated peer and the transport in front of it: a network that brings bytes in pieces, a kernel that
 * takes as much as there is room for, acknowledgements, ends of every kind.
 *
 * The transport keeps net/transport.h to the letter: edges only, READABLE and WRITABLE cleared by a short
 * count, ends that repeat. Whatever the session does to it a witness sees at once (the model). A transport
 * that was let go of is filled with rubbish and stays, so that a later call of it is told for what it is.
 */
#ifndef SIM_PEER_H
#define SIM_PEER_H

#include "bytes.h"
#include "core/random.h"
#include "net/transport.h"
#include "plan.h"

#define ROOM_UNLIMITED SIZE_MAX

struct peer;

/* Called right after each call of the transport, and before one that lets go of it. */
struct witness {
  /* n: as transport_read() returns it */
  void (*on_read)(struct peer *peer, int64_t n, const uint8_t *bytes);
  /* what the kernel took of what was offered; or an error. The bytes are the first of the peer's `got` that
   * are new */
  void (*on_write)(struct peer *peer, int64_t n, size_t offered, const uint8_t *bytes);
  void (*on_finish)(struct peer *peer, int result);
  void (*on_close)(struct peer *peer);
  void (*on_reset)(struct peer *peer);
  void (*on_failed)(struct peer *peer); /* the session is about to hear that it has failed */
  void (*on_forsake)(struct peer *peer);
};

enum our_end { OUR_END_NONE, OUR_END_FIN, OUR_END_RESET };

struct peer_transport {
  struct transport base; /* first: it is one */
  struct peer *peer;
  bool turn_wanted;
  bool gone; /* closed or reset */
};

struct peer {
  struct peer_transport transport;
  bool connected; /* the transport is the session's */
  const struct temper *temper;
  const struct witness *witness;
  void *model;
  uint64_t *clock_ms;
  struct random_source random;

  struct bytes said; /* everything that it sent or will send: */
  size_t sent;       /* so much has been sent, */
  size_t arrived;    /* has arrived, */
  size_t read;       /* was read */
  size_t asked;      /* most bytes that the last read would have taken */
  bool end_said;     /* an end stands behind the last byte */
  enum stream_end end;
  bool end_arrived, end_read;

  struct bytes got;          /* everything that the kernel took for it */
  size_t room;               /* bytes that it still takes */
  size_t sealed;             /* the last so many bytes of `got` wait for room inside the transport (TLS) */
  size_t unacked;            /* a FIN counts as one */
  uint64_t unacked_since_ms; /* while there is any */
  uint64_t acked_ms;         /* when something was acknowledged, last */
  uint64_t noticed_ms;       /* when something was that had been outstanding for long */
  uint64_t heard_ms;         /* when it last acknowledged anything, or said something */
  bool vanished, deaf;
  bool forsaken;
  uint8_t finish_again;
  enum our_end our_end;
  bool end_due;       /* the last bytes were written: no turn goes by without our end */
  bool hush;          /* said "not now" once: the next edge at the next turn */
  unsigned calls;     /* of the transport that move bytes or ask for a turn */
  unsigned fruitless; /* that moved nothing, without our having said "not now" in jest */
  unsigned jests;
  unsigned writable_edges;
  unsigned edges; /* that the session was told of */
};

/* A peer that has said nothing; keeps the memory of its bytes. */
void peer_init(struct peer *peer, const struct temper *temper, uint64_t seed, uint64_t *clock_ms);
void peer_free(struct peer *peer);

/* The transport to it. */
struct transport *peer_connect(struct peer *peer);

/* Sends what it said, but for the last `back` bytes. */
void peer_sends(struct peer *peer, size_t back);
void peer_ends(struct peer *peer, enum stream_end end);
void peer_takes(struct peer *peer, uint32_t room);

/* Time has passed: acknowledgements of those that are slow with them. */
void peer_ages(struct peer *peer);

/* A turn of the loop: bytes arrive, edges come. False when nothing is under way. */
bool peer_turn(struct peer *peer);

/* Its end is one after which nothing more can be written to it. */
bool peer_failed(const struct peer *peer);

/* It would take a byte now. */
bool peer_has_room(const struct peer *peer);

#endif
