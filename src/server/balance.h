/* Balance: which worker serves a client that one of them has accepted.
 *
 * The kernel deals clients out by a hash of their addresses, or to whichever worker wakes first (a Unix
 * socket is one for all); neither knows a load. So each worker has a count of the clients that are its own
 * or on their way to it, and a new one goes to the fewest where that makes a difference.
 *
 * Counts change where a client is accepted and where it has gone, nowhere on the data path. Choosing and
 * counting are one step, so that a burst which several workers accept at once does not all go to the one
 * that had the fewest when it began. Thread-safe, lock-free.
 */
#ifndef SERVER_BALANCE_H
#define SERVER_BALANCE_H

#include <stdatomic.h>
#include <stddef.h>

/* A client is handed on where another worker has at least so many fewer: with 1 every second one would be,
 * for nothing. Handing on costs a wake-up of the other thread, some microseconds. */
#define BALANCE_DIFFERENCE 2u

/* Two cache lines, so that counts never share one, however the array lies. */
#define BALANCE_SEAT_BYTES 128u

struct balance_seat {
  atomic_uint clients;
  char apart[BALANCE_SEAT_BYTES - sizeof(atomic_uint)];
};

/* All zero counts are a start. */
struct balance {
  struct balance_seat *seats; /* one a worker; the caller's */
  unsigned count;
};

/* Worker `self` has accepted a client: which worker is to have it. Counted there already. */
unsigned balance_place(struct balance *balance, unsigned self);

/* Counts a client of `self` that is not to be handed on. */
void balance_keep(struct balance *balance, unsigned self);

/* A client that was placed at `to` stays with `self` after all. */
void balance_return(struct balance *balance, unsigned to, unsigned self);

/* A client of `self` has gone. */
void balance_gone(struct balance *balance, unsigned self);

/* As of now; others go on counting. */
unsigned balance_clients(const struct balance *balance, unsigned worker);

#endif
