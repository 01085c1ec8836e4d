/* Pipes for splice(2): what a backend sends goes from its socket into a pipe and from there into the
 * client's, as pages, without a copy in between.
 *
 *   socket ==> | pipe: held bytes | ==> socket
 *
 * Pays only where much goes at once: frames of half a megabyte or more. A pipe has one owner at a time, as a
 * buffer has (net/buffer_pool.h), and nobody waits for one: where none is to be had, bytes are read and
 * written. It is kept for the next only when as many bytes have left as entered, else it is closed: what lies
 * in it is somebody's.
 *
 * The kernel counts a user's pipe pages (pipe-user-pages-soft) and makes pipes tiny for who has too many, so
 * the pools of a process share a budget of half of that. A pool is one thread's; the budget is everybody's.
 */
#ifndef NET_SPLICE_POOL_H
#define NET_SPLICE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/list.h"

struct splice_pipe {
  struct list node; /* private to the pool */
  int ends[2];      /* to read from, to write to */
  size_t held;      /* bytes in it; the transports keep count */
};

struct splice_pool;

/* How pipes are made: the system's, or a simulator's. */
struct splice_ops {
  struct splice_pipe *(*make)(struct splice_pool *pool); /* NULL: refused */
  void (*unmake)(struct splice_pipe *pipe);
};

/* What the pools of a process have in common. Written only when a pipe is made or unmade. */
struct splice_budget {
  size_t pipes;         /* that may exist at once */
  size_t keep;          /* that a pool may keep unused: not more than its even part */
  atomic_size_t exists; /* in all pools */
};

struct splice_pool {
  const struct splice_ops *ops;
  struct splice_budget *budget; /* NULL: no bound but the ceiling */
  struct list free;
  size_t free_count; /* at most `keep` stay open */
  size_t keep;
  size_t existing;  /* lent or free */
  size_t ceiling;   /* that may exist at once */
  unsigned refused; /* the next so many wishes are not brought before the system, which has said no */
};

#define SPLICE_POOL_KEEP 4u

/* Pipes of one worker at most, whatever the kernel allows: each keeps up to a megabyte for a stalled client.
 */
#define SPLICE_POOL_CEILING 16u

/* What the kernel is asked to make of each pipe; where it refuses, there are none: with small ones
 * splicing costs more than copying. */
#define SPLICE_PIPE_BYTES ((size_t)1024 * 1024)

/* With smaller frames splicing costs more than reading and writing. */
#define SPLICE_FRAME_MIN ((size_t)512 * 1024)

/* Whether there is splicing on this system at all. */
bool splice_supported(void);

/* How many pipes a process should have at most, by the kernel's limit; SIZE_MAX: there is none. */
size_t splice_pipes_allowed(void);

/* The same for a limit of so many pages, each of `page` bytes; 0: no limit. */
size_t splice_pipes_in(size_t pages, size_t page);

/* `pipes` for so many pools. */
void splice_budget_init(struct splice_budget *budget, size_t pipes, size_t pools);

/* Up to `ceiling` pipes of the system's, 0 is none, within `budget`, which outlives the pool; NULL: no other
 * bound. */
void splice_pool_init(struct splice_pool *pool, size_t ceiling, struct splice_budget *budget);

/* Every pipe must have come back (asserted). */
void splice_pool_destroy(struct splice_pool *pool);

/* An empty pipe, or NULL. */
struct splice_pipe *splice_pool_borrow(struct splice_pool *pool);

/* Gives it back; with bytes in it, they are gone. NULL is ignored. */
void splice_pool_return(struct splice_pool *pool, struct splice_pipe *pipe);

#endif
