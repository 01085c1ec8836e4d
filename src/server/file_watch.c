/* See server/file_watch.h. */
#include "server/file_watch.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* A path, its folder's events, and the regular look at it. */
struct watched {
  uv_fs_event_t events;
  uv_fs_poll_t poll;
};

struct file_watch {
  uv_timer_t settle;
  uint64_t since_ms; /* the loop's time at the first event that is not reported yet */
  struct watched watched[FILE_WATCH_FILES_MAX];
  size_t handles; /* open ones */
  file_watch_fn changed;
  void *owner;
};

static void on_settled(uv_timer_t *timer) {
  struct file_watch *watch = timer->data;
  watch->changed(watch->owner);
}

static void note(struct file_watch *watch) {
  uint64_t now_ms = uv_now(watch->settle.loop);
  if (!uv_is_active((uv_handle_t *)&watch->settle)) watch->since_ms = now_ms;
  uint64_t end_ms = watch->since_ms + FILE_WATCH_RESTLESS_MS, wait_ms = FILE_WATCH_SETTLE_MS;
  if (now_ms + wait_ms > end_ms) wait_ms = end_ms > now_ms ? end_ms - now_ms : 0;
  (void)uv_timer_start(&watch->settle, on_settled, wait_ms, 0);
}

/* Anything in the folder: a link on the way to the file may be what has been turned. */
static void on_event(uv_fs_event_t *handle, const char *name, int events, int status) {
  (void)name;
  (void)events;
  if (status == 0) note(handle->data);
}

/* Errors count too: a file that has vanished is on its way to be replaced. */
static void on_poll(uv_fs_poll_t *handle, int status, const uv_stat_t *before, const uv_stat_t *now) {
  (void)status;
  (void)before;
  (void)now;
  note(handle->data);
}

static void on_closed(uv_handle_t *handle) {
  struct file_watch *watch = handle->data;
  if (--watch->handles == 0) free(watch);
}

static void take_handle(struct file_watch *watch, uv_handle_t *handle) {
  handle->data = watch;
  watch->handles++;
}

/* The folder's path, the caller's to free; NULL without memory. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Events are a convenience: without them (inotify's limits) the polling is enough. */
static int watch_path(struct file_watch *watch, uv_loop_t *loop, struct watched *watched, const char *path) {
  if (uv_fs_poll_init(loop, &watched->poll) != 0) return WSL_NO_MEMORY;
  take_handle(watch, (uv_handle_t *)&watched->poll);
  if (uv_fs_poll_start(&watched->poll, on_poll, path, FILE_WATCH_POLL_MS) != 0) return WSL_NO_MEMORY;
  char *folder = folder_of(path);
  if (folder == NULL) return WSL_NO_MEMORY;
  if (uv_fs_event_init(loop, &watched->events) == 0) {
    take_handle(watch, (uv_handle_t *)&watched->events);
    (void)uv_fs_event_start(&watched->events, on_event, folder, 0);
  }
  free(folder);
  return WSL_OK;
}

struct file_watch *file_watch_open(uv_loop_t *loop, const char *const *paths, size_t count,
                                   file_watch_fn changed, void *owner) {
  struct file_watch *watch = calloc(1, sizeof(*watch));
  if (watch == NULL) return NULL;
  watch->changed = changed;
  watch->owner = owner;
  (void)uv_timer_init(loop, &watch->settle); /* only fills in a struct */
  take_handle(watch, (uv_handle_t *)&watch->settle);
  for (size_t i = 0; i < count; i++) {
    if (paths[i] != NULL && watch_path(watch, loop, &watch->watched[i], paths[i]) != WSL_OK) {
      file_watch_close(watch);
      return NULL;
    }
  }
  return watch;
}

static void close_handle(struct file_watch *watch, uv_handle_t *handle) {
  if (handle->data == watch && !uv_is_closing(handle)) uv_close(handle, on_closed);
}

void file_watch_close(struct file_watch *watch) {
  if (watch == NULL) return;
  for (size_t i = 0; i < FILE_WATCH_FILES_MAX; i++) {
    close_handle(watch, (uv_handle_t *)&watch->watched[i].poll);
    close_handle(watch, (uv_handle_t *)&watch->watched[i].events);
  }
  close_handle(watch, (uv_handle_t *)&watch->settle);
}
