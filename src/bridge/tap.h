/* Watching what sessions carry (--record, --traffic), for whoever is interested and must not be known here.
 *
 * Called on the data path by the session's worker: a tap copies what it wants and returns. One branch a read
 * or write where nobody watches; what is watched is not spliced.
 */
#ifndef BRIDGE_TAP_H
#define BRIDGE_TAP_H

#include <stddef.h>
#include <stdint.h>

enum tap_event {
  TAP_FROM_CLIENT, /* payload has come, of one or several frames                                  */
  TAP_TO_TARGET,   /* the target's kernel took payload; `data` is NULL, as with the client's       */
  TAP_FROM_TARGET, /* bytes have come, of which frames will be made                                */
  TAP_TO_CLIENT    /* the client's kernel took frames                                              */
};

/* Of the events that write: whether something is left of what was offered. */
enum tap_extent { TAP_ALL, TAP_PART };

struct session_tap;

struct session_tap_ops {
  /* `data` lives only for the call. */
  void (*moved)(struct session_tap *, enum tap_event, enum tap_extent, const uint8_t *data, size_t len);
  /* The session has ended; frees the tap. */
  void (*close)(struct session_tap *);
};

struct session_tap {
  const struct session_tap_ops *ops;
};

/* Shared by all workers. */
struct session_watch {
  /* A session begins: its tap, or NULL where it is not watched. Any thread. */
  struct session_tap *(*open)(struct session_watch *, uint64_t session_id);
};

#endif
