/* See server/unix_listen.h. */
#include "server/unix_listen.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "net/privileged.h"

#define SHOWN_PATH_MAX 256u

static void explain(int error, const char *path, char *why, size_t why_cap) {
  char shown[SHOWN_PATH_MAX];
  log_escape(wsl_span_of(path), shown, sizeof(shown));
  switch (error) {
    case WSL_IN_USE:
      snprintf(why, why_cap, "can't listen on \"%s\": another process listens there (another wsluice?)",
               shown);
      break;
    case WSL_INVALID:
      snprintf(
          why, why_cap,
          "can't listen on \"%s\": a file that is not a socket is there; remove it or choose another path",
          shown);
      break;
    case WSL_NOT_FOUND:
      snprintf(why, why_cap, "can't listen on \"%s\": there is no such directory", shown);
      break;
    default:
      snprintf(why, why_cap, "can't listen on \"%s\": %s", shown, error_text(error));
  }
}

/* Whether somebody answers at that address. A full backlog is an answer too; what we may not ask may be
 * alive. */
static bool is_answered(const struct address *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  int error = connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0 ? 0 : errno;
  close(fd);
  return error != ECONNREFUSED;
}

/* A socket that the last run left behind is in the way and nothing else. */
static int clear_the_way(const char *path, const struct address *address) {
  struct stat status;
  if (lstat(path, &status) != 0) return WSL_OK;
  if (!S_ISSOCK(status.st_mode)) return WSL_INVALID;
  if (is_answered(address)) return WSL_IN_USE;
  return unlink(path) == 0 ? WSL_OK : error_from_errno(errno);
}

int unix_listen_open(struct unix_listen *listen, const char *path, unsigned mode, int backlog,
                     struct address *address, char *why, size_t why_cap) {
  struct stat status;
  int error = address_unix(path, address);
  if (error == WSL_OK) error = clear_the_way(path, address);
  int fd = error == WSL_OK ? privileged_listen_unix(address, mode, backlog) : error;
  if (fd < 0) {
    explain(fd, path, why, why_cap);
    return fd;
  }
  if (lstat(path, &status) == 0) *listen = (struct unix_listen){path, status.st_dev, status.st_ino};
  return fd;
}

void unix_listen_remove(struct unix_listen *listen) {
  struct stat status;
  if (listen->path == NULL) return;
  bool ours =
      lstat(listen->path, &status) == 0 && status.st_dev == listen->device && status.st_ino == listen->inode;
  if (ours) (void)unlink(listen->path);
  listen->path = NULL;
}
