/* Simulated pipes (pipes.h). */
#include "pipes.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

struct sim_pipe {
  struct splice_pipe base; /* first: it is one */
  struct pipe_maker *maker;
  size_t at, until; /* what lies in it */
  uint8_t bytes[];
};

static struct sim_pipe *sim_pipe_of(const struct splice_pipe *pipe) {
  struct sim_pipe *p = (struct sim_pipe *)(void *)(uintptr_t)pipe;
  sim_check(pipe->held == p->until - p->at, "a pipe of %zu bytes is taken for one of %zu", p->until - p->at,
            pipe->held);
  return p;
}

static struct splice_pipe *make(struct splice_pool *pool) {
  struct pipe_maker *maker = LIST_ENTRY(pool, struct pipe_maker, pool);
  if (random_below(&maker->random, 100) < maker->refusal_percent) return NULL;
  struct sim_pipe *p = malloc(sizeof *p + maker->capacity);
  if (p == NULL) sim_fail("no memory for a pipe");
  *p = (struct sim_pipe){.maker = maker};
  list_init(&p->base.node);
  maker->open++;
  return &p->base;
}

static void unmake(struct splice_pipe *pipe) {
  struct sim_pipe *p = sim_pipe_of(pipe);
  p->maker->open--;
  free(p);
}

static const struct splice_ops ops = {make, unmake};

void pipes_begin(struct pipe_maker *maker, uint64_t seed, uint32_t ceiling, uint32_t capacity,
                 uint8_t refusal_percent) {
  *maker = (struct pipe_maker){.capacity = capacity, .refusal_percent = refusal_percent};
  splice_pool_init(&maker->pool, ceiling, NULL);
  maker->pool.ops = &ops;
  random_seed(&maker->random, seed);
}

/* Whoever borrows one next would send what lies in it. */
static void check_kept(const struct splice_pool *pool) {
  for (struct list *node = pool->free.next; node != &pool->free; node = node->next)
    sim_check(LIST_ENTRY(node, struct splice_pipe, node)->held == 0, "a pipe is kept with bytes in it");
}

void pipes_end(struct pipe_maker *maker) {
  check_kept(&maker->pool);
  sim_check(maker->pool.existing == maker->pool.free_count, "a pipe was left behind");
  splice_pool_destroy(&maker->pool);
  sim_check(maker->open == 0, "%zu pipes were never closed", maker->open);
}

size_t pipe_capacity(const struct splice_pipe *pipe) {
  return sim_pipe_of(pipe)->maker->capacity;
}

void pipe_fill(struct splice_pipe *pipe, const uint8_t *bytes, size_t len) {
  struct sim_pipe *p = sim_pipe_of(pipe);
  sim_check(pipe->held == 0, "a pipe is filled in which %zu bytes lie", pipe->held);
  memcpy(p->bytes, bytes, len);
  p->at = 0;
  p->until = pipe->held = len;
}

const uint8_t *pipe_bytes(const struct splice_pipe *pipe) {
  const struct sim_pipe *p = sim_pipe_of(pipe);
  return p->bytes + p->at;
}

void pipe_drain(struct splice_pipe *pipe, size_t len) {
  struct sim_pipe *p = sim_pipe_of(pipe);
  p->at += len;
  pipe->held -= len;
}
