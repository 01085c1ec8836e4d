/* See server/thread_pool.h.
 *
 * libuv makes its threads at the first work, with the signal mask of whoever brings it: here, with all
 * signals blocked, and before a sandbox could forbid it. Where it gets no thread it ends the process, so as
 * many are tried first; the C library keeps their stacks, and libuv's threads get those.
 */
#include "server/thread_pool.h"

#include <uv.h>

#include "core/error.h"
#include "core/signal_mask.h"

/* libuv's, unless UV_THREADPOOL_SIZE says otherwise. */
#define THREADS 4u

static void await_end(void *end) {
  uv_sem_wait(end);
}

static int try_threads(void) {
  uv_thread_t threads[THREADS];
  uv_sem_t end;
  unsigned made = 0;
  if (uv_sem_init(&end, 0) != 0) return WSL_NO_MEMORY;
  while (made < THREADS && uv_thread_create(&threads[made], await_end, &end) == 0)
    made++;
  for (unsigned i = 0; i < made; i++)
    uv_sem_post(&end);
  for (unsigned i = 0; i < made; i++)
    uv_thread_join(&threads[i]);
  uv_sem_destroy(&end);
  return made == THREADS ? 0 : WSL_NO_MEMORY;
}

static void no_work(uv_work_t *work) {
  (void)work;
}

static int make_threads(void) {
  uv_loop_t loop;
  uv_work_t work;
  if (uv_loop_init(&loop) != 0) return WSL_NO_DESCRIPTOR;
  int error = uv_queue_work(&loop, &work, no_work, NULL);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return error == 0 ? 0 : WSL_NO_MEMORY;
}

int thread_pool_start(void) {
  sigset_t before = signals_block_all();
  int error = try_threads();
  if (error == 0) error = make_threads();
  signals_restore(&before);
  return error;
}
