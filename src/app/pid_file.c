/* See app/pid_file.h. */
#include "app/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

#define PID_TEXT_MAX 32

static int explain_lock(const struct pid_file *file, int error, char *why, size_t why_cap) {
  char holder[PID_TEXT_MAX] = "";
  if (error != EWOULDBLOCK) {
    snprintf(why, why_cap, "--pid-file \"%s\": can't be locked: %s", file->path, strerror(error));
    return WSL_IO;
  }
  if (pread(file->fd, holder, sizeof holder - 1, 0) < 0) holder[0] = '\0';
  snprintf(why, why_cap, "--pid-file \"%s\": a running process holds it (process id %ld)", file->path,
           strtol(holder, NULL, 10));
  return WSL_IN_USE;
}

int pid_file_take(struct pid_file *file, const char *path, char *why, size_t why_cap) {
  *file = (struct pid_file){.path = path, .fd = -1};
  if (path == NULL) return WSL_OK;
  file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
  if (file->fd < 0) {
    snprintf(why, why_cap, "--pid-file \"%s\": %s", path, strerror(errno));
    file->path = NULL;
    return WSL_IO;
  }
  if (flock(file->fd, LOCK_EX | LOCK_NB) == 0) return WSL_OK;
  int error = explain_lock(file, errno, why, why_cap);
  close(file->fd);
  file->path = NULL;
  return error;
}

int pid_file_write(const struct pid_file *file) {
  if (file->path == NULL) return WSL_OK;
  char text[PID_TEXT_MAX];
  int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  if (ftruncate(file->fd, 0) != 0 || pwrite(file->fd, text, (size_t)len, 0) != len) return WSL_IO;
  return WSL_OK;
}

void pid_file_drop(struct pid_file *file) {
  struct stat held, named;
  if (file->path == NULL) return;
  bool ours = fstat(file->fd, &held) == 0 && stat(file->path, &named) == 0 && held.st_ino == named.st_ino &&
              held.st_dev == named.st_dev;
  if (ours) (void)unlink(file->path);
  close(file->fd);
  file->path = NULL;
}
