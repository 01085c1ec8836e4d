/* The worker's data buffers (buffer_pool.h): a bounded pool with a short free list.
 *
 * One allocation holds a buffer: its bookkeeping in the first cache line, the headroom in the second,
 * data from the third on. Most borrowings last one call, so a few kept buffers serve a whole worker.
 */
#include "net/buffer_pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define BUFFER_ALIGNMENT 64u

_Static_assert(sizeof(struct buffer) <= BUFFER_ALIGNMENT, "the bookkeeping fits in its cache line");
_Static_assert(BUFFER_HEADROOM % BUFFER_ALIGNMENT == 0, "data stays aligned behind the headroom");

void buffer_pool_init(struct buffer_pool *pool, size_t buffer_size, size_t ceiling) {
  assert(buffer_size > 0 && ceiling > 0);
  *pool = (struct buffer_pool){.buffer_size = buffer_size, .ceiling = ceiling};
  list_init(&pool->free);
  for (int way = 0; way < BUFFER_WAYS; way++)
    list_init(&pool->waiting[way]);
}

static struct buffer *take_free(struct buffer_pool *pool) {
  struct list *node = list_take_first(&pool->free);
  if (node == NULL) return NULL;
  pool->free_count--;
  return LIST_ENTRY(node, struct buffer, node);
}

void buffer_pool_destroy(struct buffer_pool *pool) {
  assert(pool->existing == pool->free_count);
  assert(list_empty(&pool->waiting[BUFFER_UP]) && list_empty(&pool->waiting[BUFFER_DOWN]));
  for (struct list *node = pool->free.next, *next; node != &pool->free; node = next) {
    next = node->next;
    free(LIST_ENTRY(node, struct buffer, node));
  }
  list_init(&pool->free);
  pool->existing = pool->free_count = 0;
}

static struct buffer *make_buffer(struct buffer_pool *pool) {
  void *memory;
  size_t len = BUFFER_ALIGNMENT + BUFFER_HEADROOM + pool->buffer_size;
  if (posix_memalign(&memory, BUFFER_ALIGNMENT, len) != 0) return NULL;
  struct buffer *buffer = memory;
  list_init(&buffer->node);
  buffer->data = (uint8_t *)memory + BUFFER_ALIGNMENT + BUFFER_HEADROOM;
  pool->existing++;
  return buffer;
}

/* Buffers that are lent for the way down only. */
static size_t reserve(const struct buffer_pool *pool) {
  return pool->ceiling < 2 ? 0 : (pool->ceiling + BUFFER_DOWN_SHARE - 1) / BUFFER_DOWN_SHARE;
}

static bool lends(const struct buffer_pool *pool, enum buffer_way way) {
  size_t unmade = pool->ceiling > pool->existing ? pool->ceiling - pool->existing : 0;
  return pool->free_count + unmade > (way == BUFFER_UP ? reserve(pool) : 0);
}

struct buffer *buffer_borrow(struct buffer_pool *pool, enum buffer_way way) {
  if (!lends(pool, way)) return NULL;
  struct buffer *buffer = take_free(pool);
  return buffer != NULL ? buffer : make_buffer(pool);
}

/* The first in a line that may have a buffer now, or NULL. */
static struct buffer_waiter *first_served(const struct buffer_pool *pool, enum buffer_way way) {
  const struct list *line = &pool->waiting[way];
  return list_empty(line) || !lends(pool, way) ? NULL : LIST_ENTRY(line->next, struct buffer_waiter, node);
}

static void serve(struct buffer_waiter *waiter) {
  if (waiter == NULL) return;
  list_remove(&waiter->node);
  waiter->woken = true;
  waiter->wake(waiter);
}

static void wake_first(struct buffer_pool *pool) {
  struct buffer_waiter *up = first_served(pool, BUFFER_UP), *down = first_served(pool, BUFFER_DOWN);
  bool up_first = up != NULL && (down == NULL || up->ticket < down->ticket);
  serve(up_first ? up : down);
}

/* Whether somebody is in line whom no ceiling keeps there: it found no memory. */
static bool wants_memory(const struct buffer_pool *pool) {
  return first_served(pool, BUFFER_UP) != NULL || first_served(pool, BUFFER_DOWN) != NULL;
}

static void plan_retry(struct buffer_pool *pool) {
  if (pool->timers == NULL) return;
  if (!wants_memory(pool)) {
    timer_disarm(pool->timers, &pool->retry);
  } else if (!pool->retry.armed) {
    timer_arm(pool->timers, &pool->retry, pool->timers->now_ms + BUFFER_RETRY_MS);
  }
}

/* One asks for all: where it gets a buffer there is one for the next, too. */
static void on_retry(struct timer *timer) {
  struct buffer_pool *pool = LIST_ENTRY(timer, struct buffer_pool, retry);
  wake_first(pool);
  plan_retry(pool);
}

void buffer_pool_retry(struct buffer_pool *pool, struct timers *timers) {
  pool->timers = timers;
  timer_init(&pool->retry, on_retry);
}

void buffer_return(struct buffer_pool *pool, struct buffer *buffer) {
  if (buffer == NULL) return;
  assert(pool->free_count < pool->existing);
  if (pool->free_count < BUFFER_POOL_KEEP) {
    /* In front: the buffer used last is the one that still lies in the processor's cache. */
    list_append(pool->free.next, &buffer->node);
    pool->free_count++;
  } else {
    free(buffer);
    pool->existing--;
  }
  wake_first(pool);
}

void buffer_waiter_init(struct buffer_waiter *waiter, void (*wake)(struct buffer_waiter *waiter)) {
  *waiter = (struct buffer_waiter){.wake = wake};
  list_init(&waiter->node);
}

void buffer_wait(struct buffer_pool *pool, struct buffer_waiter *waiter, enum buffer_way way) {
  bool in_line = !list_empty(&waiter->node);
  if (in_line && (waiter->way == way || way == BUFFER_UP)) return;
  bool was_woken = waiter->woken;
  list_remove(&waiter->node);
  waiter->woken = false;
  waiter->pool = pool;
  waiter->way = way;
  waiter->ticket = pool->tickets++;
  list_append(&pool->waiting[way], &waiter->node);
  /* What it was woken for is gone, but for the reserve: that turn is the next one's on the way down. */
  if (was_woken && way == BUFFER_UP) serve(first_served(pool, BUFFER_DOWN));
  plan_retry(pool);
}

void buffer_wait_cancel(struct buffer_waiter *waiter) {
  struct buffer_pool *pool = waiter->pool;
  if (pool == NULL) return;
  list_remove(&waiter->node);
  waiter->woken = false;
  waiter->pool = NULL;
  wake_first(pool);
  plan_retry(pool);
}
