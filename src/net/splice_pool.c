/* See net/splice_pool.h. */
#include "net/splice_pool.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__)

static struct splice_pipe *make_pipe(struct splice_pool *pool) {
  (void)pool;
  struct splice_pipe *pipe = malloc(sizeof *pipe);
  if (pipe == NULL) return NULL;
  *pipe = (struct splice_pipe){.held = 0};
  list_init(&pipe->node);
  if (pipe2(pipe->ends, O_CLOEXEC | O_NONBLOCK) != 0) goto fail_memory;
  if (fcntl(pipe->ends[1], F_SETPIPE_SZ, (int)SPLICE_PIPE_BYTES) < (int)SPLICE_PIPE_BYTES) goto fail_pipe;
  return pipe;

fail_pipe:
  close(pipe->ends[0]);
  close(pipe->ends[1]);
fail_memory:
  free(pipe);
  return NULL;
}

static void unmake_pipe(struct splice_pipe *pipe) {
  close(pipe->ends[0]);
  close(pipe->ends[1]);
  free(pipe);
}

static const struct splice_ops system_ops = {make_pipe, unmake_pipe};

/* Linux's default, for where /proc is not there. */
#define USER_PAGES_DEFAULT 16384ul

/* 0: no limit. */
static size_t user_pages(void) {
  unsigned long pages;
  FILE *file = fopen("/proc/sys/fs/pipe-user-pages-soft", "re");
  if (file == NULL) return USER_PAGES_DEFAULT;
  int found = fscanf(file, "%lu", &pages);
  fclose(file);
  return found == 1 ? pages : USER_PAGES_DEFAULT;
}

bool splice_supported(void) {
  return true;
}

size_t splice_pipes_allowed(void) {
  return splice_pipes_in(user_pages(), (size_t)sysconf(_SC_PAGESIZE));
}

#else

static const struct splice_ops system_ops = {NULL, NULL}; /* nobody has a budget */

bool splice_supported(void) {
  return false;
}

size_t splice_pipes_allowed(void) {
  return 0;
}

#endif

/* The other half is for the user's other pipes. */
size_t splice_pipes_in(size_t pages, size_t page) {
  return pages == 0 ? SIZE_MAX : pages / 2 / (SPLICE_PIPE_BYTES / page);
}

/* Who keeps more than its part leaves others without. Where that is none, a pipe is made for each frame: 1.07
 * of the CPU that kept ones take (frames of 1 MB, four pairs of runs), where reading takes 1.5. */
void splice_budget_init(struct splice_budget *budget, size_t pipes, size_t pools) {
  size_t part = pipes / pools;
  budget->pipes = pipes;
  budget->keep = part < SPLICE_POOL_KEEP ? part : SPLICE_POOL_KEEP;
  atomic_init(&budget->exists, 0);
}

void splice_pool_init(struct splice_pool *pool, size_t ceiling, struct splice_budget *budget) {
  *pool = (struct splice_pool){.ops = &system_ops,
                               .budget = budget,
                               .keep = budget == NULL ? SPLICE_POOL_KEEP : budget->keep,
                               .ceiling = ceiling};
  list_init(&pool->free);
}

/* Asks before it counts: where all is in use, nobody writes what everybody reads. */
static bool take_from_budget(struct splice_budget *budget) {
  if (budget == NULL) return true;
  if (atomic_load_explicit(&budget->exists, memory_order_relaxed) >= budget->pipes) return false;
  if (atomic_fetch_add_explicit(&budget->exists, 1, memory_order_relaxed) < budget->pipes) return true;
  (void)atomic_fetch_sub_explicit(&budget->exists, 1, memory_order_relaxed);
  return false;
}

static void give_to_budget(struct splice_budget *budget) {
  if (budget != NULL) (void)atomic_fetch_sub_explicit(&budget->exists, 1, memory_order_relaxed);
}

static struct splice_pipe *take_free(struct splice_pool *pool) {
  struct list *node = list_take_first(&pool->free);
  if (node == NULL) return NULL;
  pool->free_count--;
  return LIST_ENTRY(node, struct splice_pipe, node);
}

static void unmake(struct splice_pool *pool, struct splice_pipe *pipe) {
  pool->ops->unmake(pipe);
  pool->existing--;
  give_to_budget(pool->budget);
}

void splice_pool_destroy(struct splice_pool *pool) {
  struct splice_pipe *pipe;
  assert(pool->existing == pool->free_count);
  while ((pipe = take_free(pool)) != NULL)
    unmake(pool, pipe);
}

/* A refusal costs four system calls, and mostly lasts. */
#define WISHES_A_REFUSAL 64u

struct splice_pipe *splice_pool_borrow(struct splice_pool *pool) {
  struct splice_pipe *pipe = take_free(pool);
  if (pipe != NULL || pool->existing >= pool->ceiling) return pipe;
  if (pool->refused > 0) {
    pool->refused--;
    return NULL;
  }
  if (!take_from_budget(pool->budget)) return NULL;
  pipe = pool->ops->make(pool);
  if (pipe != NULL) {
    pool->existing++;
  } else {
    pool->refused = WISHES_A_REFUSAL;
    give_to_budget(pool->budget);
  }
  return pipe;
}

void splice_pool_return(struct splice_pool *pool, struct splice_pipe *pipe) {
  if (pipe == NULL) return;
  if (pipe->held > 0 || pool->free_count >= pool->keep) {
    unmake(pool, pipe);
    return;
  }
  list_append(pool->free.next, &pipe->node); /* in front: the one used last, whose pages are warm */
  pool->free_count++;
}
