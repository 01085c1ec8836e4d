/* What the parent and its workers share: which seeds are taken, which one each worker plays, and what was
 * wrong with it.
 */
#ifndef SIM_BOARD_H
#define SIM_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "fault.h"

#define WORKERS_MAX 256u

/* One worker's place; who replaces a worker that died goes on where it was. Each in cache lines of its own.
 */
struct place {
  _Alignas(64) _Atomic uint64_t next; /* the seed to be played next: next - 1 is being played */
  _Atomic uint64_t first, end;        /* the seeds that were taken: [first, end) */
  _Atomic uint64_t played;
  _Atomic bool looks_for_leaks; /* of all of them, when they have been played */
  char fault[SIM_FAULT_MAX];    /* sim_fail()'s line */
};

struct board {
  _Alignas(64) _Atomic uint64_t untaken; /* the first seed that nobody has taken */
  uint64_t end;
  uint64_t chunk; /* seeds that are taken at a time */
  struct place places[WORKERS_MAX];
};

/* A worker's life: plays until no seed is left. */
void board_work(struct board *board, struct place *place);

#endif
