/* Dialling a backend: from a target to a connected transport, or a reason why not.
 *
 * An interface, since the session's simulator dials too; net/socket_dialer is the real one. It
 * resolves names, tries every address (RFC 8305: the next one 250 ms after the last, or at once when
 * one fails) and bounds the whole, resolving included, by a time.
 */
#ifndef NET_DIALER_H
#define NET_DIALER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/transport.h"

/* Who named a target, and so what it may be (net/target_rules.h). A target of which nothing is said is judged
 * as a stranger's word. */
enum target_origin {
  TARGET_LOOKED_UP, /* a client, or an answer to a lookup */
  TARGET_FROM_FILE, /* a file of the operator's */
  TARGET_FIXED      /* the command line: never bounded */
};

struct program_settings;

/* The most places at which a program that we have started may listen: loopback, of both families. */
#define TARGET_PLACES_MAX 2u

/* A target that we have started ourselves. While it is awaited, a refusal is not its last word: whoever is
 * refused (or finds no socket's file) asks again, within the time of its dial. All but the flags is set
 * before any dial. */
struct target_start {
  struct address places[TARGET_PLACES_MAX]; /* where it is to listen; no host is looked up then */
  size_t places_count;                      /* 0: as the target says */
  bool comes_back;     /* started again when it has ended: to be reached does not end the waiting */
  atomic_bool awaited; /* by whoever starts it; the first dial that gets through clears it. Any thread */
  atomic_bool reached; /* by a dial, since it was cleared by whoever starts it. Any thread */
};

/* Where to: a Unix socket when unix_path is set, else host and port. The strings belong to the
 * configuration or to whoever dials, and outlive the dial. */
struct target {
  const char *host; /* name or literal, brackets taken off */
  uint16_t port;
  const char *unix_path;
  const char *text; /* as the operator wrote it, for logs: "db:5432", "unix:/run/x" */
  enum target_origin origin;
  const struct program_settings *program; /* each client gets one of these (net/program/dialer.h); NULL: no */
  struct target_start *start;             /* NULL: somebody else has started it */
};

/* A PROXY header (codec/text/proxy_protocol.h), of which this room knows nothing more. */
#define DIAL_PREFACE_MAX 107u

/* Whom a connection is dialled for: what a PROXY header or a program's environment
 * tells. One malloc'ed piece; made by the connection (server/connection/context.c) where the settings ask for
 * it. */
struct dial_context {
  struct address client;  /* as a trusted proxy named it, else the socket's peer */
  struct address local;   /* the address that it reached; AF_UNSPEC where that is not known */
  uint64_t id;            /* of the connection, for the log */
  uint16_t columns, rows; /* of its screen, as it says; 0: it doesn't */
  size_t preface_len;
  uint8_t preface[DIAL_PREFACE_MAX]; /* what the target is to read before all else (net/preface_dialer.h) */
  size_t words_len;
  char words[]; /* "NAME=value" strings, each with its NUL: words_len bytes in all */
};

struct dial;

/* Exactly one of: `transport` (yours now: call transport_own; bits may stand in `ready` already) with error
 * 0, or NULL and an error: WSL_TIMED_OUT when the time was over, else of all addresses' failures the one that
 * tells an operator most (refused before unreachable; want of descriptors or ports of our own before both).
 * Take the transport over inside the callback. Not called after dial_cancel() or dial_abort(). */
typedef void (*dial_fn)(struct dial *dial, int error, struct transport *transport);

struct dialer;

/* Embedded in whoever dials; alive until the callback, dial_cancel() or dial_abort(). */
struct dial {
  dial_fn done;
  struct dialer *dialer;
  void *attempt; /* the dialer's own; NULL when nothing is in flight */
  /* Set before dialer_start(), alive until the dial is over; NULL: nobody asks for it. */
  const struct dial_context *context;
};

/* What a target sees whose kernel has taken the connection before we gave up. */
enum dial_goodbye { DIAL_GOODBYE_END, DIAL_GOODBYE_RESET };

struct dialer_ops {
  void (*start)(struct dialer *, struct dial *, const struct target *, uint64_t timeout_ms);
  void (*cancel)(struct dialer *, struct dial *, enum dial_goodbye goodbye);
};

struct dialer {
  const struct dialer_ops *ops;
};

/* Starts dialling. The callback may come before this returns: be ready before the call. */
static inline void dialer_start(struct dialer *dialer, struct dial *dial, const struct target *target,
                                uint64_t timeout_ms, dial_fn done) {
  dial->done = done;
  dial->dialer = dialer;
  dial->attempt = NULL;
  dialer->ops->start(dialer, dial, target, timeout_ms);
}

/* Gives up; harmless when nothing is in flight or the dial was zeroed and never started. */
static inline void dial_give_up(struct dial *dial, enum dial_goodbye goodbye) {
  if (dial->dialer != NULL && dial->attempt != NULL) dial->dialer->ops->cancel(dial->dialer, dial, goodbye);
}

static inline void dial_cancel(struct dial *dial) {
  dial_give_up(dial, DIAL_GOODBYE_END);
}

/* Likewise, and a target that has the connection already is told that it was broken off. */
static inline void dial_abort(struct dial *dial) {
  dial_give_up(dial, DIAL_GOODBYE_RESET);
}

/* For dialers: takes leave of a transport that has reached its target, and that nobody wants any more. */
static inline void dial_take_leave(struct transport *transport, enum dial_goodbye goodbye) {
  if (goodbye == DIAL_GOODBYE_RESET)
    transport_reset(transport);
  else
    transport_close(transport);
}

#endif
