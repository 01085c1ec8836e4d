/* Lingering close: how a transport is closed while its peer may still be sending.
 *
 * A plain close() with input unread, or arriving later, makes the kernel send a reset, and a reset
 * destroys what we wrote last on its way to the peer: an error answer, a Close frame. So: end our
 * direction, read and drop until the peer ends its own, and close; at most LINGER_TIME_MS and
 * LINGER_BYTES, so that nobody can keep a descriptor by sending on.
 *
 * Over a bare transport and core/timers; any room may use it. One thread.
 */
#ifndef NET_LINGER_H
#define NET_LINGER_H

#include "core/timers.h"
#include "net/transport.h"

#define LINGER_TIME_MS 2000u
#define LINGER_BYTES   ((size_t)1 << 20)

struct lingering;

/* The transport has been closed; the linger may be freed. */
typedef void (*linger_fn)(struct lingering *linger);

/* Embedded in whoever closes; alive until `done`, or linger_cut(). */
struct lingering {
  struct transport *transport; /* NULL once closed */
  struct timers *timers;
  struct timer timer;
  size_t dropped;   /* bytes */
  bool input_ended; /* the peer's end was read before ours could be sent */
  enum { LINGER_FINISHING, LINGER_READING } phase;
  linger_fn done;
};

/* Takes the transport over, with everything that must leave written. `done` may come before this
 * returns: let the call be the last thing done. */
void linger_start(struct lingering *linger, struct transport *transport, struct timers *timers,
                  linger_fn done);

/* Gives up at once, with a reset; `done` does not come. Harmless after the end. */
void linger_cut(struct lingering *linger);

#endif
