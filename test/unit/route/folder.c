/* See folder.h. */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

#define PATHS_KEPT      4
#define LINES_MAX       4096
#define DESCRIPTORS_MAX 16

static char folder[64];
static time_t modified_s = 1000000000; /* a second more at each write: never twice the same */

void folder_open(void) {
  strcpy(folder, "/tmp/wsluice-route-XXXXXX");
  assert_non_null(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
  (void)st;
  (void)kind;
  (void)where;
  return remove(path);
}

void folder_close(void) {
  assert_int_equal(nftw(folder, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(const char *name) {
  static char paths[PATHS_KEPT][256];
  static size_t next;
  char *path = paths[next++ % PATHS_KEPT];
  snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
  return path;
}

void folder_write_bytes(const char *name, const void *data, size_t len) {
  int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  for (size_t at = 0; at < len;) {
    ssize_t n = write(fd, (const char *)data + at, len - at);
    assert_true(n > 0);
    at += (size_t)n;
  }
  modified_s++;
  struct timespec times[2] = {{.tv_sec = modified_s}, {.tv_sec = modified_s}};
  assert_int_equal(futimens(fd, times), 0);
  close(fd);
}

void folder_write(const char *name, const char *text) {
  folder_write_bytes(name, text, strlen(text));
}

void folder_replace(const char *name, const char *text) {
  folder_write(".new", text);
  assert_int_equal(rename(folder_path(".new"), folder_path(name)), 0);
}

static struct {
  pthread_mutex_t lock;
  char *lines[LINES_MAX];
  size_t count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  (void)level;
  (void)id;
  pthread_mutex_lock(&kept.lock);
  if (kept.count < LINES_MAX) kept.lines[kept.count++] = strdup(text);
  pthread_mutex_unlock(&kept.lock);
}

void log_keep(void) {
  while (kept.count > 0)
    free(kept.lines[--kept.count]);
  log_set_sink(keep);
}

size_t log_count(const char *piece) {
  size_t count = 0;
  for (size_t i = 0; i < kept.count; i++)
    count += strstr(kept.lines[i], piece) != NULL;
  return count;
}
