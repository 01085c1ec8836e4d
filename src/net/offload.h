/* Work that would hold up a loop (a TLS handshake's arithmetic, a file's lookup): run elsewhere, with the
 * answer back on the loop.
 *
 * An interface, so that rooms without libuv and the simulator can use it; net/offload_pool is the real one.
 * At most so many jobs run at once, the others wait in line. One loop, one thread; only `work` runs on
 * another, with the job's memory to itself until `done`.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include <stdbool.h>

#include <wsluice/span.h>

#include "core/list.h"

struct offload;
struct offload_job;
typedef void (*offload_fn)(struct offload_job *job);

/* Embedded in whatever the work is about; alive until `done`, or a cancel that says true. */
struct offload_job {
  offload_fn work;         /* on a thread of the pool */
  offload_fn done;         /* on the loop, never from inside offload_start() */
  struct offload *offload; /* private, as are these: */
  struct list node;        /* in line */
  void *running;           /* what runs it; NULL while it waits */
};

struct offload_ops {
  void (*start)(struct offload *, struct offload_job *);
  bool (*cancel)(struct offload *, struct offload_job *);
};

struct offload {
  const struct offload_ops *ops;
};

/* Always followed by `done`, but for a cancel. A job is started again only after its `done`. */
static inline void offload_start(struct offload *offload, struct offload_job *job, offload_fn work,
                                 offload_fn done) {
  job->work = work;
  job->done = done;
  job->offload = offload;
  job->running = NULL;
  offload->ops->start(offload, job);
}

/* True: the job had not begun, and is the caller's again. False: it is running, `done` will come, and until
 * then nothing of it may be touched. */
static inline WSL_MUST_CHECK bool offload_cancel(struct offload_job *job) {
  return job->offload->ops->cancel(job->offload, job);
}

#endif
