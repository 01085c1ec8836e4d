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
  list_init(&pool->waiting);
}

static struct buffer *take_free(struct buffer_pool *pool) {
  struct list *node = list_take_first(&pool->free);
  if (node == NULL) return NULL;
  pool->free_count--;
  return LIST_ENTRY(node, struct buffer, node);
}

void buffer_pool_destroy(struct buffer_pool *pool) {
  assert(pool->existing == pool->free_count);
  assert(list_empty(&pool->waiting));
  for (struct list *node = pool->free.next, *next; node != &pool->free; node = next) {
    next = node->next;
    free(LIST_ENTRY(node, struct buffer, node));
  }
  list_init(&pool->free);
  pool->existing = pool->free_count = 0;
}

static struct buffer *make_buffer(struct buffer_pool *pool) {
  if (pool->existing == pool->ceiling) return NULL;
  void *memory;
  size_t len = BUFFER_ALIGNMENT + BUFFER_HEADROOM + pool->buffer_size;
  if (posix_memalign(&memory, BUFFER_ALIGNMENT, len) != 0) return NULL;
  struct buffer *buffer = memory;
  list_init(&buffer->node);
  buffer->data = (uint8_t *)memory + BUFFER_ALIGNMENT + BUFFER_HEADROOM;
  pool->existing++;
  return buffer;
}

struct buffer *buffer_borrow(struct buffer_pool *pool) {
  struct buffer *buffer = take_free(pool);
  return buffer != NULL ? buffer : make_buffer(pool);
}

static bool buffer_available(const struct buffer_pool *pool) {
  return pool->free_count > 0 || pool->existing < pool->ceiling;
}

static void wake_first(struct buffer_pool *pool) {
  if (!buffer_available(pool)) return;
  struct list *node = list_take_first(&pool->waiting);
  if (node == NULL) return;
  struct buffer_waiter *waiter = LIST_ENTRY(node, struct buffer_waiter, node);
  waiter->wake(waiter);
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
  list_init(&waiter->node);
  waiter->pool = NULL;
  waiter->wake = wake;
}

void buffer_wait(struct buffer_pool *pool, struct buffer_waiter *waiter) {
  if (!list_empty(&waiter->node)) return;
  waiter->pool = pool;
  list_append(&pool->waiting, &waiter->node);
}

void buffer_wait_cancel(struct buffer_waiter *waiter) {
  struct buffer_pool *pool = waiter->pool;
  if (pool == NULL) return;
  list_remove(&waiter->node);
  waiter->pool = NULL;
  wake_first(pool);
}
