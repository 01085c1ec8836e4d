/* The worker's data buffers. A buffer has one owner at any time: the pool's free list, whoever
 * borrowed it for the length of a call, or a session while a write is pending. Passing it on is a
 * move. Sessions with nothing in flight own none.
 *
 *   memory:  | headroom (BUFFER_HEADROOM) | data[0 .. size) |
 *
 * The headroom lets the first frame header stand right before the payload that was read, so that
 * both leave in one write. data is 64-byte aligned.
 *
 * Bounded: at the ceiling buffer_borrow() says no and the borrower waits in line. One thread.
 */
#ifndef NET_BUFFER_POOL_H
#define NET_BUFFER_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/list.h"

#define BUFFER_HEADROOM 64u

struct buffer {
  struct list node; /* private to the pool */
  uint8_t *data;    /* BUFFER_HEADROOM writable bytes lie before it */
};

struct buffer_pool {
  size_t buffer_size; /* bytes of data in each */
  size_t ceiling;     /* buffers that may exist at once */
  size_t existing;    /* lent or free */
  size_t free_count;  /* at most BUFFER_POOL_KEEP stay; the rest goes back to the system */
  struct list free;
  struct list waiting; /* buffer_waiter, first come first served */
};

#define BUFFER_POOL_KEEP 8u

/* Somebody who found no buffer. `wake` is called from inside buffer_return() when one is there: it
 * must only take note (transport_again), not borrow. */
struct buffer_waiter {
  struct list node;
  struct buffer_pool *pool; /* where it last got in line, else NULL; private */
  void (*wake)(struct buffer_waiter *waiter);
};

void buffer_pool_init(struct buffer_pool *pool, size_t buffer_size, size_t ceiling);

/* Frees what is on the free list; every buffer must have come back (asserted). */
void buffer_pool_destroy(struct buffer_pool *pool);

/* A buffer with undefined contents, or NULL at the ceiling or without memory. */
struct buffer *buffer_borrow(struct buffer_pool *pool);

/* Gives it back, and wakes the first in line. NULL is ignored. */
void buffer_return(struct buffer_pool *pool, struct buffer *buffer);

void buffer_waiter_init(struct buffer_waiter *waiter, void (*wake)(struct buffer_waiter *waiter));

/* Gets in line (harmless when in line already), and out of it (harmless when not). Whoever got in line
 * once calls buffer_wait_cancel() before it goes: if it was woken and did not borrow, the turn passes
 * to the next, who might otherwise wait beside a free buffer for ever. */
void buffer_wait(struct buffer_pool *pool, struct buffer_waiter *waiter);
void buffer_wait_cancel(struct buffer_waiter *waiter);

#endif
