/* See core/file_signature.h. */
#include "core/file_signature.h"

#include <stddef.h>

struct file_signature file_signature_of_status(const struct stat *status) {
  return (struct file_signature){
      .device = status->st_dev,
      .inode = status->st_ino,
      .size = status->st_size,
      .modified = status->st_mtim,
      .changed = status->st_ctim,
  };
}

struct file_signature file_signature_of(const char *path) {
  struct stat status;
  if (path == NULL || stat(path, &status) != 0) return (struct file_signature){0};
  return file_signature_of_status(&status);
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_signature_same(const struct file_signature *a, const struct file_signature *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size &&
         same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}
