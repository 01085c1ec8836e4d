/* See server/file_watch.h. */
#include "server/file_watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/list.h"

/* A path, its folder's events, and the regular look at it. */
struct watched {
  char *path; /* NULL: none */
  uv_fs_event_t events;
  uv_fs_t look;
  bool looking; /* `look` is under way */
  bool seen;    /* the rest is what the last look found */
  int error;
  uv_stat_t status;
};

struct file_watch {
  uv_timer_t settle;
  uint64_t since_ms; /* the loop's time at the first event that is not reported yet */
  uv_timer_t poll;
  struct watched watched[FILE_WATCH_FILES_MAX];
  size_t holders; /* open handles and looks under way */
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

static void let_go(struct file_watch *watch) {
  if (--watch->holders > 0) return;
  for (size_t i = 0; i < FILE_WATCH_FILES_MAX; i++)
    free(watch->watched[i].path);
  free(watch);
}

static void on_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static void take_handle(struct file_watch *watch, uv_handle_t *handle) {
  handle->data = watch;
  watch->holders++;
}

static bool same_time(const uv_timespec_t *a, const uv_timespec_t *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_status(const uv_stat_t *a, const uv_stat_t *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         a->st_mode == b->st_mode && same_time(&a->st_mtim, &b->st_mtim) &&
         same_time(&a->st_ctim, &b->st_ctim);
}

/* Errors count too: a file that has vanished is on its way to be replaced. */
static void on_looked(uv_fs_t *look) {
  struct watched *watched = LIST_ENTRY(look, struct watched, look);
  struct file_watch *watch = look->data;
  int error = look->result < 0 ? (int)look->result : 0;
  bool same = error == watched->error && (error != 0 || same_status(&look->statbuf, &watched->status));
  bool is_news = watched->seen && !same;
  watched->looking = false;
  watched->seen = true;
  watched->error = error;
  watched->status = look->statbuf;
  uv_fs_req_cleanup(look);
  if (is_news && !uv_is_closing((uv_handle_t *)&watch->settle)) note(watch);
  let_go(watch);
}

/* Not uv_fs_poll_t: when memory is short for a moment it ends the process. A look that can't be begun is
 * made up for by the next one. */
static void on_poll(uv_timer_t *timer) {
  struct file_watch *watch = timer->data;
  for (size_t i = 0; i < FILE_WATCH_FILES_MAX; i++) {
    struct watched *watched = &watch->watched[i];
    if (watched->path == NULL || watched->looking) continue;
    if (uv_fs_stat(timer->loop, &watched->look, watched->path, on_looked) != 0) continue;
    watched->look.data = watch;
    watched->looking = true;
    watch->holders++;
  }
}

/* The folder's path, the caller's to free; NULL without memory. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Events are a convenience: without them (inotify's limits) the polling is enough. */
static int watch_path(struct file_watch *watch, uv_loop_t *loop, struct watched *watched, const char *path) {
  watched->path = strdup(path);
  char *folder = folder_of(path);
  if (watched->path == NULL || folder == NULL) {
    free(folder);
    return WSL_NO_MEMORY;
  }
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
  (void)uv_timer_init(loop, &watch->settle); /* these only fill in a struct */
  (void)uv_timer_init(loop, &watch->poll);
  take_handle(watch, (uv_handle_t *)&watch->settle);
  take_handle(watch, (uv_handle_t *)&watch->poll);
  for (size_t i = 0; i < count; i++) {
    if (paths[i] != NULL && watch_path(watch, loop, &watch->watched[i], paths[i]) != WSL_OK) {
      file_watch_close(watch);
      return NULL;
    }
  }
  on_poll(&watch->poll);
  (void)uv_timer_start(&watch->poll, on_poll, FILE_WATCH_POLL_MS, FILE_WATCH_POLL_MS);
  return watch;
}

static void close_handle(struct file_watch *watch, uv_handle_t *handle) {
  if (handle->data == watch && !uv_is_closing(handle)) uv_close(handle, on_closed);
}

void file_watch_close(struct file_watch *watch) {
  if (watch == NULL) return;
  for (size_t i = 0; i < FILE_WATCH_FILES_MAX; i++)
    close_handle(watch, (uv_handle_t *)&watch->watched[i].events);
  close_handle(watch, (uv_handle_t *)&watch->poll);
  close_handle(watch, (uv_handle_t *)&watch->settle);
}
