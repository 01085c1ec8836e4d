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
 * workers share half of that. One thread.
 */
#ifndef NET_SPLICE_POOL_H
#define NET_SPLICE_POOL_H

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

struct splice_pool {
  const struct splice_ops *ops;
  struct list free;
  size_t free_count; /* at most SPLICE_POOL_KEEP stay open */
  size_t existing;   /* lent or free */
  size_t ceiling;    /* that may exist at once */
  unsigned refused;  /* the next so many wishes are not brought before the system, which has said no */
};

#define SPLICE_POOL_KEEP 4u

/* What the kernel is asked to make of each pipe; where it refuses, there are none: with small ones
 * splicing costs more than copying. */
#define SPLICE_PIPE_BYTES ((size_t)1024 * 1024)

/* With smaller frames splicing costs more than reading and writing. */
#define SPLICE_FRAME_MIN ((size_t)512 * 1024)

/* Up to `ceiling` pipes of the system's; 0 is none. */
void splice_pool_init(struct splice_pool *pool, size_t ceiling);

/* How many pipes one of so many workers may have. */
size_t splice_pool_share(unsigned workers);

/* Every pipe must have come back (asserted). */
void splice_pool_destroy(struct splice_pool *pool);

/* An empty pipe, or NULL. */
struct splice_pipe *splice_pool_borrow(struct splice_pool *pool);

/* Gives it back; with bytes in it, they are gone. NULL is ignored. */
void splice_pool_return(struct splice_pool *pool, struct splice_pipe *pipe);

#endif
