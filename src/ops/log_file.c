/* Opening the log file (ops/log_file.h): appending, so that two writers of one file can't overwrite each
 * other, and so that a file that was truncated in place (logrotate's copytruncate) starts at its start.
 */
#include "ops/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "ops/log.h"

/* Its lines name clients: not for everybody. */
#define LOG_FILE_MODE 0640

#define SHOWN_PATH_MAX 256u

/* Non-blocking, so that a FIFO that nobody reads is an error (ENXIO) and not a hang; for files it has no
 * meaning, and the writer copes with it elsewhere. */
int log_file_open_again(const char *path) {
  int fd;
  do {
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, LOG_FILE_MODE);
  } while (fd < 0 && errno == EINTR);
  return fd >= 0 ? fd : -errno;
}

const char *log_file_fault(int system_errno) {
  switch (system_errno) {
    case ENOENT:
      return "there is no such directory";
    case EISDIR:
      return "it is a directory";
    case ENXIO:
      return "nobody reads from it";
    default:
      return strerror(system_errno);
  }
}

/* Prepends the working directory to a relative path. 0 or a positive errno. */
static int make_absolute(const char *path, char out[PATH_MAX]) {
  char directory[PATH_MAX] = "";
  if (path[0] == '\0') return ENOENT;
  if (path[0] != '/' && getcwd(directory, sizeof directory) == NULL) return errno;
  const char *between = path[0] == '/' || strcmp(directory, "/") == 0 ? "" : "/";
  int len = snprintf(out, PATH_MAX, "%s%s%s", directory, between, path);
  return len < 0 || len >= PATH_MAX ? ENAMETOOLONG : 0;
}

int log_file_open(const char *path, struct log_output *output, char *why, size_t why_cap) {
  int fd = -make_absolute(path, output->path);
  if (fd == 0) fd = log_file_open_again(output->path);
  if (fd >= 0) {
    output->fd = fd;
    return WSL_OK;
  }
  char shown[SHOWN_PATH_MAX];
  log_escape(wsl_span_of(path), shown, sizeof shown);
  snprintf(why, why_cap, "can't open the log file \"%s\": %s", shown, log_file_fault(-fd));
  return error_from_errno(-fd);
}
