/* Coarse timers over a clock that somebody else reads: an intrusive pairing heap, one a worker.
 *
 * Pure: knows no system clock and no loop. The owner (net/loop_timers in production, the simulator
 * in tests) calls timers_run() with the current time and asks timers_next_ms() how long to sleep.
 * Arming and disarming never allocate, so they can't fail.
 *
 * Times are milliseconds of a monotonic clock. A timer fires at the first grid point
 * (TIMERS_GRAIN_MS) at or after its due time, so that thousands of idle sessions share a wake-up.
 * Timers of one grid point fire in the order in which they were armed for it. One thread.
 */
#ifndef CORE_TIMERS_H
#define CORE_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

/* Due times are rounded up to multiples of this; far below the 100 ms that timers are good to. */
#define TIMERS_GRAIN_MS 10u

struct timer;
typedef void (*timer_fn)(struct timer *timer);

/* Embedded in whatever waits; the owner keeps it alive until it fired or was disarmed. */
struct timer {
  timer_fn fire;
  uint64_t due_ms;                      /* on the grid; meaningful while armed */
  uint64_t order;                       /* when it was armed, among equal due times; private */
  struct timer *child, *sibling, *back; /* heap links; private */
  bool armed;
};

struct timers {
  struct timer *root; /* the heap                                                      */
  struct timer *late; /* armed for the past by a callback: a heap kept for the next run */
  uint64_t next_order;
  uint64_t now_ms; /* the latest time given to timers_run() or timers_set_now() */
  bool running;
};

void timers_init(struct timers *timers, uint64_t now_ms);

/* A disarmed timer that will call `fire`. */
void timer_init(struct timer *timer, timer_fn fire);

/* Moves the clock without firing anything (at the start of a batch of events). A time before now_ms
 * is ignored: the clock never goes back. */
void timers_set_now(struct timers *timers, uint64_t now_ms);

/* Arms `timer` for `due_ms` (absolute), or moves it there when it is armed already; moving it within
 * its grid point costs nothing and keeps its place. A time beyond what the clock can reach is never. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t due_ms);

/* Disarms; harmless when not armed. Afterwards the owner may free it. */
void timer_disarm(struct timers *timers, struct timer *timer);

/* Moves the clock to `now_ms` and fires, in order of due time, every timer due by then; each is
 * disarmed before its callback, which may arm and disarm any timer, its own included, and free the
 * timer's owner. A timer that a callback arms for a time already past fires in the next run, so a
 * run always ends. Not to be called from a callback (asserted). */
void timers_run(struct timers *timers, uint64_t now_ms);

/* Milliseconds from now_ms to the next due timer (0 when overdue), or -1 when none is armed. */
int64_t timers_next_ms(const struct timers *timers);

#endif
