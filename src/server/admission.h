/* Admission: the process-wide count of accepted connections against its cap.
 *
 * Counted up at accept and down at close, nowhere on the data path. At the cap a worker takes its
 * listener out of polling and waits here; the clients stay in the kernel's backlog, and a place that
 * becomes free wakes whoever waits. A wake-up can't be lost: the waiter marks itself first and tries
 * once more, the releaser counts down first and then looks for marks (all sequentially consistent).
 *
 * Thread-safe; lock-free.
 */
#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One a worker. `wake` may be called on any worker's thread and only passes the news on
 * (uv_async_send); it may come once too often. */
struct admission_waiter {
  void (*wake)(struct admission_waiter *waiter);
  atomic_bool waiting;
};

struct admission {
  atomic_size_t open;
  atomic_size_t waiting;       /* waiters marked, so that a release normally looks at one word only */
  atomic_bool full;            /* as last logged */
  _Atomic uint64_t emptied_ns; /* when the last place became free, by uv_hrtime(); at first the start */
  size_t cap;
  struct admission_waiter **waiters; /* the caller's array, immutable while threads run */
  unsigned waiters_count;
};

/* cap is at least 1. */
void admission_init(struct admission *admission, size_t cap, struct admission_waiter **waiters,
                    unsigned waiters_count);

/* Takes a place. False: none is free, the waiter is marked and will be woken. */
bool admission_acquire(struct admission *admission, struct admission_waiter *waiter);

/* Gives a place back and wakes whoever waits. */
void admission_release(struct admission *admission);

size_t admission_open(const struct admission *admission);

/* Since when nobody has been in, by uv_hrtime(); of meaning while admission_open() is 0. */
uint64_t admission_emptied_ns(const struct admission *admission);

#endif
