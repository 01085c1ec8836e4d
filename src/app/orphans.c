/* See app/orphans.h. */
#include "app/orphans.h"

#include <sys/wait.h>
#include <unistd.h>

static void on_child(uv_signal_t *handle, int signum) {
  (void)handle;
  (void)signum;
#if defined(__WNOTHREAD)
  while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0) {
  }
#endif
}

void orphans_watch(struct orphans *orphans, uv_loop_t *loop) {
  if (getpid() != 1 || uv_signal_init(loop, &orphans->on_child) != 0) return;
  orphans->watched = true;
  (void)uv_signal_start(&orphans->on_child, on_child, SIGCHLD);
}

void orphans_unwatch(struct orphans *orphans) {
  if (orphans->watched) uv_close((uv_handle_t *)&orphans->on_child, NULL);
  orphans->watched = false;
}
