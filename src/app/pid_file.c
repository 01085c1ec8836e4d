/* See app/pid_file.h. */
#include "app/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"

#define PID_FILE_MODE  0644
#define PID_TEXT_MAX   32
#define SHOWN_PATH_MAX 256

/* No links in a folder that others may write to; no waiting for a FIFO's other end. */
#define OPEN_FLAGS (O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)

struct complaint {
  char *why;
  size_t why_cap;
};

static int complain(struct complaint to, int error, const char *path, const char *what) {
  char shown[SHOWN_PATH_MAX];
  snprintf(to.why, to.why_cap, "--pid-file \"%s\": %s", log_escape(wsl_span_of(path), shown, sizeof shown),
           what);
  return error;
}

static int complain_of_errno(struct complaint to, const char *path) {
  int error = errno;
  return complain(to, error_from_errno(error), path,
                  error == ELOOP ? "it is a symbolic link" : strerror(error));
}

/* ---- what is there ---- */

static bool names_this(const char *path, int fd) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

/* The id in it, 0 for an empty file; -1 when it holds anything else. */
static long read_pid(int fd) {
  char text[PID_TEXT_MAX + 1];
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return -1;
  ssize_t len = pread(fd, text, sizeof text, 0);
  if (len < 0 || len > PID_TEXT_MAX) return -1;
  text[len] = '\0';
  size_t digits = strspn(text, "0123456789");
  return text[digits + strspn(text + digits, " \t\r\n")] == '\0' ? strtol(text, NULL, 10) : -1;
}

static int complain_of_holder(struct complaint to, const char *path, int fd) {
  char what[96];
  long pid = read_pid(fd);
  snprintf(what, sizeof what, "a running wsluice holds it (process id %ld)", pid);
  return complain(to, WSL_IN_USE, path, pid > 0 ? what : "a running process holds it");
}

/* A file by that name, opened and locked: a descriptor, -1 when there is none, or (*error != 0) a complaint.
 */
static int open_locked(const char *path, struct complaint to, int *error) {
  int fd = open(path, OPEN_FLAGS);
  if (fd < 0) {
    if (errno != ENOENT) *error = complain_of_errno(to, path);
    return -1;
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    *error = errno == EWOULDBLOCK ? complain_of_holder(to, path, fd) : complain_of_errno(to, path);
  } else if (read_pid(fd) < 0) {
    *error =
        complain(to, WSL_INVALID, path, "it contains something other than a process id, and was not changed");
  }
  if (*error == 0) return fd;
  close(fd);
  return -1;
}

int pid_file_claim(struct pid_file *file, const char *path, char *why, size_t why_cap) {
  struct complaint to = {why, why_cap};
  *file = (struct pid_file){.path = NULL, .fd = -1};
  if (path == NULL) return WSL_OK;
  int error = WSL_OK;
  do {
    if (file->fd >= 0) close(file->fd); /* its holder removed it between our opening and locking it */
    file->fd = open_locked(path, to, &error);
  } while (file->fd >= 0 && !names_this(path, file->fd));
  if (error == WSL_OK) file->path = path;
  return error;
}

/* ---- our own ---- */

static bool write_pid(int fd) {
  char text[PID_TEXT_MAX];
  int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

/* A new file gets its name when the id is in it, since people wait for the name to appear. */
static int make_new(struct pid_file *file, struct complaint to) {
  char draft[PATH_MAX];
  int len = snprintf(draft, sizeof draft, "%s.%ld", file->path, (long)getpid());
  if (len < 0 || len >= (int)sizeof draft)
    return complain(to, WSL_NOT_FOUND, file->path, "its name is too long");
  (void)unlink(draft); /* of a killed process that had our id */
  file->fd = open(draft, OPEN_FLAGS | O_CREAT | O_EXCL, PID_FILE_MODE);
  if (file->fd < 0) return complain_of_errno(to, file->path);
  if (flock(file->fd, LOCK_EX | LOCK_NB) == 0 && write_pid(file->fd) && rename(draft, file->path) == 0)
    return WSL_OK;
  int error = complain_of_errno(to, file->path);
  (void)unlink(draft);
  close(file->fd);
  file->fd = -1;
  return error;
}

int pid_file_write(struct pid_file *file, char *why, size_t why_cap) {
  struct complaint to = {why, why_cap};
  if (file->path == NULL) return WSL_OK;
  struct stat other;
  if (file->fd < 0 && lstat(file->path, &other) == 0)
    return complain(to, WSL_IN_USE, file->path, "another process has just created it");
  if (file->fd < 0) return make_new(file, to);
  return write_pid(file->fd) ? WSL_OK : complain_of_errno(to, file->path);
}

void pid_file_drop(struct pid_file *file) {
  if (file->path == NULL) return;
  /* Where the folder is not ours to change, an empty file says that nobody runs. */
  if (file->fd >= 0 && names_this(file->path, file->fd) && unlink(file->path) != 0)
    (void)!ftruncate(file->fd, 0);
  if (file->fd >= 0) close(file->fd);
  *file = (struct pid_file){.path = NULL, .fd = -1};
}
