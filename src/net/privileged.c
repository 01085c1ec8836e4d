/* Opens files beneath a directory and binds listening sockets (privileged.h), in this process.
 *
 * The kernel's confinement comes first; where it is not to be had or refuses a link that may well point
 * inside, the walk decides (beneath.h).
 */
#include "net/privileged.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "net/beneath.h"
#include "net/socket_system.h"

/* ENXIO, ENODEV: a socket's or a dead device's node; such things are not there for us. */
static int open_error(int system_errno) {
  switch (system_errno) {
    case EXDEV:
    case ENXIO:
    case ENODEV:
      return WSL_NOT_FOUND;
    default:
      return error_from_errno(system_errno);
  }
}

int privileged_open_beneath(int dir_fd, const char *dir_path, const char *path) {
  int fd = beneath_open_kernel(dir_fd, path);
  if (fd == -ENOSYS || fd == -EPERM || fd == -EXDEV) fd = beneath_open_walk(dir_fd, dir_path, path);
  return fd >= 0 ? fd : open_error(-fd);
}

int privileged_open_named(const char *path) {
  int fd;
  do {
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd >= 0 ? fd : open_error(errno);
}

/* Inside: the directory's own path with a slash behind it. */
static bool lies_beneath(const char *path, const char *dir) {
  size_t len = strlen(dir);
  while (len > 0 && dir[len - 1] == '/')
    len--;
  return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static int check_socket(const char *path) {
  struct stat st;
  if (lstat(path, &st) != 0) return open_error(errno);
  return S_ISSOCK(st.st_mode) ? 0 : WSL_NOT_FOUND;
}

int privileged_find_socket(const char *dir, const char *name, char *path, size_t cap) {
  char joined[PATH_MAX];
  int len = snprintf(joined, sizeof(joined), "%s/%s", dir, name);
  if (len < 0 || (size_t)len >= sizeof(joined)) return WSL_NOT_FOUND;
  char *real_dir = realpath(dir, NULL);
  char *real = real_dir == NULL ? NULL : realpath(joined, NULL);
  int error = real == NULL ? open_error(errno) : 0;
  if (error == 0 && !lies_beneath(real, real_dir)) error = WSL_NOT_FOUND;
  if (error == 0) error = check_socket(real);
  if (error == 0 && strlen(real) >= cap) error = WSL_INVALID;
  if (error == 0) strcpy(path, real);
  free(real);
  free(real_dir);
  return error;
}

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

/* SO_REUSEPORT on the first listener only behind its bind: before it, a second instance of the program
 * could bind the same port beside us and take half of the clients. */
static int bind_and_listen(int fd, const struct address *address, bool dual_stack,
                           enum listen_sharing sharing, int backlog) {
  int family = address->storage.ss_family;
  if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) return -1;
  if (family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack) != 0) return -1;
  if (sharing == LISTEN_OTHER && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) return -1;
  if (bind(fd, (const struct sockaddr *)&address->storage, address->len) != 0) return -1;
  if (sharing == LISTEN_FIRST && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) return -1;
  return listen(fd, backlog);
}

int privileged_listen(const struct address *address, bool dual_stack, enum listen_sharing sharing,
                      const struct socket_tuning *tuning, int backlog) {
  int fd = socket_create(address->storage.ss_family);
  if (fd < 0) return error_from_errno(errno);
  socket_tune_listener(fd, tuning);
  if (bind_and_listen(fd, address, dual_stack, sharing, backlog) == 0) return fd;
  int error = socket_bind_error(errno);
  close(fd);
  return error;
}

/* bind() makes the file with all permissions but those that the umask takes away. */
int privileged_listen_unix(const struct address *address, unsigned mode, int backlog) {
  int fd = socket_create(AF_UNIX);
  if (fd < 0) return error_from_errno(errno);
  mode_t before = umask((mode_t)(~mode & 0777u));
  int failed = bind(fd, (const struct sockaddr *)&address->storage, address->len);
  int error = errno;
  (void)umask(before);
  if (failed == 0) {
    failed = listen(fd, backlog);
    error = errno;
  }
  if (failed == 0) return fd;
  close(fd);
  return error_from_errno(error);
}
