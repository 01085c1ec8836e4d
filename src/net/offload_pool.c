/* See net/offload_pool.h. */
#include "net/offload_pool.h"

#include <assert.h>

static struct offload_pool *pool_of(struct offload *offload) {
  return (struct offload_pool *)(void *)offload;
}

static uv_work_t *free_slot(struct offload_pool *pool) {
  for (size_t i = 0; i < OFFLOAD_RUNNING_MAX; i++) {
    if (pool->slots[i].data == NULL) return &pool->slots[i];
  }
  return NULL;
}

static void on_work(uv_work_t *slot) {
  struct offload_job *job = slot->data;
  job->work(job);
}

static void run_waiting(struct offload_pool *pool);

/* The status is 0: nothing here cancels what libuv has queued. */
static void on_worked(uv_work_t *slot, int status) {
  (void)status;
  struct offload_job *job = slot->data;
  struct offload_pool *pool = pool_of(job->offload);
  slot->data = NULL;
  job->running = NULL;
  pool->running--;
  if (pool->on_back != NULL) pool->on_back(pool);
  job->done(job);
  run_waiting(pool);
  if (pool->running == 0 && pool->on_quiet != NULL) pool->on_quiet(pool);
}

static void run(struct offload_pool *pool, struct offload_job *job, uv_work_t *slot) {
  slot->data = job;
  job->running = slot;
  pool->running++;
  int error = uv_queue_work(pool->loop, slot, on_work, on_worked);
  assert(error == 0); /* it only fails without a function */
  (void)error;
}

static void run_waiting(struct offload_pool *pool) {
  while (!list_empty(&pool->waiting)) {
    uv_work_t *slot = free_slot(pool);
    if (slot == NULL) return;
    struct offload_job *job = LIST_ENTRY(pool->waiting.next, struct offload_job, node);
    list_remove(&job->node);
    run(pool, job, slot);
  }
}

static void start(struct offload *offload, struct offload_job *job) {
  struct offload_pool *pool = pool_of(offload);
  list_append(&pool->waiting, &job->node);
  run_waiting(pool);
}

static bool cancel(struct offload *offload, struct offload_job *job) {
  (void)offload;
  if (job->running != NULL) return false;
  list_remove(&job->node);
  return true;
}

static const struct offload_ops offload_pool_ops = {.start = start, .cancel = cancel};

void offload_pool_init(struct offload_pool *pool, uv_loop_t *loop) {
  *pool = (struct offload_pool){.offload = {&offload_pool_ops}, .loop = loop};
  list_init(&pool->waiting);
}

void offload_pool_destroy(struct offload_pool *pool) {
  assert(pool->running == 0 && list_empty(&pool->waiting));
  (void)pool;
}
