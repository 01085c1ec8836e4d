/* Sockets with nothing but POSIX (socket_system.h): for systems that are not Linux. The bridge runs
 * without the answers that are missing here; it then waits out its time limits instead.
 */
#include "net/socket_system.h"

#if !defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "core/error.h"

int socket_create(int family) {
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/* No flag for it everywhere; the process ignores SIGPIPE. */
ssize_t socket_send(int fd, const struct msghdr *message) {
  ssize_t sent;
  do {
    sent = sendmsg(fd, message, 0);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

static void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

void socket_tune_tcp(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1); /* with the system's own times */
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

int socket_unacked(int fd, size_t *bytes) {
  (void)fd;
  (void)bytes;
  return WSL_UNSUPPORTED;
}

int socket_silence(int fd, uint64_t *ms) {
  (void)fd;
  (void)ms;
  return WSL_UNSUPPORTED;
}

#endif
