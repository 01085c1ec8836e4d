/* The worker's data buffers (buffer_pool.h): a bounded pool with two short shelves of free ones.
 *
 * One allocation holds a buffer: its bookkeeping in the first cache line, the headroom in the second,
 * data from the third on. Most borrowings last one call, so a few kept buffers serve a whole worker.
 */
#include "net/buffer_pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/unmap.h"

#define BUFFER_ALIGNMENT 64u
/* From this size on a buffer has pages of its own. malloc's heap would give them back only when everything
 * above them is free as well, and after a rush a worker would keep what stalled peers had. What that costs
 * in page faults (some 64 for 256 KB, as much as moving the bytes) is paid only by what no shelf holds. */
#define MAPPED_MIN ((size_t)128 * 1024)

_Static_assert(sizeof(struct buffer) <= BUFFER_ALIGNMENT, "the bookkeeping fits in its cache line");
_Static_assert(BUFFER_HEADROOM % BUFFER_ALIGNMENT == 0, "data stays aligned behind the headroom");

static const size_t shelf_keeps[BUFFER_CLASSES] = {BUFFER_POOL_KEEP, BUFFER_POOL_KEEP_LARGE,
                                                   BUFFER_POOL_KEEP_SPARE};

static void init_shelf(struct buffer_shelf *shelf, size_t size, size_t weight) {
  *shelf = (struct buffer_shelf){.size = size, .weight = weight};
  list_init(&shelf->free);
}

void buffer_pool_init(struct buffer_pool *pool, size_t small_size, size_t ceiling) {
  assert(small_size > 0 && ceiling > 0);
  *pool = (struct buffer_pool){.ceiling = ceiling};
  init_shelf(&pool->shelves[BUFFER_SMALL], small_size, 1);
  init_shelf(&pool->shelves[BUFFER_LARGE], 0, 0);
  init_shelf(&pool->shelves[BUFFER_SPARE], 0, 0);
  for (int way = 0; way < BUFFER_WAYS; way++)
    list_init(&pool->waiting[way]);
}

void buffer_pool_lend_large(struct buffer_pool *pool, size_t large_size) {
  size_t small_size = buffer_pool_small_size(pool);
  assert(large_size > small_size && pool->existing == 0);
  init_shelf(&pool->shelves[BUFFER_LARGE], large_size, (large_size + small_size - 1) / small_size);
}

/* They weigh nothing: the ceiling is that of the others. */
void buffer_pool_lend_spares(struct buffer_pool *pool, size_t count, size_t size) {
  assert(size > 0 && pool->shelves[BUFFER_SPARE].lent == 0);
  init_shelf(&pool->shelves[BUFFER_SPARE], size, 0);
  pool->spares = count;
}

static size_t memory_of(size_t size) {
  return BUFFER_ALIGNMENT + BUFFER_HEADROOM + size;
}

static void *take_memory(size_t len) {
  void *memory;
  if (len < MAPPED_MIN) return posix_memalign(&memory, BUFFER_ALIGNMENT, len) == 0 ? memory : NULL;
  memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static struct buffer *make_buffer(struct buffer_pool *pool, enum buffer_class class) {
  const struct buffer_shelf *shelf = &pool->shelves[class];
  struct buffer *buffer = take_memory(memory_of(shelf->size));
  if (buffer == NULL) return NULL;
  list_init(&buffer->node);
  buffer->data = (uint8_t *)buffer + BUFFER_ALIGNMENT + BUFFER_HEADROOM;
  buffer->size = shelf->size;
  buffer->class = class;
  pool->existing += shelf->weight;
  return buffer;
}

static void unmake_buffer(struct buffer_pool *pool, struct buffer *buffer) {
  size_t len = memory_of(buffer->size);
  pool->existing -= pool->shelves[buffer->class].weight;
  if (len < MAPPED_MIN) {
    free(buffer);
  } else {
    unmap(buffer, len);
  }
}

static struct buffer *take_free(struct buffer_pool *pool, enum buffer_class class) {
  struct buffer_shelf *shelf = &pool->shelves[class];
  struct list *node = list_take_first(&shelf->free);
  if (node == NULL) return NULL;
  shelf->count--;
  pool->free_count -= shelf->weight;
  return LIST_ENTRY(node, struct buffer, node);
}

static void clear_shelf(struct buffer_pool *pool, enum buffer_class class) {
  struct buffer *buffer;
  while ((buffer = take_free(pool, class)) != NULL)
    unmake_buffer(pool, buffer);
}

void buffer_pool_destroy(struct buffer_pool *pool) {
  assert(pool->existing == pool->free_count);
  assert(list_empty(&pool->waiting[BUFFER_UP]) && list_empty(&pool->waiting[BUFFER_DOWN]));
  clear_shelf(pool, BUFFER_SMALL);
  clear_shelf(pool, BUFFER_LARGE);
  clear_shelf(pool, BUFFER_SPARE);
  assert(pool->shelves[BUFFER_SPARE].lent == 0);
  assert(pool->existing == 0 && pool->free_count == 0);
}

static size_t units_lent(const struct buffer_pool *pool) {
  return pool->existing - pool->free_count;
}

/* Buffers that are not lent for a way, because they are the other's. */
static size_t reserve(const struct buffer_pool *pool) {
  return pool->ceiling < 2 ? 0 : (pool->ceiling + BUFFER_WAY_SHARE - 1) / BUFFER_WAY_SHARE;
}

static bool lends(const struct buffer_pool *pool, enum buffer_way way) {
  return units_lent(pool) < pool->ceiling && pool->lent[way] < pool->ceiling - reserve(pool);
}

/* Half of the memory is for small ones; what a way leaves to the other, a quarter, is within it. */
static bool lends_large(const struct buffer_pool *pool) {
  size_t weight = pool->shelves[BUFFER_LARGE].weight;
  return weight > 0 && 2 * (units_lent(pool) + weight) <= pool->ceiling;
}

/* From the shelf, or made; then what lies free on the other shelf makes room for it under the ceiling. */
static struct buffer *lend(struct buffer_pool *pool, enum buffer_class class, enum buffer_way way) {
  struct buffer_shelf *shelf = &pool->shelves[class];
  struct buffer *buffer = take_free(pool, class);
  if (buffer == NULL) {
    if (pool->existing + shelf->weight > pool->ceiling)
      clear_shelf(pool, class == BUFFER_SMALL ? BUFFER_LARGE : BUFFER_SMALL);
    buffer = make_buffer(pool, class);
  }
  if (buffer == NULL) return NULL;
  shelf->lent++;
  pool->lent[way] += shelf->weight;
  buffer->way = way;
  return buffer;
}

struct buffer *buffer_borrow(struct buffer_pool *pool, enum buffer_way way) {
  return lends(pool, way) ? lend(pool, BUFFER_SMALL, way) : NULL;
}

struct buffer *buffer_borrow_large(struct buffer_pool *pool, enum buffer_way way) {
  struct buffer *buffer = lends_large(pool) ? lend(pool, BUFFER_LARGE, way) : NULL;
  return buffer != NULL ? buffer : buffer_borrow(pool, way);
}

struct buffer *buffer_borrow_spare(struct buffer_pool *pool, enum buffer_way way) {
  return pool->shelves[BUFFER_SPARE].lent < pool->spares ? lend(pool, BUFFER_SPARE, way) : NULL;
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
  struct buffer_shelf *shelf = &pool->shelves[buffer->class];
  assert(shelf->lent > 0);
  shelf->lent--;
  pool->lent[buffer->way] -= shelf->weight;
  if (shelf->count < shelf_keeps[buffer->class]) {
    /* In front: the buffer used last is the one that still lies in the processor's cache. */
    list_append(shelf->free.next, &buffer->node);
    shelf->count++;
    pool->free_count += shelf->weight;
  } else {
    unmake_buffer(pool, buffer);
  }
  wake_first(pool);
}

void buffer_waiter_init(struct buffer_waiter *waiter, void (*wake)(struct buffer_waiter *waiter)) {
  *waiter = (struct buffer_waiter){.wake = wake};
  list_init(&waiter->node);
}

void buffer_wait(struct buffer_pool *pool, struct buffer_waiter *waiter, enum buffer_way way) {
  if (!list_empty(&waiter->node)) {
    assert(waiter->way == way);
    return;
  }
  bool was_woken = waiter->woken;
  waiter->woken = false;
  waiter->pool = pool;
  waiter->way = way;
  waiter->ticket = pool->tickets++;
  list_append(&pool->waiting[way], &waiter->node);
  /* What it was woken for is gone, but for what is kept for the other way: that turn is somebody's there. */
  if (was_woken && !lends(pool, way)) serve(first_served(pool, way == BUFFER_UP ? BUFFER_DOWN : BUFFER_UP));
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

static size_t waiting_in(const struct list *line, uint64_t before_ticket) {
  size_t count = 0;
  for (const struct list *node = line->next; node != line; node = node->next) {
    if (LIST_ENTRY(node, struct buffer_waiter, node)->ticket >= before_ticket) break;
    count++;
  }
  return count;
}

size_t buffer_pool_waiting(const struct buffer_pool *pool, uint64_t before_ticket) {
  return waiting_in(&pool->waiting[BUFFER_UP], before_ticket) +
         waiting_in(&pool->waiting[BUFFER_DOWN], before_ticket);
}
