/* See server/files/private_files.h. */
#include "server/files/private_files.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool lies_below(const char *path, const char *folder) {
  char *resolved = realpath(path, NULL);
  size_t len = strlen(folder);
  if (len > 0 && folder[len - 1] == '/') len--; /* the root */
  bool below = resolved != NULL && strncmp(resolved, folder, len) == 0 && resolved[len] == '/';
  free(resolved);
  return below;
}

void private_files_add(struct private_files *files, const char *path, const char *folder) {
  if (path == NULL || !lies_below(path, folder)) return;
  assert(files->count < PRIVATE_FILES_MAX);
  files->paths[files->count++] = path;
}

static bool is_same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The folder that a file lies in. */
static bool stat_folder(int dir_fd, const char *path, struct stat *st) {
  char folder[PATH_MAX] = ".";
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (len >= sizeof folder) return false;
  if (len > 0) {
    memcpy(folder, path, len);
    folder[len] = '\0';
  }
  return fstatat(dir_fd, folder, st, 0) == 0;
}

bool private_files_hold(const struct private_files *files, int dir_fd, const char *path,
                        const struct stat *st) {
  struct stat folder, hidden;
  if (files->count == 0) return false;
  bool has_folder = stat_folder(dir_fd, path, &folder);
  for (size_t i = 0; i < files->count; i++) {
    if (stat(files->paths[i], &hidden) != 0) continue;
    if (is_same(st, &hidden)) return true;
    if (S_ISDIR(hidden.st_mode) && has_folder && is_same(&folder, &hidden)) return true;
  }
  return false;
}
