/* See server/admission.h. */
#include "server/admission.h"

#include <assert.h>
#include <uv.h>

#include "core/log.h"

/* The "free again" line waits until a part of the places is free: at the cap, with clients waiting,
 * every close would otherwise log twice. */
#define ADMISSION_SLACK_SHARE 16u

void admission_init(struct admission *a, size_t cap, struct admission_waiter **waiters,
                    unsigned waiters_count) {
  assert(cap > 0);
  atomic_init(&a->open, 0);
  atomic_init(&a->waiting, 0);
  atomic_init(&a->full, false);
  a->cap = cap;
  a->waiters = waiters;
  a->waiters_count = waiters_count;
  atomic_init(&a->emptied_ns, uv_hrtime());
}

static bool try_acquire(struct admission *a) {
  size_t open = atomic_load(&a->open);
  while (open < a->cap) {
    if (atomic_compare_exchange_weak(&a->open, &open, open + 1)) return true;
  }
  return false;
}

static void mark(struct admission *a, struct admission_waiter *waiter) {
  if (!atomic_exchange(&waiter->waiting, true)) atomic_fetch_add(&a->waiting, 1);
}

static bool unmark(struct admission *a, struct admission_waiter *waiter) {
  if (!atomic_exchange(&waiter->waiting, false)) return false;
  atomic_fetch_sub(&a->waiting, 1);
  return true;
}

bool admission_acquire(struct admission *a, struct admission_waiter *waiter) {
  if (try_acquire(a)) return true;
  mark(a, waiter);
  if (try_acquire(a)) { /* a place became free before the mark could be seen */
    unmark(a, waiter);
    return true;
  }
  if (!atomic_exchange(&a->full, true))
    log_event(LOG_WARN, 0, "all %zu places are taken: new clients wait", a->cap);
  return false;
}

void admission_release(struct admission *a) {
  atomic_store(&a->emptied_ns, uv_hrtime()); /* before the count: who sees 0 must see since when */
  size_t open = atomic_fetch_sub(&a->open, 1) - 1;
  size_t slack = a->cap / ADMISSION_SLACK_SHARE;
  if (open + (slack == 0 ? 1 : slack) <= a->cap && atomic_load(&a->full) && atomic_exchange(&a->full, false))
    log_event(LOG_INFO, 0, "places are free again: %zu of %zu taken", open, a->cap);
  if (atomic_load(&a->waiting) == 0) return;
  for (unsigned i = 0; i < a->waiters_count; i++) {
    if (unmark(a, a->waiters[i])) a->waiters[i]->wake(a->waiters[i]);
  }
}

uint64_t admission_emptied_ns(const struct admission *a) {
  return atomic_load(&a->emptied_ns);
}

size_t admission_open(const struct admission *a) {
  return atomic_load(&a->open);
}
