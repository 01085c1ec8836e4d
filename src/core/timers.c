/* The pairing heap behind core/timers.h.
 *
 * A node's children are a list through `sibling`; `back` is the sibling before it, or the parent for
 * the first child, or NULL for a root. Inserting is O(1), removing O(log n) amortised, and a session
 * that pushes its idle timer on at every packet never touches the nodes of other sessions' timers
 * unless it was the next to fire.
 */
#include "core/timers.h"

#include <assert.h>
#include <stddef.h>

/* The grid point at or after `due_ms`; the last one where rounding up would wrap. */
static uint64_t round_up(uint64_t due_ms) {
  uint64_t past_grid = due_ms % TIMERS_GRAIN_MS;
  if (past_grid == 0) return due_ms;
  uint64_t missing = TIMERS_GRAIN_MS - past_grid;
  return due_ms > UINT64_MAX - missing ? due_ms - past_grid : due_ms + missing;
}

static bool fires_before(const struct timer *a, const struct timer *b) {
  if (a->due_ms != b->due_ms) return a->due_ms < b->due_ms;
  return a->order < b->order;
}

/* Makes one heap of two; either may be NULL. */
static struct timer *meld(struct timer *a, struct timer *b) {
  if (!a) return b;
  if (!b) return a;
  struct timer *top = fires_before(a, b) ? a : b;
  struct timer *below = top == a ? b : a;
  below->back = top;
  below->sibling = top->child;
  if (top->child) top->child->back = below;
  top->child = below;
  return top;
}

/* Takes the first heap off the list of siblings at *rest. */
static struct timer *detach_first(struct timer **rest) {
  struct timer *first = *rest;
  if (!first) return NULL;
  *rest = first->sibling;
  first->sibling = NULL;
  first->back = NULL;
  return first;
}

/* Makes one heap of a list of siblings: pairs from left to right, then the pairs together from right
 * to left, which is what gives the amortised bound. Loops, since a list may be as long as the heap. */
static struct timer *meld_siblings(struct timer *first) {
  struct timer *pairs = NULL; /* a stack through `sibling` */
  while (first) {
    struct timer *left = detach_first(&first);
    struct timer *pair = meld(left, detach_first(&first));
    pair->sibling = pairs;
    pairs = pair;
  }
  struct timer *heap = NULL;
  while (pairs)
    heap = meld(detach_first(&pairs), heap);
  return heap;
}

/* Puts the heap `below` (or nothing) where `timer`, the root of none, hangs among its siblings. */
static void put_in_place(struct timer *timer, struct timer *below) {
  struct timer *next = timer->sibling;
  if (below) {
    below->back = timer->back;
    below->sibling = next;
    if (next) next->back = below;
  } else if (next) {
    next->back = timer->back;
  }
  struct timer *follower = below ? below : next;
  if (timer->back->child == timer) {
    timer->back->child = follower;
  } else {
    timer->back->sibling = follower;
  }
}

/* Takes an armed timer out of its heap. What was below it moves up to its place: it fires after
 * `timer` would have, so after its new parent too, and nobody need know which heap this is. */
static void take_out(struct timers *timers, struct timer *timer) {
  struct timer *below = meld_siblings(timer->child);
  if (timers->root == timer) {
    timers->root = below;
  } else if (timers->late == timer) {
    timers->late = below;
  } else {
    assert(timer->back);
    put_in_place(timer, below);
  }
  timer->child = timer->sibling = timer->back = NULL;
  timer->armed = false;
}

void timers_init(struct timers *timers, uint64_t now_ms) {
  *timers = (struct timers){.now_ms = now_ms};
}

void timer_init(struct timer *timer, timer_fn fire) {
  *timer = (struct timer){.fire = fire};
}

void timers_set_now(struct timers *timers, uint64_t now_ms) {
  if (now_ms > timers->now_ms) timers->now_ms = now_ms;
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t due_ms) {
  due_ms = round_up(due_ms);
  bool is_late = timers->running && due_ms <= timers->now_ms;
  if (timer->armed) {
    if (timer->due_ms == due_ms && !is_late) return;
    take_out(timers, timer);
  }
  timer->due_ms = due_ms;
  timer->order = timers->next_order++;
  timer->armed = true;
  struct timer **heap = is_late ? &timers->late : &timers->root;
  *heap = meld(*heap, timer);
}

void timer_disarm(struct timers *timers, struct timer *timer) {
  if (timer->armed) take_out(timers, timer);
}

void timers_run(struct timers *timers, uint64_t now_ms) {
  assert(!timers->running);
  timers_set_now(timers, now_ms);
  /* A callback may move the clock on; what falls due by that waits for the next run. */
  uint64_t limit_ms = timers->now_ms;
  timers->running = true;
  while (timers->root && timers->root->due_ms <= limit_ms) {
    struct timer *timer = timers->root;
    take_out(timers, timer);
    timer->fire(timer); /* may free it */
  }
  timers->running = false;
  timers->root = meld(timers->root, timers->late);
  timers->late = NULL;
}

int64_t timers_next_ms(const struct timers *timers) {
  if (timers->late) return 0;
  if (!timers->root) return -1;
  if (timers->root->due_ms <= timers->now_ms) return 0;
  uint64_t wait_ms = timers->root->due_ms - timers->now_ms;
  return wait_ms > INT64_MAX ? INT64_MAX : (int64_t)wait_ms;
}
