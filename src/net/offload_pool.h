/* Jobs in libuv's thread pool (net/offload.h), which has four threads for the whole process and serves
 * files as well: so a worker has at most OFFLOAD_RUNNING_MAX in it, and those that wait can be cancelled.
 */
#ifndef NET_OFFLOAD_POOL_H
#define NET_OFFLOAD_POOL_H

#include <stddef.h>
#include <uv.h>

#include "net/offload.h"

#define OFFLOAD_RUNNING_MAX 8u

struct offload_pool {
  struct offload offload; /* first: it is one */
  uv_loop_t *loop;
  size_t running;      /* given to the pool, `done` to come */
  struct list waiting; /* offload_job */
  uv_work_t slots[OFFLOAD_RUNNING_MAX];
  /* Before each `done`: libuv calls back without telling timers that time has passed. May be NULL. */
  void (*on_back)(struct offload_pool *pool);
  /* Nothing runs or waits any more. May be NULL. */
  void (*on_quiet)(struct offload_pool *pool);
};

/* `loop` outlives the pool. */
void offload_pool_init(struct offload_pool *pool, uv_loop_t *loop);

/* Nothing may run or wait (asserted). */
void offload_pool_destroy(struct offload_pool *pool);

#endif
