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

static size_t user_pages(void) {
  unsigned long pages;
  FILE *file = fopen("/proc/sys/fs/pipe-user-pages-soft", "re");
  if (file == NULL) return USER_PAGES_DEFAULT;
  int found = fscanf(file, "%lu", &pages);
  fclose(file);
  if (found != 1) return USER_PAGES_DEFAULT;
  return pages == 0 ? SIZE_MAX : pages; /* 0: no limit */
}

/* Pipes of one worker at most, whatever the kernel allows: each keeps up to a megabyte for a stalled client.
 */
#define PIPES_A_WORKER_MAX 16u

size_t splice_pool_share(unsigned workers) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t share = user_pages() / 2 / (SPLICE_PIPE_BYTES / page) / workers;
  return share < PIPES_A_WORKER_MAX ? share : PIPES_A_WORKER_MAX;
}

void splice_pool_init(struct splice_pool *pool, size_t ceiling) {
  *pool = (struct splice_pool){.ops = &system_ops, .ceiling = ceiling};
  list_init(&pool->free);
}

#else

size_t splice_pool_share(unsigned workers) {
  (void)workers;
  return 0;
}

void splice_pool_init(struct splice_pool *pool, size_t ceiling) {
  (void)ceiling;
  *pool = (struct splice_pool){.ops = NULL, .ceiling = 0};
  list_init(&pool->free);
}

#endif

static struct splice_pipe *take_free(struct splice_pool *pool) {
  struct list *node = list_take_first(&pool->free);
  if (node == NULL) return NULL;
  pool->free_count--;
  return LIST_ENTRY(node, struct splice_pipe, node);
}

static void unmake(struct splice_pool *pool, struct splice_pipe *pipe) {
  pool->ops->unmake(pipe);
  pool->existing--;
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
  pipe = pool->ops->make(pool);
  if (pipe != NULL) {
    pool->existing++;
  } else {
    pool->refused = WISHES_A_REFUSAL;
  }
  return pipe;
}

void splice_pool_return(struct splice_pool *pool, struct splice_pipe *pipe) {
  if (pipe == NULL) return;
  if (pipe->held > 0 || pool->free_count >= SPLICE_POOL_KEEP) {
    unmake(pool, pipe);
    return;
  }
  list_append(pool->free.next, &pipe->node); /* in front: the one used last, whose pages are warm */
  pool->free_count++;
}
