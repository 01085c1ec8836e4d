/* Beneath a directory by openat2 (Linux 5.6, beneath.h): the kernel itself confines the path, whatever
 * is renamed meanwhile.
 *
 * Called through syscall(): the C library has no wrapper. Seccomp filters of older container engines
 * answer EPERM or ENOSYS to it.
 */
#include "net/beneath.h"

#include <errno.h>

#if defined(__linux__)

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel gives up with EAGAIN when something was renamed while it resolved a ".."; a web root that
 * changes that often is worth a few more tries, not a loop without end. */
#define TRIES 4

static int open_confined(int dir_fd, const char *path, uint64_t flags) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  for (int left = TRIES; left > 0;) {
    long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if (errno != EINTR && errno != EAGAIN) return -errno;
    if (errno == EAGAIN) left--;
  }
  return -EXDEV; /* let the walk say */
}

/* Looked at first through O_PATH, which opens nothing. What is put in its place before the second call
 * is checked again, and O_NONBLOCK keeps even a FIFO from waiting. */
int beneath_open_kernel(int dir_fd, const char *path) {
  if (*path == '\0') path = ".";
  int look = open_confined(dir_fd, path, O_PATH);
  if (look < 0) return look;
  look = beneath_checked(look);
  if (look < 0) return look;
  close(look);
  int fd = open_confined(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return fd < 0 ? fd : beneath_checked(fd);
}

#else

int beneath_open_kernel(int dir_fd, const char *path) {
  (void)dir_fd;
  (void)path;
  return -ENOSYS;
}

#endif
