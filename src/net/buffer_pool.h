/* The worker's data buffers, small ones and large ones. A buffer has one owner at any time: the pool's free
 * list, whoever borrowed it for the length of a call, or a session while a write is pending. Passing it on is
 * a move. Sessions with nothing in flight own none.
 *
 *   memory:  | headroom (BUFFER_HEADROOM) | data[0 .. size) |
 *
 * The headroom lets the first frame header stand right before the payload that was read, so that
 * both leave in one write. data is 64-byte aligned.
 *
 * Small ones are for trickles, large ones for bulk: reading 256 KB at once costs half of what reading 16 KB
 * does, but a peer that stalls holds what it has. So large ones are lent only while half of the memory is
 * left for small ones, and who asks for one may get a small one. Nobody waits for a large one.
 *
 * Bounded: at the ceiling buffer_borrow() says no and the borrower waits in line. Without memory, too, but
 * then no buffer need be lent whose return would wake it: it is woken after a while to ask again. One thread.
 *
 * Who holds a buffer waits for a peer: on the way up for a backend, on the way down for a client. Peers that
 * take nothing hold theirs for ever, so neither way may have all: a quarter is lent for the way up only, and
 * a quarter for the way down only. Clients that don't read can't stop what clients say, nor the other way
 * round; and a backend that takes nothing before its own bytes are read gets them read.
 *
 *   | up only | whoever comes first | down only |     | spares |
 *
 * Beside the ceiling there are a few spare ones of a page each, for who finds no other and whose bytes will
 * leave at once: then nothing is held, and the few serve everybody in turn.
 */
#ifndef NET_BUFFER_POOL_H
#define NET_BUFFER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/timers.h"

#define BUFFER_HEADROOM 64u

/* Whose bytes are read into it: a client's or a backend's (or a file's). */
enum buffer_way { BUFFER_UP, BUFFER_DOWN };
#define BUFFER_WAYS 2

/* One in so many, and one at least where there are two, is lent for the way up only; and as many for the way
 * down only. */
#define BUFFER_WAY_SHARE 4u

enum buffer_class { BUFFER_SMALL, BUFFER_LARGE, BUFFER_SPARE };
#define BUFFER_CLASSES 3

struct buffer {
  struct list node; /* private to the pool */
  uint8_t *data;    /* BUFFER_HEADROOM writable bytes lie before it */
  size_t size;      /* bytes at data */
  enum buffer_class class;
  enum buffer_way way; /* that it is lent for */
};

/* Those of one class: what is kept for the next borrower (the rest goes back to the system), how many are
 * lent. */
struct buffer_shelf {
  struct list free;
  size_t count, lent;
  size_t size;   /* bytes of data in each; 0: the pool has none of this class */
  size_t weight; /* what each counts, in small buffers */
};

struct buffer_pool {
  struct buffer_shelf shelves[BUFFER_CLASSES];
  /* All of these count small buffers; a large one counts as many as fit into it. */
  size_t ceiling;                   /* that may exist at once */
  size_t existing;                  /* lent or free */
  size_t free_count;                /* on the shelves */
  size_t lent[BUFFER_WAYS];         /* for each way */
  size_t spares;                    /* that may be lent; not among the above */
  struct list waiting[BUFFER_WAYS]; /* buffer_waiter, in the order of their tickets */
  uint64_t tickets;                 /* drawn so far: among both lines, first come first served */
  struct timers *timers;            /* buffer_pool_retry()'s, or NULL */
  struct timer retry;               /* armed only while somebody waits for memory */
};

/* So many stay on a shelf at most: with large ones of 256 KB a megabyte that a quiet worker keeps. */
#define BUFFER_POOL_KEEP       8u
#define BUFFER_POOL_KEEP_LARGE 4u
#define BUFFER_POOL_KEEP_SPARE 1u

/* Somebody who found no buffer. `wake` is called from inside buffer_return() when one is there: it
 * must only take note (transport_again), not borrow. */
struct buffer_waiter {
  struct list node;
  struct buffer_pool *pool; /* where it last got in line, else NULL; private, as are these: */
  enum buffer_way way;
  bool woken; /* and has neither left nor got in line again */
  uint64_t ticket;
  void (*wake)(struct buffer_waiter *waiter);
};

/* Up to `ceiling` buffers of `small_size` bytes; no large ones so far. */
void buffer_pool_init(struct buffer_pool *pool, size_t small_size, size_t ceiling);

/* Has it lend large ones as well, of a size above the small one's. Before anything is lent. */
void buffer_pool_lend_large(struct buffer_pool *pool, size_t large_size);

/* What a worker has as spare ones. So little is taken by any socket in which as little waits already. */
#define BUFFER_SPARE_BYTES ((size_t)4096)
#define BUFFER_SPARES      16u

/* Has it lend spare ones as well, so many of that size. Before anything is lent. */
void buffer_pool_lend_spares(struct buffer_pool *pool, size_t count, size_t size);

/* How long who waits for memory waits before it asks again. */
#define BUFFER_RETRY_MS 100u

/* Has the pool wake those who wait for memory by these timers; they outlive the pool. */
void buffer_pool_retry(struct buffer_pool *pool, struct timers *timers);

/* Frees what is on the free list; every buffer must have come back (asserted). */
void buffer_pool_destroy(struct buffer_pool *pool);

/* A small buffer with undefined contents, or NULL when no more are lent for that way, or without memory. */
struct buffer *buffer_borrow(struct buffer_pool *pool, enum buffer_way way);

/* A large one; where none is to be had, the same as buffer_borrow(). */
struct buffer *buffer_borrow_large(struct buffer_pool *pool, enum buffer_way way);

/* A spare one, for who got none of the others and will give it back at once; NULL when they are all lent. */
struct buffer *buffer_borrow_spare(struct buffer_pool *pool, enum buffer_way way);

static inline size_t buffer_pool_spare_size(const struct buffer_pool *pool) {
  return pool->shelves[BUFFER_SPARE].size;
}

static inline size_t buffer_pool_small_size(const struct buffer_pool *pool) {
  return pool->shelves[BUFFER_SMALL].size;
}

/* Gives it back, and wakes the first in line. NULL is ignored. */
void buffer_return(struct buffer_pool *pool, struct buffer *buffer);

void buffer_waiter_init(struct buffer_waiter *waiter, void (*wake)(struct buffer_waiter *waiter));

/* Gets in line for one way (who is in line already stays where it is), and out of it (harmless when not in
 * line). Who wants both has a waiter for each. Whoever got in line once calls buffer_wait_cancel() before it
 * goes: if it was woken and did not borrow, the turn passes to the next, who might otherwise wait beside a
 * free buffer for ever. */
void buffer_wait(struct buffer_pool *pool, struct buffer_waiter *waiter, enum buffer_way way);
void buffer_wait_cancel(struct buffer_waiter *waiter);

/* Whether it got in line and has not been cancelled since. */
static inline bool buffer_waits(const struct buffer_waiter *waiter) {
  return waiter->pool != NULL;
}

/* How many are in line whose tickets were drawn before the pool's `tickets` came to that. */
size_t buffer_pool_waiting(const struct buffer_pool *pool, uint64_t before_ticket);

#endif
