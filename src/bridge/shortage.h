/* What happens when the worker's memory for streams is short: who holds a buffer without any progress while
 * others wait for one is ended, and newcomers can be told.
 *
 * A peer that lives and takes nothing stays as long as nobody needs what it holds (docs/ARCHITECTURE.md).
 * Looked at by one timer a worker, armed only while somebody waits; the data path keeps a list of those that
 * hold something at the end of a run, and two times of last writes.
 */
#ifndef BRIDGE_SHORTAGE_H
#define BRIDGE_SHORTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/timers.h"

/* How often it is looked while somebody waits. Who has waited since the look before waits for too long: a
 * pool that is merely busy serves its line in milliseconds. */
#define SHORTAGE_LOOK_MS 1000u
/* It is over when nobody has waited for too long at so many looks in a row: or newcomers would be let in and
 * turned away by turns, with two lines in the log each time. */
#define SHORTAGE_CALM_LOOKS 5u
/* A peer must have taken nothing and acknowledged nothing for so long, while it was looked. */
#define SHORTAGE_STALLED_MS 10000u

struct shortage {
  struct timer timer;
  struct list holders; /* sessions that hold a buffer, in the order in which they came to, or were last seen
                          to make progress */
  uint64_t tickets;    /* of the pool's line, at the last look */
  unsigned calm_looks; /* in a row */
  bool is_short;       /* as last logged */
};

#endif
